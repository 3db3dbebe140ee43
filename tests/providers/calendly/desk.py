"""What the tests of Calendly share: the provider on the double, and short ways to ask it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from providers.calendly.provider import Calendly
from providers.core.auth import HeaderAuth
from providers.core.call import Call, ChangesPage, ChangesQuery
from providers.core.errors import ProviderError
from providers.core.guard import Guard
from providers.core.http import Door, Http
from providers.core.retry import Hosts, Policy
from providers.core.settings import ProviderSettings
from providers.core.transport import Transport
from tests.providers.calendly.double import TOKEN
from tests.providers.calendly.double import Calendly as Double
from tests.providers.calendly.double.world import QUICK, Json, tail
from ucal.v1 import busy_pb2, event_pb2, link_pb2, types_pb2

CONNECTION = "c1"
LINK = tail(QUICK)
EVENT = types_pb2.RESOURCE_KIND_EVENT


@dataclass
class Desk:
    """A caller of the provider on a double of its own."""

    double: Double
    out: Door
    provider: Calendly
    account: str = ""

    @property
    def call(self) -> Call:
        http = Http(
            self.out,
            self.double.url,
            auth=HeaderAuth("authorization", f"Bearer {TOKEN}"),
            deadline=asyncio.get_running_loop().time() + 20,
            classify=self.provider.classify,
            provider=self.provider.name,
        )
        return Call(CONNECTION, http, account_key=self.account)

    def asked(self, method: str = "", ending: str = "") -> list[Any]:
        """What was sent, of this method, to paths that end so."""
        return [
            each
            for each in self.double.journal
            if (not method or each.method == method) and each.path.endswith(ending)
        ]

    def plant(self, start: datetime, email: str = "ada@example.com", **fields: Any) -> Json:
        """A booking that somebody made on the page; answers with the event."""
        world = self.double.world
        made = world.add_event(world.types[QUICK], start, email)
        event = world.events[made["event"]]
        event.update(fields)
        return event

    async def get(self, own_id: str, **fields: Any) -> event_pb2.Event:
        request = event_pb2.GetEventRequest(id=own_id, **fields)
        return (await self.provider.get_event(self.call, request)).event

    async def listed(self, **fields: Any) -> list[event_pb2.Event]:
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

    async def delete(self, own_id: str, **fields: Any) -> event_pb2.DeleteEventResponse:
        request = event_pb2.DeleteEventRequest(id=own_id, **fields)
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

    async def changes(self, cursor: str = "", **fields: Any) -> ChangesPage:
        return await self.provider.list_changes(
            self.call, ChangesQuery(EVENT, cursor=cursor, **fields)
        )


@asynccontextmanager
async def desk() -> AsyncIterator[Desk]:
    """A desk, for as long as the block."""
    transport = Transport(Guard(allowed_hosts=["127.0.0.1"]))
    async with Double() as double:
        try:
            # No waiting between attempts, and a breaker that never opens.
            out = Door(transport, Hosts(Policy(base=0.0, least=1_000_000)))
            yield Desk(double, out, Calendly(ProviderSettings(base_url=double.url)))
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


def booking(start: datetime, **fields: Any) -> event_pb2.Event:
    """Ada books the quick chat."""
    fields.setdefault("link_id", LINK)
    event = event_pb2.Event(start_at=instant(start), timezone="Europe/Berlin", **fields)
    if not event.attendees:
        event.attendees.add(name="Ada Example", email="ada@example.com")
    return event


def violations(error: ProviderError) -> list[str]:
    return [path for path, _ in error.violations]
