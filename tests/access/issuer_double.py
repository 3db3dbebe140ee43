"""An OpenID provider to test against: discovery, keys that rotate, and tokens good and bad.

Held against OpenID Connect Discovery 1.0 (section 3), RFC 7517 and RFC 7519; what goes wrong is
said beforehand.
"""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from joserfc import jwk, jwt

from tests.loopback import served

AUDIENCE = "ucal"


class IssuerDouble:
    """The provider.

    Attributes:
        url: the issuer.
        keys: private keys by kid; the last one signs.
        asked: paths that were asked for.
        status: what it answers with.
        document: what the discovery document says besides.
        body: what is sent in place of the keys.
        hold: while set, nothing is answered.
    """

    def __init__(self) -> None:
        self.url = ""
        self.keys: dict[str, Any] = {}
        self.asked: list[str] = []
        self.status = 200
        self.document: dict[str, Any] = {}
        self.body: bytes | None = None
        self.hold: asyncio.Event | None = None
        self.rotate("first")

    def rotate(self, kid: str, kind: str = "RSA") -> None:
        """A new key, with which it signs from now on; the others go."""
        parameters = {"kid": kid, "use": "sig"}
        made: Any = (
            jwk.RSAKey.generate_key(2048, parameters)
            if kind == "RSA"
            else jwk.ECKey.generate_key("P-256", parameters)
        )
        self.keys = {kid: made}

    def public(self) -> list[dict[str, Any]]:
        """The keys, as they are published."""
        return [key.as_dict(private=False) for key in self.keys.values()]

    def token(
        self,
        *,
        header: dict[str, Any] | None = None,
        key: Any = None,
        algorithms: list[str] | None = None,
        **claims: Any,
    ) -> str:
        """A signed token; None as a claim's value leaves it out."""
        kid, own = list(self.keys.items())[-1]
        now = int(time.time())
        said = {
            "iss": self.url, "aud": AUDIENCE, "sub": "ann", "azp": "app", "iat": now,
            "exp": now + 300, "scope": "calendar.read openid", "groups": ["staff", "admins"],
            **claims,
        }  # fmt: skip
        alg = "RS256" if own.key_type == "RSA" else "ES256"
        head = {"alg": alg, "kid": kid, "typ": "at+jwt", **(header or {})}
        kept = {name: value for name, value in said.items() if value is not None}
        head = {name: value for name, value in head.items() if value is not None}
        return jwt.encode(head, kept, key or own, algorithms=algorithms or [head["alg"]])

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        if self.hold is not None:
            await self.hold.wait()
        if self.status != 200:
            return web.Response(status=self.status)
        if request.path.endswith("/.well-known/openid-configuration"):
            return web.json_response(
                {"issuer": self.url, "jwks_uri": f"{self.url}/keys", **self.document}
            )
        if self.body is not None:
            return web.Response(body=self.body, content_type="application/json")
        return web.json_response({"keys": self.public()})

    @asynccontextmanager
    async def running(self) -> AsyncIterator["IssuerDouble"]:
        """On a port of its own."""
        app = web.Application()
        app.router.add_get("/{tail:.*}", self._answer)
        async with served(app) as url:
            self.url = f"{url}/realm"
            try:
                yield self
            finally:
                if self.hold is not None:
                    self.hold.set()


def forged(header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"") -> str:
    """A token put together by hand."""
    parts = [json.dumps(header).encode(), json.dumps(claims).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
