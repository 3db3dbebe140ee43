"""The keys of one OpenID provider: discovered, fetched, kept, and fetched anew when they rotate.

What the provider says is believed as far as `[[access.issuers]]` goes: the document must be of the
very issuer, and its keys must lie at the issuer's host or at one that the operator named.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec
from joserfc import jwk
from joserfc.errors import JoseError

from providers.core.errors import Kind, ProviderError
from providers.core.http import Http
from server.log import LOG
from server.settings_access import secure
from server.settings_model import Issuer

Key = jwk.RSAKey | jwk.ECKey | jwk.OKPKey
T = TypeVar("T")
# `Http` to a URL that is given up at a loop time.
Way = Callable[[str, float], Http]

_FETCH_SECONDS = 5.0
_MAX_BODY = 256 * 1024
_MAX_KEYS = 64
# 2048 bits in base64url (NIST SP 800-131A).
_LEAST_RSA_DIGITS = 2048 // 6
# Keys are asked for anew beside the calls after so long,
_REFRESH_SECONDS = 300.0
# for a key id that is not known, or after a failure, not more often than so,
_GAP_SECONDS = 10.0
# and believed for so long at most while the issuer cannot be reached.
_KEEP_SECONDS = 24 * 3600.0
_DISCOVERY = "/.well-known/openid-configuration"


class _Discovery(msgspec.Struct, gc=False):
    """OpenID Connect Discovery 1.0, section 3."""

    issuer: str
    jwks_uri: str


class _KeySet(msgspec.Struct, gc=False):
    """RFC 7517, section 5."""

    keys: list[dict[str, Any]]


class IssuerKeys:
    """Public keys of an issuer by their ids. `close` last."""

    def __init__(
        self, issuer: Issuer, way: Way, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`clock`: for ages, for tests."""
        self._issuer = issuer
        self._way = way
        self._clock = clock
        self._keys: Mapping[str, Key] = {}
        self._fetched_at = float("-inf")
        self._tried_at = float("-inf")
        self._task: asyncio.Task[None] | None = None

    async def find(self, key_id: str) -> Key | None:
        """The key called `key_id`; "" for the only one there is. None: the issuer has none such.

        Raises:
            ProviderError: UNAVAILABLE: the issuer's keys cannot be had.
        """
        age = self._clock() - self._fetched_at
        if age > _KEEP_SECONDS:
            await self._fetch()
            if self._clock() - self._fetched_at > _KEEP_SECONDS:
                raise _unavailable()
        elif age > _REFRESH_SECONDS:
            self._begin()
        found = self._named(key_id)
        if found is None and self._may_try():
            await self._fetch()
            found = self._named(key_id)
        return found

    def _named(self, key_id: str) -> Key | None:
        if not key_id and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(key_id)

    def _may_try(self) -> bool:
        return self._task is not None or self._clock() - self._tried_at >= _GAP_SECONDS

    def _begin(self) -> asyncio.Task[None] | None:
        """Fetch the keys, unless that is under way or was tried just now."""
        if self._task is None and self._may_try():
            self._tried_at = self._clock()
            self._task = asyncio.get_running_loop().create_task(self._refresh())
            self._task.add_done_callback(self._done)
        return self._task

    def _done(self, task: asyncio.Task[None]) -> None:
        del task
        self._task = None

    async def _fetch(self) -> None:
        task = self._begin()
        if task is not None:
            # Shared by all who wait: one who gives up must not end it.
            await asyncio.shield(task)

    async def _refresh(self) -> None:
        """Replace the keys; when that fails the old ones stay."""
        try:
            async with asyncio.timeout(_FETCH_SECONDS):
                url = self._issuer.jwks_url or await self._discovered()
                found = _decoded(await self._read(url), _KeySet)
        except (ProviderError, TimeoutError, msgspec.MsgspecError, ValueError) as error:
            LOG.warning("issuer's keys not fetched", extra={"exception": type(error).__name__})
            return
        self._keys = dict(_usable(found.keys[:_MAX_KEYS]))
        self._fetched_at = self._clock()

    async def _discovered(self) -> str:
        body = await self._read(self._issuer.issuer.rstrip("/") + _DISCOVERY)
        found = _decoded(body, _Discovery)
        if found.issuer != self._issuer.issuer:
            raise ValueError("the document is of another issuer")
        if not secure(found.jwks_uri):
            raise ValueError("its keys are at no https URL")
        if urlsplit(found.jwks_uri).scheme == "http" and self._issuer.issuer.startswith("https:"):
            raise ValueError("its keys are in the clear")
        return found.jwks_uri

    async def _read(self, url: str) -> bytes:
        """The document at `url`, if its host is one of those allowed."""
        until = asyncio.get_running_loop().time() + _FETCH_SECONDS
        http = self._way(self._issuer.jwks_url or self._issuer.issuer, until)
        http = replace(http, allowed_hosts=self._issuer.hosts)
        body = bytearray()
        async with http.stream("GET", url, headers={"accept": "application/json"}) as answer:
            async for chunk in answer.chunks():
                body += chunk
                if len(body) > _MAX_BODY:
                    raise ValueError("the document is too large")
        return bytes(body)

    async def close(self) -> None:
        """End a fetch that is under way."""
        task = self._task
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def _decoded(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except RecursionError:
        raise ValueError("the document is nested too deep") from None


def _usable(found: list[dict[str, Any]]) -> list[tuple[str, Key]]:
    """The public keys that may sign, by their ids; those without get "", if there is one only."""
    keys: list[tuple[str, Key]] = []
    for each in found:
        if each.get("use", "sig") != "sig" or each.get("kty") not in {"RSA", "EC", "OKP"}:
            continue
        if each["kty"] == "RSA" and len(str(each.get("n", ""))) < _LEAST_RSA_DIGITS:
            continue
        public = {name: value for name, value in each.items() if name not in _PRIVATE}
        try:
            key = jwk.import_key(public)
            key.get_op_key("verify")
        except (JoseError, ValueError, TypeError, KeyError):
            continue
        if isinstance(key, jwk.RSAKey | jwk.ECKey | jwk.OKPKey):
            keys.append((str(each.get("kid", "")), key))
    return keys


_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


def _unavailable() -> ProviderError:
    return ProviderError(
        Kind.UNAVAILABLE,
        "the keys of the token's issuer cannot be had now",
        reason="ISSUER_UNAVAILABLE",
        retry_after=_GAP_SECONDS,
    )
