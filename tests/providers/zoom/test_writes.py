"""Writing meetings: one, series, occurrences; what is lost, what is refused, what is never sent."""

import asyncio
from datetime import timedelta

import pytest

from providers.core.errors import Kind
from tests.providers.desk import instant, refused
from tests.providers.zoom.desk import ALL, BASE, THIS, WEEKLY, Desk, at, meeting, starts
from tests.providers.zoom.double.world import EVE
from ucal.v1 import event_pb2, types_pb2

WEEK = timedelta(days=7)


def _sent(desk: Desk, method: str) -> list[dict[str, object]]:
    return [each.body for each in desk.zoom.asked(method, "/meetings") if each.body]


def _exdate(weeks: int) -> str:
    return f"EXDATE;TZID=Europe/Berlin:{BASE + weeks * WEEK:%Y%m%dT%H%M%S}"


async def test_one_meeting(desk: Desk) -> None:
    made = await desk.make(
        meeting(
            "Fête ✓",
            description="Demo",
            attendees=[types_pb2.Attendee(email="ana@example.org")],
            visibility=event_pb2.EVENT_VISIBILITY_PRIVATE,
        )
    )
    (body,) = _sent(desk, "POST")
    assert body["type"] == 2
    assert str(body["start_time"]).endswith("Z")
    found = await desk.get(made.id)
    assert found == made
    assert (found.subject, found.description) == ("Fête ✓", "Demo")
    assert [a.email for a in found.attendees] == ["ana@example.org"]
    assert found.visibility == event_pb2.EVENT_VISIBILITY_PRIVATE
    assert found.organizer.email == "dana@example.com"
    assert found.conference.kind == types_pb2.CONFERENCE_KIND_ZOOM
    assert found.conference.password == "x7Kd9a"
    assert found.web_url == found.conference.join_url


async def test_a_weekly_series_one_moved_one_deleted_the_rest_intact(desk: Desk) -> None:
    """Issue 5, point 2; P23, P36, P38, P80."""
    made = await desk.make(meeting(rules=WEEKLY))
    (body,) = _sent(desk, "POST")
    assert body["timezone"] == "Europe/Berlin"
    assert body["start_time"] == f"{BASE:%Y-%m-%dT%H:%M:%S}", "local time, or clocks move it"
    planned = [BASE + n * WEEK for n in range(6)]
    found = await desk.instances(made.id)
    assert starts(found) == planned
    moved = meeting(start=at(days=8), minutes=45)
    answer = await desk.update(found[1].id, moved, "start_at", "end_at", scope=THIS)
    assert answer.event.is_exception
    assert not answer.report.coerced_fields.paths
    await desk.delete(found[3].id, scope=THIS)
    left = await desk.instances(made.id)
    assert starts(left) == [planned[0], BASE + timedelta(days=8), planned[2], *planned[4:]]
    assert [e.is_exception for e in left] == [False, True, False, False, False]
    series = await desk.get(made.id)
    assert list(series.recurrence.rules) == ["RRULE:FREQ=WEEKLY;COUNT=6", _exdate(3)]
    patches = desk.zoom.asked("PATCH", "/meetings")
    assert [each.query for each in patches] == [{"occurrence_id": found[1].id.partition(":")[2]}]


async def test_one_series_is_one_meeting(desk: Desk) -> None:
    """P81: a booking that repeats makes one meeting, not six."""
    await desk.make(meeting(rules=WEEKLY))
    assert len(desk.zoom.world.objects["meeting"]) == 1


async def test_exceptions_are_deleted_after_the_series_is_made(desk: Desk) -> None:
    made = await desk.make(meeting(rules=(*WEEKLY, _exdate(1), _exdate(4))))
    assert len(await desk.instances(made.id)) == 4
    assert [w.timestamp.seconds for w in made.recurrence.excluded] == [
        (BASE + n * WEEK).timestamp() for n in (1, 4)
    ]


async def test_a_series_without_its_exceptions_is_taken_back(desk: Desk) -> None:
    desk.zoom.fail(403, only=("DELETE",))
    with refused(Kind.FORBIDDEN):
        await desk.make(meeting(rules=(*WEEKLY, _exdate(1))))
    assert desk.zoom.world.objects["meeting"] == {}


async def test_what_cannot_be_taken_back_is_told(desk: Desk) -> None:
    desk.zoom.fail(403, only=("DELETE",), times=2)
    with refused(Kind.CONFLICT, reason="PARTIAL_WRITE") as info:
        await desk.make(meeting(rules=(*WEEKLY, _exdate(1))))
    assert int(info.value.metadata["id"]) in desk.zoom.world.objects["meeting"]


async def test_occurrences_that_zoom_plans_otherwise_are_told(desk: Desk) -> None:
    """Months without the 31st: what Zoom makes of them is nowhere written."""
    start = BASE
    while start.day != 31:
        start += timedelta(days=1)
    rules = ("RRULE:FREQ=MONTHLY;COUNT=3",)
    answer = await desk.create(meeting(start=instant(start, "Europe/Berlin"), rules=rules))
    assert not answer.report.coerced_fields.paths
    data = desk.zoom.world.objects["meeting"][int(answer.event.id)]
    real = desk.zoom.world.create

    def clamping(*args: object) -> dict[str, object]:
        made = real(*args)  # type: ignore[arg-type]
        made["occurrences"] = made["occurrences"][:2]
        return made

    desk.zoom.world.create = clamping  # type: ignore[assignment,method-assign]
    answer = await desk.create(meeting(start=instant(start, "Europe/Berlin"), rules=rules))
    assert list(answer.report.coerced_fields.paths) == ["recurrence"]
    assert len(data["occurrences"]) == 3


# -- changing series


async def test_a_title_leaves_the_occurrences_alone(desk: Desk) -> None:
    """Trap 3: whoever sends the rule loses what was changed of single occurrences."""
    made = await desk.make(meeting(rules=(*WEEKLY, _exdate(1))))
    second = (await desk.instances(made.id))[1]
    moved = meeting(start=at(days=15))
    await desk.update(second.id, moved, "start_at", "end_at", scope=THIS)
    answer = await desk.update(made.id, meeting("New"), "subject", scope=ALL)
    assert _sent(desk, "PATCH")[-1] == {"topic": "New"}
    assert answer.event.subject == "New"
    assert [e.is_exception for e in await desk.instances(made.id)] == [False, True, *[False] * 3]


async def test_the_same_rule_is_not_sent_again(desk: Desk) -> None:
    made = await desk.make(meeting(rules=WEEKLY))
    same = meeting(rules=("RRULE:FREQ=WEEKLY;COUNT=6;INTERVAL=1", _exdate(2)))
    await desk.update(made.id, same, "recurrence", scope=ALL)
    assert _sent(desk, "PATCH") == []
    assert len(await desk.instances(made.id)) == 5


async def test_a_moved_series_is_sent_whole_and_keeps_its_exceptions(desk: Desk) -> None:
    """P39, P81."""
    made = await desk.make(meeting(rules=(*WEEKLY, _exdate(1))))
    later = meeting(start=at(hours=1))
    answer = await desk.update(made.id, later, "start_at", "end_at", scope=ALL)
    body = _sent(desk, "PATCH")[-1]
    assert {"start_time", "timezone", "duration", "recurrence", "type"} <= set(body)
    hour = timedelta(hours=1)
    kept = [n for n in range(6) if n != 1]
    assert starts(await desk.instances(made.id)) == [BASE + n * WEEK + hour for n in kept]
    assert not answer.report.coerced_fields.paths


async def test_a_moved_series_tells_what_it_loses(desk: Desk) -> None:
    made = await desk.make(meeting(rules=WEEKLY))
    second = (await desk.instances(made.id))[1]
    await desk.update(second.id, meeting(start=at(days=8)), "start_at", "end_at", scope=THIS)
    answer = await desk.update(made.id, meeting(start=at(hours=1)), "start_at", "end_at", scope=ALL)
    assert list(answer.report.coerced_fields.paths) == ["recurrence"]


async def test_a_weekly_series_moves_to_another_day(desk: Desk) -> None:
    made = await desk.make(meeting(rules=WEEKLY))
    await desk.update(made.id, meeting(start=at(days=1)), "start_at", "end_at", scope=ALL)
    day = timedelta(days=1)
    assert starts(await desk.instances(made.id)) == [BASE + day + n * WEEK for n in range(6)]


async def test_a_longer_series_plans_nothing_anew(desk: Desk) -> None:
    made = await desk.make(meeting(rules=WEEKLY))
    await desk.update(made.id, meeting(minutes=50), "end_at", scope=ALL)
    assert _sent(desk, "PATCH") == [{"duration": 50}]


async def test_one_meeting_becomes_a_series_and_no_series_one_meeting(desk: Desk) -> None:
    made = await desk.make(meeting())
    answer = await desk.update(made.id, meeting(rules=WEEKLY), "recurrence")
    assert len(answer.event.recurrence.rules) == 1
    with refused(Kind.UNSUPPORTED, field="update_mask"):
        await desk.update(made.id, meeting(), "recurrence", scope=ALL)


# -- occurrences


@pytest.mark.parametrize("field", ["subject", "attendees", "visibility", "recurrence"])
async def test_only_time_and_agenda_of_one_occurrence_can_be_changed(
    desk: Desk, field: str
) -> None:
    made = await desk.make(meeting(rules=WEEKLY))
    second = (await desk.instances(made.id))[1]
    with refused(Kind.UNSUPPORTED, field="update_mask") as info:
        await desk.update(second.id, meeting("New", rules=WEEKLY), field, scope=THIS)
    assert field in info.value.message
    assert _sent(desk, "PATCH") == []


async def test_an_agenda_of_one_occurrence(desk: Desk) -> None:
    made = await desk.make(meeting(rules=WEEKLY, description="Usual"))
    second = (await desk.instances(made.id))[1]
    answer = await desk.update(
        second.id, event_pb2.Event(description="Special"), "description", scope=THIS
    )
    assert answer.event.description == "Special"
    assert (await desk.get(made.id)).description == "Usual"


async def test_scopes_are_asked_for(desk: Desk) -> None:
    made = await desk.make(meeting(rules=WEEKLY))
    second = (await desk.instances(made.id))[1]
    for own_id in (made.id, second.id):
        with refused(Kind.INVALID, field="scope"):
            await desk.update(own_id, meeting("New"), "subject")
        with refused(Kind.INVALID, field="scope"):
            await desk.delete(own_id)
    with refused(Kind.INVALID, field="scope"):
        await desk.delete(made.id, scope=THIS)
    with refused(Kind.INVALID, field="scope"):
        await desk.update(second.id, meeting(start=at(days=1)), "start_at", scope=ALL)
    assert len(await desk.instances(made.id)) == 6


async def test_what_is_deleted_is_gone(desk: Desk) -> None:
    """P04; trap 2: the series goes only when the whole of it is meant."""
    made = await desk.make(meeting(rules=WEEKLY))
    _, second, third, *_ = await desk.instances(made.id)
    await desk.delete(second.id, scope=THIS)
    with refused(Kind.NOT_FOUND):
        await desk.delete(second.id, scope=THIS)
    assert (await desk.delete(second.id, scope=THIS, allow_missing=True)).already_absent
    with refused(Kind.NOT_FOUND):
        await desk.update(second.id, meeting(start=at(days=9)), "start_at", scope=THIS)
    assert (await desk.get(made.id)).id == made.id
    with refused(Kind.NOT_FOUND):
        await desk.delete(f"{made.id}:123", scope=THIS)
    await desk.delete(third.id, scope=ALL)
    assert await desk.listed() == []
    assert (await desk.delete(made.id, allow_missing=True)).already_absent


@pytest.mark.parametrize(
    ("asked", "sent", "outcome"),
    [
        (None, {}, types_pb2.NOTIFICATION_OUTCOME_UNSPECIFIED),
        (True, "true", types_pb2.NOTIFICATION_OUTCOME_REQUESTED),
        (False, "false", types_pb2.NOTIFICATION_OUTCOME_SUPPRESSED),
    ],
)
async def test_who_is_told_of_a_deletion(
    desk: Desk, asked: bool | None, sent: object, outcome: int
) -> None:
    """P52."""
    made = await desk.make(meeting())
    answer = await desk.delete(made.id, send_notifications=asked)
    (exchange,) = desk.zoom.asked("DELETE")
    names = ("schedule_for_reminder", "cancel_meeting_reminder")
    assert exchange.query == (dict.fromkeys(names, sent) if sent else {})
    assert answer.report.notifications == outcome


# -- people


async def test_names_of_invitees_are_told_to_be_lost(desk: Desk) -> None:
    answer = await desk.create(
        meeting(attendees=[types_pb2.Attendee(name="Ana", email="ana@example.org")])
    )
    assert list(answer.report.coerced_fields.paths) == ["attendees"]
    assert answer.report.notifications == types_pb2.NOTIFICATION_OUTCOME_NONE


async def test_one_more_invitee_takes_nobody_away(desk: Desk) -> None:
    """P50: Zoom replaces the list as a whole."""
    made = await desk.make(meeting(attendees=[types_pb2.Attendee(email="Ana@example.org")]))
    more = [types_pb2.Attendee(email="bo@example.org"), types_pb2.Attendee(email="ana@example.org")]
    await desk.update(made.id, event_pb2.Event(), add_attendees=more)
    found = await desk.get(made.id)
    assert [a.email for a in found.attendees] == ["Ana@example.org", "bo@example.org"]
    await desk.update(made.id, event_pb2.Event(), remove_attendees=["ANA@example.org"])
    assert [a.email for a in (await desk.get(made.id)).attendees] == ["bo@example.org"]


# -- what is refused before anything is sent


def _day(event: event_pb2.Event) -> None:
    for name, number in (("start_at", 1), ("end_at", 2)):
        when = getattr(event, name)
        when.Clear()
        when.date.year, when.date.month, when.date.day = 2030, 1, number


def _past(event: event_pb2.Event) -> None:
    for name in ("start_at", "end_at"):
        getattr(event, name).timestamp.seconds -= 5 * 366 * 86400


BAD = {
    "event.start_at": [_day, _past],
    "event.end_at": [lambda e: setattr(e.end_at.timestamp, "seconds", 2**33)],
    "event.start_at.time_zone": [lambda e: setattr(e.start_at, "time_zone", "Antarctica/Troll")],
    "event.subject": [lambda e: setattr(e, "subject", "x" * 201)],
    "event.description": [lambda e: setattr(e, "description", "x" * 2001)],
    "event.visibility": [lambda e: setattr(e, "visibility", event_pb2.EVENT_VISIBILITY_PUBLIC)],
    "event.conference.kind": [
        lambda e: setattr(e.conference, "kind", types_pb2.CONFERENCE_KIND_TEAMS)
    ],
    "event.conference.join_url": [
        lambda e: setattr(e.conference, "join_url", "https://zoom.us/j/1")
    ],
}


@pytest.mark.parametrize("field", BAD)
async def test_what_zoom_does_not_take_is_refused_unsent(desk: Desk, field: str) -> None:
    for spoil in BAD[field]:
        event = meeting()
        spoil(event)
        with refused(Kind.INVALID, field=field):
            await desk.create(event)
    assert desk.zoom.journal == []


async def test_seconds_are_rounded_up_and_told(desk: Desk) -> None:
    event = meeting()
    event.end_at.timestamp.seconds += 1
    answer = await desk.create(event)
    assert list(answer.report.coerced_fields.paths) == ["end_at"]
    assert answer.event.end_at.timestamp.seconds == event.end_at.timestamp.seconds + 59


async def test_a_zone_by_another_name_is_told(desk: Desk) -> None:
    event = meeting()
    event.start_at.time_zone = event.end_at.time_zone = "Europe/Vaduz"
    answer = await desk.create(event)
    assert "start_at" in answer.report.coerced_fields.paths
    assert answer.event.start_at.timestamp == event.start_at.timestamp


async def test_a_calendar_of_somebody_else(desk: Desk) -> None:
    made = await desk.make(meeting(calendar_id=EVE))
    assert made.calendar_id == EVE
    assert [e.id for e in await desk.listed(calendar_id=EVE)] == [made.id]


# -- trouble


async def test_a_lost_answer_is_not_sent_again(desk: Desk) -> None:
    """P59."""
    desk.zoom.lose("POST")
    with refused(Kind.OUTCOME_UNKNOWN):
        await desk.make(meeting())
    assert len(desk.zoom.world.objects["meeting"]) == 1


async def test_writes_of_one_meeting_wait_for_one_another(desk: Desk) -> None:
    """Zoom answers 429 to those that overlap."""
    made = await desk.make(meeting())
    async with asyncio.TaskGroup() as group:
        for number in range(8):
            group.create_task(desk.update(made.id, meeting(f"New {number}"), "subject"))
    assert all(each.status == 204 for each in desk.zoom.asked("PATCH"))
