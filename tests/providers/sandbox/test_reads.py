"""Lists, windows, filters, pages, instances, single events; rooms, locations, calendars."""

from datetime import UTC, datetime, timedelta

import pytest

from providers.core.errors import Kind
from tests.providers.sandbox.desk import (
    BERLIN,
    NOW,
    SCRATCH,
    Desk,
    berlin,
    day,
    floating,
    instant,
    meeting,
    refused,
    starts,
    window,
)
from ucal.v1 import calendar_pb2, event_pb2, location_pb2, room_pb2

WORK = "work"


@pytest.mark.parametrize("size", [1, 2, 7, 50, 2_500])
@pytest.mark.parametrize("expand", [False, True])
async def test_p10_pages_hold_everything_once(desk: Desk, size: int, expand: bool) -> None:
    """P10."""
    fields = {"expand_recurring": expand, "window": window(NOW - timedelta(days=20), days=60)}
    whole = [e.id for e in await desk.listed(WORK, page_size=2_500, **fields)]
    walked = [e.id for e in await desk.listed(WORK, page_size=size, **fields)]
    assert walked == whole
    assert len(set(whole)) == len(whole) > 60


async def test_p10_writes_between_pages_hide_nothing(desk: Desk) -> None:
    """P10: what is written between two pages neither repeats nor hides what was there."""
    for number in range(6):
        await desk.make(meeting(f"m{number}", berlin(20, 9 + number)))
    request = event_pb2.ListEventsRequest(calendar_id=SCRATCH, page_size=3)
    first = await desk.sandbox.list_events(desk.call(), request)
    await desk.delete(first.events[0].id)
    await desk.make(meeting("new", berlin(20, 8)))
    request.page_token = first.next_page_token
    second = await desk.sandbox.list_events(desk.call(), request)
    assert [e.subject for e in [*first.events, *second.events]] == [f"m{n}" for n in range(6)]


async def test_a_list_goes_on_as_a_watch_without_a_gap(desk: Desk) -> None:
    """What was changed while pages were read is told by the watch that goes on from the list."""
    made = [await desk.make(meeting(f"m{number}", berlin(20, 9 + number))) for number in range(4)]
    request = event_pb2.ListEventsRequest(calendar_id=SCRATCH, page_size=3)
    first = await desk.sandbox.list_events(desk.call(), request)
    assert first.resume_token == b""
    await desk.update(made[0].id, event_pb2.Event(subject="changed"), "subject")
    request.page_token = first.next_page_token
    second = await desk.sandbox.list_events(desk.call(), request)
    page = await desk.changes(second.resume_token.decode())
    assert [change.event.subject for change in page.changes] == ["changed"]


@pytest.mark.parametrize(
    "fields",
    [
        {"window": window(NOW, days=2)},
        {"window": window(NOW, days=2), "expand_recurring": True},
        {"query": "standup"},
        {"updated_after": NOW},
    ],
    ids="+".join,
)
async def test_p03_no_resume_token_with_filters(desk: Desk, fields: dict[str, object]) -> None:
    """P03."""
    request = event_pb2.ListEventsRequest(calendar_id=WORK, page_size=2_500, **fields)
    assert (await desk.sandbox.list_events(desk.call(), request)).resume_token == b""


@pytest.mark.parametrize(
    ("low", "high", "inside"),
    [
        (-1, 31, True),
        (15, 31, True),
        (-1, 15, True),
        (5, 10, True),
        (-5, 0, False),
        (30, 40, False),
    ],
)
@pytest.mark.parametrize("expand", [False, True])
async def test_a_window_holds_what_overlaps_it(
    desk: Desk, low: int, high: int, inside: bool, expand: bool
) -> None:
    made = await desk.make(meeting())
    start = made.start_at.timestamp.ToDatetime(UTC)
    found = await desk.listed(
        window=window(start + timedelta(minutes=low), days=(high - low) / 1440),
        expand_recurring=expand,
    )
    assert [e.id for e in found] == ([made.id] if inside else [])


async def test_an_event_without_length_is_at_its_start(desk: Desk) -> None:
    made = await desk.make(meeting(minutes=0))
    start = made.start_at.timestamp.ToDatetime(UTC)
    assert len(await desk.listed(window=window(start, days=1))) == 1
    assert await desk.listed(window=window(start - timedelta(days=1), days=1)) == []


async def test_a_long_event_is_found_from_its_middle(desk: Desk) -> None:
    made = await desk.make(meeting(minutes=60 * 24 * 30))
    for _ in range(3):
        await desk.make(meeting())
    found = await desk.listed(window=window(datetime(2026, 11, 10, tzinfo=UTC), days=1))
    assert [e.id for e in found] == [made.id]


async def test_p31_all_day_events_lie_in_the_calendars_zone(desk: Desk) -> None:
    """P31: a day in Tokyo, where the calendar is, ends at 15:00 UTC."""
    await desk.make(
        event_pb2.Event(start_at=day(NOW.date()), end_at=day(NOW.date() + timedelta(1)))
    )
    edge = datetime(2026, 10, 14, 15, 0, tzinfo=UTC)
    assert len(await desk.listed(window=window(edge - timedelta(hours=1), days=1))) == 1
    assert await desk.listed(window=window(edge, days=1)) == []
    assert await desk.listed(window=window(edge - timedelta(days=3), days=2)) == []


async def test_p22_floating_times_stay_floating(desk: Desk) -> None:
    """P22."""
    when = datetime(2026, 10, 20, 7, 0)  # noqa: DTZ001 - floating is what it is about
    made = await desk.make(
        event_pb2.Event(start_at=floating(when), end_at=floating(when + timedelta(hours=1)))
    )
    assert made.start_at == floating(when)
    assert made.start_at.time_zone == ""


async def test_expansion_is_ordered_and_holds_exceptions_once(desk: Desk) -> None:
    """P36, P37."""
    found = await desk.listed(
        WORK, expand_recurring=True, window=window(NOW - timedelta(days=14), days=28)
    )
    assert not any(e.HasField("recurrence") for e in found)
    at = [e.start_at.timestamp.ToNanoseconds() for e in found if e.start_at.HasField("timestamp")]
    assert at == sorted(at)
    slots = [
        (e.recurring_event_id, e.original_start_at.timestamp.seconds)
        for e in found
        if e.recurring_event_id == "standup"
    ]
    assert len(slots) == len(set(slots)) > 10
    moved = [e for e in found if e.subject == "Standup (moved, with demo)"]
    assert starts(moved) == ["10-20 11:00"]
    assert moved[0].is_exception
    assert starts([event_pb2.Event(start_at=moved[0].original_start_at)]) == ["10-20 09:30"]


async def test_canceled_ones_come_when_asked_for(desk: Desk) -> None:
    frame = window(NOW - timedelta(days=14), days=28)
    plain = await desk.listed(WORK, expand_recurring=True, window=frame)
    whole = await desk.listed(WORK, expand_recurring=True, window=frame, include_canceled=True)
    canceled = {e.id for e in whole} - {e.id for e in plain}
    assert {e.status for e in whole if e.id in canceled} == {event_pb2.EVENT_STATUS_CANCELED}
    assert any(own_id.startswith("standup_") for own_id in canceled)
    assert "canceled-workshop" in {e.id for e in await desk.listed(WORK, include_canceled=True)}
    assert "canceled-workshop" not in {e.id for e in await desk.listed(WORK)}


async def test_query_looks_at_words_of_people_and_places(desk: Desk) -> None:
    await desk.make(meeting("Trip to Zanzibar"))
    other = meeting("Dinner")
    other.location = "ZANZIBAR harbour"
    other.attendees.add(email="pia@example.com", name="Pia Panel")
    await desk.make(other)
    await desk.make(meeting("Something else"))
    assert len(await desk.listed(query="zanzibar")) == 2
    assert [e.subject for e in await desk.listed(query="panel zanzibar")] == ["Dinner"]
    assert await desk.listed(query="nowhere") == []


async def test_updated_after_filters(desk: Desk) -> None:
    await desk.make(meeting("old"))
    desk.later(minutes=5)
    await desk.make(meeting("new"))
    assert [e.subject for e in await desk.listed(updated_after=desk.now)] == ["new"]


async def test_raw_is_there_when_asked_for(desk: Desk) -> None:
    request = event_pb2.GetEventRequest(id="launch", include_raw=True)
    found = (await desk.sandbox.get_event(desk.call(), request)).event
    assert found.raw["__id"] == "launch"
    assert found.raw["subject"] == found.subject
    listed = await desk.listed(WORK, include_raw=True)
    assert all(e.raw["__id"] == e.id for e in listed)
    assert not any(e.HasField("raw") for e in await desk.listed(WORK))


@pytest.mark.parametrize(
    ("id", "calendar_id"),
    [
        ("nobody", "work"),
        ("standup_", "work"),
        ("standup_20261017T073000Z", "work"),  # a Saturday
        ("standup_20261014", "work"),  # a date, in a series of instants
        ("standup_99999999T999999Z", "work"),
        ("launch_20261014T073000Z", "work"),
        ("launch", "personal"),
        ("x" * 4_000, "work"),
        ("bücher ✓ 😀", "work"),
    ],
)
async def test_what_is_not_there_is_named(desk: Desk, id: str, calendar_id: str) -> None:
    with refused(Kind.NOT_FOUND) as caught:
        await desk.get(id, calendar_id)
    assert caught.value.resource == ("event", id)


async def test_a_calendar_that_is_not_there_is_named(desk: Desk) -> None:
    with refused(Kind.NOT_FOUND) as caught:
        await desk.listed("nowhere")
    assert caught.value.resource == ("calendar", "nowhere")


@pytest.mark.parametrize("token", ["x", "1", "1:2:", "999999999999999999999999999:a", "!", "é:1"])
async def test_a_page_token_that_is_none(desk: Desk, token: str) -> None:
    request = event_pb2.ListEventsRequest(
        calendar_id=WORK, window=window(NOW, days=2), page_token=token
    )
    if token.partition(":")[0].isdigit() and ":" in token:
        await desk.sandbox.list_events(desk.call(), request)  # a place behind everything
        return
    with refused(Kind.INVALID, field="page_token", reason="INVALID_PAGE_TOKEN"):
        await desk.sandbox.list_events(desk.call(), request)


async def test_too_many_instances_are_refused(desk: Desk) -> None:
    for hour in range(3):
        await desk.make(meeting("daily", berlin(20, hour), 5, "RRULE:FREQ=DAILY"))
    with refused(Kind.PRECONDITION, reason="WINDOW_TOO_LARGE"):
        await desk.listed(window=window(NOW, days=365 * 25), expand_recurring=True)


async def test_p43_an_instance_of_a_series_begun_before_the_window(desk: Desk) -> None:
    """P43: also in lists of series."""
    made = await desk.make(meeting("daily", berlin(1, 9), 30, "RRULE:FREQ=DAILY"))
    late = window(datetime(2031, 5, 5, tzinfo=UTC), days=1)
    assert [e.id for e in await desk.listed(window=late)] == [made.id]
    (found,) = await desk.listed(window=late, expand_recurring=True)
    assert found.recurring_event_id == made.id
    assert starts([found]) == ["05-05 09:00"]


async def test_p40_an_exception_outside_the_rule_is_an_instance(desk: Desk) -> None:
    """P40: a slot that the rule does not have any more."""
    made = await desk.make(meeting("weekly", berlin(20, 9), 30, "RRULE:FREQ=WEEKLY;COUNT=3"))
    stray = (await desk.instances(made.id))[2]
    stray.subject = "stray"
    stray.id = f"{made.id}_20261110T080000Z"
    stray.original_start_at.CopyFrom(berlin(10, 9, month=11))
    stray.start_at.CopyFrom(berlin(10, 9, month=11))
    stray.end_at.CopyFrom(berlin(10, 10, month=11))
    desk.world.save_exception("20261110T080000Z", stray)
    assert starts(await desk.instances(made.id))[-1] == "11-10 09:00"
    assert (await desk.get(stray.id)).subject == "stray"


async def test_instances_without_window_are_those_of_the_year_ahead(desk: Desk) -> None:
    request = event_pb2.ListEventInstancesRequest(recurring_event_id="standup", page_size=2_500)
    found = (await desk.sandbox.list_event_instances(desk.call(), request)).events
    assert found[0].start_at.timestamp.ToDatetime(UTC) >= NOW - timedelta(minutes=15)
    assert 250 < len(found) < 266


async def test_one_instance_by_its_planned_start(desk: Desk) -> None:
    moved = instant(datetime(2026, 10, 20, 9, 30, tzinfo=BERLIN))
    request = event_pb2.ListEventInstancesRequest(
        recurring_event_id="standup", original_start_at=moved
    )
    (found,) = (await desk.sandbox.list_event_instances(desk.call(), request)).events
    assert starts([found]) == ["10-20 11:00"]
    for when in (
        datetime(2026, 10, 20, 9, 31, tzinfo=BERLIN),
        datetime(2026, 10, 18, 9, 30, tzinfo=BERLIN),
    ):
        request.original_start_at.CopyFrom(instant(when))
        assert not (await desk.sandbox.list_event_instances(desk.call(), request)).events


async def test_instances_of_what_does_not_recur(desk: Desk) -> None:
    with refused(Kind.INVALID, field="recurring_event_id"):
        await desk.instances("launch", WORK)


async def test_primary_is_understood(desk: Desk) -> None:
    for own_id in ("", "primary", "work"):
        assert (await desk.get("launch", own_id)).calendar_id == "work"
    request = calendar_pb2.GetCalendarRequest(id="primary", include_raw=True)
    found = (await desk.sandbox.get_calendar(desk.call(), request)).calendar
    assert found.is_primary
    assert found.raw["__id"] == "work"


async def test_calendars_rooms_and_locations_are_listed(desk: Desk) -> None:
    call, sandbox = desk.call(), desk.sandbox
    calendars = await sandbox.list_calendars(call, calendar_pb2.ListCalendarsRequest(page_size=2))
    assert calendars.calendars[0].is_primary
    assert calendars.next_page_token
    rooms = await sandbox.list_rooms(call, room_pb2.ListRoomsRequest(location_id="berlin"))
    assert [room.id for room in rooms.rooms] == ["havel", "panke", "spree"]
    room = (await sandbox.get_room(call, room_pb2.GetRoomRequest(id="spree"))).room
    assert (room.building, room.capacity) == ("Berlin", 8)
    places = await sandbox.list_locations(call, location_pb2.ListLocationsRequest())
    assert len(places.locations) == 3
    request = location_pb2.GetLocationRequest(id="tokyo", include_raw=True)
    assert (await sandbox.get_location(call, request)).location.raw["timezone"] == "Asia/Tokyo"
    with refused(Kind.NOT_FOUND):
        await sandbox.list_rooms(call, room_pb2.ListRoomsRequest(location_id="mars"))
    with refused(Kind.NOT_FOUND):
        await sandbox.get_room(call, room_pb2.GetRoomRequest(id="mars"))
