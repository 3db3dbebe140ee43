"""The double's HTTP side: routes, tokens, faults, a journal of what was said."""

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from tests.loopback import Double, for_all
from tests.providers.zoom.double import media, people, scheduler
from tests.providers.zoom.double.pages import Pages
from tests.providers.zoom.double.problems import Json, Problem
from tests.providers.zoom.double.world import DANA, World

TOKEN = "dana-access-token"
ACCOUNT_TOKEN = "account-access-token"
DOWNLOAD_TOKEN = "download-access-token"
CLIENT = ("zoom-client", "zoom-secret")


@dataclass
class Exchange:
    """One request and its answer, for the spec to judge."""

    method: str
    path: str
    query: Json
    body: Any
    status: int
    answer: Any
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Fault:
    """An answer in place of the right one; `lose`: do it, and cut the connection."""

    status: int = 0
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    lose: bool = False
    only: frozenset[str] = frozenset()


class Zoom(Double):
    """Zoom on a random port of loopback; an async context manager."""

    def __init__(self) -> None:
        self.world = World()
        self.pages = Pages()
        self.journal: list[Exchange] = []
        self.faults: list[Fault] = []
        self.denied: list[tuple[str, Problem]] = []
        self.refresh_token = "refresh-1"
        self.strict_downloads = False
        self.busy: set[str] = set()

    def application(self) -> web.Application:
        return for_all(self._handle)

    @property
    def base_url(self) -> str:
        return f"{self.url}/v2"

    # -- what tests do

    def fail(self, status: int, code: int = 0, message: str = "", **more: Any) -> None:
        """Answer the next requests with an error."""
        times, headers = more.pop("times", 1), more.pop("headers", {})
        body = more.pop("body", None)
        if body is None:
            code = code or {401: 124, 404: 3001, 400: 300, 429: 429}.get(status, 0)
            body = {"code": code, "message": message or "Something is wrong."} if code else None
        only = frozenset(more.pop("only", ()))
        self.faults += [Fault(status, body, headers, only=only) for _ in range(times)]

    def lose(self, *methods: str) -> None:
        """Do what the next such request asks, and cut the connection."""
        only = frozenset(methods or ("POST", "PATCH", "PUT", "DELETE"))
        self.faults.append(Fault(lose=True, only=only))

    def deny(self, path: str, status: int, code: int, message: str) -> None:
        """Answer requests whose path matches `path` with an error, from now on."""
        self.denied.append((path, Problem(status, code, message)))

    def asked(self, method: str = "", path: str = "") -> list[Exchange]:
        """What was sent, of this method, to paths that match `path`."""
        return [
            each
            for each in self.journal
            if (not method or each.method == method) and re.search(path, each.path)
        ]

    # -- requests

    def _fault(self, method: str) -> Fault | None:
        for index, fault in enumerate(self.faults):
            if not fault.only or method in fault.only:
                return self.faults.pop(index)
        return None

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        path = request.raw_path.partition("?")[0]
        fault = self._fault(request.method)
        if fault is not None and not fault.lose:
            text = fault.body if isinstance(fault.body, str) else json.dumps(fault.body)
            kind = "text/html" if isinstance(fault.body, str) else "application/json"
            return web.Response(
                status=fault.status,
                text=text if fault.body is not None else "",
                content_type=kind,
                headers=fault.headers,
            )
        headers = {name.lower(): value for name, value in request.headers.items()}
        query = dict(request.url.query)
        status, answer = await self._ask(request.method, path, query, raw, headers)
        if fault is not None:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        if answer is None:
            return web.Response(status=status)
        if isinstance(answer, str):
            return web.Response(status=status, text=answer, content_type="text/vtt")
        text = json.dumps(answer, ensure_ascii=False).replace("{host}", self.url)
        return web.Response(status=status, text=text, content_type="application/json")

    async def _ask(
        self, method: str, path: str, query: Json, raw: bytes, headers: dict[str, str]
    ) -> tuple[int, Any]:
        body: Any = None
        try:
            if raw:
                form = "form" in headers.get("content-type", "")
                body = people.form(raw) if form else json.loads(raw)
            status, answer = await self._one_at_a_time(method, path, query, body, headers)
        except Problem as problem:
            status, answer = problem.status, problem.body
        copied = json.loads(json.dumps(answer)) if answer is not None else None
        self.journal.append(Exchange(method, path, query, body, status, copied, headers))
        return status, answer

    async def _one_at_a_time(
        self, method: str, path: str, query: Json, body: Any, headers: dict[str, str]
    ) -> tuple[int, Any]:
        """Writes of one meeting that overlap are refused."""
        found = re.match(r"/v2/((?:meetings|webinars)/\d+)", path)
        if method == "GET" or found is None:
            return self._route(method, path, query, body, headers)
        if found[1] in self.busy:
            raise Problem(429, 429, "Too many concurrent requests. A request is in progress.")
        self.busy.add(found[1])
        try:
            await asyncio.sleep(0)
            return self._route(method, path, query, body, headers)
        finally:
            self.busy.discard(found[1])

    def _route(
        self, method: str, path: str, query: Json, body: Any, headers: dict[str, str]
    ) -> tuple[int, Any]:
        for route_method, pattern, handler in ROUTES:
            match = pattern.fullmatch(path)
            if match is None or route_method != method:
                continue
            for denied, problem in self.denied:
                if re.search(denied, path):
                    raise problem
            ask = Ask(self, [_plain(each) for each in match.groups()], query, body or {}, headers)
            if not path.startswith(("/oauth/", "/rec/")):
                ask.me = self._who(headers)
            found = handler(ask)
            return found if isinstance(found, tuple) else (200, found)
        raise Problem(404, 404, "This API endpoint is not recognized.")

    @staticmethod
    def _who(headers: dict[str, str]) -> str:
        """The user behind the token; "" for a server-to-server app."""
        found = headers.get("authorization", "")
        if found == f"Bearer {TOKEN}":
            return DANA
        if found == f"Bearer {ACCOUNT_TOKEN}":
            return ""
        raise Problem(401, 124, "Invalid access token.")


@dataclass
class Ask:
    """One request on its way to a handler."""

    zoom: Zoom
    parts: list[str]
    query: Json
    body: Json
    headers: dict[str, str]
    me: str = ""

    @property
    def world(self) -> World:
        return self.zoom.world

    def user(self, name: str) -> str:
        """A user's own id is a stranger's to some endpoints; "me" is nobody to an app."""
        if name == "me" and not self.me:
            raise Problem(400, 300, "This token does not support the me keyword.")
        if name != "me" and name == self.me:
            raise Problem(400, 200, "No permission: use the me keyword.")
        return self.world.find_user(name)


def _plain(segment: str) -> str:
    """A segment of a path, decoded once; a UUID with slashes has to be encoded twice (P78)."""
    once = unquote(segment)
    if "/" in once and (once.startswith("/") or "//" in once):
        raise Problem(404, 3001, "Meeting does not exist.")
    return unquote(once) if "%" in once else once


Handler = Callable[[Ask], Any]


def _listed(kind: str) -> Handler:
    def handle(ask: Ask) -> Any:
        host = ask.user(ask.parts[0])
        objects = ask.world.objects[kind].values()
        found = [ask.world.summary(o) for o in objects if o["host_id"] == host]
        return ask.zoom.pages.cut(f"{kind}s", found, ask.query, f"{host} {kind}s")

    return handle


def _created(kind: str) -> Handler:
    def handle(ask: Ask) -> Any:
        made = ask.world.create(kind, ask.user(ask.parts[0]), ask.body)
        return 201, ask.world.shown(made, {"show_previous_occurrences": "true"})

    return handle


def _got(kind: str) -> Handler:
    return lambda ask: ask.world.shown(ask.world.find(kind, ask.parts[0]), ask.query)


def _patched(kind: str) -> Handler:
    def handle(ask: Ask) -> Any:
        ask.world.update(kind, ask.parts[0], ask.query, ask.body)
        return 204, None

    return handle


def _deleted(kind: str) -> Handler:
    def handle(ask: Ask) -> Any:
        ask.world.delete(kind, ask.parts[0], ask.query)
        return 204, None

    return handle


def _users(ask: Ask) -> Any:
    if ask.me:
        raise Problem(
            400, 4711, "Invalid access token, does not contain scopes:[user:read:list_users:admin]."
        )
    return ask.zoom.pages.cut("users", list(ask.world.users.values()), ask.query, "users")


def _user(ask: Ask) -> Any:
    if ask.parts[0] == "me" and not ask.me:
        raise Problem(400, 300, "This token does not support the me keyword.")
    return ask.world.users[ask.world.find_user(ask.parts[0])]


_TABLE: list[tuple[str, str, Handler]] = [
    ("GET", "/v2/users", _users),
    ("GET", "/v2/users/([^/]+)", _user),
    *people.ROUTES,
    *media.ROUTES,
    *scheduler.ROUTES,
]
for _kind in ("meeting", "webinar"):
    _TABLE += [
        ("GET", f"/v2/users/([^/]+)/{_kind}s", _listed(_kind)),
        ("POST", f"/v2/users/([^/]+)/{_kind}s", _created(_kind)),
        ("GET", f"/v2/{_kind}s/([^/]+)", _got(_kind)),
        ("PATCH", f"/v2/{_kind}s/([^/]+)", _patched(_kind)),
        ("DELETE", f"/v2/{_kind}s/([^/]+)", _deleted(_kind)),
    ]
ROUTES = [(method, re.compile(pattern), handler) for method, pattern, handler in _TABLE]
