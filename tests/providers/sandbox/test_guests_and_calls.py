"""Guests, what they are told, and calls."""

import pytest

from providers.core.errors import Kind
from tests.providers.sandbox.desk import (
    ANA,
    BEN,
    SCRATCH,
    Desk,
    berlin,
    invited,
    meeting,
    refused,
)
from ucal.v1 import event_pb2, types_pb2

# -- guests


async def test_p49_a_reply_survives_changes_of_the_list(desk: Desk) -> None:
    """P49: reply, role and comment stand whether the list is changed by delta or as a whole."""
    made = await desk.make(invited(ANA))
    stored = desk.world.agendas[SCRATCH].entries[made.id].event()
    stored.attendees[0].response = types_pb2.ATTENDEE_RESPONSE_ACCEPTED
    stored.attendees[0].comment = "Gladly"
    desk.world.save_event(stored)
    ana = stored.attendees[0]
    by_delta = await desk.update(
        made.id, event_pb2.Event(), add_attendees=[types_pb2.Attendee(email=BEN)]
    )
    assert by_delta.event.attendees[0] == ana
    assert [a.email for a in by_delta.event.attendees] == [ANA, BEN]
    whole = event_pb2.Event(attendees=[types_pb2.Attendee(email=e) for e in ("cid@x.org", ANA)])
    answer = await desk.update(made.id, whole, "attendees")
    assert [a.email for a in answer.event.attendees] == ["cid@x.org", ANA]
    assert answer.event.attendees[1].response == ana.response
    assert answer.event.attendees[1].comment == "Gladly"


async def test_p50_adding_and_removing_touch_nobody_else(desk: Desk) -> None:
    """P50."""
    made = await desk.make(invited(ANA, BEN))
    answer = await desk.update(
        made.id,
        event_pb2.Event(),
        add_attendees=[types_pb2.Attendee(email=ANA.upper()), types_pb2.Attendee(email="c@x.org")],
        remove_attendees=[BEN.upper(), "nobody@x.org"],
    )
    assert [a.email for a in answer.event.attendees] == [ANA, "c@x.org"]
    assert answer.event.attendees[0] == made.attendees[0]
    sent = event_pb2.Event(attendees=[types_pb2.Attendee(email=BEN)])
    with refused(Kind.INVALID, field="add_attendees"):
        await desk.update(made.id, sent, "attendees", add_attendees=[types_pb2.Attendee(email=BEN)])


@pytest.mark.parametrize(
    ("guests", "told", "outcome"),
    [
        ((), None, types_pb2.NOTIFICATION_OUTCOME_NONE),
        ((ANA,), None, types_pb2.NOTIFICATION_OUTCOME_REQUESTED),
        ((ANA,), True, types_pb2.NOTIFICATION_OUTCOME_REQUESTED),
        ((ANA,), False, types_pb2.NOTIFICATION_OUTCOME_SUPPRESSED),
    ],
)
async def test_p52_what_happened_to_notifications(
    desk: Desk, guests: tuple[str, ...], told: bool | None, outcome: int
) -> None:
    """P52."""
    event = invited(*guests)
    if told is not None:
        event.send_notifications = told
    answer = await desk.create(event)
    assert answer.report.notifications == outcome
    assert not answer.event.HasField("send_notifications")
    told_field = {} if told is None else {"send_notifications": told}
    gone = await desk.delete(answer.event.id, **told_field)
    assert gone.report.notifications == outcome


async def test_rooms_accept_when_they_are_free(desk: Desk) -> None:
    event = meeting(at=berlin(20, 12))
    event.room_ids.append("havel")
    first = await desk.make(event)
    (room,) = first.attendees
    assert (room.email, room.is_resource) == ("room-havel@example.com", True)
    assert room.response == types_pb2.ATTENDEE_RESPONSE_ACCEPTED
    second = await desk.make(event)
    assert second.attendees[0].response == types_pb2.ATTENDEE_RESPONSE_DECLINED
    again = await desk.update(first.id, event_pb2.Event(location="x"), "location")
    assert again.event.attendees[0].response == types_pb2.ATTENDEE_RESPONSE_ACCEPTED
    await desk.delete(first.id)
    retry = await desk.update(second.id, event_pb2.Event(location="x"), "location")
    assert retry.event.attendees[0].response == types_pb2.ATTENDEE_RESPONSE_ACCEPTED


async def test_rooms_and_their_addresses_say_the_same(desk: Desk) -> None:
    event = invited("Room-Spree@example.com", ANA)
    made = await desk.make(event)
    assert list(made.room_ids) == ["spree"]
    sent = event_pb2.Event(room_ids=["havel"])
    other = await desk.update(made.id, sent, "room_ids")
    assert list(other.event.room_ids) == ["havel"]
    assert [a.email for a in other.event.attendees] == [ANA, "room-havel@example.com"]
    none = await desk.update(
        made.id, event_pb2.Event(), remove_attendees=["room-havel@example.com"]
    )
    assert list(none.event.room_ids) == []
    assert [a.email for a in none.event.attendees] == [ANA]


# -- calls


def _with_call(kind: int = 0, url: str = "") -> event_pb2.Event:
    event = meeting()
    event.conference.CopyFrom(types_pb2.Conference(kind=kind, join_url=url))
    return event


async def test_a_call_is_made_on_request(desk: Desk) -> None:
    made = await desk.make(_with_call(types_pb2.CONFERENCE_KIND_ZOOM))
    assert made.has_conference
    assert made.conference.state == types_pb2.CONFERENCE_STATE_READY
    assert made.conference.join_url.startswith("https://zoom.sandbox.example/j/")
    assert made.conference.phones
    assert made.conference.password


async def test_p54_p56_a_call_outlives_changes(desk: Desk) -> None:
    """P54, P56: three changes, the second of them a move, and the link is the same."""
    made = await desk.make(_with_call(types_pb2.CONFERENCE_KIND_GOOGLE_MEET))
    later = event_pb2.Event(start_at=berlin(22, 9), end_at=berlin(22, 10))
    for sent, paths in (
        (event_pb2.Event(subject="a"), ("subject",)),
        (later, ("start_at", "end_at")),
        (_with_call(types_pb2.CONFERENCE_KIND_GOOGLE_MEET), ("conference",)),
    ):
        answer = await desk.update(made.id, sent, *paths)
        assert answer.event.conference == made.conference
    gone = await desk.update(made.id, event_pb2.Event(), "conference")
    assert not gone.event.has_conference
    assert not gone.event.HasField("conference")


async def test_p55_a_call_that_is_pending_becomes_ready(desk: Desk) -> None:
    """P55."""
    made = await desk.make(_with_call(types_pb2.CONFERENCE_KIND_TEAMS))
    assert made.conference.state == types_pb2.CONFERENCE_STATE_PENDING
    assert made.conference.join_url == ""
    cursor = (await desk.changes()).cursor
    desk.later(seconds=1)
    assert (await desk.get(made.id)).conference.state == types_pb2.CONFERENCE_STATE_PENDING
    desk.later(seconds=1)
    found = await desk.get(made.id)
    assert found.conference.state == types_pb2.CONFERENCE_STATE_READY
    assert found.conference.join_url
    assert [c.event.conference.state for c in (await desk.changes(cursor)).changes] == [
        types_pb2.CONFERENCE_STATE_READY
    ]


async def test_p55_a_pending_call_of_an_event_that_is_gone(desk: Desk) -> None:
    made = await desk.make(_with_call(types_pb2.CONFERENCE_KIND_TEAMS))
    await desk.delete(made.id)
    desk.later(seconds=5)
    assert await desk.listed() == []


async def test_p57_a_calendar_without_such_calls(desk: Desk) -> None:
    """P57: the event is made, the loss is told; strict refuses it."""
    event = _with_call(types_pb2.CONFERENCE_KIND_ZOOM)
    event.calendar_id = "personal"
    answer = await desk.create(event)
    assert list(answer.report.dropped_fields.paths) == ["conference"]
    assert not answer.event.HasField("conference")
    with refused(Kind.PRECONDITION, field="event.conference", reason="FIELDS_NOT_SUPPORTED"):
        await desk.create(event, strict=True)


async def test_p58_a_call_of_somebody_else_is_kept_as_it_is(desk: Desk) -> None:
    """P58."""
    made = await desk.make(_with_call(0, "https://video.example.org/x?pwd=1"))
    assert made.conference.kind == types_pb2.CONFERENCE_KIND_OTHER
    answer = await desk.update(made.id, event_pb2.Event(subject="a"), "subject")
    assert answer.event.conference == made.conference


async def test_a_type_that_has_no_name_is_coerced(desk: Desk) -> None:
    event = meeting()
    event.type = event_pb2.EVENT_TYPE_OTHER
    answer = await desk.create(event)
    assert list(answer.report.coerced_fields.paths) == ["type"]
    assert answer.event.type == event_pb2.EVENT_TYPE_DEFAULT
