"""What the sandbox's tests share: a clock in their hands, a caller, short ways to write events."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import cast
from zoneinfo import ZoneInfo

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from providers.core.call import Call, ChangesPage, ChangesQuery
from providers.core.errors import Kind, ProviderError
from providers.core.http import Http
from providers.core.settings import ProviderSettings
from providers.sandbox.provider import Sandbox
from providers.sandbox.world import World
from ucal.v1 import event_pb2, types_pb2

BERLIN = ZoneInfo("Europe/Berlin")
CONNECTION = "c1"
SCRATCH = "scratch"
# A Wednesday; clocks in Berlin change on 25 October and on 28 March.
NOW = datetime(2026, 10, 14, 8, 0, tzinfo=UTC)

THIS = types_pb2.UPDATE_SCOPE_THIS_INSTANCE
FOLLOWING = types_pb2.UPDATE_SCOPE_THIS_AND_FOLLOWING
ALL = types_pb2.UPDATE_SCOPE_ALL
# The sandbox goes nowhere: whatever it would ask of this fails.
NO_DOOR = cast("Http", None)
EVENT = types_pb2.RESOURCE_KIND_EVENT
WEEKLY = "RRULE:FREQ=WEEKLY;COUNT=6"
# When `meeting(..., WEEKLY)` is: clocks change between the first and the second.
PLAN = ["10-20 14:10", "10-27 14:10", "11-03 14:10", "11-10 14:10", "11-17 14:10", "11-24 14:10"]
ANA, BEN = "ana@example.com", "ben@example.com"
OPTIONAL = types_pb2.ATTENDEE_ROLE_OPTIONAL


@dataclass(frozen=True)
class At(Call):
    """A call at an instant of the test's choosing."""

    instant: datetime = NOW

    def now(self) -> datetime:  # type: ignore[override]
        return self.instant


@dataclass
class Desk:
    """A caller of a sandbox of its own."""

    sandbox: Sandbox = field(
        default_factory=lambda: Sandbox(ProviderSettings(extra={"life_seconds": "0"}))
    )
    now: datetime = NOW
    connection_id: str = CONNECTION

    def call(self, hints: Mapping[str, str] | None = None) -> Call:
        return At(self.connection_id, NO_DOOR, hints=dict(hints or {}), instant=self.now)

    @property
    def world(self) -> World:
        return self.sandbox.worlds.visit(self.connection_id, self.now)

    def later(self, **lapse: float) -> None:
        self.now += timedelta(**lapse)

    # -- events, in the empty calendar unless said otherwise

    async def create(
        self, event: event_pb2.Event, **fields: object
    ) -> event_pb2.CreateEventResponse:
        if not event.calendar_id:
            event.calendar_id = SCRATCH
        request = event_pb2.CreateEventRequest(
            connection_id=self.connection_id, event=event, **fields
        )
        return await self.sandbox.create_event(self.call(), request)

    async def make(self, event: event_pb2.Event) -> event_pb2.Event:
        return (await self.create(event)).event

    async def get(self, id: str, calendar_id: str = SCRATCH) -> event_pb2.Event:
        request = event_pb2.GetEventRequest(id=id, calendar_id=calendar_id)
        return (await self.sandbox.get_event(self.call(), request)).event

    async def update(
        self, id: str, event: event_pb2.Event, *paths: str, **fields: object
    ) -> event_pb2.UpdateEventResponse:
        fields.setdefault("calendar_id", SCRATCH)
        hints = fields.pop("hints", None)
        request = event_pb2.UpdateEventRequest(
            connection_id=self.connection_id,
            id=id,
            event=event,
            update_mask=FieldMask(paths=paths),
            **fields,
        )
        return await self.sandbox.update_event(self.call(hints), request)

    async def delete(self, id: str, **fields: object) -> event_pb2.DeleteEventResponse:
        fields.setdefault("calendar_id", SCRATCH)
        request = event_pb2.DeleteEventRequest(id=id, **fields)
        return await self.sandbox.delete_event(self.call(), request)

    async def listed(self, calendar_id: str = SCRATCH, **fields: object) -> list[event_pb2.Event]:
        request = event_pb2.ListEventsRequest(calendar_id=calendar_id, **fields)
        found: list[event_pb2.Event] = []
        while True:
            answer = await self.sandbox.list_events(self.call(), request)
            found += answer.events
            if not answer.next_page_token:
                return found
            request.page_token = answer.next_page_token

    async def instances(
        self, id: str, calendar_id: str = SCRATCH, **fields: object
    ) -> list[event_pb2.Event]:
        fields.setdefault("window", window(NOW - timedelta(days=60), days=400))
        request = event_pb2.ListEventInstancesRequest(
            calendar_id=calendar_id, recurring_event_id=id, page_size=2_000, **fields
        )
        return list((await self.sandbox.list_event_instances(self.call(), request)).events)

    async def changes(
        self, cursor: str = "", kind: int = EVENT, calendar_id: str = SCRATCH, **fields: object
    ) -> ChangesPage:
        query = ChangesQuery(kind, calendar_id if kind == EVENT else "", cursor, **fields)
        return await self.sandbox.list_changes(self.call(), query)


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


def floating(when: datetime) -> types_pb2.EventTime:
    found = types_pb2.EventTime()
    value = found.floating
    value.year, value.month, value.day = when.year, when.month, when.day
    value.hours, value.minutes = when.hour, when.minute
    return found


def window(start: datetime, *, days: float) -> types_pb2.TimeRange:
    found = types_pb2.TimeRange()
    found.start_at.FromDatetime(start)
    found.end_at.FromDatetime(start + timedelta(days=days))
    return found


def meeting(
    subject: str = "Meeting", at: types_pb2.EventTime | None = None, minutes: int = 30, *rules: str
) -> event_pb2.Event:
    """An event in the empty calendar, on 20 October at 14:10 in Berlin unless said otherwise."""
    event = event_pb2.Event(subject=subject, calendar_id=SCRATCH, start_at=at or berlin(20, 14, 10))
    event.end_at.CopyFrom(event.start_at)
    seconds = event.start_at.timestamp.seconds + 60 * minutes
    event.end_at.timestamp.seconds = seconds
    event.recurrence.rules.extend(rules)
    if not rules:
        event.ClearField("recurrence")
    return event


def subject(text: str) -> event_pb2.Event:
    """A change of nothing but the subject."""
    return event_pb2.Event(subject=text)


def times(start: types_pb2.EventTime, minutes: int = 30) -> event_pb2.Event:
    """A change of nothing but the times."""
    event = event_pb2.Event(start_at=start, end_at=start)
    event.end_at.timestamp.seconds += 60 * minutes
    return event


def starts(events: list[event_pb2.Event]) -> list[str]:
    """Local starts in Berlin: "10-20 14:10"."""
    return [
        f"{e.start_at.timestamp.ToDatetime(UTC).astimezone(BERLIN):%m-%d %H:%M}" for e in events
    ]


def refused(kind: Kind, *, field: str = "", reason: str = "") -> "_Refused":
    """Expect a ProviderError of this kind, that names this field, with this reason."""
    return _Refused(kind, field, reason)


class _Refused:
    def __init__(self, kind: Kind, field: str, reason: str) -> None:
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
        assert error.message
        return bool(suppressed)


def invited(*emails: str) -> event_pb2.Event:
    event = meeting()
    for email in emails:
        event.attendees.add(email=email, role=OPTIONAL)
    return event
