"""A provider in front of a real server, and a second client that knows nothing of the provider."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import aiohttp

from providers.caldav.provider import CalDav
from providers.core.call import Call
from providers.core.guard import Guard
from providers.core.http import Door, Http
from providers.core.settings import ProviderSettings
from providers.core.transport import Transport
from tests.caldav_servers import DavServer, signed
from ucal.v1 import calendar_pb2, connection_pb2, event_pb2, types_pb2

MONDAY = datetime(2027, 3, 8, 9, tzinfo=UTC)


class Grant:
    """Basic credentials that never change."""

    def __init__(self, username: str, password: str) -> None:
        self.credentials = connection_pb2.BasicCredentials(username=username, password=password)

    async def renew(self, stale: str) -> str:
        raise AssertionError("Basic credentials are not renewed")


@dataclass
class World:
    """One account at one server.

    Attributes:
        provider: the subject.
        call: what the service would hand it.
        calendar: a calendar made for this test.
    """

    provider: CalDav
    call: Call
    server: DavServer
    calendar: calendar_pb2.Calendar

    @property
    def calendar_id(self) -> str:
        return self.calendar.id

    # -- the other client

    def url(self, name: str = "", calendar_id: str = "") -> str:
        path = quote((calendar_id or self.calendar_id) + name, safe="/%")
        return self.server.url.rstrip("/") + path

    async def other(
        self, method: str, name: str = "", body: str | bytes = b"", **headers: str
    ) -> tuple[int, bytes, Any]:
        """A request by somebody else with the same account."""
        async with (
            aiohttp.ClientSession(headers=signed(self.server)) as session,
            session.request(
                method,
                self.url(name),
                data=body,
                headers={"Content-Type": "text/calendar", **headers},
            ) as reply,
        ):
            return reply.status, await reply.read(), reply.headers

    async def put(self, ics: str, name: str = "") -> str:
        """Write an object from outside; its contract id."""
        name = name or f"{uuid.uuid4()}.ics"
        status, body, _ = await self.other("PUT", name, ics.replace("\n", "\r\n").encode())
        assert status in (200, 201, 204), (status, body[:500])
        return f"{self.calendar_id}|{name}"

    async def ics(self, id: str) -> str:
        """What the server holds, unfolded."""
        status, body, _ = await self.other("GET", id.partition("|")[2].partition("#")[0])
        assert status == 200, status
        return body.decode().replace("\r\n", "\n").replace("\n ", "").replace("\n\t", "")

    # -- the subject

    async def get(self, id: str, **fields: Any) -> event_pb2.Event:
        request = event_pb2.GetEventRequest(id=id, calendar_id=self.calendar_id, **fields)
        return (await self.provider.get_event(self.call, request)).event

    async def create(self, event: event_pb2.Event, **fields: Any) -> event_pb2.Event:
        return (await self.try_create(event, **fields)).event

    async def try_create(self, event: event_pb2.Event, **fields: Any) -> Any:
        event.calendar_id = event.calendar_id or self.calendar_id
        request = event_pb2.CreateEventRequest(event=event, **fields)
        return await self.provider.create_event(self.call, request)

    async def update(self, id: str, paths: str, scope: int = 0, **fields: Any) -> Any:
        extra = {
            k: fields.pop(k) for k in ("add_attendees", "remove_attendees", "strict") if k in fields
        }
        request = event_pb2.UpdateEventRequest(
            id=id,
            calendar_id=self.calendar_id,
            event=event_pb2.Event(**fields),
            update_mask={"paths": paths.split()},
            scope=scope,  # type: ignore[arg-type]
            **extra,
        )
        return await self.provider.update_event(self.call, request)

    async def delete(self, id: str, scope: int = 0, **fields: Any) -> Any:
        request = event_pb2.DeleteEventRequest(
            id=id,
            calendar_id=self.calendar_id,
            scope=scope,
            **fields,  # type: ignore[arg-type]
        )
        return await self.provider.delete_event(self.call, request)

    async def events(
        self, start: Any = None, end: Any = None, **fields: Any
    ) -> list[event_pb2.Event]:
        found: list[event_pb2.Event] = []
        request = event_pb2.ListEventsRequest(calendar_id=self.calendar_id, **fields)
        if start is not None or end is not None:
            request.window.CopyFrom(window(start, end))
        while True:
            answer = await self.provider.list_events(self.call, request)
            found += answer.events
            if not answer.next_page_token:
                return found
            request.page_token = answer.next_page_token

    async def instances(
        self, start: datetime, end: datetime, **fields: Any
    ) -> list[event_pb2.Event]:
        return await self.events(start, end, expand_recurring=True, **fields)


def window(start: datetime | None, end: datetime | None) -> types_pb2.TimeRange:
    found = types_pb2.TimeRange()
    if start is not None:
        found.start_at.FromDatetime(start)
    if end is not None:
        found.end_at.FromDatetime(end)
    return found


def timed(start: datetime, minutes: int = 60, zone: str = "UTC", **fields: Any) -> event_pb2.Event:
    """A timed event."""
    event = event_pb2.Event(**fields)
    event.start_at.timestamp.FromDatetime(start)
    event.end_at.timestamp.FromDatetime(start + timedelta(minutes=minutes))
    event.start_at.time_zone = event.end_at.time_zone = zone
    return event


def starts(events: list[event_pb2.Event]) -> list[datetime]:
    return [event.start_at.timestamp.ToDatetime(UTC) for event in events]


def vevent(*lines: str, zones: str = "") -> str:
    """A calendar object around one VEVENT's lines."""
    inner = "\n".join(("BEGIN:VEVENT", "DTSTAMP:20270101T000000Z", *lines, "END:VEVENT"))
    return vcalendar(inner, zones=zones)


def vcalendar(*parts: str, zones: str = "") -> str:
    head = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//another client//EN"
    return "\n".join(part for part in (head, zones.strip("\n"), *parts, "END:VCALENDAR\n") if part)


@asynccontextmanager
async def opened(
    server: DavServer,
    *,
    provider: type[CalDav] = CalDav,
    url: str = "",
    user: str = "",
    calendar: bool = True,
    hosts: tuple[str, ...] = (),
) -> AsyncIterator[World]:
    """The provider on a connection to `server`, with a calendar of its own."""
    transport = Transport(Guard(allowed_networks=["127.0.0.0/8"]))
    subject = provider(ProviderSettings())
    username = user or server.username
    grant = Grant(username, server.users[username])
    http = Http(
        Door(transport),
        url or server.url,
        subject.auth(grant),
        (*subject.allowed_hosts, *hosts),
        classify=subject.classify,
    )
    call = Call("connection-1", http, account_key=uuid.uuid4().hex)
    try:
        made = calendar_pb2.Calendar()
        if calendar:
            request = calendar_pb2.CreateCalendarRequest(
                calendar=calendar_pb2.Calendar(name="Test", timezone="Europe/Berlin")
            )
            made = (await subject.create_calendar(call, request)).calendar
        yield World(subject, call, server, made)
    finally:
        await transport.aclose()
