"""Making and changing single events: defaults, calls, guests, rooms, moves, repetitions."""

import uuid
from datetime import timedelta
from typing import Any

import pytest

from providers.core.errors import Kind
from providers.sandbox.seed import people
from tests.providers.sandbox.desk import (
    ALL,
    ANA,
    NOW,
    SCRATCH,
    THIS,
    Desk,
    berlin,
    day,
    invited,
    meeting,
    refused,
)
from ucal.v1 import event_pb2, types_pb2


async def test_defaults_are_filled_in(desk: Desk) -> None:
    made = await desk.make(meeting())
    assert made.status == event_pb2.EVENT_STATUS_CONFIRMED
    assert made.visibility == event_pb2.EVENT_VISIBILITY_DEFAULT
    assert made.show_as == event_pb2.SHOW_AS_BUSY
    assert made.type == event_pb2.EVENT_TYPE_DEFAULT
    assert made.organizer == people.ACCOUNT
    assert made.reminders.use_default
    assert made.etag
    assert made.ical_uid
    assert made.created_at.ToNanoseconds() == made.updated_at.ToNanoseconds() > 0
    assert made == await desk.get(made.id)


async def test_what_the_caller_sends_in_output_only_fields_is_ignored(desk: Desk) -> None:
    event = meeting()
    event.id = event.ical_uid = event.connection_id = "mine"
    event.attendees.add(email=ANA, response=types_pb2.ATTENDEE_RESPONSE_ACCEPTED, comment="!")
    made = await desk.make(event)
    assert "mine" not in (made.id, made.ical_uid, made.connection_id)
    assert made.attendees[0].response == types_pb2.ATTENDEE_RESPONSE_NEEDS_ACTION
    assert made.attendees[0].comment == ""


def _spoiled(**fields: Any) -> event_pb2.Event:
    event = meeting()
    for name in fields:
        event.ClearField(name)
    event.MergeFrom(event_pb2.Event(**fields))
    return event


BAD = {
    "no start": (_spoiled(start_at=None), "event.start_at"),
    "no end": (_spoiled(end_at=None), "event.end_at"),
    "end before start": (_spoiled(end_at=berlin(19, 9)), "event.end_at"),
    "two forms": (_spoiled(end_at=day(NOW.date())), "event.end_at"),
    "an all-day event of no day": (
        _spoiled(start_at=day(NOW.date()), end_at=day(NOW.date())),
        "event.end_at",
    ),
    "P24: a series without zone": (
        _spoiled(
            start_at=types_pb2.EventTime(timestamp=berlin(20, 9).timestamp),
            end_at=berlin(20, 10),
            recurrence=types_pb2.Recurrence(rules=["RRULE:FREQ=DAILY;COUNT=2"]),
        ),
        "event.start_at.time_zone",
    ),
    "no address": (_spoiled(attendees=[types_pb2.Attendee(name="x")]), "event.attendees[0].email"),
    "an address twice": (
        _spoiled(attendees=[types_pb2.Attendee(email=e) for e in (ANA, ANA.upper())]),
        "event.attendees[1].email",
    ),
    "no such room": (_spoiled(room_ids=["spree", "mars"]), "event.room_ids[1]"),
    "no such link": (_spoiled(link_id="mars"), "event.link_id"),
    "a call that is no URL": (
        _spoiled(conference=types_pb2.Conference(join_url="javascript:alert(1)")),
        "event.conference.join_url",
    ),
    "both kinds of reminders": (
        _spoiled(
            reminders=event_pb2.Reminders(
                use_default=True, overrides=[event_pb2.Reminder(minutes_before=1)]
            )
        ),
        "event.reminders.overrides",
    ),
    "an attachment without URL": (
        _spoiled(attachments=[types_pb2.Attachment(name="x")]),
        "event.attachments[0].url",
    ),
}


@pytest.mark.parametrize("case", BAD)
async def test_bad_events_are_refused(desk: Desk, case: str) -> None:
    event, field = BAD[case]
    position = desk.world.journal.position
    with refused(Kind.INVALID, field=field):
        await desk.create(event)
    assert desk.world.journal.position == position
    assert await desk.listed() == []


async def test_read_only_calendars_are_not_written(desk: Desk) -> None:
    event = meeting()
    event.calendar_id = "holidays"
    with refused(Kind.FORBIDDEN):
        await desk.create(event)
    with refused(Kind.FORBIDDEN):
        await desk.delete("holiday-01-01", calendar_id="holidays", scope=ALL)


# -- request ids


async def test_p59_one_request_id_makes_one_event(desk: Desk) -> None:
    """P59."""
    request_id = str(uuid.uuid4())
    first = await desk.create(meeting(), request_id=request_id)
    again = await desk.create(meeting(), request_id=request_id)
    assert again.event == first.event
    assert len(await desk.listed()) == 1


async def test_p60_a_request_id_used_for_something_else(desk: Desk) -> None:
    """P60: ALREADY_EXISTS names the event that is there."""
    request_id = str(uuid.uuid4())
    made = (await desk.create(meeting(), request_id=request_id)).event
    with refused(Kind.ALREADY_EXISTS) as caught:
        await desk.create(meeting("other"), request_id=request_id)
    assert caught.value.resource == ("event", made.id)


async def test_p61_a_slot_is_taken_again_after_a_deletion(desk: Desk) -> None:
    """P61: a new request id makes a new event; the old id is used up."""
    request_id = str(uuid.uuid4())
    made = (await desk.create(meeting(), request_id=request_id)).event
    await desk.delete(made.id)
    with refused(Kind.ALREADY_EXISTS):
        await desk.create(meeting(), request_id=request_id)
    again = (await desk.create(meeting(), request_id=str(uuid.uuid4()))).event
    assert again.id != made.id


async def test_request_ids_of_two_connections_are_apart(desk: Desk) -> None:
    request_id = str(uuid.uuid4())
    made = (await desk.create(meeting(), request_id=request_id)).event
    desk.connection_id = "c2"
    other = (await desk.create(meeting("other"), request_id=request_id)).event
    assert other.id != made.id


# -- updates


async def test_only_named_fields_are_written(desk: Desk) -> None:
    event = invited(ANA)
    event.location, event.description = "Room 5", "Text"
    event.metadata["a"], event.metadata["b"] = "1", "2"
    made = await desk.make(event)
    desk.later(seconds=1)
    sent = event_pb2.Event(subject="New", description="ignored", metadata={"b": "3"})
    answer = await desk.update(made.id, sent, "subject", "location", "metadata")
    after = answer.event
    assert (after.subject, after.location, after.description) == ("New", "", "Text")
    assert dict(after.metadata) == {"b": "3"}
    assert after.attendees == made.attendees
    assert after.etag != made.etag
    assert after.updated_at.ToNanoseconds() > made.updated_at.ToNanoseconds()
    assert after.created_at == made.created_at
    assert after == await desk.get(made.id)


async def test_dotted_paths_reach_into_messages(desk: Desk) -> None:
    made = await desk.make(meeting())
    sent = event_pb2.Event()
    sent.reminders.overrides.add(minutes_before=5)
    answer = await desk.update(made.id, sent, "reminders.use_default", "reminders.overrides")
    assert not answer.event.reminders.use_default
    assert answer.event.reminders.overrides[0].minutes_before == 5


async def test_p77_a_stale_etag_aborts(desk: Desk) -> None:
    """P77."""
    made = await desk.make(meeting())
    fresh = await desk.update(made.id, event_pb2.Event(subject="a", etag=made.etag), "subject")
    for stale in (made.etag, "nonsense"):
        with refused(Kind.CONFLICT, reason="ETAG_MISMATCH"):
            await desk.update(made.id, event_pb2.Event(subject="b", etag=stale), "subject")
        with refused(Kind.CONFLICT, reason="ETAG_MISMATCH"):
            await desk.delete(made.id, etag=stale)
    assert (await desk.get(made.id)).subject == "a"
    await desk.delete(made.id, etag=fresh.event.etag)


async def test_a_start_after_the_end_that_stands_is_refused(desk: Desk) -> None:
    made = await desk.make(meeting())
    with refused(Kind.INVALID, field="event.end_at"):
        await desk.update(made.id, event_pb2.Event(start_at=berlin(21, 9)), "start_at")
    assert await desk.get(made.id) == made


async def test_sequence_grows_with_what_guests_must_know(desk: Desk) -> None:
    made = await desk.make(meeting())
    quiet = await desk.update(made.id, event_pb2.Event(color="#112233"), "color")
    assert quiet.event.sequence == made.sequence
    loud = await desk.update(made.id, event_pb2.Event(location="Elsewhere"), "location")
    assert loud.event.sequence == made.sequence + 1


async def test_a_single_event_becomes_a_series_and_back(desk: Desk) -> None:
    made = await desk.make(meeting())
    rules = types_pb2.Recurrence(rules=["RRULE:FREQ=DAILY;COUNT=3"])
    await desk.update(made.id, event_pb2.Event(recurrence=rules), "recurrence")
    assert len(await desk.instances(made.id)) == 3
    back = await desk.update(made.id, event_pb2.Event(), "recurrence", scope=ALL)
    assert not back.event.HasField("recurrence")
    assert [e.id for e in await desk.listed(expand_recurring=False)] == [made.id]


async def test_only_the_organizer_changes_what_others_see(desk: Desk) -> None:
    with refused(Kind.FORBIDDEN, reason="NOT_ORGANIZER"):
        await desk.update(
            "invitation-accepted", event_pb2.Event(subject="x"), "subject", calendar_id="work"
        )
    answer = await desk.update(
        "invitation-accepted", event_pb2.Event(color="#112233"), "color", calendar_id="work"
    )
    assert answer.event.color == "#112233"


async def test_p68_a_move_keeps_the_id(desk: Desk) -> None:
    """P68: the id stays; watchers of both calendars are told."""
    made = await desk.make(meeting("weekly", None, 30, "RRULE:FREQ=WEEKLY;COUNT=4"))
    first = (await desk.instances(made.id))[1]
    await desk.update(first.id, event_pb2.Event(subject="changed"), "subject", scope=THIS)
    before = {name: (await desk.changes(calendar_id=name)).cursor for name in (SCRATCH, "personal")}
    answer = await desk.update(
        made.id, event_pb2.Event(calendar_id="personal"), "calendar_id", scope=ALL
    )
    assert answer.event.id == made.id
    assert answer.event.calendar_id == "personal"
    assert [e.subject for e in await desk.instances(made.id, "personal")] == [
        "weekly",
        "changed",
        "weekly",
        "weekly",
    ]
    gone = await desk.changes(before[SCRATCH])
    assert {c.type for c in gone.changes} == {3}
    assert made.id in {c.id for c in gone.changes}
    come = await desk.changes(before["personal"], calendar_id="personal")
    assert come.changes[0].event.id == made.id
    with refused(Kind.NOT_FOUND):
        await desk.get(made.id)


# -- deletions


async def test_p04_what_is_gone_already(desk: Desk) -> None:
    """P04."""
    made = await desk.make(meeting())
    await desk.delete(made.id)
    with refused(Kind.NOT_FOUND):
        await desk.delete(made.id)
    assert (await desk.delete(made.id, allow_missing=True)).already_absent


async def test_p69_ids_are_never_normalized(desk: Desk) -> None:
    """P69: another case, or "_" for "-", is another id."""
    for own_id in ("Launch", "canceled_workshop"):
        with refused(Kind.NOT_FOUND):
            await desk.get(own_id, "work")


async def test_p71_an_event_without_subject(desk: Desk) -> None:
    """P71."""
    made = await desk.make(meeting(""))
    assert made.subject == ""
    assert made.end_at.timestamp.ToDatetime() - made.start_at.timestamp.ToDatetime() == timedelta(
        minutes=30
    )
