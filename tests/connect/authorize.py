"""A vendor's authorize page, as RFC 6749 section 4.1 has it: a person signs in and says yes or no.

Strict where vendors are: the client and its redirect must be registered, exactly; a code challenge
is S256. The page sends the person to another host for the sign-in first, as several vendors do.
"""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import escape
from urllib.parse import urlencode

from aiohttp import web
from yarl import URL

from tests.loopback import served
from tests.server.vendor import VendorServer

_PAGE = """\
<!doctype html><html lang="en"><title>Sign in - Vendor</title><meta charset="utf-8">
<h1>Vendor asks</h1><p>Scopes: <span id="scopes">{scopes}</span></p>
<form method="post"><button name="say" value="yes">Allow</button>
<button name="say" value="no">Deny</button></form>"""


class AuthorizePage:
    """The vendor's page.

    Attributes:
        asked: queries that it was opened with.
        redirects: registered ones; empty: any.
        error: what a no says.
        issuers: `iss` of its answers (RFC 9207), one or, as a forger has it, several.
        url: of the page.
    """

    def __init__(self, vendor: VendorServer) -> None:
        self._vendor = vendor
        self._waiting: dict[str, dict[str, str]] = {}
        self.asked: list[dict[str, str]] = []
        self.redirects: set[str] = set()
        self.error = "access_denied"
        self.issuers: tuple[str, ...] = ()
        self.url = ""
        self._port = 0

    async def _authorize(self, request: web.Request) -> web.Response:
        query = dict(request.query)
        self.asked.append(query)
        if query.get("client_id") != "client" or query.get("response_type") != "code":
            return web.Response(status=400, text="unknown client")
        if self.redirects and query["redirect_uri"] not in self.redirects:
            return web.Response(status=400, text="redirect_uri_mismatch")
        if query.get("code_challenge_method") != "S256" or not query.get("code_challenge"):
            return web.Response(status=400, text="code challenge needed")
        ticket = secrets.token_urlsafe(8)
        self._waiting[ticket] = query
        return web.Response(
            status=302, headers={"location": f"http://localhost:{self._port}/login/{ticket}"}
        )

    async def _login(self, request: web.Request) -> web.Response:
        scopes = self._waiting[request.match_info["ticket"]].get("scope", "")
        return web.Response(text=_PAGE.format(scopes=escape(scopes)), content_type="text/html")

    async def _said(self, request: web.Request) -> web.Response:
        query = self._waiting.pop(request.match_info["ticket"])
        form = await request.post()
        answer: dict[str, str | tuple[str, ...]] = {"state": query["state"], "iss": self.issuers}
        if form["say"] == "yes":
            code = secrets.token_urlsafe(8)
            self._vendor.codes[code] = (query["redirect_uri"], query["code_challenge"])
            answer["code"] = code
        else:
            answer["error"] = self.error
            answer["error_description"] = "<b>vendor-canary</b>"
        back = URL(f"{query['redirect_uri']}?{urlencode(answer, doseq=True)}", encoded=True)
        return web.Response(status=302, headers={"location": str(back)})

    @asynccontextmanager
    async def running(self) -> AsyncIterator["AuthorizePage"]:
        """On a port of its own."""
        app = web.Application()
        app.router.add_get("/authorize", self._authorize)
        app.router.add_get("/login/{ticket}", self._login)
        app.router.add_post("/login/{ticket}", self._said)
        async with served(app) as url:
            self._port = URL(url).port
            self.url = f"{url}/authorize"
            yield self
