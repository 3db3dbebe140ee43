"""Booking, moving, confirming, declining, canceling."""

from datetime import timedelta
from typing import Any

import pytest

from providers.core.errors import Kind
from tests.providers.calcom.desk import (
    ALL,
    FOLLOWING,
    THIS,
    Desk,
    instant,
    monday,
    person,
    refused,
)
from ucal.v1 import event_pb2, types_pb2

HOUR = timedelta(hours=1)
ACCEPTED = types_pb2.ATTENDEE_RESPONSE_ACCEPTED
DECLINED = types_pb2.ATTENDEE_RESPONSE_DECLINED
CONFIRMED, CANCELED = event_pb2.EVENT_STATUS_CONFIRMED, event_pb2.EVENT_STATUS_CANCELED
WAITS = {"confirmationPolicy": {"type": "always"}}


# -- booking


async def test_a_booking_sends_what_cal_com_wants(desk: Desk) -> None:
    link = desk.kind()["id"]
    event: dict[str, Any] = {
        "attendees": [
            person("Ada Example", "ada@example.com"),
            types_pb2.Attendee(email="guest@example.com"),
        ],
        "metadata": {"orderId": "42"},
        "description": "Pricing",
    }
    answer = await desk.book(link, monday(), **event)
    (sent,) = desk.asked("POST", "/bookings")
    assert sent.body == {
        "start": monday().strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventTypeId": link,
        "attendee": {"name": "Ada Example", "email": "ada@example.com", "timeZone": "UTC"},
        "guests": ["guest@example.com"],
        "metadata": {"orderId": "42"},
        "bookingFieldsResponses": {"notes": "Pricing"},
    }
    assert sent.version == "2024-08-13"
    made = answer.event
    assert (made.description, dict(made.metadata)) == ("Pricing", {"orderId": "42"})
    assert made.status == CONFIRMED
    assert not answer.report.coerced_fields.paths
    assert answer.report.notifications == types_pb2.NOTIFICATION_OUTCOME_REQUESTED
    assert made == await desk.get(made.id)


async def test_the_zone_of_the_start_is_the_bookers(desk: Desk) -> None:
    link = desk.kind()["id"]
    event = event_pb2.Event(link_id=str(link), start_at=instant(monday(), "Europe/Berlin"))
    event.attendees.add(name="Ada", email="ada@example.com")
    await desk.provider.create_event(desk.call, event_pb2.CreateEventRequest(event=event))
    assert desk.asked("POST", "/bookings")[0].body["attendee"]["timeZone"] == "Europe/Berlin"


async def test_a_length_is_sent_only_where_there_are_several(desk: Desk) -> None:
    """Cal.com answers 400 to the length of a type that has one."""
    one, many = desk.kind(), desk.kind("many", lengthInMinutesOptions=[30, 60])
    await desk.book(one["id"], monday(), end_at=instant(monday() + HOUR / 2))
    later = monday() + HOUR
    made = (await desk.book(many["id"], later, end_at=instant(later + HOUR))).event
    assert "lengthInMinutes" not in desk.asked("POST", "/bookings")[0].body
    assert desk.asked("POST", "/bookings")[1].body["lengthInMinutes"] == 60
    assert made.end_at == instant(later + HOUR)
    with refused(Kind.INVALID, field="event.end_at"):
        await desk.book(one["id"], later + HOUR, end_at=instant(later + 3 * HOUR))


@pytest.mark.parametrize(
    ("field", "event"),
    [
        ("event.attendees", {"attendees": []}),
        ("event.attendees[0].name", {"attendees": [person("", "ada@example.com")]}),
        ("event.location", {"location": "Mars"}),
        ("event.location", {"location": "Mars", "conference": {"kind": "CONFERENCE_KIND_ZOOM"}}),
        ("event.conference.kind", {"conference": {"kind": "CONFERENCE_KIND_ZOOM"}}),
        ("event.conference.join_url", {"conference": {"join_url": "https://zoom.us/j/1"}}),
        ("event.metadata", {"metadata": {"k" * 41: "v"}}),
        ("event.metadata", {"metadata": {"k": "v" * 501}}),
        ("event.booking_answers", {"booking_answers": {"unasked": "x"}}),
        ("event.booking_answers", {"booking_answers": {"email": "other@example.com"}}),
        ("event.description", {"description": "a", "booking_answers": {"notes": "b"}}),
    ],
)
async def test_bad_bookings_are_refused_before_they_are_sent(
    desk: Desk, field: str, event: dict[str, Any]
) -> None:
    link = desk.kind()["id"]
    with refused(Kind.INVALID, field=field):
        await desk.book(link, monday(), **event)
    assert desk.asked("POST") == []


@pytest.mark.parametrize("link_id", ["", "no-such-link", "999", "1/abc", "../me"])
async def test_a_booking_needs_a_link_of_the_account(desk: Desk, link_id: str) -> None:
    with refused(Kind.INVALID, field="event.link_id"):
        await desk.book(link_id, monday())
    assert desk.asked("POST") == []


@pytest.mark.parametrize(
    ("place", "event", "sent"),
    [
        ({"type": "address", "address": "Room 4"}, {"location": "Room 4"}, {"type": "address"}),
        (
            {"type": "attendeeAddress"},
            {"location": "My office"},
            {"type": "attendeeAddress", "address": "My office"},
        ),
        (
            {"type": "attendeePhone"},
            {"location": "+49 30 1234567"},
            {"type": "attendeePhone", "phone": "+49 30 1234567"},
        ),
        (
            {"type": "link", "link": "https://zoom.us/j/1"},
            {"conference": {"join_url": "https://zoom.us/j/1"}},
            {"type": "link"},
        ),
        (
            {"type": "integration", "integration": "office365-video"},
            {"conference": {"kind": "CONFERENCE_KIND_TEAMS"}},
            {"type": "integration", "integration": "office365-video"},
        ),
    ],
)
async def test_places_are_those_of_the_link(
    desk: Desk, place: dict[str, Any], event: dict[str, Any], sent: dict[str, Any]
) -> None:
    link = desk.kind(locations=[{"type": "integration", "integration": "cal-video"}, place])
    answer = await desk.book(link["id"], monday(), **event)
    assert desk.asked("POST", "/bookings")[0].body["location"] == sent
    assert not answer.report.coerced_fields.paths


async def test_answers_have_the_types_of_their_questions(desk: Desk) -> None:
    fields = [
        {"type": kind, "slug": kind, "required": False}
        for kind in ("number", "boolean", "multiselect", "text")
    ]
    link = desk.kind(bookingFields=fields)["id"]
    answers = {"number": "4", "boolean": "true", "multiselect": '["a","b"]', "text": "true"}
    made = (await desk.book(link, monday(), booking_answers=answers)).event
    sent = desk.asked("POST", "/bookings")[0].body["bookingFieldsResponses"]
    assert sent == {"number": 4, "boolean": True, "multiselect": ["a", "b"], "text": "true"}
    assert dict(made.booking_answers) == answers
    for name in ("number", "boolean"):
        with refused(Kind.INVALID, field="event.booking_answers"):
            await desk.book(link, monday(), booking_answers={name: "maybe"})


async def test_what_guests_lose_is_told(desk: Desk) -> None:
    link = desk.kind()["id"]
    people = [person("Ada", "ada@example.com"), person("Ben", "ben@example.com")]
    with refused(Kind.PRECONDITION, field="event.attendees"):
        await desk.book(link, monday(), attendees=people, strict=True)
    answer = await desk.book(link, monday(), attendees=people)
    assert list(answer.report.coerced_fields.paths) == ["attendees"]


async def test_p52_notifications_cannot_be_suppressed(desk: Desk) -> None:
    link = desk.kind()["id"]
    with refused(Kind.PRECONDITION, field="event.send_notifications"):
        await desk.book(link, monday(), send_notifications=False, strict=True)
    answer = await desk.book(link, monday(), send_notifications=False)
    assert answer.report.notifications == types_pb2.NOTIFICATION_OUTCOME_NOT_SUPPRESSIBLE


async def test_a_taken_slot(desk: Desk) -> None:
    """A plain 400 that its text alone tells apart."""
    link = desk.kind()["id"]
    await desk.book(link, monday())
    with refused(Kind.PRECONDITION, reason="SLOT_TAKEN"):
        await desk.book(link, monday())


async def test_p61_a_slot_can_be_booked_again_after_a_cancellation(desk: Desk) -> None:
    link = desk.kind()["id"]
    first = (await desk.book(link, monday())).event
    await desk.delete(first.id)
    assert (await desk.book(link, monday())).event.id != first.id


async def test_p59_a_lost_answer_is_told_as_such_and_not_repeated(desk: Desk) -> None:
    link = desk.kind()["id"]
    desk.cal.lose()
    with refused(Kind.OUTCOME_UNKNOWN):
        await desk.book(link, monday())
    assert len(desk.cal.world.bookings) == 1


async def test_a_recurring_link_books_a_series(desk: Desk) -> None:
    every = {"interval": 1, "occurrences": 3, "frequency": "weekly"}
    made = (await desk.book(desk.kind(recurrence=every)["id"], monday())).event
    assert len(made.recurrence.rules) == 1
    assert [e.recurring_event_id for e in await desk.listed()] == [made.id] * 3
    assert (await desk.get(made.id)).recurrence == made.recurrence


async def test_a_seat_is_added_to_the_booking_that_is_there(desk: Desk) -> None:
    seats = {"seatsPerTimeSlot": 3, "showAttendeeInfo": True, "showAvailabilityCount": True}
    link = desk.kind(seats=seats)["id"]
    first = (await desk.book(link, monday())).event
    second = await desk.book(link, monday(), attendees=[person("Ben", "ben@example.com")])
    assert second.event.id == first.id
    assert [a.name for a in second.event.attendees] == ["Ada Example", "Ben"]
    slots = await desk.slots(link, monday() - HOUR)
    assert slots[0].places_left == 1
    with refused(Kind.ALREADY_EXISTS, reason="ALREADY_BOOKED"):
        await desk.book(link, monday())


# -- moving


async def test_p84_a_move_makes_a_new_booking(desk: Desk) -> None:
    """P56 too: the call stays what it was."""
    booking = desk.put(desk.kind(), monday(), location="https://zoom.us/j/1")
    moved = await desk.move(booking["uid"], monday() + HOUR)
    assert moved.id != booking["uid"]
    assert moved.moved_from_id == booking["uid"]
    assert moved.start_at == instant(monday() + HOUR)
    assert moved.end_at == instant(monday() + 1.5 * HOUR)
    assert moved.conference.join_url == "https://zoom.us/j/1"
    old = await desk.get(booking["uid"])
    assert (old.status, old.moved_to_id) == (CANCELED, moved.id)
    with refused(Kind.PRECONDITION, reason="ALREADY_MOVED") as caught:
        await desk.move(booking["uid"], monday() + 2 * HOUR)
    assert caught.value.metadata["moved_to_id"] == moved.id
    with refused(Kind.PRECONDITION, reason="ALREADY_MOVED"):
        await desk.delete(booking["uid"])


async def test_a_move_by_the_host_needs_no_confirmation(desk: Desk) -> None:
    booking = desk.put(desk.kind(**WAITS), monday(), status="accepted")
    moved = await desk.move(booking["uid"], monday() + HOUR)
    assert moved.status == CONFIRMED
    assert desk.asked("POST", "/reschedule")[0].body["rescheduledBy"] == "host@example.com"


async def test_a_move_to_where_it_is_does_nothing(desk: Desk) -> None:
    booking = desk.put(desk.kind(), monday())
    assert (await desk.move(booking["uid"], monday())).id == booking["uid"]
    assert desk.asked("POST") == []


async def test_a_move_keeps_the_length(desk: Desk) -> None:
    booking = desk.put(desk.kind(), monday())
    later = event_pb2.Event(start_at=instant(monday() + HOUR), end_at=instant(monday() + 3 * HOUR))
    with refused(Kind.INVALID, field="event.end_at"):
        await desk.update(booking["uid"], later, "start_at", "end_at")
    later.end_at.CopyFrom(instant(monday() + 1.5 * HOUR))
    assert (await desk.update(booking["uid"], later, "start_at", "end_at")).event.moved_from_id


async def test_time_and_place_are_not_changed_together(desk: Desk) -> None:
    booking = desk.put(desk.kind(), monday())
    with refused(Kind.INVALID, field="update_mask"):
        await desk.update(booking["uid"], event_pb2.Event(), "start_at", "location")
    assert desk.asked() == []


async def test_an_instance_is_moved_alone(desk: Desk) -> None:
    kind = desk.kind()
    rows = [
        desk.put(kind, monday() + n * timedelta(days=7), recurringBookingUid="series1")
        for n in range(3)
    ]
    with refused(Kind.INVALID, field="scope"):
        await desk.move(rows[1]["uid"], monday() + timedelta(days=8))
    with refused(Kind.INVALID, field="scope"):
        await desk.move("series1", monday() + timedelta(days=8), scope=THIS)
    moved = await desk.move(rows[1]["uid"], monday() + timedelta(days=8), scope=THIS)
    assert moved.recurring_event_id == "series1"


async def test_place_and_call_of_a_booking(desk: Desk) -> None:
    uid = desk.put(desk.kind(), monday())["uid"]
    changed = (await desk.update(uid, event_pb2.Event(location="Room 5"), "location")).event
    assert (changed.id, changed.location, changed.has_conference) == (uid, "Room 5", False)
    call = event_pb2.Event(conference=types_pb2.Conference(join_url="https://zoom.us/j/2"))
    changed = (await desk.update(uid, call, "conference")).event
    assert changed.conference.kind == types_pb2.CONFERENCE_KIND_ZOOM
    with refused(Kind.INVALID, field="event.conference.join_url"):
        await desk.update(uid, event_pb2.Event(), "conference")


# -- confirming


async def test_a_host_confirms_and_declines(desk: Desk) -> None:
    kind = desk.kind(**WAITS)
    first, second, third = (desk.put(kind, monday() + n * HOUR)["uid"] for n in range(3))
    assert (await desk.get(first)).status == event_pb2.EVENT_STATUS_TENTATIVE
    answer = await desk.respond(first, ACCEPTED, comment="fine")
    assert answer.event.status == CONFIRMED
    assert list(answer.report.dropped_fields.paths) == ["comment"]
    declined = (await desk.respond(second, DECLINED, comment="Another call")).event
    assert (declined.status, declined.cancellation_reason) == (CANCELED, "Another call")
    wish = event_pb2.Event(status=CONFIRMED)
    assert (await desk.update(third, wish, "status")).event.status == CONFIRMED
    with refused(Kind.PRECONDITION, reason="NOT_PENDING"):
        await desk.respond(first, ACCEPTED)
    with refused(Kind.INVALID, field="response"):
        await desk.respond(first, types_pb2.ATTENDEE_RESPONSE_TENTATIVE)
    with refused(Kind.INVALID, field="event.status"):
        await desk.update(third, event_pb2.Event(status=CANCELED), "status")


# -- canceling


async def test_a_canceled_booking_is_kept(desk: Desk) -> None:
    uid = desk.put(desk.kind(), monday())["uid"]
    answer = await desk.delete(uid, reason="Ill")
    assert (answer.event.status, answer.event.cancellation_reason) == (CANCELED, "Ill")
    with refused(Kind.PRECONDITION, reason="ALREADY_CANCELED"):
        await desk.delete(uid)
    assert (await desk.delete(uid, allow_missing=True)).already_absent
    with refused(Kind.NOT_FOUND):
        await desk.delete("nothing")
    assert (await desk.delete("nothing", allow_missing=True)).already_absent


@pytest.mark.parametrize(
    ("named", "scope", "gone"),
    [
        (1, THIS, [1]),
        (1, FOLLOWING, [1, 2, 3]),
        (1, ALL, [0, 1, 2, 3]),
        ("series1", ALL, [0, 1, 2, 3]),
        (1, 0, None),
        ("series1", 0, None),
        ("series1", THIS, None),
        ("series1", FOLLOWING, None),
    ],
)
async def test_scopes_of_a_cancellation(
    desk: Desk, named: int | str, scope: Any, gone: list[int] | None
) -> None:
    """The uid of a series in the call would end all of it: never by accident."""
    kind = desk.kind()
    rows = [
        desk.put(kind, monday() + n * timedelta(days=7), recurringBookingUid="series1")
        for n in range(4)
    ]
    own_id = rows[named]["uid"] if isinstance(named, int) else named
    if gone is None:
        with refused(Kind.INVALID, field="scope"):
            await desk.delete(own_id, scope=scope)
    else:
        answer = await desk.delete(own_id, scope=scope)
        assert answer.event.id == ("series1" if scope == ALL else own_id)
        assert answer.event.status == CANCELED
    ended = [n for n, row in enumerate(rows) if row["status"] == "cancelled"]
    assert ended == (gone or [])
