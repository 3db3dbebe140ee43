"""The double's HTTP side: tokens, faults, partial responses, a journal of what was said."""

import asyncio
import json
import re
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import ClientSession, web

from tests.loopback import Double, for_all
from tests.providers.google.double import batch, directory, partial, routes, tokens, workspace
from tests.providers.google.double import meet as meetings
from tests.providers.google.double.faults import Fault, Faults, NewProblem, Problem, answer
from tests.providers.google.double.world import Json, World


@dataclass
class Exchange:
    """One request and its answer, for the spec to judge.

    Attributes:
        query: names to values; several values of one name as a list.
    """

    method: str
    path: str
    query: Json
    body: Any
    status: int
    answer: Any
    headers: dict[str, str] = field(default_factory=dict)


class Google(Double):
    """Google on a random port of loopback; an async context manager."""

    def __init__(self) -> None:
        self.world = World()
        self.tokens = tokens.Tokens()
        self.meet = meetings.Meet()
        self.workspace = workspace.Workspace()
        self.directory = directory.Directory()
        self.faults = Faults()
        self.journal: list[Exchange] = []
        self.channels: dict[str, Json] = {}
        self.delays: dict[str, float] = {}
        self._deliveries: set[asyncio.Task[None]] = set()

    def application(self) -> web.Application:
        return for_all(self._handle)

    async def __aexit__(self, *exc: object) -> None:
        for task in self._deliveries:
            task.cancel()
        await asyncio.gather(*self._deliveries, return_exceptions=True)
        await super().__aexit__(*exc)

    @property
    def calendar_url(self) -> str:
        return f"{self.url}/calendar/v3"

    @property
    def meet_url(self) -> str:
        return f"{self.url}/v2"

    @property
    def events_url(self) -> str:
        return f"{self.url}/v1"

    # -- requests

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        path = request.url.raw_path
        if path == "/batch/calendar/v3":
            return await batch.answer(self, request, raw)
        fault = self.faults.take(request.method)
        if fault is not None and not fault.lose:
            return answer(fault, path)
        status, body, headers = self.ask(
            request.method, path, request.url.query, raw, dict(request.headers)
        )
        if fault is not None:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        if body is None:
            return web.Response(status=status, headers=headers)
        pretty = request.url.query.get("prettyPrint") != "false"
        text = json.dumps(body, indent=1 if pretty else None, ensure_ascii=False)
        response = web.Response(
            status=status, text=text, content_type="application/json", headers=headers
        )
        response.enable_compression()
        return response

    def ask(
        self, method: str, path: str, query: Any, raw: bytes, headers: dict[str, str]
    ) -> tuple[int, Json | None, dict[str, str]]:
        """Answer one request, also one inside a batch."""
        found = _query(query)
        low = {name.lower(): value for name, value in headers.items()}
        body: Any = None
        status: int
        try:
            body = _body(raw, low)
            status, shown = self._route(method, path, found, body, low)
        except Problem as problem:
            status, shown = problem.status, problem.body()
        sent = {"ETag": shown["etag"]} if isinstance(shown, dict) and "etag" in shown else {}
        if status < 400 and shown is not None and "fields" in found:
            try:
                shown = partial.trim(shown, partial.parse(found["fields"]))
            except Problem as problem:
                status, shown = problem.status, problem.body()
        self.journal.append(Exchange(method, path, found, body, status, shown, low))
        return status, shown, sent

    def _route(
        self, method: str, path: str, query: Json, body: Any, headers: dict[str, str]
    ) -> tuple[int, Json | None]:
        for route_method, pattern, handler in routes.ROUTES:
            match = pattern.fullmatch(path)
            if match is None or route_method != method:
                continue
            if not path.endswith(("/token", "/revoke")):
                self.tokens.check(headers.get("authorization", ""), new=_is_new(path))
            found = handler(self, match, query, body, headers)
            return found if isinstance(found, tuple) else (200, found)
        if _is_new(path):
            raise NewProblem(404, "", "Not found", domain="NOT_FOUND")
        raise Problem(404, "notFound", "Not Found")

    # -- push

    def changed(self, resource: str) -> None:
        """Tell the channels that watch `resource`."""
        for channel in list(self.channels.values()):
            if channel["resource"] == resource:
                self._deliver(channel, "exists")

    def open_channel(self, resource: str, body: Json) -> Json:
        for name in ("id", "type", "address"):
            if not body.get(name):
                raise Problem(400, "required", f"Missing {name}.")
        if not body["address"].startswith(("https://", "http://127.0.0.1")):
            raise Problem(400, "push.webhookUrlNotHttps", "WebHook callback must be HTTPS.")
        if body["id"] in self.channels:
            raise Problem(400, "channelIdNotUnique", "Channel id not unique")
        if not re.fullmatch(r"[A-Za-z0-9\-_+/=]{1,64}", body["id"]):
            raise Problem(400, "invalid", "Invalid channel id.")
        now = datetime.now(UTC).timestamp()
        ttl = float(body.get("params", {}).get("ttl", 604800))
        end = float(body["expiration"]) / 1000 if "expiration" in body else now + ttl
        end = min(end, now + 30 * 86400)
        channel = self.channels[body["id"]] = {
            "id": body["id"],
            "token": body.get("token", ""),
            "address": body["address"],
            "resource": resource,
            "resourceId": uuid.uuid5(uuid.NAMESPACE_URL, resource).hex,
            "expiration": str(int(end * 1000)),
            "number": 0,
        }
        self._deliver(channel, "sync")
        shown = {"kind": "api#channel", "resourceUri": f"{self.url}{resource}?alt=json"}
        names = ("id", "resourceId", "expiration", *(("token",) if channel["token"] else ()))
        return shown | {name: channel[name] for name in names}

    def _deliver(self, channel: Json, state: str) -> None:
        channel["number"] += 1
        end = datetime.fromtimestamp(int(channel["expiration"]) / 1000, UTC)
        headers = {
            "X-Goog-Channel-ID": channel["id"],
            "X-Goog-Channel-Expiration": f"{end:%a, %d %b %Y %H:%M:%S} GMT",
            "X-Goog-Resource-ID": channel["resourceId"],
            "X-Goog-Resource-URI": f"{self.url}{channel['resource']}?alt=json",
            "X-Goog-Resource-State": state,
            "X-Goog-Message-Number": str(channel["number"]),
        }
        if channel["token"]:
            headers["X-Goog-Channel-Token"] = channel["token"]
        if not channel["address"].startswith("http://127.0.0.1"):
            return
        task = asyncio.create_task(_post(channel["address"], headers))
        self._deliveries.add(task)
        task.add_done_callback(self._deliveries.discard)

    async def delivered(self) -> None:
        """Wait until nothing is on its way."""
        while self._deliveries:
            await asyncio.gather(*self._deliveries, return_exceptions=True)

    # -- what tests do

    def fail(self, status: int, reason: str = "", *, times: int = 1, **more: Any) -> None:
        """Answer the next requests with an error."""
        only = frozenset(more.pop("only", ()))
        self.faults.queue += [Fault(status, reason, only=only, **more) for _ in range(times)]

    def lose(self, *methods: str) -> None:
        """Do what the next such request asks, and cut the connection."""
        only = frozenset(methods or ("POST", "PATCH", "PUT", "DELETE"))
        self.faults.queue.append(Fault(lose=True, only=only))

    def expire(self) -> None:
        """Make every sync token dead."""
        self.world.list_generation += 1
        for calendar in self.world.calendars.values():
            calendar.generation += 1


async def _post(address: str, headers: dict[str, str]) -> None:
    async with ClientSession() as session, session.post(address, headers=headers):
        pass


def _is_new(path: str) -> bool:
    return path.startswith(("/v1/", "/v2/"))


def _query(query: Any) -> Json:
    found: Json = {}
    for name, value in query.items():
        if name in found:
            old = found[name]
            found[name] = [*(old if isinstance(old, list) else [old]), value]
        else:
            found[name] = value
    return found


def _body(raw: bytes, headers: dict[str, str]) -> Any:
    if not raw:
        return None
    if "form" in headers.get("content-type", ""):
        return dict(parse_qsl(raw.decode()))
    try:
        return json.loads(raw)
    except ValueError:
        raise Problem(400, "parseError", "Parse Error") from None
