"""Meetings: there and back, series and instances, people, odd fields, whose they are."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from providers.core.errors import Kind
from providers.dialpad import meetings
from tests.providers.desk import refused, window
from tests.providers.dialpad.desk import (
    ALL,
    OCTOBER,
    SEASON,
    THIS,
    WEEKLY,
    Desk,
    instant,
    meeting,
    starts,
)
from tests.providers.dialpad.double.world import EMAIL, OTHER, ROOM, USER
from ucal.v1 import calendar_pb2, event_pb2, types_pb2


async def test_a_meeting_there_and_back(desk: Desk) -> None:
    """Traps: seconds in, ISO out; text integers; a room of its own, and not the user's."""
    answer = await desk.create(
        meeting("Fête ✓", attendees=[{"name": "Ana", "email": "ana@example.org"}])
    )
    assert not answer.report.coerced_fields.paths
    (sent,) = desk.asked("POST")
    assert sent.body == {
        "user_id": int(USER),
        "title": "Fête ✓",
        "meeting_type": "UNIQUE_MEETING",
        "start_datetime": int(OCTOBER.timestamp()),
        "end_datetime": int(OCTOBER.timestamp()) + 1800,
        "duration": 1800,
        "participants_info": [{"email": "ana@example.org", "display_name": "Ana"}],
        "call_out": False,
    }
    found = await desk.get(answer.event.id)
    assert found == answer.event
    assert found.start_at == instant(OCTOBER)
    assert found.end_at == instant(OCTOBER + timedelta(minutes=30))
    assert found.organizer.email == EMAIL
    assert [a.email for a in found.attendees] == ["ana@example.org"]
    assert found.calendar_id == ROOM
    assert found.conference.phones[0].pin == "456"
    assert found.conference.host_code == "123"


async def test_lists_hold_no_pin_of_an_organizer(desk: Desk) -> None:
    """Sheet section 5: organizer_pin is a secret."""
    await desk.create(meeting())
    (found,) = await desk.listed(include_raw=True)
    assert found.raw["__id"] == found.id
    assert not found.conference.host_code
    assert "organizer_pin" not in found.raw


async def test_a_series_and_its_instances(desk: Desk) -> None:
    """P23: 14:10 in Berlin on both sides of the change of clocks; EXDATE is one request."""
    rules = (*WEEKLY, "EXDATE;TZID=Europe/Berlin:20311028T141000")
    made = (await desk.create(meeting(rules=rules))).event
    assert desk.asked("POST")[0].body["recurrence"] == "FREQ=WEEKLY;COUNT=4"
    found = await desk.instances(made.id)
    assert starts(found) == ["10-14 14:10", "10-21 14:10", "11-04 14:10"]
    assert [each.recurring_event_id for each in found] == [made.id] * 3
    series = await desk.get(made.id)
    assert len(series.recurrence.excluded) == len(made.recurrence.excluded) == 1
    assert [each.id for each in await desk.listed()] == [made.id]
    assert await desk.listed(expand_recurring=True) == found
    whole = await desk.get(found[1].id)
    whole.conference.ClearField("host_code")
    assert whole == found[1]
    await desk.delete(found[1].id, scope=THIS)
    assert starts(await desk.instances(made.id)) == ["10-14 14:10", "11-04 14:10"]
    with refused(Kind.NOT_FOUND):
        await desk.get(found[1].id)
    with refused(Kind.NOT_FOUND):
        await desk.delete(found[1].id, scope=THIS)


async def test_one_instance_is_moved_and_the_rest_stays(desk: Desk) -> None:
    """P27, P37, P80: the instance is named, and title, times and people come along."""
    made = (await desk.create(meeting(rules=WEEKLY))).event
    second = (await desk.instances(made.id))[1]
    later = OCTOBER + timedelta(days=7, hours=1)
    moved = event_pb2.Event(start_at=instant(later), end_at=instant(later + timedelta(minutes=15)))
    answer = await desk.update(second.id, moved, "start_at", "end_at", scope=THIS)
    (sent,) = desk.asked("PUT")
    assert sent.body["instance_id"].startswith(f"{made.id}-")
    assert {"title", "start_datetime", "end_datetime", "user_id"} <= sent.body.keys()
    assert answer.event.id == second.id
    assert answer.event.is_exception
    assert answer.event.original_start_at == second.start_at
    found = await desk.instances(made.id)
    assert starts(found) == ["10-14 14:10", "10-21 15:10", "10-28 14:10", "11-04 14:10"]
    assert (await desk.get(second.id)).start_at == instant(later)


async def test_a_series_in_a_zone_that_dialpad_does_not_keep(desk: Desk) -> None:
    """A request has no zone: where its user's gives other dates, nothing is left behind."""
    new_york = OCTOBER.astimezone(UTC)
    with refused(Kind.PRECONDITION, reason="RECURRENCE_NOT_KEPT"):
        await desk.create(meeting(start=new_york, zone="America/New_York", rules=WEEKLY))
    assert not desk.dialpad.world.meetings
    days = ("RRULE:FREQ=DAILY;COUNT=3",)
    answer = await desk.create(meeting(start=new_york, zone="America/New_York", rules=days))
    assert list(answer.report.coerced_fields.paths) == ["start_at", "end_at"]
    assert answer.event.start_at == instant(OCTOBER)


async def test_a_series_that_cannot_be_finished_is_taken_back(desk: Desk) -> None:
    rules = (*WEEKLY, "EXDATE;TZID=Europe/Berlin:20311028T141000")
    desk.dialpad.fail(403, method="DELETE")
    with refused(Kind.FORBIDDEN):
        await desk.create(meeting(rules=rules))
    assert not desk.dialpad.world.meetings
    desk.dialpad.fail(403, times=2, method="DELETE")
    with refused(Kind.CONFLICT, reason="SERIES_HALF_MADE") as caught:
        await desk.create(meeting(rules=rules))
    assert caught.value.metadata["event_id"] in desk.dialpad.world.meetings


@pytest.mark.parametrize(
    ("lines", "part"),
    [
        (("RRULE:FREQ=YEARLY;COUNT=2",), "FREQ"),
        (("RRULE:FREQ=MONTHLY;BYDAY=TU;BYSETPOS=2;COUNT=2",), "BYSETPOS"),
        (("RRULE:FREQ=MONTHLY;BYMONTHDAY=3;COUNT=2",), "BYMONTHDAY"),
        (("RRULE:FREQ=WEEKLY;COUNT=2", "RDATE:20311101T120000Z"), "RDATE"),
    ],
)
async def test_what_dialpad_is_not_known_to_say_is_refused(
    desk: Desk, lines: tuple[str, ...], part: str
) -> None:
    """P45: naming the part."""
    with refused(Kind.INVALID, field="event.recurrence.rules") as caught:
        await desk.create(meeting(rules=lines))
    assert part in caught.value.message
    assert not desk.dialpad.journal


async def test_scopes(desk: Desk) -> None:
    made = (await desk.create(meeting(rules=WEEKLY))).event
    one = (await desk.instances(made.id))[0]
    renamed = event_pb2.Event(subject="New")
    for own_id, scope in ((made.id, 0), (made.id, THIS), (one.id, 0)):
        with refused(Kind.INVALID, field="scope"):
            await desk.update(own_id, renamed, "subject", scope=scope)
        with refused(Kind.INVALID, field="scope"):
            await desk.delete(own_id, scope=scope)
    answer = await desk.update(one.id, renamed, "subject", scope=ALL)
    assert answer.event.id == made.id
    assert list(answer.event.recurrence.rules) == list(WEEKLY)
    moved = event_pb2.Event(start_at=instant(OCTOBER - timedelta(hours=1)))
    with refused(Kind.INVALID, field="event.start_at"):
        await desk.update(one.id, moved, "start_at", scope=ALL)
    answer = await desk.update(made.id, moved, "start_at", scope=ALL)
    assert "recurrence" in answer.report.coerced_fields.paths
    await desk.delete(made.id, scope=ALL)
    assert (await desk.delete(made.id, scope=ALL, allow_missing=True)).already_absent


async def test_people_are_sent_whole(desk: Desk) -> None:
    """P49, P50: telephones, names and the organizer stay."""
    made = (
        await desk.create(meeting(attendees=[{"name": "Ana", "email": "ana@example.org"}]))
    ).event
    people = desk.dialpad.world.meetings[made.id]["people"]
    people[1]["phone"] = "+15550111"
    people.append({"display_name": "By phone", "phone": "+15550122"})
    added = [
        types_pb2.Attendee(email="bo@example.net"),
        types_pb2.Attendee(email="ANA@example.org"),
    ]
    await desk.update(made.id, event_pb2.Event(), add_attendees=added)
    now = desk.dialpad.world.meetings[made.id]["people"]
    assert {p.get("email", p.get("phone")): p.get("phone") for p in now} == {
        EMAIL: "+15550100",
        "ana@example.org": "+15550111",
        "bo@example.net": None,
        "+15550122": "+15550122",
    }
    await desk.update(made.id, event_pb2.Event(), remove_attendees=["Ana@Example.org"])
    now = desk.dialpad.world.meetings[made.id]["people"]
    assert "ana@example.org" not in [p.get("email") for p in now]
    optional = types_pb2.Attendee(email="c@example.net", role=types_pb2.ATTENDEE_ROLE_OPTIONAL)
    answer = await desk.update(made.id, event_pb2.Event(attendees=[optional]), "attendees")
    assert list(answer.report.coerced_fields.paths) == ["attendees"]
    assert [a.email for a in answer.event.attendees] == ["c@example.net"]


@pytest.mark.parametrize(
    ("fields", "minutes"),
    [
        ({"duration": "3600"}, 60),
        ({"duration": 86400}, 1440),
        ({"duration": "3600000"}, 60),
        ({"duration": None}, 0),
        ({"duration": "long"}, 0),
        ({"duration": "3600", "end_datetime": "2026-12-01T09:45:00+00:00"}, 45),
        ({"end_datetime": "2026-11-01T09:45:00+00:00"}, 0),
    ],
)
def test_units_of_duration(fields: dict[str, Any], minutes: int) -> None:
    """Trap: up to a day it is seconds, beyond milliseconds; the end, when told, outdoes it."""
    found = meetings.read({"id": 9, "start_datetime": "2026-12-01T09:00:00+00:00", **fields})
    assert meetings.end_of(found) - meetings.start_of(found) == timedelta(minutes=minutes)


async def test_pages_of_any_size(desk: Desk) -> None:
    """P10: Dialpad's pages have a size of their own."""
    desk.dialpad.world.page = 3
    made = [
        (await desk.create(meeting(f"N{n}", OCTOBER + timedelta(hours=n // 2)))).event.id
        for n in range(10)
    ]
    for size in (1, 2, 4, 100):
        assert [each.id for each in await desk.listed(page_size=size)] == made


async def test_windows_that_are_open_reach_a_year(desk: Desk) -> None:
    soon = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3)
    made = (await desk.create(meeting(start=soon))).event
    await desk.create(meeting(start=soon + timedelta(days=500)))
    found = await desk.listed(window=types_pb2.TimeRange())
    assert [each.id for each in found] == [made.id]
    ahead = types_pb2.TimeRange(start_at=window(soon + timedelta(days=400), 1).start_at)
    assert len(await desk.listed(window=ahead)) == 1


# -- whose


async def test_rooms_are_calendars_of_their_users(desk: Desk) -> None:
    desk.dialpad.world.page = 2
    request = calendar_pb2.ListCalendarsRequest(page_size=1)
    found: list[calendar_pb2.Calendar] = []
    while True:
        answer = await desk.provider.list_calendars(desk.call, request)
        assert len(answer.calendars) <= 1
        found += answer.calendars
        request.page_token = answer.next_page_token
        if not request.page_token:
            break
    assert [each.id for each in found] == ["room_12", ROOM, "room_99"]
    assert [each.is_primary for each in found] == [False, True, False]
    made = (await desk.create(meeting(calendar_id="room_12"))).event
    assert desk.dialpad.world.meetings[made.id]["user"] == OTHER
    assert [each.id for each in await desk.listed(calendar_id="room_12")] == [made.id]
    assert await desk.listed() == []
    for nowhere in ("room_99", "no-such-room"):
        with refused(Kind.NOT_FOUND):
            await desk.listed(calendar_id=nowhere)


async def test_a_user_without_a_room_has_a_calendar_all_the_same(desk: Desk) -> None:
    desk.dialpad.world.rooms = desk.dialpad.world.rooms[:1]
    request = calendar_pb2.GetCalendarRequest(id="primary", include_raw=True)
    primary = (await desk.provider.get_calendar(desk.call, request)).calendar
    assert primary.id == f"user-{USER}"
    assert primary.raw["__id"] == USER
    made = (await desk.create(meeting(calendar_id=primary.id))).event
    assert made.calendar_id == primary.id
    listed = await desk.provider.list_calendars(desk.call, calendar_pb2.ListCalendarsRequest())
    assert [each.id for each in listed.calendars] == [primary.id]
    assert listed.next_page_token


async def test_a_key_of_a_company_names_a_calendar(desk: Desk) -> None:
    """Sheet section 2: most calls need an explicit user_id."""
    desk.dialpad.world.me = ""
    with refused(Kind.PRECONDITION, reason="NO_USER"):
        await desk.listed()
    await desk.create(meeting(calendar_id=ROOM))
    assert len(await desk.listed(calendar_id=ROOM)) == 1
    listed = await desk.provider.list_calendars(desk.call, calendar_pb2.ListCalendarsRequest())
    assert len(listed.calendars) == 3
    assert not any(each.is_primary for each in listed.calendars)
    assert (await desk.provider.test_connection(desk.call)).email == ""


async def test_whose_a_calendar_is_is_asked_once(desk: Desk) -> None:
    desk.account = "a1"
    for _ in range(3):
        await desk.listed()
    assert len(desk.asked(part="/users/me")) == 1
    desk.account = "a2"
    await desk.listed()
    assert len(desk.asked(part="/users/me")) == 2


@pytest.mark.parametrize("id", ["no-such", "../rooms", "1/2", "9" * 30, "1:", "1:x", "1:-5", "١"])
async def test_what_is_no_id_is_not_asked_for(desk: Desk, id: str) -> None:
    with refused(Kind.NOT_FOUND):
        await desk.get(id)
    assert not desk.asked(part="/meetings/")


async def test_an_instance_that_never_was(desk: Desk) -> None:
    made = (await desk.create(meeting(rules=WEEKLY))).event
    for slot in (int(OCTOBER.timestamp()) + 1, 0, 99_999_999_999):
        with refused(Kind.NOT_FOUND):
            await desk.get(f"{made.id}:{slot}")
    assert len(await desk.listed(window=window(*SEASON))) == 1
