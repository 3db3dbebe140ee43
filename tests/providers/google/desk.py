"""What the tests of Google share: the provider on the double, short ways to ask, short events."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from providers.core.auth import HeaderAuth
from providers.core.call import Call, ChangesPage, ChangesQuery
from providers.core.errors import Kind, ProviderError
from providers.core.guard import Guard
from providers.core.http import Door, Http
from providers.core.retry import Hosts, Policy
from providers.core.settings import ProviderSettings
from providers.core.transport import Transport
from providers.google.provider_calendar import GoogleCalendar
from tests.providers.google.double import Google
from tests.providers.google.double.tokens import TOKEN
from tests.providers.google.double.world import ADA
from ucal.v1 import event_pb2, types_pb2

BERLIN = ZoneInfo("Europe/Berlin")
CONNECTION = "c1"
EVENT = types_pb2.RESOURCE_KIND_EVENT
CALENDAR = types_pb2.RESOURCE_KIND_CALENDAR
THIS = types_pb2.UPDATE_SCOPE_THIS_INSTANCE
FOLLOWING = types_pb2.UPDATE_SCOPE_THIS_AND_FOLLOWING
ALL = types_pb2.UPDATE_SCOPE_ALL
MEET = types_pb2.CONFERENCE_KIND_GOOGLE_MEET


def settings(google: Google, **extra: str) -> ProviderSettings:
    """Every host is the double."""
    return ProviderSettings(
        base_url=google.calendar_url,
        token_url=f"{google.url}/token",
        extra={"directory_url": google.url, "requests_per_minute": "0", **extra},
    )


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

    google: Google
    out: Door
    provider: GoogleCalendar
    patience: float = 20.0

    @property
    def call(self) -> Call:
        import asyncio

        http = Http(
            self.out,
            self.google.calendar_url,
            auth=HeaderAuth("authorization", f"Bearer {TOKEN}"),
            deadline=asyncio.get_running_loop().time() + self.patience,
            classify=self.provider.classify,
            provider=self.provider.name,
        )
        return Call(CONNECTION, http)

    @property
    def ada(self) -> Any:
        """The primary calendar as the double holds it."""
        return self.google.world.calendars[ADA]

    def asked(self, method: str = "", ending: str = "") -> list[Any]:
        """What was sent to Google, of this method, to paths that end so."""
        return [
            each
            for each in self.google.journal
            if (not method or each.method == method) and each.path.endswith(ending)
        ]

    # -- events of the primary calendar unless said otherwise

    async def create(self, event: event_pb2.Event, **fields: Any) -> event_pb2.CreateEventResponse:
        request = event_pb2.CreateEventRequest(connection_id=CONNECTION, event=event, **fields)
        return await self.provider.create_event(self.call, request)

    async def make(self, event: event_pb2.Event) -> event_pb2.Event:
        return (await self.create(event)).event

    async def get(self, id: str, calendar_id: str = "", **fields: Any) -> event_pb2.Event:
        request = event_pb2.GetEventRequest(id=id, calendar_id=calendar_id, **fields)
        return (await self.provider.get_event(self.call, request)).event

    async def update(
        self, id: str, event: event_pb2.Event, *paths: str, **fields: Any
    ) -> event_pb2.UpdateEventResponse:
        request = event_pb2.UpdateEventRequest(
            id=id, event=event, update_mask=FieldMask(paths=paths), **fields
        )
        return await self.provider.update_event(self.call, request)

    async def delete(self, id: str, **fields: Any) -> event_pb2.DeleteEventResponse:
        request = event_pb2.DeleteEventRequest(id=id, **fields)
        return await self.provider.delete_event(self.call, request)

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

    async def changes(self, cursor: str = "", kind: Any = EVENT, **fields: Any) -> ChangesPage:
        return await self.provider.list_changes(
            self.call, ChangesQuery(kind, cursor=cursor, **fields)
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
async def desk(**extra: str) -> AsyncIterator[Desk]:
    """A desk, for as long as the block."""
    async with Google() as google, door() as out:
        yield Desk(google, out, GoogleCalendar(settings(google, **extra)))


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


WEEKLY = ("RRULE:FREQ=WEEKLY;COUNT=6",)


def starts(events: list[event_pb2.Event]) -> list[str]:
    """Local starts in Berlin: "10-20 14:10"."""
    return [
        f"{e.start_at.timestamp.ToDatetime(UTC).astimezone(BERLIN):%m-%d %H:%M}" for e in events
    ]


class refused:  # noqa: N801 - reads as a word
    """Expect a ProviderError of this kind, that names this field, with this reason."""

    def __init__(self, kind: Kind, *, field: str = "", reason: str = "") -> None:
        self.kind, self.field, self.reason = kind, field, reason
        self._raises = pytest.raises(ProviderError)

    def __enter__(self) -> pytest.ExceptionInfo[ProviderError]:
        self._info = self._raises.__enter__()
        return self._info

    def __exit__(self, *exc: object) -> bool:
        suppressed = self._raises.__exit__(*exc)  # type: ignore[arg-type]
        error = self._info.value
        assert error.kind is self.kind, f"{error.kind}: {error.message}"
        if self.field:
            assert self.field in [path for path, _ in error.violations], error.violations
        if self.reason:
            assert error.reason == self.reason
        return bool(suppressed)
