"""The double's HTTP side: routes, the token, faults, a journal of what was said."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.loopback import Double, for_all
from tests.providers.calendly.double import reads, writes
from tests.providers.calendly.double.world import API, Json, Refusal, World

TOKEN = "pat-double"
Handler = Callable[[World, tuple[str, ...], Json, Any], tuple[int, Json | None]]

ROUTES: list[tuple[str, re.Pattern[str], Handler]] = [
    (method, re.compile(pattern.replace("*", r"([A-Za-z0-9_%.~-]+)")), handler)
    for method, pattern, handler in (*reads.ROUTES, *writes.ROUTES)
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
    reset: int | None = None
    body: bytes = b"{}"
    lose: bool = False


class Calendly(Double):
    """Calendly on a random port of loopback; an async context manager."""

    def __init__(self) -> None:
        self.world = World()
        self.faults: list[Fault] = []
        self.journal: list[Exchange] = []
        self.armed = False
        self.garble_writes = False

    def application(self) -> web.Application:
        return for_all(self._handle)

    def fail(self, status: int, *, reset: int | None = None, times: int = 1) -> None:
        """Answer the next requests with a status, as Calendly writes it."""
        titles = {400: "Invalid Argument", 401: "Unauthenticated", 403: "Permission Denied"}
        title = titles.get(status, "Error")
        body = json.dumps({"title": title, "message": "That did not work."}).encode()
        self.faults += [Fault(status, reset, body if status != 429 else b"{}")] * times

    def fail_reads_after_write(self) -> None:
        """From the next write on, reads fail."""
        self.armed = True

    def lose(self) -> None:
        """Do the next write, and cut the connection before answering."""
        self.faults.append(Fault(lose=True))

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        fault = self._take(request.method)
        headers = {"X-RateLimit-Limit": "500", "X-RateLimit-Remaining": "499"}
        headers["X-RateLimit-Reset"] = "60"
        if fault is not None and not fault.lose:
            if fault.reset is not None:
                headers["X-RateLimit-Reset"] = str(fault.reset)
            return web.Response(status=fault.status, body=fault.body, headers=headers)
        query = dict(request.url.query)
        body = json.loads(raw) if raw else None
        path = request.url.raw_path
        if request.method == "GET" and isinstance(body, dict):
            # Parameters are taken from bodies too: pycalendly depends on it.
            query, body = {**{name: str(body[name]) for name in body}, **query}, None
        try:
            if request.headers.get("authorization") != f"Bearer {TOKEN}":
                raise Refusal(401, "Unauthenticated", "The access token is invalid")
            status, answer = self._route(request.method, path, query, body)
        except Refusal as refusal:
            status, answer = refusal.status, refusal.body
        if self.armed and request.method != "GET":
            self.fail(500, times=50)
        self.journal.append(Exchange(request.method, path, query, body, status, answer))
        if fault is not None and request.transport is not None:
            request.transport.abort()
        if self.garble_writes and request.method != "GET":
            return web.Response(status=status, body=b"<html>", headers=headers)
        if answer is None:
            return web.Response(status=status, headers=headers)
        return web.json_response(answer, status=status, headers=headers)

    def _take(self, method: str) -> Fault | None:
        if not self.faults or (self.faults[0].lose and method == "GET"):
            return None
        return self.faults.pop(0)

    def _route(self, method: str, path: str, query: Json, body: Any) -> tuple[int, Json | None]:
        for route_method, pattern, handler in ROUTES:
            match = pattern.fullmatch(path)
            if match is not None and route_method == method:
                return handler(self.world, match.groups(), query, body)
        raise Refusal(404, "Resource Not Found", "The server could not find the resource")


__all__ = ["API", "TOKEN", "Calendly", "Exchange"]
