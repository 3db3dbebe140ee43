"""The gate: from what a call presents to who calls.

Of several modes each lets in. What was presented has to be good: a bad key, token or certificate is
refused, and nothing else is tried in its place. With a good certificate and a good bearer token the
bearer is the caller, for it is the nearer one: certificates are shared by whole machines.
"""

import hashlib
import time
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from server.access.caller import Caller, expired, invalid, missing
from server.access.certificates import Certificates
from server.access.forwarded import HEADER
from server.access.key_check import KeyCheck
from server.access.key_format import PREFIX
from server.access.oidc import Tokens
from server.connections.bounded import Bounded

_CALLERS = 10_000
_SECONDS = 1.0
_SCHEME = "bearer "


class Call(Protocol):
    """What the gate asks of a gRPC context."""

    def invocation_metadata(self) -> Any:
        """Pairs of names and values."""

    def auth_context(self) -> Any:
        """What TLS knows of the other side."""


class Gate:
    """Finds out who calls. `close` last."""

    def __init__(
        self,
        *,
        keys: KeyCheck | None,
        tokens: Tokens | None,
        certificates: Certificates | None,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """A mode that is None is not on. `now`, `clock`: for tests."""
        self._keys = keys
        self._tokens = tokens
        self._certificates = certificates
        self._now = now
        # By the digest of what was presented; verified anew every second.
        self._known: Bounded[bytes, Caller] = Bounded(_CALLERS, seconds=_SECONDS, now=clock)
        modes = {"an API key": keys, "an OIDC token": tokens}
        bearers = " or ".join(name for name, mode in modes.items() if mode is not None)
        how = [f"{bearers} in `authorization: Bearer`"] if bearers else []
        how += ["a client certificate"] if certificates is not None else []
        self._wanted = ", or ".join(how)

    async def caller(self, call: Call) -> Caller:
        """Who calls.

        Raises:
            ProviderError: UNAUTHENTICATED with the reason; UNAVAILABLE when the store or the
                issuer that would tell cannot be reached.
        """
        metadata = call.invocation_metadata() or ()
        by_certificate = self._of_certificate(call, metadata)
        text = _bearer(metadata)
        if text is not None:
            return await self._of_bearer(text)
        if by_certificate is None:
            raise missing(self._wanted)
        return by_certificate

    async def _of_bearer(self, text: str) -> Caller:
        key = hashlib.sha256(text.encode()).digest()
        known = self._known.get(key)
        if known is not None and known.until > self._now():
            return known
        if text.startswith(PREFIX):
            if self._keys is None:
                raise invalid("API keys are not taken here")
            found = await self._keys.caller(text)
        else:
            if self._tokens is None:
                raise invalid("the bearer token is no API key of this service")
            found = await self._tokens.caller(text)
        self._known.put(key, found)
        return found

    def _of_certificate(
        self, call: Call, metadata: Iterable[tuple[str, str | bytes]]
    ) -> Caller | None:
        if self._certificates is None:
            return None
        shown = call.auth_context().get("x509_pem_cert")
        if not shown:
            return None
        pem = bytes(next(iter(shown)))
        told: list[str] = []
        if self._certificates.hears_proxies:
            told = [str(value) for name, value in metadata if name == HEADER]
        key = hashlib.sha256("\0".join(["", *told]).encode() + pem).digest()
        known = self._known.get(key)
        if known is not None and known.until > self._now():
            return known
        found = self._certificates.caller(pem, self._now(), told)
        if found is not None:
            self._known.put(key, found)
        return found

    async def refuse_ended(self, caller: Caller) -> None:
        """Raise if `caller`, who was let in, would not be let in any more.

        Raises:
            ProviderError: UNAUTHENTICATED with the reason; UNAVAILABLE when the store is.
        """
        if caller.until <= self._now():
            raise expired("what the caller presented")
        if caller.key_id and self._keys is not None:
            await self._keys.refuse_ended(caller.key_id)

    async def close(self) -> None:
        """End what is under way."""
        if self._keys is not None:
            await self._keys.close()
        if self._tokens is not None:
            await self._tokens.close()


def _bearer(metadata: Iterable[tuple[str, str | bytes]]) -> str | None:
    """What stands behind "Bearer" in `authorization`; None: the call has no such metadata.

    Raises:
        ProviderError: UNAUTHENTICATED: it is there twice, or of another scheme.
    """
    found = [value for name, value in metadata if name == "authorization"]
    if not found:
        return None
    value = found[0]
    if len(found) > 1 or not isinstance(value, str) or value[:7].lower() != _SCHEME:
        raise invalid("`authorization` must be one Bearer token (RFC 6750)")
    return value[7:].strip()
