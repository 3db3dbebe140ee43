"""Booking through a link, canceling, and what is refused before Calendly is asked."""

from datetime import UTC, timedelta

import pytest

from providers.core.errors import Kind, ProviderError
from tests.providers.calendly.desk import Desk, booking, instant, monday, violations, window
from tests.providers.calendly.double.world import HOST, QUICK, tail
from ucal.v1 import event_pb2, types_pb2

ZOOM = types_pb2.CONFERENCE_KIND_ZOOM


async def _refused(desk: Desk, event: event_pb2.Event, field: str) -> None:
    with pytest.raises(ProviderError) as caught:
        await desk.create(event)
    assert caught.value.kind is Kind.INVALID
    assert violations(caught.value) == [field]
    assert not desk.asked("POST")


async def test_a_free_slot_is_booked(desk: Desk) -> None:
    start = monday()
    (slot, *_) = await desk.slots(window=window(start, days=1))
    assert slot.start_at.ToDatetime(UTC) == start
    event = booking(start, booking_answers={"notes": "Pricing"})
    event.attendees.add(email="guest@example.com", role=types_pb2.ATTENDEE_ROLE_OPTIONAL)
    answer = await desk.create(event)
    made = answer.event
    assert made == await desk.get(made.id)
    assert made.start_at == instant(start)
    assert made.end_at == instant(start + timedelta(minutes=30))
    assert made.calendar_id == tail(HOST)
    assert made.booking_answers["notes"] == "Pricing"
    assert made.conference.kind == ZOOM
    assert made.conference.phones[0].country_code == "DE"
    assert answer.report.notifications == types_pb2.NOTIFICATION_OUTCOME_REQUESTED
    assert not answer.report.coerced_fields.paths
    starts = [s.start_at.ToDatetime(UTC) for s in await desk.slots(window=window(start, days=1))]
    assert start not in starts
    with pytest.raises(ProviderError) as caught:
        await desk.create(event)
    assert (caught.value.kind, caught.value.reason) == (Kind.PRECONDITION, "SLOT_TAKEN")


async def test_the_callers_choice_of_place(desk: Desk) -> None:
    made = (await desk.create(booking(monday(), location="Café Einstein"))).event
    assert made.location == "Café Einstein"
    assert not made.has_conference
    event = booking(monday(hour=11))
    event.conference.kind = ZOOM
    assert (await desk.create(event)).event.conference.join_url == "https://zoom.us/j/91234567890"


async def test_a_type_without_places_leaves_no_choice(desk: Desk) -> None:
    kind = desk.double.world.add_type("Plain")
    made = (await desk.create(booking(monday(), link_id=tail(kind["uri"])))).event
    assert made.location == ""
    await _refuse_with_place(desk, tail(kind["uri"]))


async def _refuse_with_place(desk: Desk, link_id: str) -> None:
    with pytest.raises(ProviderError) as caught:
        await desk.create(booking(monday(hour=12), link_id=link_id, location="Elsewhere"))
    assert violations(caught.value) == ["event.location"]


async def test_bad_bookings_are_refused_before_calendly_is_asked(desk: Desk) -> None:
    start = monday()
    await _refused(desk, booking(start, link_id="nothing"), "event.link_id")
    await _refused(desk, booking(start, link_id=""), "event.link_id")
    await _refused(desk, booking(start, booking_answers={"x": "y"}), "event.booking_answers")
    long = booking(start, end_at=instant(start + timedelta(hours=1)))
    await _refused(desk, long, "event.end_at")
    nameless = booking(start, attendees=[types_pb2.Attendee(email="a@example.com")])
    await _refused(desk, nameless, "event.attendees[0].name")
    nobody = booking(start)
    del nobody.attendees[:]
    await _refused(desk, nobody, "event.attendees")
    crowd = booking(start)
    crowd.attendees.extend(types_pb2.Attendee(email=f"g{n}@example.com") for n in range(11))
    await _refused(desk, crowd, "event.attendees")
    teams = booking(start)
    teams.conference.kind = types_pb2.CONFERENCE_KIND_TEAMS
    await _refused(desk, teams, "event.conference.kind")
    attached = booking(start)
    attached.conference.join_url = "https://zoom.us/j/1"
    await _refused(desk, attached, "event.conference.join_url")
    foreign = booking(start, calendar_id="elsewhere")
    await _refused(desk, foreign, "event.calendar_id")


async def test_required_questions_must_be_answered(desk: Desk) -> None:
    desk.double.world.types[QUICK]["custom_questions"][0]["required"] = True
    await _refused(desk, booking(monday()), "event.booking_answers")


async def test_a_link_that_is_off_cannot_be_booked(desk: Desk) -> None:
    desk.double.world.types[QUICK]["active"] = False
    with pytest.raises(ProviderError) as caught:
        await desk.create(booking(monday()))
    assert caught.value.reason == "LINK_INACTIVE"


async def test_names_of_guests_are_lost_and_told(desk: Desk) -> None:
    event = booking(monday())
    event.attendees.add(name="Gus", email="gus@example.com")
    with pytest.raises(ProviderError) as caught:
        await desk.create(event, strict=True)
    assert caught.value.kind is Kind.PRECONDITION
    assert not desk.asked("POST")
    answer = await desk.create(event)
    assert answer.report.coerced_fields.paths == ["attendees"]


async def test_a_free_plan_cannot_book(desk: Desk) -> None:
    desk.double.world.free_plan = True
    with pytest.raises(ProviderError) as caught:
        await desk.create(booking(monday()))
    assert (caught.value.kind, caught.value.reason) == (
        Kind.PRECONDITION,
        "PLAN_UPGRADE_REQUIRED",
    )


async def test_a_lost_answer_is_never_a_second_booking(desk: Desk) -> None:
    """P59."""
    desk.double.lose()
    with pytest.raises(ProviderError) as caught:
        await desk.create(booking(monday()))
    assert caught.value.kind is Kind.OUTCOME_UNKNOWN
    assert len(desk.asked("POST")) == 1
    assert len(await desk.listed()) == 1


async def test_a_booking_stands_though_it_cannot_be_read(desk: Desk) -> None:
    start = monday()
    desk.double.fail_reads_after_write()
    made = (await desk.create(booking(start))).event
    desk.double.faults.clear()
    assert made.id == (await desk.listed())[0].id
    assert made.start_at == instant(start)
    assert [a.email for a in made.attendees] == ["ada@example.com"]
    assert "organizer" in made.unknown_fields.paths


# -- canceling


async def test_canceling_keeps_the_event(desk: Desk) -> None:
    """P04, P52."""
    made = (await desk.create(booking(monday()))).event
    answer = await desk.delete(made.id, reason="Ill", send_notifications=False)
    assert answer.event.status == event_pb2.EVENT_STATUS_CANCELED
    assert answer.event.cancellation_reason == "Ill"
    assert answer.report.notifications == types_pb2.NOTIFICATION_OUTCOME_NOT_SUPPRESSIBLE
    declined = types_pb2.ATTENDEE_RESPONSE_DECLINED
    assert [a.response for a in answer.event.attendees] == [declined]
    with pytest.raises(ProviderError) as caught:
        await desk.delete(made.id)
    assert (caught.value.kind, caught.value.reason) == (Kind.PRECONDITION, "ALREADY_CANCELED")
    assert (await desk.delete(made.id, allow_missing=True)).already_absent
    with pytest.raises(ProviderError) as caught:
        await desk.delete("nothing")
    assert caught.value.kind is Kind.NOT_FOUND
    assert (await desk.delete("nothing", allow_missing=True)).already_absent


async def test_one_of_a_group_cannot_be_told_by_the_event(desk: Desk) -> None:
    """A group's event has many invitees: neither zone nor answers are the event's."""
    world = desk.double.world
    kind = world.add_type("Class", kind="group")
    start = monday()
    for name in ("ada", "ben"):
        made = world.add_event(kind, start, f"{name}@example.com")
    found = await desk.get(tail(made["event"]))
    assert [a.email for a in found.attendees] == ["ada@example.com", "ben@example.com"]
    assert found.timezone == ""
    (slot,) = [
        s
        for s in await desk.slots(tail(kind["uri"]), window=window(start, days=0.01))
        if s.start_at.ToDatetime(UTC) == start
    ]
    assert slot.places_left == 3
