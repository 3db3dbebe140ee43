"""The double's HTTP side: routes, credentials, faults, a journal of what was said."""

import base64
import copy
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.loopback import Double, for_all
from tests.providers.acuity.double.handlers import ROUTES
from tests.providers.acuity.double.world import Json, Refusal, World

USER = "30000001"
KEY = "0123456789abcdef0123456789abcdef"
TOKEN = "oauth-double"
PREFIX = "/api/v1"
ERRORS = {400: "bad_request", 401: "unauthorized", 403: "forbidden", 404: "not_found"}

_ROUTES: list[tuple[str, re.Pattern[str], Callable[..., Any]]] = [
    (method, re.compile(PREFIX + pattern.replace("*", r"(\d+)")), handler)
    for method, pattern, handler in ROUTES
]


@dataclass
class Exchange:
    """One request and its answer, for the spec to judge."""

    method: str
    path: str
    query: Json
    body: Any
    status: int
    answer: Any


@dataclass
class Fault:
    """Answers that go wrong: a status, or the answer to the next write is lost."""

    status: int = 0
    retry_after: int | None = None
    body: bytes = b""
    lose: bool = False


class Acuity(Double):
    """Acuity on a random port of loopback; an async context manager."""

    def __init__(self) -> None:
        self.world = World()
        self.faults: list[Fault] = []
        self.journal: list[Exchange] = []
        self.garble_writes = False
        basic = base64.b64encode(f"{USER}:{KEY}".encode()).decode()
        self.credentials = {f"Basic {basic}", f"Bearer {TOKEN}"}

    @property
    def url(self) -> str:
        return self.origin + PREFIX

    def application(self) -> web.Application:
        return for_all(self._handle)

    def fail(self, status: int, *, retry_after: int | None = None, times: int = 1) -> None:
        """Answer the next requests with a status, as Acuity, or its gateway, writes it."""
        if status >= 500:
            body = b"<html>Bad gateway</html>"
        else:
            error = ERRORS.get(status, "too_many_requests" if status == 429 else "bad_request")
            shown = {"status_code": status, "message": "That did not work.", "error": error}
            body = json.dumps(shown).encode()
        self.faults += [Fault(status, retry_after, body)] * times

    def lose(self) -> None:
        """Do the next write, and cut the connection before answering."""
        self.faults.append(Fault(lose=True))

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        path = request.url.raw_path
        fault = self._take(request.method)
        if fault is not None and not fault.lose:
            headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
            return web.Response(status=fault.status, body=fault.body, headers=headers)
        query = dict(request.url.query)
        body = json.loads(raw) if raw else None
        try:
            if request.headers.get("authorization") not in self.credentials:
                raise Refusal(401, "unauthorized", "Invalid user id or API key.")
            answer = self._route(request.method, path, query, body)
            status = 204 if answer is None else 200
        except Refusal as refusal:
            status, answer = refusal.status, refusal.body
        answer = copy.deepcopy(answer)
        shown = path.removeprefix(PREFIX)
        self.journal.append(Exchange(request.method, shown, query, body, status, answer))
        if fault is not None and request.transport is not None:
            request.transport.abort()
        if self.garble_writes and request.method != "GET":
            return web.Response(status=status, body=b"<html>")
        if answer is None:
            return web.Response(status=status)
        return web.json_response(answer, status=status)

    def _take(self, method: str) -> Fault | None:
        if not self.faults or (self.faults[0].lose and method == "GET"):
            return None
        return self.faults.pop(0)

    def _route(self, method: str, path: str, query: Json, body: Any) -> Any:
        for route_method, pattern, handler in _ROUTES:
            match = pattern.fullmatch(path)
            if match is not None and route_method == method:
                return handler(self.world, match.groups(), query, body)
        raise Refusal(404, "not_found", f'No route found for "{method} {path}"')
