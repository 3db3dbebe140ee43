"""A signed-in client of a Vault or OpenBao: hvac, in threads of its own.

hvac speaks to every release of both and signs in by many methods; that it blocks costs a thread,
and a vault is asked seldom. Nothing of what a vault answers enters an error.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from providers.core.errors import Kind, ProviderError
from server.settings_model import SettingsError, Vault

T = TypeVar("T")
_THREADS = 4
_MAX_FILE = 64 * 1024
# A token is renewed when half of its life is over, and looked at again so often at least.
_LOOK_SECONDS = 300.0


class VaultClient:
    """Asks a vault; signs in, and keeps the token alive."""

    def __init__(self, settings: Vault) -> None:
        """Nothing is asked yet.

        Raises:
            SettingsError: hvac is not installed.
        """
        try:
            import hvac  # noqa: PLC0415
            import requests  # noqa: PLC0415
        except ImportError:
            raise SettingsError("vault.address", "needs hvac: pip install ucal[vault]") from None
        self._settings = settings
        self._errors: Any = hvac.exceptions
        # The last three: an answer that is none of a vault's.
        self._failures: tuple[type[Exception], ...] = (
            hvac.exceptions.VaultError,
            requests.RequestException,
            OSError,
            AttributeError,
            KeyError,
            TypeError,
        )
        session = requests.Session()
        # No proxy and no .netrc of the machine's between us and the vault.
        session.trust_env = False
        self._client: Any = hvac.Client(
            url=settings.address,
            token="",
            namespace=settings.namespace or None,
            verify=settings.ca or True,
            timeout=settings.timeout,
            allow_redirects=False,
            session=session,
        )
        session.verify = settings.ca or True
        self._signing = threading.Lock()
        self._token_text = ""
        self._look_at = 0.0
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="vault")

    async def ask(self, work: Callable[[Any], T]) -> T | None:
        """What `work` answers, called with an hvac client in a thread; None: there is no such path.

        Raises:
            ProviderError: UNAVAILABLE with VAULT_SEALED, VAULT_UNREACHABLE, or, when the vault does
                not take the service's own sign-in any more, VAULT_TOKEN_REFUSED; PRECONDITION,
                SECRET_DENIED: it takes it, and does not allow this.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._ask, work)

    async def tend(self) -> None:
        """Renew the token if it is time; to be called every few seconds.

        Raises:
            ProviderError: as `ask`.
        """
        await self.ask(_nothing)

    def _ask(self, work: Callable[[Any], T]) -> T | None:
        try:
            self._present()
            try:
                return work(self._client)
            except self._errors.Forbidden:
                if self._taken():
                    raise _denied() from None
                # The token is over; or a new one lies in its file.
                self._sign_in()
                return work(self._client)
        except self._errors.InvalidPath:
            return None
        except self._failures as error:
            raise self._told(error) from None

    # -- signing in

    def _present(self) -> None:
        """Have a token that lives for a while yet."""
        with self._signing:
            if not self._client.token:
                self._signed_in()
            elif time.monotonic() >= self._look_at:
                self._renew()

    def _sign_in(self) -> None:
        with self._signing:
            self._signed_in()

    def _signed_in(self) -> None:
        try:
            token, life = self._token()
        except (self._errors.Forbidden, self._errors.InvalidRequest, self._errors.Unauthorized):
            self._client.token = ""
            raise _unavailable(
                "VAULT_TOKEN_REFUSED", "does not take the service's token or sign-in any more"
            ) from None
        self._client.token = token
        self._aged(life)

    def _token(self) -> tuple[str, float]:
        """A token, and the seconds that it lives; 0: for ever."""
        settings, auth = self._settings, self._client.auth
        if settings.auth == "token":
            self._client.token = settings.token or _read(settings.token_file)
            return self._client.token, auth.token.lookup_self()["data"].get("ttl", 0)
        mount = {"mount_point": settings.auth_mount} if settings.auth_mount else {}
        if settings.auth == "approle":
            secret = settings.secret_id or _read(settings.secret_id_file)
            answer = auth.approle.login(settings.role, secret, use_token=False, **mount)
        else:
            jwt = _read(settings.jwt_file)
            answer = auth.kubernetes.login(settings.role, jwt, use_token=False, **mount)
        return answer["auth"]["client_token"], answer["auth"].get("lease_duration", 0)

    def _renew(self) -> None:
        try:
            self._aged(self._client.auth.token.renew_self()["auth"].get("lease_duration", 0))
        except (self._errors.Forbidden, self._errors.InvalidRequest):
            # It cannot be renewed (a root token), or is over: a new sign-in tells.
            self._signed_in()

    def _aged(self, seconds: float) -> None:
        life = seconds / 2 if seconds else _LOOK_SECONDS
        self._look_at = time.monotonic() + min(_LOOK_SECONDS, life)

    def _taken(self) -> bool:
        """Whether the vault takes the token, so that what it denied was what was asked for."""
        try:
            self._client.auth.token.lookup_self()
        except (self._errors.Forbidden, self._errors.Unauthorized):
            return False
        return True

    # -- what went wrong

    def _told(self, error: Exception) -> ProviderError:
        if isinstance(error, self._errors.VaultDown):
            return _unavailable("VAULT_SEALED", "is sealed")
        if isinstance(error, self._errors.Forbidden):
            return _denied()
        return _unavailable("VAULT_UNREACHABLE", "does not answer")

    def close(self) -> None:
        """Ask nothing any more."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._client.adapter.close()


def _nothing(client: object) -> None:
    """Ask nothing."""


def _read(path: str) -> str:
    with Path(path).expanduser().open(encoding="utf-8") as file:
        return file.read(_MAX_FILE).strip()


def _denied() -> ProviderError:
    return ProviderError(
        Kind.PRECONDITION,
        "the operator's vault does not allow the service to use what is referred to",
        reason="SECRET_DENIED",
    )


def _unavailable(reason: str, what: str) -> ProviderError:
    return ProviderError(
        Kind.UNAVAILABLE, f"the operator's vault {what}", reason=reason, retry_after=5.0
    )
