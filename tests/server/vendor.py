"""A vendor with OAuth, to test connections against: a small server and the provider that speaks it.

Tokens are single use where the vendor rotates, as RFC 6749 section 10.4 has it; what a test wants
to go wrong it says beforehand.
"""

import asyncio
import base64
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import msgspec
from aiohttp import web

from providers.core import operations as ops
from providers.core.auth import OAuthConfig
from providers.core.call import Account, Call
from providers.core.oauth import challenge
from providers.core.provider import Provider
from tests.loopback import served
from ucal.v1 import calendar_pb2, provider_pb2

ROW = "tests.server.vendor:Vendor"
SELF_HOSTED_ROW = "tests.server.vendor:SelfHosted"
PLAIN_ROW = "tests.server.vendor:Plain"


class _Me(msgspec.Struct):
    name: str
    email: str


class Vendor(Provider):
    """Has an API root of its own."""

    name = "vendor"
    display_name = "Vendor"
    base_url = "https://api.vendor.example"
    auth_kinds: ClassVar[tuple[provider_pb2.AuthKind.ValueType, ...]] = (
        provider_pb2.AUTH_KIND_OAUTH,
        provider_pb2.AUTH_KIND_BASIC,
        provider_pb2.AUTH_KIND_API_KEY,
        provider_pb2.AUTH_KIND_SERVICE_ACCOUNT,
    )
    oauth: ClassVar[OAuthConfig | None] = OAuthConfig(
        authorize_url="https://vendor.example/authorize",
        token_url="https://vendor.example/{tenant}/token",
        scopes=("read", "write"),
        tenant="common",
        rotates=True,
    )
    features: ClassVar = {ops.LIST_CALENDARS: provider_pb2.Capability(max_page_size=10)}

    async def test_connection(self, call: Call) -> Account:
        reply = await call.http.send("GET", "/me")
        me = msgspec.json.decode(reply.content, type=_Me)
        return Account(me.name, me.email)

    async def list_calendars(
        self, call: Call, request: calendar_pb2.ListCalendarsRequest
    ) -> calendar_pb2.ListCalendarsResponse:
        await call.http.send("GET", "/calendars")
        return calendar_pb2.ListCalendarsResponse()


class SelfHosted(Vendor):
    """Connections name its root."""

    name = "selfhosted"
    display_name = "Self Hosted"
    base_url = ""
    auth_kinds = (provider_pb2.AUTH_KIND_BASIC,)
    oauth = None


class Plain(Provider):
    """Needs no account."""

    name = "plain"
    display_name = "Plain"
    auth_kinds = (provider_pb2.AUTH_KIND_NONE,)

    async def list_calendars(
        self, call: Call, request: calendar_pb2.ListCalendarsRequest
    ) -> calendar_pb2.ListCalendarsResponse:
        return calendar_pb2.ListCalendarsResponse()


class VendorServer:
    """The vendor's side.

    Attributes:
        access: access tokens that are taken.
        refresh: refresh tokens that are taken.
        asked: forms that reached the token endpoint, with "authorization" if it was sent.
        calls: requests of the API by authorization header.
        rotates: a refresh kills the refresh token.
        grace: the old refresh token is taken for a while yet.
        hold: when set, the token endpoint answers once it is set free.
        lose: so many answers of the token endpoint get lost, after the work is done.
        answer: what the token endpoint answers instead: status and JSON.
        life: expires_in.
        codes: authorization codes that were handed out: redirect URI and PKCE challenge of each.
    """

    def __init__(self) -> None:
        self.access: set[str] = set()
        self.refresh: set[str] = set()
        self.codes: dict[str, tuple[str, str]] = {}
        self.asked: list[dict[str, str]] = []
        self.revoked: list[str] = []
        self.calls: Counter[str] = Counter()
        self.rotates = True
        self.grace = False
        self.hold: asyncio.Event | None = None
        self.reached = asyncio.Event()
        self.lose = 0
        self.answer: tuple[int, Any] | None = None
        self.life: Any = 3600
        self.url = ""

    async def _token(self, request: web.Request) -> web.StreamResponse:
        form = {name: str(value) for name, value in (await request.post()).items()}
        if "authorization" in request.headers:
            form["authorization"] = request.headers["authorization"]
        form["path"] = request.path
        self.asked.append(form)
        self.reached.set()
        if self.hold is not None:
            await self.hold.wait()
        if self.answer is not None:
            status, body = self.answer
            return web.json_response(body, status=status)
        reply = self._granted(form)
        if self.lose:
            self.lose -= 1
            assert request.transport is not None
            request.transport.close()
        return reply

    def _granted(self, form: dict[str, str]) -> web.Response:
        number = len(self.asked)
        grown: dict[str, Any] = {
            "access_token": f"access-{number}",
            "token_type": "bearer",
            "expires_in": self.life,
            "scope": "read write",
        }
        if form["grant_type"] == "authorization_code":
            known = self.codes.pop(form["code"], None)
            if known is None or known != (form["redirect_uri"], challenge(form["code_verifier"])):
                return web.json_response({"error": "invalid_grant"}, status=400)
            grown["refresh_token"] = f"refresh-{number}"
            self.refresh.add(f"refresh-{number}")
        if form["grant_type"] == "refresh_token":
            if form["refresh_token"] not in self.refresh:
                return web.json_response({"error": "invalid_grant"}, status=400)
            if self.rotates:
                if not self.grace:
                    self.refresh.discard(form["refresh_token"])
                grown["refresh_token"] = f"refresh-{number}"
                self.refresh.add(f"refresh-{number}")
        self.access.add(grown["access_token"])
        return web.json_response(grown)

    async def _revoke(self, request: web.Request) -> web.Response:
        form = await request.post()
        self.revoked.append(str(form["token"]))
        return web.Response()

    async def _api(self, request: web.Request) -> web.Response:
        header = request.headers.get("authorization", "")
        self.calls[header] += 1
        scheme, _, value = header.partition(" ")
        if scheme == "Basic":
            known = base64.b64decode(value).decode() == "ann:secret"
        else:
            known = value in self.access
        if not known:
            return web.json_response({"error": "who?"}, status=401)
        return web.json_response({"name": "Ann", "email": "ann@example.com"})

    @asynccontextmanager
    async def running(self) -> AsyncIterator["VendorServer"]:
        """On a port of its own."""
        app = web.Application()
        app.router.add_post("/oauth/{tenant}/token", self._token)
        app.router.add_post("/oauth/revoke", self._revoke)
        app.router.add_get("/{tail:.*}", self._api)
        async with served(app) as url:
            self.url = url
            try:
                yield self
            finally:
                if self.hold is not None:
                    self.hold.set()

    def settings(self) -> dict[str, Any]:
        """`[providers]` of a server that speaks to it."""
        return {
            "vendor": {
                "base_url": self.url,
                "token_url": f"{self.url}/oauth/{{tenant}}/token",
                "revoke_url": f"{self.url}/oauth/revoke",
                "client_id": "client",
                "client_secret": "client-secret",
            }
        }
