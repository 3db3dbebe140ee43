"""What the tests of Google share: the provider on the double, short ways to ask, short events."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from providers.core.auth import HeaderAuth
from providers.core.settings import ProviderSettings
from providers.google.provider_calendar import GoogleCalendar
from tests.providers.desk import CONNECTION, EVENT, Caller, door, instant, refused, window  # noqa: F401
from tests.providers.google.double import Google
from tests.providers.google.double.tokens import TOKEN
from tests.providers.google.double.world import ADA
from ucal.v1 import event_pb2, types_pb2

BERLIN = ZoneInfo("Europe/Berlin")
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


@dataclass(kw_only=True)
class Desk(Caller):
    """A caller of the provider on a double of its own."""

    google: Google

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

    async def instances(self, id: str, **fields: Any) -> list[event_pb2.Event]:
        fields.setdefault("window", window(datetime(2026, 9, 1, tzinfo=UTC), days=400))
        return await super().instances(id, **fields)


@asynccontextmanager
async def desk(**extra: str) -> AsyncIterator[Desk]:
    """A desk, for as long as the block."""
    async with Google() as google, door() as out:
        yield Desk(
            google=google,
            out=out,
            provider=GoogleCalendar(settings(google, **extra)),
            url=google.calendar_url,
            auth=HeaderAuth("authorization", f"Bearer {TOKEN}"),
        )


# -- short events


def berlin(day: int, hour: int, minute: int = 0, month: int = 10) -> types_pb2.EventTime:
    return instant(datetime(2026, month, day, hour, minute, tzinfo=BERLIN), "Europe/Berlin")


def day(when: date) -> types_pb2.EventTime:
    found = types_pb2.EventTime()
    found.date.year, found.date.month, found.date.day = when.year, when.month, when.day
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
