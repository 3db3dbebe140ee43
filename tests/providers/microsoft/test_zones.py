"""Zones and days in what is written to Outlook."""

from datetime import UTC, date, datetime

import pytest

from providers.core.errors import Kind
from tests.providers.microsoft.desk import (
    berlin,
    day,
    desk,
    instant,
    meeting,
    refused,
)
from ucal.v1 import event_pb2

# -- zones and days


async def test_floating_times_are_refused() -> None:
    """P22: never turned into UTC in silence."""
    async with desk() as d:
        event = event_pb2.Event(subject="x")
        event.start_at.floating.year = event.end_at.floating.year = 2026
        event.start_at.floating.month = event.end_at.floating.month = 1
        event.start_at.floating.day = event.end_at.floating.day = 1
        with refused(Kind.INVALID, field="event.start_at"):
            await d.create(event)
        assert d.graph.journal == []


async def test_a_zone_is_written_by_its_iana_name_and_else_by_windows_name() -> None:
    async with desk() as d:
        d.graph.world.iana_refused = {"Europe/Berlin"}
        made = await d.make(meeting(rules=("RRULE:FREQ=DAILY;COUNT=2",)))
        first, second = d.graph.asked("POST", "/events")
        assert first.body["start"]["timeZone"] == "Europe/Berlin"
        assert second.body["start"]["timeZone"] == "W. Europe Standard Time"
        name = second.body["recurrence"]["range"]["recurrenceTimeZone"]
        assert name == "W. Europe Standard Time"
        assert made.start_at == berlin(20, 14, 10)


async def test_a_zone_that_comes_back_as_another_city_is_told() -> None:
    async with desk() as d:
        at = instant(datetime(2026, 10, 20, 12, tzinfo=UTC), "Europe/Rome")
        answer = await d.create(meeting(at=at))
        assert answer.event.start_at.time_zone == "Europe/Berlin"
        assert set(answer.report.coerced_fields.paths) == {"start_at", "end_at"}
        with refused(Kind.PRECONDITION, reason="FIELDS_NOT_SUPPORTED"):
            await d.create(meeting(at=at), strict=True)


@pytest.mark.parametrize("zone", ["America/Vancouver", "America/Edmonton", "America/Winnipeg"])
async def test_zones_that_stopped_changing_clocks_in_2026(zone: str) -> None:
    """An older mailbox would be an hour off in winter: UTC for one event, no for a series."""
    at = instant(datetime(2026, 12, 1, 18, tzinfo=UTC), zone)
    async with desk() as d:
        answer = await d.create(meeting(at=at))
        assert d.graph.asked("POST", "/events")[-1].body["start"] == {
            "dateTime": "2026-12-01T18:00:00", "timeZone": "UTC",
        }  # fmt: skip
        assert answer.event.start_at.timestamp == at.timestamp
        assert "start_at" in answer.report.coerced_fields.paths
        with refused(Kind.PRECONDITION, reason="TIME_ZONE_NOT_SUPPORTED"):
            await d.create(meeting(at=at, rules=("RRULE:FREQ=WEEKLY;COUNT=3",)))
        from tests.providers.microsoft.double import clocks

        d.graph.world.windows_zones.extend(clocks.NEWER)
        made = await d.make(meeting(at=at, rules=("RRULE:FREQ=WEEKLY;COUNT=3",)))
        name = d.graph.asked("POST", "/events")[-1].body["start"]["timeZone"]
        assert name in clocks.NEWER
        assert made.start_at == at


async def test_all_day_events_are_midnights_of_one_zone() -> None:
    """P30: whatever zones the two ends name."""
    async with desk() as d:
        event = event_pb2.Event(
            subject="x", start_at=day(date(2026, 12, 1)), end_at=day(date(2026, 12, 3))
        )
        event.start_at.time_zone = "Europe/Berlin"
        made = await d.make(event)
        body = d.graph.asked("POST", "/events")[-1].body
        assert body["isAllDay"] is True
        assert body["start"]["timeZone"] == body["end"]["timeZone"] == "Europe/Berlin"
        assert (made.start_at, made.end_at) == (day(date(2026, 12, 1)), day(date(2026, 12, 3)))
        timed = event_pb2.Event(start_at=berlin(1, 9, month=12))
        with refused(Kind.INVALID, field="event.start_at"):
            await d.update(made.id, timed, "start_at")
        timed.end_at.CopyFrom(berlin(1, 10, month=12))
        found = (await d.update(made.id, timed, "start_at", "end_at")).event
        assert not found.is_all_day
        assert found.start_at == berlin(1, 9, month=12)
        whole = event_pb2.Event(start_at=day(date(2026, 12, 5)), end_at=day(date(2026, 12, 6)))
        found = (await d.update(made.id, whole, "start_at", "end_at")).event
        assert found.start_at == day(date(2026, 12, 5))
