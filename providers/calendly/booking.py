"""Creating an event: booking an event type (developer.calendly.com, "Scheduling API").

The type says how long a booking is, where it can take place and what is asked; what the caller says
is held against it before Calendly is asked to write. There is no idempotency key: an answer that is
lost is told as such, and nothing is sent again.
"""

from collections.abc import Mapping
from datetime import timedelta

import msgspec
from google.protobuf.field_mask_pb2 import FieldMask

from providers.calendly import events, ids, links, places
from providers.calendly.api import Api, Found
from providers.calendly.event_parse import parse_event
from providers.calendly.wire import Event, EventType, Invitee
from providers.core import times
from providers.core.call import Call
from providers.core.errors import Kind, ProviderError
from ucal.v1 import event_pb2, types_pb2

WRITABLE = (
    "start_at",
    "end_at",
    "timezone",
    "attendees",
    "location",
    "conference",
    "link_id",
    "booking_answers",
    "send_notifications",
)
_MAX_GUESTS = 10
_NOT_ASSUMED = ("calendar_id", "organizer", "location", "conference", "created_at", "updated_at")
_BOOKER_ROLES = (types_pb2.ATTENDEE_ROLE_UNSPECIFIED, types_pb2.ATTENDEE_ROLE_REQUIRED)
_GUEST_ROLES = (types_pb2.ATTENDEE_ROLE_UNSPECIFIED, types_pb2.ATTENDEE_ROLE_OPTIONAL)


async def create_event(
    api: Api, call: Call, request: event_pb2.CreateEventRequest
) -> event_pb2.CreateEventResponse:
    """CreateEvent: the first attendee books, the others are guests."""
    event = request.event
    if not event.link_id:
        raise ProviderError.invalid("event.link_id", "every Calendly event comes from a link")
    kind = await _type(api, event.link_id)
    await _check_calendar(api, event)
    coerced = _check(event, kind)
    if coerced and request.strict:
        raise ProviderError(
            Kind.PRECONDITION,
            "Calendly keeps of guests the address only",
            reason="FIELDS_NOT_SUPPORTED",
            violations=[(f"event.{name}", "cannot be kept as it is") for name in coerced],
        )
    body = dump_booking(event, kind)
    made = await api.one(Invitee, "invitees", method="POST", json=body)
    answer = event_pb2.CreateEventResponse()
    assumed = _assumed(made.it, kind, event)
    await _read_back(api, call, answer.event, made, assumed)
    answer.report.coerced_fields.CopyFrom(FieldMask(paths=coerced))
    answer.report.notifications = outcome(
        suppress=event.HasField("send_notifications") and not event.send_notifications
    )
    return answer


def outcome(*, suppress: bool) -> types_pb2.NotificationOutcome.ValueType:
    """What happens to notifications: Calendly always sends them (P52)."""
    if suppress:
        return types_pb2.NOTIFICATION_OUTCOME_NOT_SUPPRESSIBLE
    return types_pb2.NOTIFICATION_OUTCOME_REQUESTED


async def _type(api: Api, own_id: str) -> EventType:
    try:
        kind = (await links.read_type(api, own_id)).it
    except ProviderError as error:
        if error.kind is Kind.NOT_FOUND:
            raise ProviderError.invalid(
                "event.link_id", "names no link of this connection"
            ) from None
        raise
    if kind.active is False:
        raise ProviderError(
            Kind.PRECONDITION, "this link cannot be booked any more", reason="LINK_INACTIVE"
        )
    return kind


async def _check_calendar(api: Api, event: event_pb2.Event) -> None:
    """The calendar is the connection's own: the link says whose time is booked."""
    if event.calendar_id not in ("", "primary") and event.calendar_id != (await api.me()).id:
        raise ProviderError.invalid("event.calendar_id", "the link says whose time is booked")


def _check(event: event_pb2.Event, kind: EventType) -> list[str]:
    """Hold the booking against its type; names of fields that are kept in a changed form.

    Raises:
        ProviderError: INVALID, naming the field.
    """
    if event.start_at.WhichOneof("value") != "timestamp":
        raise ProviderError.invalid("event.start_at", "a booking begins at an instant")
    if event.end_at.WhichOneof("value"):
        length = times.instant(event.end_at) - times.instant(event.start_at)
        if length != timedelta(minutes=kind.duration or 0):
            raise ProviderError.invalid(
                "event.end_at", "the length of a booking is the link's duration: leave it out"
            )
    _check_people(event)
    _check_answers(event, kind)
    first, *guests = event.attendees
    changed = any(guest.name or guest.role not in _GUEST_ROLES for guest in guests)
    changed = changed or first.role not in _BOOKER_ROLES
    return ["attendees"] if changed else []


def _check_people(event: event_pb2.Event) -> None:
    if not event.attendees:
        raise ProviderError.invalid("event.attendees", "somebody has to book: name one attendee")
    if not event.attendees[0].name.strip():
        raise ProviderError.invalid("event.attendees[0].name", "is required of whoever books")
    if len(event.attendees) > 1 + _MAX_GUESTS:
        raise ProviderError.invalid("event.attendees", f"one books, with {_MAX_GUESTS} guests")


def _check_answers(event: event_pb2.Event, kind: EventType) -> None:
    asked = {q.name: q for q in kind.custom_questions or () if q.enabled is not False}
    for name in event.booking_answers:
        if name not in asked:
            raise ProviderError.invalid(
                "event.booking_answers", "answers a question that the link does not ask"
            )
    for index, question in enumerate(asked.values()):
        if question.required and not event.booking_answers.get(question.name or "", ""):
            raise ProviderError.invalid(
                "event.booking_answers", f"questions[{index}] of the link must be answered"
            )


def dump_booking(event: event_pb2.Event, kind: EventType) -> dict[str, object]:
    """The body of POST /invitees."""
    first = event.attendees[0]
    body: dict[str, object] = {
        "event_type": kind.uri,
        "start_time": times.format_rfc3339(times.instant(event.start_at)),
        "invitee": {
            "name": first.name,
            "email": first.email,
            "timezone": event.timezone or event.start_at.time_zone or "UTC",
        },
    }
    # The hosts of a round robin differ, and so do their places: Calendly takes none then.
    place = None if kind.pooling_type else places.choose(kind.locations or [], event)
    if place is not None:
        body["location"] = place
    elif event.location or event.HasField("conference"):
        raise ProviderError.invalid(
            "event.location" if event.location else "event.conference",
            "the link leaves no choice of places",
        )
    if len(event.attendees) > 1:
        body["event_guests"] = [guest.email for guest in event.attendees[1:]]
    if answers := _dump_answers(event.booking_answers, kind):
        body["questions_and_answers"] = answers
    return body


def _dump_answers(answers: Mapping[str, str], kind: EventType) -> list[dict[str, object]]:
    return [
        {"question": question.name, "answer": answers[question.name], "position": index}
        for index, question in enumerate(kind.custom_questions or ())
        if question.name and question.name in answers
    ]


async def _read_back(
    api: Api, call: Call, target: event_pb2.Event, made: Found[Invitee], assumed: Found[Event]
) -> None:
    """The event that was booked; out of what is known when it cannot be read now.

    The booking stands, so a failing read must not look like a failing booking.
    """
    try:
        await events.read(api, call, target, ids.checked("event", ids.tail(made.it.event)))
    except ProviderError:
        target.Clear()
        parse_event(target, assumed, call.connection_id, [made])
        target.unknown_fields.paths.extend(_NOT_ASSUMED)


def _assumed(made: Invitee, kind: EventType, asked: event_pb2.Event) -> Found[Event]:
    start = times.instant(asked.start_at)
    event = Event(
        uri=made.event or "",
        name=kind.name,
        start_time=times.format_rfc3339(start),
        end_time=times.format_rfc3339(start + timedelta(minutes=kind.duration or 0)),
        status="active",
        event_type=kind.uri,
    )
    return Found(event, msgspec.Raw(b"{}"))
