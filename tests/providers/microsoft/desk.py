"""What the tests of Microsoft share: the provider on the double, short ways to ask it, events."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from providers.core.auth import BearerAuth
from providers.core.call import Call, ChangesPage, ChangesQuery
from providers.core.errors import Kind, ProviderError
from providers.core.guard import Guard
from providers.core.http import Door, Http
from providers.core.retry import Hosts, Policy
from providers.core.settings import ProviderSettings
from providers.core.transport import Transport
from providers.microsoft.provider_outlook import Outlook
from tests.providers.microsoft import spec
from tests.providers.microsoft.double import Graph
from tests.providers.microsoft.double.tokens import APP_TOKEN, TOKEN
from tests.providers.microsoft.double.world import ADA, Calendar
from ucal.v1 import connection_pb2, event_pb2, types_pb2

BERLIN = ZoneInfo("Europe/Berlin")
CONNECTION = "c1"
EVENT = types_pb2.RESOURCE_KIND_EVENT
THIS = types_pb2.UPDATE_SCOPE_THIS_INSTANCE
FOLLOWING = types_pb2.UPDATE_SCOPE_THIS_AND_FOLLOWING
ALL = types_pb2.UPDATE_SCOPE_ALL
TEAMS = types_pb2.CONFERENCE_KIND_TEAMS


class Held:
    """Credentials that are there and are not renewed."""

    def __init__(self, credentials: Any, fresh: str = "") -> None:
        self.credentials = credentials
        self.fresh = fresh
        self.renewals = 0

    async def renew(self, stale: str) -> str:
        self.renewals += 1
        return self.fresh


def person() -> Held:
    """Ada, signed in."""
    return Held(connection_pb2.OAuthCredentials(access_token=TOKEN))


def application(mailbox: str = ADA) -> Held:
    """An app of the tenant that acts for a mailbox."""
    account = connection_pb2.ServiceAccountCredentials(client_id="app", subject=mailbox)
    return Held(account, APP_TOKEN)


@asynccontextmanager
async def door() -> AsyncIterator[Door]:
    """The way out, to loopback only."""
    transport = Transport(Guard(allowed_hosts=["127.0.0.1"]))
    try:
        # No waiting between attempts, and a breaker that never opens.
        yield Door(transport, Hosts(Policy(base=0.0, least=1_000_000)))
    finally:
        await transport.aclose()


@dataclass
class Desk:
    """A caller of the provider on a double of its own."""

    graph: Graph
    out: Door
    provider: Any
    grant: Held = field(default_factory=person)
    patience: float = 20.0

    @property
    def call(self) -> Call:
        auth = self.provider.auth(self.grant)
        assert isinstance(auth, BearerAuth)
        http = Http(
            self.out,
            self.graph.base_url,
            auth=auth,
            deadline=asyncio.get_running_loop().time() + self.patience,
            classify=self.provider.classify,
            provider=self.provider.name,
        )
        return Call(CONNECTION, http, account_key="ada")

    @property
    def box(self) -> Any:
        """Ada's mailbox as the double holds it."""
        return self.graph.world.mailboxes[ADA]

    @property
    def calendar(self) -> Calendar:
        """Her default calendar."""
        found: Calendar = self.box.default
        return found

    async def create(self, event: event_pb2.Event, **fields: Any) -> event_pb2.CreateEventResponse:
        request = event_pb2.CreateEventRequest(connection_id=CONNECTION, event=event, **fields)
        found: event_pb2.CreateEventResponse = await self.provider.create_event(self.call, request)
        return found

    async def make(self, event: event_pb2.Event) -> event_pb2.Event:
        return (await self.create(event)).event

    async def get(self, id: str, calendar_id: str = "", **fields: Any) -> event_pb2.Event:
        request = event_pb2.GetEventRequest(id=id, calendar_id=calendar_id, **fields)
        found: event_pb2.Event = (await self.provider.get_event(self.call, request)).event
        return found

    async def update(
        self, id: str, event: event_pb2.Event, *paths: str, **fields: Any
    ) -> event_pb2.UpdateEventResponse:
        request = event_pb2.UpdateEventRequest(
            id=id, event=event, update_mask=FieldMask(paths=paths), **fields
        )
        found: event_pb2.UpdateEventResponse = await self.provider.update_event(self.call, request)
        return found

    async def delete(self, id: str, **fields: Any) -> event_pb2.DeleteEventResponse:
        request = event_pb2.DeleteEventRequest(id=id, **fields)
        found: event_pb2.DeleteEventResponse = await self.provider.delete_event(self.call, request)
        return found

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
        fields.setdefault("window", window(datetime(2026, 9, 1, tzinfo=UTC), days=400))
        request = event_pb2.ListEventInstancesRequest(recurring_event_id=id, **fields)
        return list((await self.provider.list_event_instances(self.call, request)).events)

    async def changes(self, cursor: str = "", **fields: Any) -> ChangesPage:
        query = ChangesQuery(EVENT, cursor=cursor, **fields)
        found: ChangesPage = await self.provider.list_changes(self.call, query)
        return found

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
async def desk(provider: type[Any] = Outlook, **extra: str) -> AsyncIterator[Desk]:
    """A desk, for as long as the block."""
    async with Graph() as graph, door() as out:
        settings = ProviderSettings(base_url=graph.base_url, extra=extra)
        yield Desk(graph, out, provider(settings))
        spec.check_all(graph.journal)


@asynccontextmanager
async def refused(kind: Kind, *, reason: str = "", field: str = "") -> AsyncIterator[Any]:
    """What happens inside fails so."""
    with pytest.raises(ProviderError) as caught:
        yield caught
    error = caught.value
    assert error.kind is kind, (error.kind, error.message)
    if reason:
        assert error.reason == reason
    if field:
        assert [path for path, _ in error.violations] == [field]


# -- short events


def instant(when: datetime, zone: str = "") -> types_pb2.EventTime:
    found = types_pb2.EventTime(time_zone=zone)
    found.timestamp.FromDatetime(when)
    return found


def berlin(day: int, hour: int, minute: int = 0, month: int = 10) -> types_pb2.EventTime:
    return instant(datetime(2026, month, day, hour, minute, tzinfo=BERLIN), "Europe/Berlin")


def day(when: date) -> types_pb2.EventTime:
    found = types_pb2.EventTime()
    found.date.year, found.date.month, found.date.day = when.year, when.month, when.day
    return found


def window(start: datetime, *, days: float) -> types_pb2.TimeRange:
    found = types_pb2.TimeRange()
    found.start_at.FromDatetime(start)
    found.end_at.FromDatetime(start + timedelta(days=days))
    return found


def local(event: event_pb2.Event) -> str:
    """Start in Berlin, "10-20 14:10"."""
    return f"{event.start_at.timestamp.ToDatetime(UTC).astimezone(BERLIN):%m-%d %H:%M}"


def meeting(
    subject: str = "Meeting",
    at: types_pb2.EventTime | None = None,
    minutes: int = 30,
    rules: tuple[str, ...] = (),
    **fields: Any,
) -> event_pb2.Event:
    """On Tuesday 20 October at 14:10 in Berlin unless said otherwise; clocks change on the 25th."""
    event = event_pb2.Event(subject=subject, start_at=at or berlin(20, 14, 10), **fields)
    event.end_at.CopyFrom(event.start_at)
    event.end_at.timestamp.seconds += 60 * minutes
    if rules:
        event.recurrence.rules.extend(rules)
    return event


WEEKLY = ("RRULE:FREQ=WEEKLY;COUNT=4",)
