"""What the tests of Acuity share: the provider on the double, and short ways to ask it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask

from providers.acuity.provider import Acuity
from providers.core.auth import basic
from providers.core.call import Call
from providers.core.errors import ProviderError
from providers.core.guard import Guard
from providers.core.http import Door, Http
from providers.core.retry import Hosts, Policy
from providers.core.settings import ProviderSettings
from providers.core.transport import Transport
from tests.providers.acuity.double import KEY, USER
from tests.providers.acuity.double import Acuity as Double
from tests.providers.acuity.double.world import CALENDAR, QUICK, Json
from ucal.v1 import busy_pb2, event_pb2, link_pb2, types_pb2

CONNECTION = "c1"
LINK = str(QUICK)


@dataclass
class Desk:
    """A caller of the provider on a double of its own."""

    double: Double
    out: Door
    provider: Acuity

    @property
    def call(self) -> Call:
        http = Http(
            self.out,
            self.double.url,
            auth=basic(USER, KEY),
            deadline=asyncio.get_running_loop().time() + 20,
            classify=self.provider.classify,
            provider=self.provider.name,
        )
        return Call(CONNECTION, http)

    def asked(self, method: str = "", ending: str = "") -> list[Any]:
        """What was sent, of this method, to paths that end so."""
        return [
            each
            for each in self.double.journal
            if (not method or each.method == method) and each.path.endswith(ending)
        ]

    def plant(self, start: datetime, **fields: Any) -> Json:
        """An appointment that somebody made on the page."""
        world = self.double.world
        return world.add(world.type(QUICK), start, **fields)

    async def get(self, own_id: Any, **fields: Any) -> event_pb2.Event:
        request = event_pb2.GetEventRequest(id=str(own_id), **fields)
        return (await self.provider.get_event(self.call, request)).event

    async def listed(self, **fields: Any) -> list[event_pb2.Event]:
        fields.setdefault("calendar_id", str(CALENDAR))
        request = event_pb2.ListEventsRequest(**fields)
        found: list[event_pb2.Event] = []
        while True:
            answer = await self.provider.list_events(self.call, request)
            found += answer.events
            if not answer.next_page_token:
                return found
            request.page_token = answer.next_page_token

    async def create(self, event: event_pb2.Event, **fields: Any) -> event_pb2.CreateEventResponse:
        request = event_pb2.CreateEventRequest(event=event, **fields)
        return await self.provider.create_event(self.call, request)

    async def update(
        self, own_id: Any, event: event_pb2.Event, *paths: str
    ) -> event_pb2.UpdateEventResponse:
        request = event_pb2.UpdateEventRequest(
            id=str(own_id), event=event, update_mask=FieldMask(paths=paths)
        )
        return await self.provider.update_event(self.call, request)

    async def delete(self, own_id: Any, **fields: Any) -> event_pb2.DeleteEventResponse:
        request = event_pb2.DeleteEventRequest(id=str(own_id), **fields)
        return await self.provider.delete_event(self.call, request)

    async def busy(self, **fields: Any) -> busy_pb2.ListBusyResponse:
        return await self.provider.list_busy(self.call, busy_pb2.ListBusyRequest(**fields))

    async def link(self, own_id: str = LINK, **fields: Any) -> link_pb2.Link:
        request = link_pb2.GetLinkRequest(id=own_id, **fields)
        return (await self.provider.get_link(self.call, request)).link

    async def slots(self, **fields: Any) -> list[link_pb2.LinkSlot]:
        fields.setdefault("link_id", LINK)
        request = link_pb2.ListLinkSlotsRequest(**fields)
        found: list[link_pb2.LinkSlot] = []
        while True:
            answer = await self.provider.list_link_slots(self.call, request)
            found += answer.slots
            if not answer.next_page_token:
                return found
            request.page_token = answer.next_page_token


@asynccontextmanager
async def desk(**extra: str) -> AsyncIterator[Desk]:
    """A desk, for as long as the block."""
    transport = Transport(Guard(allowed_hosts=["127.0.0.1"]))
    async with Double() as double:
        try:
            # No waiting between attempts, and a breaker that never opens.
            out = Door(transport, Hosts(Policy(base=0.0, least=1_000_000)))
            settings = ProviderSettings(
                base_url=double.url, extra={"requests_per_second": "0", **extra}
            )
            yield Desk(double, out, Acuity(settings))
        finally:
            await transport.aclose()


def monday(weeks: int = 2, hour: int = 9, minute: int = 0) -> datetime:
    """A Monday in some weeks, UTC."""
    today = datetime.now(UTC).replace(hour=hour, minute=minute, second=0, microsecond=0)
    return today + timedelta(days=7 * weeks - today.weekday())


def window(start: datetime, *, days: float) -> types_pb2.TimeRange:
    found = types_pb2.TimeRange()
    found.start_at.FromDatetime(start)
    found.end_at.FromDatetime(start + timedelta(days=days))
    return found


def instant(when: datetime) -> types_pb2.EventTime:
    found = types_pb2.EventTime()
    found.timestamp.FromDatetime(when)
    return found


def booking(start: datetime, name: str = "Ada Mary Example", **fields: Any) -> event_pb2.Event:
    """Ada books the consultation."""
    fields.setdefault("link_id", LINK)
    event = event_pb2.Event(start_at=instant(start), timezone="Europe/Berlin", **fields)
    if not event.attendees:
        event.attendees.add(name=name, email="ada@example.com")
    return event


def violations(error: ProviderError) -> list[str]:
    return [path for path, _ in error.violations]
