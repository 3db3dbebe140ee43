"""A vendor that mixes tenants up if it is let: by cookies, by ETags, by what a cache would keep.

Like real ones it believes a session cookie before it looks at the credentials, and answers a known
ETag with 304 and nothing. Whose data an answer is stands in it.
"""

import base64
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import msgspec
from aiohttp import web

from providers.core.call import Call
from providers.core.provider import Provider
from tests.loopback import served
from ucal.v1 import busy_pb2, calendar_pb2, event_pb2, provider_pb2

ROW = "tests.access.mixed:Mixed"


class _Whose(msgspec.Struct):
    owner: str


class Mixed(Provider):
    """Lists of which every object names its owner."""

    name = "mixed"
    display_name = "Mixed"
    self_hosted = True
    auth_kinds: ClassVar[tuple[provider_pb2.AuthKind.ValueType, ...]] = (
        provider_pb2.AUTH_KIND_BASIC,
    )

    async def _owner(self, call: Call, path: str) -> str:
        reply = await call.http.send("GET", path)
        return msgspec.json.decode(reply.content, type=_Whose).owner

    async def list_calendars(
        self, call: Call, request: calendar_pb2.ListCalendarsRequest
    ) -> calendar_pb2.ListCalendarsResponse:
        owner = await self._owner(call, "/calendars")
        calendar = calendar_pb2.Calendar(id=owner, name=owner, connection_id=call.connection_id)
        return calendar_pb2.ListCalendarsResponse(calendars=[calendar], next_page_token=owner)

    async def list_events(
        self, call: Call, request: event_pb2.ListEventsRequest
    ) -> event_pb2.ListEventsResponse:
        owner = await self._owner(call, "/events")
        event = event_pb2.Event(id=owner, subject=owner, connection_id=call.connection_id)
        return event_pb2.ListEventsResponse(events=[event], next_page_token=owner)

    async def get_event(
        self, call: Call, request: event_pb2.GetEventRequest
    ) -> event_pb2.GetEventResponse:
        owner = await self._owner(call, "/event")
        event = event_pb2.Event(id=request.id, subject=owner, connection_id=call.connection_id)
        return event_pb2.GetEventResponse(event=event)

    async def list_busy(
        self, call: Call, request: busy_pb2.ListBusyRequest
    ) -> busy_pb2.ListBusyResponse:
        owner = await self._owner(call, "/busy")
        block = busy_pb2.Busy(id="1-2", connection_id=call.connection_id, description=owner)
        block.timezone, block.kind = "Europe/Berlin", busy_pb2.BUSY_KIND_BUSY
        block.start_at.timestamp.seconds, block.end_at.timestamp.seconds = 1, 2
        block.raw["owner"] = owner
        return busy_pb2.ListBusyResponse(busy=[block])


class MixedServer:
    """The vendor's side.

    Attributes:
        cookies: requests that came with one.
        conditions: requests that named an ETag.
        served: requests by owner.
    """

    def __init__(self) -> None:
        self.cookies = 0
        self.conditions = 0
        self.served: Counter[str] = Counter()
        self.url = ""

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        if scheme != "Basic":
            return web.Response(status=401)
        owner = base64.b64decode(value).decode().partition(":")[0]
        self.cookies += "session" in request.cookies
        owner = request.cookies.get("session", owner)
        self.served[owner] += 1
        if "if-none-match" in request.headers:
            self.conditions += 1
            return web.Response(status=304)
        reply: Any = web.json_response({"owner": owner})
        reply.set_cookie("session", owner)
        reply.headers["etag"] = f'"{request.path}"'
        reply.headers["cache-control"] = "max-age=3600"
        return reply  # type: ignore[no-any-return]  # by its construction

    @asynccontextmanager
    async def running(self) -> AsyncIterator["MixedServer"]:
        """Under a name, for clients keep no cookies of addresses."""
        app = web.Application()
        app.router.add_get("/{tail:.*}", self._answer)
        async with served(app, "localhost") as url:
            self.url = url
            yield self
