"""Booking, moving, changing, canceling; and what is refused before Acuity is asked to write."""

from datetime import UTC, timedelta

import pytest

from providers.core.errors import Kind, ProviderError
from tests.providers.acuity.desk import Desk, booking, instant, monday, violations, window
from tests.providers.acuity.double.world import CALENDAR, CLASS
from ucal.v1 import event_pb2, types_pb2

HALF = timedelta(minutes=30)


async def _refused(desk: Desk, event: event_pb2.Event, field: str) -> None:
    with pytest.raises(ProviderError) as caught:
        await desk.create(event)
    assert caught.value.kind is Kind.INVALID
    assert violations(caught.value) == [field]
    assert not desk.asked("POST")


async def test_a_free_slot_is_booked_once(desk: Desk) -> None:
    start = monday()
    answer = await desk.create(booking(start, booking_answers={"notes": "Party"}))
    made = answer.event
    assert made == await desk.get(made.id)
    assert made.end_at == instant(start + HALF)
    assert made.timezone == "Europe/Berlin"
    assert made.booking_answers["notes"] == "Party"
    assert made.attendees[0].name == "Ada Mary Example"
    (asked,) = desk.asked("POST")
    assert (asked.body["firstName"], asked.body["lastName"]) == ("Ada Mary", "Example")
    assert asked.body["datetime"].endswith("+0000")  # else it is read in the calendar's zone
    assert "admin" not in asked.query  # an administrator can book twice
    assert answer.report.notifications == types_pb2.NOTIFICATION_OUTCOME_REQUESTED
    assert desk.double.world.mails == ["scheduled"]
    with pytest.raises(ProviderError) as caught:
        await desk.create(booking(start))
    assert (caught.value.kind, caught.value.reason) == (Kind.PRECONDITION, "SLOT_TAKEN")
    assert violations(caught.value) == ["event.start_at"]


async def test_nobody_is_told_when_nobody_is_to_be_told(desk: Desk) -> None:
    """P52: Acuity can be silent."""
    event = booking(monday(), send_notifications=False)
    made = await desk.create(event)
    silent = types_pb2.NOTIFICATION_OUTCOME_SUPPRESSED
    assert made.report.notifications == silent
    change = event_pb2.Event(start_at=instant(monday(hour=11)), send_notifications=False)
    assert (await desk.update(made.event.id, change, "start_at")).report.notifications == silent
    deleted = await desk.delete(made.event.id, send_notifications=False)
    assert deleted.report.notifications == silent
    assert desk.double.world.mails == []


async def test_a_client_with_one_name(desk: Desk) -> None:
    """Acuity cannot go without a last name."""
    made = (await desk.create(booking(monday(), name=" Cher "))).event
    assert desk.asked("POST")[0].body["lastName"] == "-"
    assert made.attendees[0].name == "Cher"


async def test_bad_bookings_are_refused_before_acuity_is_asked(desk: Desk) -> None:
    start = monday()
    await _refused(desk, booking(start, link_id=""), "event.link_id")
    await _refused(desk, booking(start, link_id="999"), "event.link_id")
    await _refused(desk, booking(start, link_id="x"), "event.link_id")
    await _refused(desk, booking(start, calendar_id="999"), "event.calendar_id")
    await _refused(desk, booking(start, calendar_id="x"), "event.calendar_id")
    await _refused(desk, booking(start, booking_answers={"x": "y"}), "event.booking_answers")
    await _refused(desk, booking(start, end_at=instant(start + 2 * HALF)), "event.end_at")
    await _refused(desk, booking(start, name="  "), "event.attendees[0].name")
    nobody = booking(start)
    del nobody.attendees[:]
    await _refused(desk, nobody, "event.attendees")
    two = booking(start)
    two.attendees.add(name="Ben Example", email="ben@example.com")
    await _refused(desk, two, "event.attendees")


async def test_required_questions_must_be_answered(desk: Desk) -> None:
    desk.double.world.forms[0]["fields"][0]["required"] = True
    await _refused(desk, booking(monday()), "event.booking_answers")


async def test_a_link_that_is_off_cannot_be_booked(desk: Desk) -> None:
    desk.double.world.types[0]["active"] = "false"
    with pytest.raises(ProviderError) as caught:
        await desk.create(booking(monday()))
    assert caught.value.reason == "LINK_INACTIVE"


async def test_notes_follow_in_a_second_request(desk: Desk) -> None:
    made = await desk.create(booking(monday(), description="Bring coffee"))
    assert made.event.description == "Bring coffee"
    (noted,) = desk.asked("PUT")
    assert noted.query == {"admin": "true"}
    # The booking stands without them.
    desk.double.world.refuses_details = True
    lost = await desk.create(booking(monday(hour=11), description="Lost"))
    assert lost.report.dropped_fields.paths == ["description"]
    assert lost.event.id


async def test_a_lost_answer_is_never_a_second_booking(desk: Desk) -> None:
    """P59."""
    desk.double.lose()
    with pytest.raises(ProviderError) as caught:
        await desk.create(booking(monday()))
    assert caught.value.kind is Kind.OUTCOME_UNKNOWN
    assert len(await desk.listed()) == 1


async def test_an_unreadable_answer_to_a_write_is_an_unknown_outcome(desk: Desk) -> None:
    desk.double.garble_writes = True
    with pytest.raises(ProviderError) as caught:
        await desk.create(booking(monday()))
    assert caught.value.kind is Kind.OUTCOME_UNKNOWN


# -- changing


async def test_a_move_keeps_the_id(desk: Desk) -> None:
    """P56 too: nothing else changes."""
    before = (await desk.create(booking(monday(), booking_answers={"notes": "x"}))).event
    start = monday(hour=15)
    change = event_pb2.Event(start_at=instant(start), end_at=instant(start + HALF))
    answer = await desk.update(before.id, change, "start_at", "end_at")
    after = answer.event
    assert after.id == before.id
    assert after.start_at == instant(start)
    assert not after.moved_from_id
    assert after.timezone == before.timezone == "Europe/Berlin"
    assert after.booking_answers == before.booking_answers
    free = [s.start_at.ToDatetime(UTC) for s in await desk.slots(window=window(monday(), days=1))]
    assert monday() in free
    assert start not in free


async def test_a_move_to_a_slot_that_is_taken(desk: Desk) -> None:
    made = (await desk.create(booking(monday()))).event
    await desk.create(booking(monday(hour=11)))
    with pytest.raises(ProviderError) as caught:
        await desk.update(made.id, event_pb2.Event(start_at=instant(monday(hour=11))), "start_at")
    assert caught.value.reason == "SLOT_TAKEN"
    desk.double.world.too_close = True
    with pytest.raises(ProviderError) as caught:
        await desk.update(made.id, event_pb2.Event(start_at=instant(monday(hour=12))), "start_at")
    assert caught.value.reason == "NOT_MOVABLE"


async def test_to_another_calendar(desk: Desk) -> None:
    other = desk.double.world.add_calendar("Ben")
    made = (await desk.create(booking(monday()))).event
    change = event_pb2.Event(calendar_id=str(other["id"]))
    moved = (await desk.update(made.id, change, "calendar_id")).event
    assert moved.calendar_id == str(other["id"])
    assert moved.organizer.name == "Ben"
    assert moved.start_at == made.start_at
    with pytest.raises(ProviderError) as caught:
        await desk.update(made.id, event_pb2.Event(calendar_id="77"), "calendar_id")
    assert violations(caught.value) == ["event.calendar_id"]


async def test_details(desk: Desk) -> None:
    made = (await desk.create(booking(monday(), description="old"))).event
    change = event_pb2.Event(booking_answers={"notes": "new"})
    after = (await desk.update(made.id, change, "description", "booking_answers")).event
    assert after.description == ""
    assert after.booking_answers["notes"] == "new"
    assert not desk.asked("PUT", "/reschedule")
    with pytest.raises(ProviderError) as caught:
        await desk.update(made.id, event_pb2.Event(booking_answers={"?": "x"}), "booking_answers")
    assert violations(caught.value) == ["event.booking_answers"]


async def test_a_move_that_succeeds_before_details_fail_is_told(desk: Desk) -> None:
    made = (await desk.create(booking(monday()))).event
    desk.double.world.refuses_details = True
    change = event_pb2.Event(start_at=instant(monday(hour=14)), description="New")
    with pytest.raises(ProviderError) as caught:
        await desk.update(made.id, change, "start_at", "description")
    assert caught.value.metadata["moved"] == "true"
    assert (await desk.get(made.id)).start_at == instant(monday(hour=14))


async def test_an_end_that_does_not_fit_moves_nothing(desk: Desk) -> None:
    made = (await desk.create(booking(monday()))).event
    for change, paths in (
        (event_pb2.Event(end_at=instant(monday(hour=12))), ("end_at",)),
        (event_pb2.Event(), ("end_at",)),
        (
            event_pb2.Event(start_at=instant(monday(hour=12)), end_at=instant(monday(hour=14))),
            ("start_at", "end_at"),
        ),
    ):
        with pytest.raises(ProviderError) as caught:
            await desk.update(made.id, change, *paths)
        assert violations(caught.value) == ["event.end_at"]
    assert not desk.asked("PUT")


# -- canceling


async def test_canceling_is_final(desk: Desk) -> None:
    """P04."""
    made = (await desk.create(booking(monday()))).event
    desk.double.world.too_close = True  # deadlines bind clients, not the business
    answer = await desk.delete(made.id, reason="Ill")
    assert answer.event.status == event_pb2.EVENT_STATUS_CANCELED
    assert answer.event.cancellation_reason == "Ill"
    assert desk.asked("PUT", "/cancel")[0].body == {"cancelNote": "Ill"}
    with pytest.raises(ProviderError) as caught:
        await desk.delete(made.id)
    assert caught.value.reason == "ALREADY_CANCELED"
    assert (await desk.delete(made.id, allow_missing=True)).already_absent
    assert len(desk.asked("PUT", "/cancel")) == 1
    with pytest.raises(ProviderError) as caught:
        await desk.update(made.id, event_pb2.Event(description="x"), "description")
    assert caught.value.reason == "ALREADY_CANCELED"
    with pytest.raises(ProviderError) as caught:
        await desk.delete("77")
    assert caught.value.kind is Kind.NOT_FOUND
    assert (await desk.delete("77", allow_missing=True)).already_absent


# -- slots and busy time


async def test_slots_in_pages(desk: Desk) -> None:
    whole = await desk.slots(window=window(monday(), days=7))
    assert len(whole) == 5 * 16
    assert await desk.slots(window=window(monday(), days=7), page_size=7) == whole
    assert whole[0].end_at.seconds - whole[0].start_at.seconds == 1800
    assert whole[0].places_left == 1
    with pytest.raises(ProviderError) as caught:
        await desk.slots(window=window(monday(), days=63))
    assert caught.value.reason == "WINDOW_TOO_LARGE"
    with pytest.raises(ProviderError) as caught:
        await desk.slots(window=window(monday(), days=1), duration={"seconds": 60})
    assert violations(caught.value) == ["duration"]


async def test_slots_over_the_end_of_a_month_begin_now(desk: Desk) -> None:
    start = monday(weeks=0) - timedelta(days=20)
    found = await desk.slots(window=window(start, days=60))
    assert found
    assert all(s.start_at.ToDatetime(UTC) > start + timedelta(days=13) for s in found)
    starts = [s.start_at.ToDatetime() for s in found]
    assert starts == sorted(set(starts))


async def test_classes_have_sessions(desk: Desk) -> None:
    world = desk.double.world
    world.add_type("Yoga", own_id=CLASS, type="class", classSize=8, duration=60)
    for hour, left in ((9, 3), (11, 0), (12, 8)):
        world.sessions.append(
            {
                "id": hour,
                "appointmentTypeID": CLASS,
                "calendarID": CALENDAR,
                "time": f"{monday(hour=hour):%Y-%m-%dT%H:%M:%S+0000}",
                "slots": 8,
                "slotsAvailable": left,
            }
        )
    found = await desk.slots(CLASS, window=window(monday(), days=1))
    assert [(s.start_at.ToDatetime(UTC).hour, s.places_left) for s in found] == [(9, 3), (12, 8)]
    assert (await desk.link(str(CLASS))).capacity == 8


async def test_busy_time_is_appointments_and_blocks(desk: Desk) -> None:
    """P65."""
    start = monday()
    planted = desk.plant(start)
    desk.plant(start, canceled=True)
    block = desk.double.world.add_block(start - timedelta(days=1), start + HALF / 2)
    answer = await desk.busy(calendar_ids=[str(CALENDAR), "77"], window=window(start, days=1))
    assert [(b.id, b.kind) for b in answer.busy] == [
        (f"block:{block['id']}", 5),
        (f"appt:{planted['id']}", 1),
    ]
    assert all(b.description == "" for b in answer.busy)
    assert list(answer.unreachable) == ["77"]
    merged = await desk.busy(window=window(start, days=1), merge=True, include_raw=True)
    assert len(merged.busy) == 1
    assert merged.busy[0].end_at == instant(start + HALF)
    paged = await desk.busy(window=window(start, days=1), page_size=1)
    assert paged.next_page_token
    late = await desk.busy(window=window(start + HALF, days=1))
    assert list(late.busy) == []
