"""What the tests of Cal.com share: the provider on the double, short ways to ask it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from providers.calcom.provider import CalCom as Provider
from providers.core.auth import HeaderAuth
from providers.core.call import Call, ChangesPage, ChangesQuery
from providers.core.errors import Kind, ProviderError
from providers.core.guard import Guard
from providers.core.http import Door, Http
from providers.core.retry import Hosts, Policy
from providers.core.settings import ProviderSettings
from providers.core.transport import Transport
from tests.providers.calcom.double import TOKEN, CalCom, bookings, event_types
from tests.providers.calcom.double.world import Json
from ucal.v1 import event_pb2, link_pb2, types_pb2

CONNECTION = "c1"
EVENT = types_pb2.RESOURCE_KIND_EVENT
THIS = types_pb2.UPDATE_SCOPE_THIS_INSTANCE
FOLLOWING = types_pb2.UPDATE_SCOPE_THIS_AND_FOLLOWING
ALL = types_pb2.UPDATE_SCOPE_ALL


@asynccontextmanager
async def door() -> AsyncIterator[Door]:
    """The way out, to loopback only."""
    transport = Transport(Guard(allowed_hosts=["127.0.0.1"]))
    try:
        # No waiting between attempts, and a breaker that never opens.
        yield Door(transport, Hosts(Policy(base=0.0, least=1_000_000)))
    finally:
        await transport.aclose()


def monday() -> datetime:
    """09:00 UTC on a Monday in three to four weeks."""
    today = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0)
    return today + timedelta(days=28 - today.weekday())


@dataclass
class Desk:
    """A caller of the provider on a double of its own."""

    cal: CalCom
    out: Door
    provider: Provider
    token: str = TOKEN
    patience: float = 20.0

    @property
    def call(self) -> Call:
        http = Http(
            self.out,
            self.cal.url,
            auth=HeaderAuth("authorization", f"Bearer {self.token}"),
            deadline=asyncio.get_running_loop().time() + self.patience,
            classify=self.provider.classify,
            provider=self.provider.name,
        )
        return Call(CONNECTION, http)

    def asked(self, method: str = "", ending: str = "") -> list[Any]:
        """What was sent to Cal.com, of this method, to paths that end so."""
        return [
            each
            for each in self.cal.journal
            if (not method or each.method == method) and each.template.endswith(ending)
        ]

    # -- the other side

    def kind(self, slug: str = "intro", **fields: Any) -> Json:
        """An event type."""
        body = {"title": "Intro call", "slug": slug, "lengthInMinutes": 30, **fields}
        return event_types.create(self.cal.world, body)

    def put(self, kind: Json, start: datetime, minutes: int = 30, **more: Any) -> Json:
        """A booking, as somebody else has made it."""
        end = start + timedelta(minutes=minutes)
        booking = bookings.put(self.cal.world, kind, start, end)
        booking.update(more)
        return booking

    # -- events

    async def book(
        self, link_id: str | int, start: datetime, **fields: Any
    ) -> event_pb2.CreateEventResponse:
        fields.setdefault("attendees", [person("Ada Example", "ada@example.com")])
        strict = fields.pop("strict", False)
        event = event_pb2.Event(link_id=str(link_id), start_at=instant(start), **fields)
        request = event_pb2.CreateEventRequest(event=event, strict=strict)
        return await self.provider.create_event(self.call, request)

    async def get(self, id: str, **fields: Any) -> event_pb2.Event:
        request = event_pb2.GetEventRequest(id=id, **fields)
        return (await self.provider.get_event(self.call, request)).event

    async def update(
        self, id: str, event: event_pb2.Event, *paths: str, **fields: Any
    ) -> event_pb2.UpdateEventResponse:
        request = event_pb2.UpdateEventRequest(
            id=id, event=event, update_mask=FieldMask(paths=paths), **fields
        )
        return await self.provider.update_event(self.call, request)

    async def move(self, id: str, start: datetime, **fields: Any) -> event_pb2.Event:
        event = event_pb2.Event(start_at=instant(start))
        return (await self.update(id, event, "start_at", **fields)).event

    async def delete(self, id: str, **fields: Any) -> event_pb2.DeleteEventResponse:
        return await self.provider.delete_event(
            self.call, event_pb2.DeleteEventRequest(id=id, **fields)
        )

    async def respond(self, id: str, response: Any, **fields: Any) -> Any:
        request = event_pb2.RespondToEventRequest(id=id, response=response, **fields)
        return await self.provider.respond_to_event(self.call, request)

    async def listed(self, **fields: Any) -> list[event_pb2.Event]:
        request = event_pb2.ListEventsRequest(**fields)
        found: list[event_pb2.Event] = []
        while True:
            answer = await self.provider.list_events(self.call, request)
            found += answer.events
            if not answer.next_page_token:
                return found
            request.page_token = answer.next_page_token

    async def instances(self, id: str, **fields: Any) -> list[event_pb2.Event]:
        request = event_pb2.ListEventInstancesRequest(recurring_event_id=id, **fields)
        return list((await self.provider.list_event_instances(self.call, request)).events)

    # -- links

    async def link(self, id: str | int, **fields: Any) -> link_pb2.Link:
        request = link_pb2.GetLinkRequest(id=str(id), **fields)
        return (await self.provider.get_link(self.call, request)).link

    async def slots(self, id: str | int, start: datetime, days: float = 1, **fields: Any) -> Any:
        request = link_pb2.ListLinkSlotsRequest(
            link_id=str(id), window=window(start, days=days), **fields
        )
        return list((await self.provider.list_link_slots(self.call, request)).slots)

    # -- changes

    async def changes(self, cursor: str = "", **fields: Any) -> ChangesPage:
        return await self.provider.list_changes(
            self.call, ChangesQuery(EVENT, cursor=cursor, **fields)
        )

    async def all_changes(self, cursor: str, **fields: Any) -> tuple[list[Any], str]:
        """Every change since `cursor`, and where to go on."""
        found: list[Any] = []
        while True:
            page = await self.changes(cursor, **fields)
            found += page.changes
            cursor = page.cursor
            if not page.has_more:
                return found, cursor


@asynccontextmanager
async def desk() -> AsyncIterator[Desk]:
    """A desk, for as long as the block."""
    async with CalCom() as cal, door() as out:
        yield Desk(cal, out, Provider(ProviderSettings(base_url=cal.url)))


def instant(when: datetime, zone: str = "") -> types_pb2.EventTime:
    found = types_pb2.EventTime(time_zone=zone)
    found.timestamp.FromDatetime(when)
    return found


def person(name: str, email: str, **fields: Any) -> types_pb2.Attendee:
    return types_pb2.Attendee(name=name, email=email, **fields)


def window(start: datetime, *, days: float) -> types_pb2.TimeRange:
    found = types_pb2.TimeRange()
    found.start_at.FromDatetime(start)
    found.end_at.FromDatetime(start + timedelta(days=days))
    return found


class refused:  # noqa: N801 - reads as a word
    """Expect a ProviderError of this kind, that names this field, with this reason."""

    def __init__(self, kind: Kind, *, field: str = "", reason: str = "") -> None:
        self.kind, self.field, self.reason = kind, field, reason
        self._raises = pytest.raises(ProviderError)

    def __enter__(self) -> pytest.ExceptionInfo[ProviderError]:
        self._info = self._raises.__enter__()
        return self._info

    def __exit__(self, *exc: object) -> bool:
        suppressed = self._raises.__exit__(*exc)
        error = self._info.value
        assert error.kind is self.kind, f"{error.kind}: {error.message}"
        if self.field:
            assert self.field in [path for path, _ in error.violations], error.violations
        if self.reason:
            assert error.reason == self.reason
        return bool(suppressed)
