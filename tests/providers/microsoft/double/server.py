"""The double's HTTP side: tokens, faults, paging, batches, a journal of what was said."""

import asyncio
import json
import re
import uuid
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from aiohttp import web

from tests.loopback import Double, for_all
from tests.providers.microsoft.double import routes
from tests.providers.microsoft.double.bookings import Bookings
from tests.providers.microsoft.double.delta import Deltas
from tests.providers.microsoft.double.problems import Problem
from tests.providers.microsoft.double.routes import Answer, Asked
from tests.providers.microsoft.double.subscriptions import Subscriptions
from tests.providers.microsoft.double.teams import Teams
from tests.providers.microsoft.double.tokens import Tokens
from tests.providers.microsoft.double.world import Json, World


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
    """What the next requests are answered with."""

    status: int
    times: int
    headers: dict[str, str]
    body: bytes | None


class Graph(Double):
    """Graph on a random port of loopback; an async context manager."""

    def __init__(self) -> None:
        self.world = World()
        self.tokens = Tokens()
        self.deltas = Deltas()
        self.teams = Teams(self.world)
        self.bookings = Bookings()
        self.subscriptions = Subscriptions(self)
        self.skips: dict[str, Json] = {}
        self.faults: list[Fault] = []
        self.losing = 0
        self.journal: list[Exchange] = []
        self.at_once = 0
        self.most_at_once = 0
        self.delay = 0.0

    def application(self) -> web.Application:
        return for_all(self._handle)

    async def __aexit__(self, *exc: object) -> None:
        await self.subscriptions.close()
        await super().__aexit__(*exc)

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1.0"

    @property
    def token_url(self) -> str:
        return f"{self.url}/{{tenant}}/oauth2/v2.0/token"

    # -- what tests ask of it

    def fail(
        self,
        status: int,
        *,
        times: int = 1,
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
    ) -> None:
        self.faults.append(Fault(status, times, headers or {}, body))

    def expire(self) -> None:
        self.deltas.expire()

    def asked(self, method: str = "", ending: str = "") -> list[Exchange]:
        """What was sent, of this method, to paths that end so."""
        return [
            each
            for each in self.journal
            if (not method or each.method == method) and each.path.endswith(ending)
        ]

    # -- answering

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        path = request.raw_path.partition("?")[0]
        if path.endswith("/oauth2/v2.0/token"):
            status, data = self.tokens.answer(dict(parse_qsl(raw.decode())))
            return web.json_response(data, status=status)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if self.delay:
                await asyncio.sleep(self.delay)
            return await self._answer(request, path, raw)
        finally:
            self.at_once -= 1

    async def _answer(self, request: web.Request, path: str, raw: bytes) -> web.StreamResponse:
        body = json.loads(raw) if raw and "json" in request.headers.get("Content-Type", "") else raw
        query = dict(parse_qsl(request.rel_url.raw_query_string, keep_blank_values=True))
        headers = {name.lower(): value for name, value in request.headers.items()}
        fault = self._fault()
        if fault is not None:
            answer = _of_fault(fault)
        else:
            answer = await self._dispatch(request.method, path, query, body or None, headers)
        if self.losing and request.method in ("POST", "PATCH", "DELETE"):
            self.losing -= 1
            assert request.transport is not None
            request.transport.close()
        short = path.removeprefix("/v1.0")
        self.journal.append(
            Exchange(
                request.method, short, query, body or None, answer.status, answer.data, headers
            )
        )
        content = answer.data
        if not isinstance(content, bytes):
            content = b"" if content is None else json.dumps(content).encode()
        kind = answer.headers.pop("Content-Type", "application/json")
        return web.Response(
            status=answer.status,
            body=content,
            headers={"request-id": str(uuid.uuid4()), **answer.headers},
            content_type=kind,
        )

    def _fault(self) -> Fault | None:
        while self.faults:
            fault = self.faults[0]
            fault.times -= 1
            if fault.times <= 0:
                self.faults.pop(0)
            return fault
        return None

    async def _dispatch(
        self, method: str, path: str, query: Json, body: Any, headers: dict[str, str]
    ) -> Answer:
        try:
            self.authorize(path, headers)
            if path == "/v1.0/$batch":
                return Answer(200, {"responses": await self._batch(body, headers)})
            return await self._route(method, path, query, body, headers)
        except Problem as problem:
            return Answer(problem.status, problem.body(), dict(problem.headers))

    def authorize(self, path: str, headers: dict[str, str]) -> None:
        """Whether the token may ask for `path`.

        Raises:
            Problem: it may not.
        """
        token = headers.get("authorization", "").removeprefix("Bearer ")
        if token in self.tokens.people:
            return
        if token not in self.tokens.applications:
            raise Problem(401, "InvalidAuthenticationToken", "Access token is empty or expired.")
        if path.startswith("/v1.0/me"):
            raise Problem(
                400,
                "BadRequest",
                "/me request is only valid with delegated authentication flow.",
            )

    async def _batch(self, body: Any, headers: dict[str, str]) -> list[Json]:
        requests = body.get("requests", [])
        if not 1 <= len(requests) <= 20:
            raise Problem(400, "BadRequest", "1 to 20 requests")
        found = []
        for one in requests:
            parts = urlsplit("/v1.0" + one["url"])
            inner = {n.lower(): v for n, v in one.get("headers", {}).items()}
            inner["authorization"] = headers["authorization"]
            query = dict(parse_qsl(parts.query, keep_blank_values=True))
            answer = await self._dispatch(one["method"], parts.path, query, one.get("body"), inner)
            self.journal.append(
                Exchange(
                    one["method"],
                    parts.path.removeprefix("/v1.0"),
                    query,
                    one.get("body"),
                    answer.status,
                    answer.data,
                    inner,
                )
            )
            found.append({"id": one["id"], "status": answer.status, "headers": answer.headers,
                          "body": answer.data})  # fmt: skip
        return list(reversed(found))

    async def _route(
        self, method: str, path: str, query: Json, body: Any, headers: dict[str, str]
    ) -> Answer:
        segments = [unquote(each) for each in path.removeprefix("/v1.0/").split("/")]
        asked = Asked(self, method, segments, query, body, headers)
        found = routes.answer(asked)
        if asyncio.iscoroutine(found):
            found = await found
        assert isinstance(found, Answer)
        if isinstance(found.data, dict):
            self._link(found.data, path, asked)
        return found

    def _link(self, data: Json, path: str, asked: Asked) -> None:
        """Make whole URLs of what a page goes on with."""
        for name in ("@odata.nextLink", "@odata.deltaLink"):
            more = data.get(name)
            if isinstance(more, dict):
                data[name] = f"{self.url}{path}?{urlencode(more)}"
        if asked.zone_asked and "Preference-Applied" not in data:
            data.setdefault(
                "@odata.context", f"{self.base_url}/$metadata#{path.rsplit('/', 1)[-1]}"
            )


def _of_fault(fault: Fault) -> Answer:
    problem = Problem(fault.status, _CODES.get(fault.status, "generalException"), "as ordered")
    headers = dict(fault.headers)
    if fault.body is not None:
        return Answer(fault.status, fault.body, {"Content-Type": "text/html", **headers})
    return Answer(fault.status, problem.body(), headers)


_CODES = {
    400: "ErrorInvalidRequest",
    401: "InvalidAuthenticationToken",
    403: "ErrorAccessDenied",
    404: "ErrorItemNotFound",
    409: "ErrorIrresolvableConflict",
    412: "ErrorIrresolvableConflict",
    429: "TooManyRequests",
    500: "InternalServerError",
    503: "ServiceUnavailable",
    504: "GatewayTimeout",
}
_ZONE = re.compile(r'outlook\.timezone="([^"]*)"')


__all__ = ["Exchange", "Graph"]
