"""Versions, deletions and moves of events."""

from providers.core.errors import Kind
from tests.providers.google.desk import Desk, meeting, refused
from ucal.v1 import event_pb2

# -- versions and deletions


async def test_versions_are_compared(desk: Desk) -> None:
    made = await desk.make(meeting())
    await desk.update(made.id, event_pb2.Event(subject="A", etag=made.etag), "subject")
    with refused(Kind.CONFLICT, reason="ETAG_MISMATCH"):
        await desk.update(made.id, event_pb2.Event(subject="B", etag=made.etag), "subject")
    with refused(Kind.CONFLICT):
        await desk.delete(made.id, etag=made.etag)
    assert (await desk.get(made.id)).subject == "A"


async def test_deleting_twice(desk: Desk) -> None:
    """P04: Google's 410 is no loop."""
    made = await desk.make(meeting())
    assert not (await desk.delete(made.id)).already_absent
    with refused(Kind.NOT_FOUND):
        await desk.delete(made.id)
    assert (await desk.delete(made.id, allow_missing=True)).already_absent
    assert (await desk.delete("neverwas", allow_missing=True)).already_absent
    assert (await desk.get(made.id)).status == event_pb2.EVENT_STATUS_CANCELED


async def test_a_deletion_that_somebody_else_makes_meanwhile(desk: Desk) -> None:
    """P04: the 410 of DELETE itself."""
    made = await desk.make(meeting())
    desk.google.fail(410, "deleted", only=["DELETE"])
    assert (await desk.delete(made.id, allow_missing=True)).already_absent


async def test_a_deleted_event_is_brought_back(desk: Desk) -> None:
    made = await desk.make(meeting())
    await desk.delete(made.id)
    with refused(Kind.NOT_FOUND):
        await desk.update(made.id, event_pb2.Event(subject="x"), "subject")
    again = event_pb2.Event(status=event_pb2.EVENT_STATUS_CONFIRMED)
    await desk.update(made.id, again, "status")
    assert (await desk.get(made.id)).status == event_pb2.EVENT_STATUS_CONFIRMED


async def test_moving_keeps_the_id(desk: Desk) -> None:
    other = desk.google.world.add_calendar("team@group", "Team", "UTC", "ada@example.com")
    made = await desk.make(meeting())
    event = event_pb2.Event(calendar_id=other.id, subject="Moved")
    answer = await desk.update(
        made.id, event, "calendar_id", "subject", calendar_id="ada@example.com"
    )
    assert answer.event.id == made.id
    assert answer.event.calendar_id == other.id
    assert answer.event.subject == "Moved"
    assert await desk.listed() == []


async def test_moving_home_is_no_move(desk: Desk) -> None:
    made = await desk.make(meeting())
    event = event_pb2.Event(calendar_id="ada@example.com", subject="Same")
    await desk.update(made.id, event, "calendar_id", "subject", calendar_id="primary")
    assert not desk.asked("POST", "/move")


async def test_only_plain_events_move(desk: Desk) -> None:
    other = desk.google.world.add_calendar("team@group", "Team", "UTC", "ada@example.com")
    made = await desk.make(meeting(type=event_pb2.EVENT_TYPE_FOCUS_TIME))
    with refused(Kind.INVALID, field="event.calendar_id"):
        event = event_pb2.Event(calendar_id=other.id)
        await desk.update(made.id, event, "calendar_id", calendar_id="primary")


async def test_a_move_whose_second_half_fails_says_so(desk: Desk) -> None:
    other = desk.google.world.add_calendar("team@group", "Team", "UTC", "ada@example.com")
    made = await desk.make(meeting())
    desk.google.fail(403, "forbidden", only=["PATCH"])
    with refused(Kind.CONFLICT, reason="MOVE_INCOMPLETE"):
        event = event_pb2.Event(calendar_id=other.id, subject="Moved")
        await desk.update(made.id, event, "calendar_id", "subject", calendar_id="primary")
    assert made.id in other.entries
