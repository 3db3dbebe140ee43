"""Guests, rooms, replies, notifications."""

from typing import Any

import pytest

from providers.core.errors import Kind
from tests.providers.google.desk import ALL, THIS, WEEKLY, Desk, meeting, refused
from tests.providers.google.double import events
from tests.providers.google.double.world import ADA, BOB
from ucal.v1 import event_pb2, types_pb2

ACCEPTED = types_pb2.ATTENDEE_RESPONSE_ACCEPTED
DECLINED = types_pb2.ATTENDEE_RESPONSE_DECLINED
OUTCOME = types_pb2.NotificationOutcome
ROOM = "c_1881@resource.calendar.google.com"
_REPLIES = [
    {"email": "cid@example.net", "responseStatus": "accepted", "optional": True, "comment": "Yes"},
    {"email": "dan@example.net", "responseStatus": "declined", "additionalGuests": 2},
]


async def _answered(desk: Desk, **fields: Any) -> str:
    """An event whose guests have answered."""
    made = await desk.make(meeting(**fields))
    data = desk.ada.entries[made.id].data
    events.guests(desk.ada, data, _REPLIES)
    desk.google.world.put(desk.ada, data)
    return made.id


def _replies(desk: Desk, id: str) -> dict[str, Any]:
    return {guest["email"]: guest for guest in desk.ada.entries[id].data.get("attendees", [])}


async def test_adding_one_leaves_the_others_alone(desk: Desk) -> None:
    """P49, P50: the list is written as it was read, under its version."""
    own_id = await _answered(desk)
    before = _replies(desk, own_id)
    await desk.update(own_id, event_pb2.Event(), add_attendees=[{"email": "ana@example.net"}])
    after = _replies(desk, own_id)
    assert {name: after[name] for name in before} == before
    assert after["ana@example.net"]["responseStatus"] == "needsAction"
    assert desk.asked("PATCH")[-1].headers["if-match"]


async def test_adding_and_removing(desk: Desk) -> None:
    own_id = await _answered(desk)
    await desk.update(
        own_id,
        event_pb2.Event(),
        add_attendees=[{"email": "CID@example.net"}, {"email": "ana@example.net"}],
        remove_attendees=["DAN@example.net"],
    )
    assert set(_replies(desk, own_id)) == {"cid@example.net", "ana@example.net"}
    patches = len(desk.asked("PATCH"))
    await desk.update(own_id, event_pb2.Event(), add_attendees=[{"email": "ana@example.net"}])
    assert len(desk.asked("PATCH")) == patches, "nothing to write"


async def test_a_room_is_added_and_guests_keep_their_replies(desk: Desk) -> None:
    """P49."""
    own_id = await _answered(desk)
    before = _replies(desk, own_id)
    await desk.update(own_id, event_pb2.Event(room_ids=[ROOM]), "room_ids")
    after = _replies(desk, own_id)
    assert {name: after[name] for name in before} == before
    assert after[ROOM]["resource"] is True
    guests = event_pb2.Event(attendees=[{"email": "cid@example.net"}])
    answer = await desk.update(own_id, guests, "attendees")
    assert list(answer.event.room_ids) == [ROOM], "guests were replaced, the room was not"
    assert _replies(desk, own_id)["cid@example.net"]["responseStatus"] == "accepted"
    await desk.update(own_id, event_pb2.Event(), "room_ids")
    assert set(_replies(desk, own_id)) == {"cid@example.net"}


async def test_somebody_else_was_faster_once(desk: Desk) -> None:
    """P50: read again, once; the caller's own version is never overruled."""
    own_id = await _answered(desk)
    add = [{"email": "ana@example.net"}]
    desk.google.fail(412, "conditionNotMet", only=["PATCH"])
    await desk.update(own_id, event_pb2.Event(), add_attendees=add)
    assert "ana@example.net" in _replies(desk, own_id)
    desk.google.fail(412, "conditionNotMet", only=["PATCH"], times=2)
    with refused(Kind.CONFLICT):
        await desk.update(own_id, event_pb2.Event(), remove_attendees=["ana@example.net"])
    etag = (await desk.get(own_id)).etag
    desk.google.fail(412, "conditionNotMet", only=["PATCH"])
    with refused(Kind.CONFLICT):
        await desk.update(own_id, event_pb2.Event(etag=etag), remove_attendees=["ana@example.net"])


async def test_a_shortened_list_is_never_written_back(desk: Desk) -> None:
    """P50."""
    own_id = await _answered(desk)
    desk.ada.entries[own_id].data["attendeesOmitted"] = True
    found = await desk.get(own_id)
    assert list(found.unknown_fields.paths) == ["attendees"]
    for fields in (
        {"add_attendees": [{"email": "ana@example.net"}]},
        {"remove_attendees": ["cid@example.net"]},
    ):
        with refused(Kind.PRECONDITION, reason="ATTENDEES_OMITTED"):
            await desk.update(own_id, event_pb2.Event(), **fields)
    with refused(Kind.PRECONDITION, reason="ATTENDEES_OMITTED"):
        await desk.update(own_id, event_pb2.Event(room_ids=[ROOM]), "room_ids")
    await desk.update(own_id, event_pb2.Event(subject="Other fields"), "subject")


# -- replies


async def _invited(desk: Desk, **fields: Any) -> str:
    """An event of Bob's that Ada is invited to."""
    own_id = await _answered(desk, **fields)
    data = desk.ada.entries[own_id].data
    data["attendees"] += [
        {"email": BOB, "responseStatus": "accepted"},
        {"email": ADA, "responseStatus": "needsAction"},
    ]
    desk.google.world.put(desk.ada, events.copy_from(BOB, desk.ada, data))
    return own_id


async def test_a_reply_touches_one_entry(desk: Desk) -> None:
    """P51."""
    own_id = await _invited(desk)
    before = _replies(desk, own_id)
    answer = await desk.respond(own_id, ACCEPTED, send_notifications=True)
    assert answer.event.own_response == ACCEPTED
    assert answer.report.notifications == OUTCOME.NOTIFICATION_OUTCOME_REQUESTED
    body = desk.asked("PATCH")[-1].body
    assert body == {
        "attendeesOmitted": True,
        "attendees": [{"email": ADA, "responseStatus": "accepted"}],
    }
    after = _replies(desk, own_id)
    assert {k: v for k, v in after.items() if k != ADA} == {
        k: v for k, v in before.items() if k != ADA
    }


async def test_a_reply_with_a_remark_writes_the_whole_list(desk: Desk) -> None:
    """P51."""
    own_id = await _invited(desk)
    before = _replies(desk, own_id)
    await desk.respond(own_id, DECLINED, comment="On holiday")
    after = _replies(desk, own_id)
    assert after[ADA]["comment"] == "On holiday"
    assert after[ADA]["responseStatus"] == "declined"
    assert after["cid@example.net"] == before["cid@example.net"]
    assert desk.asked("PATCH")[-1].headers["if-match"]


async def test_who_is_not_invited_is_told(desk: Desk) -> None:
    """P51."""
    own_id = await _answered(desk)
    with refused(Kind.PRECONDITION, reason="NOT_INVITED"):
        await desk.respond(own_id, ACCEPTED)


async def test_another_time_cannot_be_proposed(desk: Desk) -> None:
    own_id = await _invited(desk)
    with refused(Kind.UNSUPPORTED, field="proposed_time"):
        await desk.respond(own_id, ACCEPTED, proposed_time={"start_at": {"seconds": 1}})


async def test_replies_to_a_series(desk: Desk) -> None:
    own_id = await _invited(desk, rules=WEEKLY)
    found = await desk.instances(own_id)
    await desk.respond(found[1].id, DECLINED, scope=THIS)
    await desk.respond(found[2].id, ACCEPTED, scope=ALL)
    after = await desk.instances(own_id)
    assert [e.own_response for e in after][:3] == [ACCEPTED, DECLINED, ACCEPTED]


async def test_a_guest_cannot_change_what_is_shared(desk: Desk) -> None:
    own_id = await _invited(desk)
    with refused(Kind.FORBIDDEN, reason="NOT_ORGANIZER"):
        await desk.update(own_id, event_pb2.Event(subject="Mine"), "subject")
    mine = event_pb2.Event(color="#33B679", reminders={"overrides": [{"minutes_before": 3}]})
    await desk.update(own_id, mine, "color", "reminders")


# -- notifications


@pytest.mark.parametrize(
    ("asked", "mode", "told"),
    [
        (True, "all", OUTCOME.NOTIFICATION_OUTCOME_REQUESTED),
        (False, "none", OUTCOME.NOTIFICATION_OUTCOME_SUPPRESSED),
        (None, None, OUTCOME.NOTIFICATION_OUTCOME_UNSPECIFIED),
    ],
)
async def test_guests_are_told_as_asked(
    desk: Desk, asked: bool | None, mode: str | None, told: Any
) -> None:
    """P52: removed guests hear of it too, and the outcome is reported."""
    wish = {} if asked is None else {"send_notifications": asked}
    event = meeting(attendees=[{"email": "cid@example.net"}], **wish)
    answer = await desk.create(event)
    assert answer.report.notifications == told
    own_id = answer.event.id
    assert not answer.event.HasField("send_notifications")
    updated = await desk.update(
        own_id, event_pb2.Event(**wish), remove_attendees=["cid@example.net"]
    )
    assert updated.report.notifications in (told, OUTCOME.NOTIFICATION_OUTCOME_NONE)
    await desk.update(own_id, event_pb2.Event(**wish), add_attendees=[{"email": "d@example.net"}])
    deleted = await desk.delete(own_id, **wish)
    assert deleted.report.notifications == told
    writes = [e for e in desk.google.journal if e.method != "GET"]
    assert {e.query.get("sendUpdates") for e in writes} == {mode}
    assert bool(desk.google.world.mails) is (mode == "all")


async def test_nobody_to_tell(desk: Desk) -> None:
    answer = await desk.create(meeting(send_notifications=True))
    assert answer.report.notifications == OUTCOME.NOTIFICATION_OUTCOME_NONE
