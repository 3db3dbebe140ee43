"""What tells a browser from another: a random cookie, of which forms and states hold a digest."""

import hashlib
import re
import secrets
from dataclasses import dataclass

from aiohttp import web

_NAME = "ucal-connect"
_VALUE = re.compile(r"[A-Za-z0-9_-]{32}")
_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser.

    Attributes:
        digest: to bind things to it.
    """

    digest: str
    _value: str
    _secure: bool

    @classmethod
    def of(cls, request: web.Request, *, secure: bool) -> "Browser":
        """The browser that sent `request`. `secure`: it came by https."""
        known = request.cookies.get(_name(secure), "")
        value = known if _VALUE.fullmatch(known) else secrets.token_urlsafe(24)
        digest = hashlib.sha256(f"browser\0{value}".encode()).hexdigest()[:32]
        return cls(digest, value, secure)

    def mark(self, response: web.Response) -> None:
        """Let it be known again, by top-level requests and our own forms only (Lax)."""
        response.set_cookie(
            _name(self._secure),
            self._value,
            max_age=_SECONDS,
            path="/",
            httponly=True,
            secure=self._secure,
            samesite="Lax",
        )


def _name(secure: bool) -> str:
    # With this prefix no other host of the domain can set it (RFC 6265bis section 4.1.3).
    return f"__Host-{_NAME}" if secure else _NAME
