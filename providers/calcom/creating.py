"""Booking a link: POST /v2/bookings.

Cal.com has no key that makes this safe to repeat. The length comes from the event type, and only
types with several lengths may be told one.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from providers.calcom import links, places, reading
from providers.calcom.api import BOOKINGS, ask
from providers.calcom.calendar_ids import check_calendar
from providers.calcom.wire import EventType, Field
from providers.core import times
from providers.core.call import Call
from providers.core.errors import Kind, ProviderError
from ucal.v1 import event_pb2, types_pb2

WRITABLE = (
    "calendar_id",
    "link_id",
    "start_at",
    "end_at",
    "attendees",
    "description",
    "location",
    "conference",
    "metadata",
    "booking_answers",
)
NOTES = "notes"
_MAX_METADATA_KEY = 40
_MAX_METADATA_VALUE = 500
# Questions that the attendee's own fields answer.
_ASKED_ELSEWHERE = frozenset({"name", "email", "guests", "location", "rescheduleReason"})
_LISTS = frozenset({"multiselect", "checkbox", "multiemail"})
_PLAIN_ROLES = frozenset({types_pb2.ATTENDEE_ROLE_UNSPECIFIED, types_pb2.ATTENDEE_ROLE_REQUIRED})
_GUEST_ROLES = frozenset({types_pb2.ATTENDEE_ROLE_UNSPECIFIED, types_pb2.ATTENDEE_ROLE_OPTIONAL})


async def create_event(
    call: Call, request: event_pb2.CreateEventRequest
) -> event_pb2.CreateEventResponse:
    """CreateEvent. A link whose bookings recur answers the series."""
    event = request.event
    check_calendar(event.calendar_id)
    start, people = _start(event), _people(event)
    lost = _lost_people(event.attendees)
    refuse_if_strict(event, lost, strict=request.strict)
    link = await _link(call, event.link_id)
    body: dict[str, Any] = {
        "start": times.format_rfc3339(start),
        "eventTypeId": link.id,
        "attendee": people[0],
    }
    if len(people) > 1:
        body["guests"] = [person["email"] for person in people[1:]]
    length = _length(event, start, link)
    if length:
        body["lengthInMinutes"] = length
    place = places.for_booking(event, link.locations or [])
    if place is not None:
        body["location"] = place
    if event.metadata:
        body["metadata"] = _metadata(event)
    answers = _answers(event, link.bookingFields or [])
    if answers:
        body["bookingFieldsResponses"] = answers
    reply = await ask(call, "POST", "bookings", version=BOOKINGS, json=body)
    answer = event_pb2.CreateEventResponse()
    reading.fill(answer.event, call, reply)
    answer.report.coerced_fields.paths.extend([*lost, *_changed(event, answer.event)])
    answer.report.notifications = notified(event)
    return answer


def notified(wish: event_pb2.Event | event_pb2.DeleteEventRequest) -> Any:
    """Cal.com tells everybody by mail, always (P52)."""
    if wish.HasField("send_notifications") and not wish.send_notifications:
        return types_pb2.NOTIFICATION_OUTCOME_NOT_SUPPRESSIBLE
    return types_pb2.NOTIFICATION_OUTCOME_REQUESTED


def refuse_if_strict(event: event_pb2.Event, lost: Sequence[str], *, strict: bool) -> None:
    """Refuse, where the caller wants that, what would be lost or changed.

    Raises:
        ProviderError: PRECONDITION.
    """
    names = list(lost)
    if event.HasField("send_notifications") and not event.send_notifications:
        names.append("send_notifications")
    if strict and names:
        raise ProviderError(
            Kind.PRECONDITION,
            f"Cal.com cannot keep as they are: {', '.join(names)}",
            reason="FIELDS_NOT_SUPPORTED",
            violations=[(f"event.{name}", "cannot be kept as it is") for name in names],
        )


async def _link(call: Call, link_id: str) -> EventType:
    """The event type to book.

    Raises:
        ProviderError: INVALID when the link cannot be booked through the API.
    """
    if not link_id:
        raise ProviderError.invalid("event.link_id", "is required: every booking comes from a link")
    try:
        number, private = links.parts(link_id)
        if private:
            raise ProviderError.invalid(
                "event.link_id",
                "is a private link, whose uses the API does not count: book parent_link_id",
            )
        return (await links.read_type(call, number, link_id))[2]
    except ProviderError as error:
        if error.kind is Kind.NOT_FOUND:
            raise ProviderError.invalid("event.link_id", "names no link of this account") from None
        raise


def _start(event: event_pb2.Event) -> datetime:
    for name in ("start_at", "end_at"):
        if getattr(event, name).WhichOneof("value") not in (None, "timestamp"):
            raise ProviderError.invalid(
                f"event.{name}", "a booking begins and ends at an instant of a time zone"
            )
    if not event.start_at.HasField("timestamp"):
        raise ProviderError.invalid("event.start_at", "is required")
    return times.instant(event.start_at)


def _length(event: event_pb2.Event, start: datetime, link: EventType) -> int:
    """Minutes to ask for; 0 to leave them out."""
    options = link.lengthInMinutesOptions or []
    if not event.end_at.HasField("timestamp"):
        return 0
    length = (times.instant(event.end_at) - start).total_seconds() / 60
    if length not in {link.lengthInMinutes, *options}:
        raise ProviderError.invalid("event.end_at", "the link offers no booking of this length")
    return int(length) if length in options else 0


def _people(event: event_pb2.Event) -> list[dict[str, str]]:
    """Who books, then guests. The zone is the one in which the booker plans."""
    if not event.attendees:
        raise ProviderError.invalid("event.attendees", "is required: the first one books")
    booker = event.attendees[0]
    for name in ("email", "name"):
        if not getattr(booker, name).strip():
            raise ProviderError.invalid(f"event.attendees[0].{name}", "is required to book")
    zone = event.start_at.time_zone or "UTC"
    first = {"name": booker.name, "email": booker.email, "timeZone": zone}
    return [first, *({"email": each.email} for each in event.attendees[1:])]


def _lost_people(people: Sequence[types_pb2.Attendee]) -> list[str]:
    """Guests are kept by their addresses alone."""
    booker = people[0].role in _PLAIN_ROLES and not people[0].is_resource
    guests = all(
        not each.name and each.role in _GUEST_ROLES and not each.is_resource for each in people[1:]
    )
    return [] if booker and guests else ["attendees"]


def _metadata(event: event_pb2.Event) -> dict[str, str]:
    for name, value in event.metadata.items():
        if len(name) > _MAX_METADATA_KEY or len(value) > _MAX_METADATA_VALUE:
            raise ProviderError.invalid(
                "event.metadata",
                f"Cal.com takes keys of up to {_MAX_METADATA_KEY} signs and values of up to "
                f"{_MAX_METADATA_VALUE}",
            )
    return dict(event.metadata)


def _answers(event: event_pb2.Event, fields: Sequence[Field]) -> dict[str, Any]:
    """Answers as their questions want them; the description is the answer to "notes".

    Raises:
        ProviderError: INVALID for an answer to no question, or of another type.
    """
    asked = {field.slug: field.type for field in fields if field.slug}
    found: dict[str, Any] = {}
    for name, value in event.booking_answers.items():
        if name in _ASKED_ELSEWHERE or (name not in asked and name != NOTES):
            raise ProviderError.invalid(
                "event.booking_answers", "answers a question that the link does not ask"
            )
        found[name] = _value(asked.get(name, "textarea"), value)
    if event.description:
        if found.get(NOTES, event.description) != event.description:
            raise ProviderError.invalid(
                "event.description", f'differs from the answer to "{NOTES}", which it is'
            )
        found[NOTES] = event.description
    return found


def _value(kind: str, text: str) -> Any:
    """Lists are given as JSON, or as their only item."""
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    try:
        if kind == "number":
            return msgspec.json.decode(text, type=int | float)
        if kind in _LISTS:
            return msgspec.json.decode(text, type=list[str]) if text.startswith("[") else [text]
    except msgspec.MsgspecError:
        raise ProviderError.invalid(
            "event.booking_answers", f"an answer is no {kind} as its question wants"
        ) from None
    if kind == "boolean":
        raise ProviderError.invalid("event.booking_answers", 'a yes or no is "true" or "false"')
    return text


def _changed(wish: event_pb2.Event, made: event_pb2.Event) -> list[str]:
    """What Cal.com has made otherwise than it was asked."""
    found = []
    if wish.location and wish.location != made.location:
        found.append("location")
    asked, has = wish.conference, made.conference
    if (asked.kind and not asked.join_url and asked.kind != has.kind) or (
        asked.join_url and asked.join_url != has.join_url
    ):
        found.append("conference")
    return found
