"""What a world holds at first: valid, believable, the same every time."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import protovalidate
import pytest

from providers.sandbox import seed
from providers.sandbox.agenda import Agenda, instance_event
from providers.sandbox.world import World
from tests.providers.sandbox.desk import BERLIN, NOW, Desk, starts, window
from ucal.v1 import (
    calendar_pb2,
    event_pb2,
    link_pb2,
    recording_pb2,
    room_pb2,
    types_pb2,
    webinar_pb2,
)

WORK = "work"


def planted(connection_id: str = "c", now: datetime = NOW) -> World:
    world = World(connection_id, now)
    seed.plant(world)
    return world


def _events(world: World) -> Iterator[event_pb2.Event]:
    for agenda in world.agendas.values():
        for entry in agenda.stored_entries():
            yield entry.event()


def _everything(world: World) -> Iterator[Any]:
    yield from _events(world)
    for shelf in (world.calendars, world.links, world.recordings, world.webinars, world.rooms):
        yield from shelf
    yield from world.locations
    for shelf in world.registrants.values():
        yield from shelf


@pytest.mark.parametrize(
    "now",
    [
        NOW,
        datetime(2026, 1, 1, 0, 30, tzinfo=UTC),
        datetime(2028, 2, 29, 23, 59, tzinfo=UTC),
        datetime(2026, 3, 29, 1, 0, tzinfo=UTC),  # clocks change in Berlin
        datetime(2027, 5, 31, 12, 0, tzinfo=UTC),
    ],
    ids=str,
)
def test_everything_is_valid_by_the_contract(now: datetime) -> None:
    world = planted(now=now)
    for resource in _everything(world):
        protovalidate.validate(resource)
        assert resource.id
        assert "connection_id" not in resource.DESCRIPTOR.fields_by_name or (
            resource.connection_id == "c"
        )


def test_the_same_connection_sees_the_same_world() -> None:
    one, other = (sorted(str(r) for r in _everything(planted())) for _ in range(2))
    assert one == other


def test_two_connections_see_different_weeks() -> None:
    one, other = (
        [e.subject for e in _events(planted(name)) if e.id.startswith("meeting-")]
        for name in ("c", "d")
    )
    assert one != other


def test_every_form_of_event_is_there() -> None:
    events = list(_events(planted()))
    seen = {
        "series": any(e.recurrence.rules for e in events),
        "exclusion": any("EXDATE" in line for e in events for line in e.recurrence.rules),
        "extra date": any("RDATE" in line for e in events for line in e.recurrence.rules),
        "changed instance": any(
            e.is_exception and e.start_at != e.original_start_at for e in events
        ),
        "canceled instance": any(
            e.is_exception and e.status == event_pb2.EVENT_STATUS_CANCELED for e in events
        ),
        "canceled event": any(
            not e.recurring_event_id and e.status == event_pb2.EVENT_STATUS_CANCELED for e in events
        ),
        "all-day": any(e.is_all_day for e in events),
        "floating": any(e.start_at.HasField("floating") for e in events),
        "call": any(e.conference.join_url for e in events),
        "dial-in": any(e.conference.phones for e in events),
        "room": any(e.room_ids for e in events),
        "booking": any(e.link_id and e.booking_answers for e in events),
        "attachment": any(e.attachments for e in events),
        "metadata": any(e.metadata for e in events),
        "reminder": any(e.reminders.overrides for e in events),
    }
    assert [name for name, found in seen.items() if not found] == []
    assert {e.type for e in events} >= {
        event_pb2.EVENT_TYPE_DEFAULT,
        event_pb2.EVENT_TYPE_OUT_OF_OFFICE,
        event_pb2.EVENT_TYPE_FOCUS_TIME,
        event_pb2.EVENT_TYPE_WORKING_LOCATION,
        event_pb2.EVENT_TYPE_BIRTHDAY,
    }
    assert {e.own_response for e in events} >= set(types_pb2.AttendeeResponse.values()) - {0}


def test_several_time_zones_are_there() -> None:
    """P25: the zone of an event need not be its calendar's."""
    world = planted()
    assert len({calendar.timezone for calendar in world.calendars}) == 3
    zones = {e.start_at.time_zone for e in _events(world) if e.calendar_id == WORK}
    assert zones >= {"Europe/Berlin", "Asia/Tokyo"}


def test_other_objects_are_there() -> None:
    world = planted()
    assert [c.id for c in world.calendars if c.is_primary] == [WORK]
    assert any(c.is_read_only for c in world.calendars)
    assert any(c.access_role == calendar_pb2.ACCESS_ROLE_WRITER for c in world.calendars)
    assert any(link.parent_link_id and link.max_uses for link in world.links)
    assert {link.is_active for link in world.links} == {True, False}
    assert any(link_pb2.LinkQuestion(is_required=True).is_required for _ in world.links)
    assert {r.state for r in world.recordings} == {
        recording_pb2.MEDIA_STATE_READY,
        recording_pb2.MEDIA_STATE_PROCESSING,
    }
    assert {r.has_transcript for r in world.recordings} == {True, False}
    assert any(w.HasField("recurrence") for w in world.webinars)
    assert {w.approval_mode for w in world.webinars} == {
        webinar_pb2.APPROVAL_MODE_AUTOMATIC,
        webinar_pb2.APPROVAL_MODE_MANUAL,
    }
    assert max(len(shelf) for shelf in world.registrants.values()) >= 60
    assert all(world.locations.get(room.location_id) for room in world.rooms)
    assert all(isinstance(room, room_pb2.Room) and room.capacity for room in world.rooms)


def test_recordings_belong_to_meetings_that_took_place() -> None:
    world = planted()
    linked = [r for r in world.recordings if r.event_id]
    assert linked
    for recording in linked:
        agenda: Agenda = world.agendas[WORK]
        assert agenda.find(recording.event_id)
        assert recording.end_at.ToDatetime(UTC) < NOW


async def test_a_week_is_lived_in(desk: Desk) -> None:
    """Now, and whatever day it is: something every working day, something ahead and behind."""
    for weeks in (0, 31):
        desk.now = NOW + timedelta(weeks=weeks)
        desk.connection_id = f"w{weeks}"
        found = await desk.listed(
            WORK, expand_recurring=True, window=window(desk.now - timedelta(days=7), days=21)
        )
        days = {
            e.start_at.timestamp.ToDatetime(UTC).astimezone(BERLIN).date()
            for e in found
            if e.start_at.HasField("timestamp")
        }
        assert len(days) >= 13
        assert sum(d > desk.now.date() for d in days) >= 8


async def test_p23_wall_clock_stands_when_clocks_change(desk: Desk) -> None:
    """P23: 14:10 in New York before and after the first Sunday in November."""
    found = await desk.instances(
        "all-hands", "team-new-york", window=window(datetime(2026, 10, 20, tzinfo=UTC), days=28)
    )
    utc = [f"{e.start_at.timestamp.ToDatetime(UTC):%m-%d %H:%M}" for e in found]
    assert utc == ["10-21 18:10", "10-28 18:10", "11-04 19:10", "11-11 19:10"]
    standup = await desk.instances(
        "standup", WORK, window=window(datetime(2026, 10, 22, tzinfo=UTC), days=6)
    )
    assert starts(standup) == ["10-23 09:30", "10-26 09:30", "10-27 09:30"] or starts(standup)[
        -1
    ].endswith("09:30")


def test_a_birthday_of_29_february_comes_back() -> None:
    world = planted()
    series = world.agendas["personal"].series["birthday-alex"]
    event = instance_event(series, datetime(2028, 2, 29, tzinfo=UTC).date())
    assert event.is_all_day
    assert event.end_at.date.day == 1
