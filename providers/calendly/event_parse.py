"""Scheduled events, and what their invitees add to them, into the contract's events."""

from providers.calendly import ids, places, tables
from providers.calendly.api import Found
from providers.calendly.wire import Event, Invitee
from providers.core import times
from providers.core.raw import fill_raw
from ucal.v1 import event_pb2, types_pb2

# What only the invitees tell.
OF_INVITEES = ("timezone", "attendees", "moved_from_id", "moved_to_id", "booking_answers")
READABLE = (
    *OF_INVITEES,
    "calendar_id",
    "created_at",
    "updated_at",
    "subject",
    "description",
    "start_at",
    "end_at",
    "status",
    "organizer",
    "location",
    "has_conference",
    "conference",
    "link_id",
    "unknown_fields",
    "cancellation_reason",
    "raw",
)


def parse_event(
    target: event_pb2.Event,
    found: Found[Event],
    connection_id: str,
    invitees: list[Found[Invitee]] | None,
    *,
    own: str = "",
    raw: bool = False,
) -> None:
    """A scheduled event into an empty `target`.

    Args:
        invitees: of the event; None when they were not asked for.
        own: URI of the connection's user.
    """
    event = found.it
    target.connection_id = connection_id
    target.id = ids.tail(event.uri)
    target.subject = event.name or ""
    target.description = event.meeting_notes_plain or ""
    times.set_instant(target.start_at, times.parse_rfc3339(event.start_time))
    times.set_instant(target.end_at, times.parse_rfc3339(event.end_time))
    target.status = tables.STATUS.get(event.status, event_pb2.EVENT_STATUS_CONFIRMED)
    target.link_id = ids.tail(event.event_type)
    if event.created_at:
        times.timestamp(target.created_at, times.parse_rfc3339(event.created_at))
    if event.updated_at:
        times.timestamp(target.updated_at, times.parse_rfc3339(event.updated_at))
    if event.cancellation is not None:
        target.cancellation_reason = event.cancellation.reason or ""
    _parse_hosts(target, event, own)
    places.parse_place(target, event.location)
    if invitees is None:
        target.unknown_fields.paths.extend(OF_INVITEES)
        del target.attendees[:]
    else:
        _parse_invitees(target, [each.it for each in invitees])
    if raw:
        shown = found.raw()
        if invitees is not None:
            shown["invitees"] = [each.raw() for each in invitees]
        fill_raw(target.raw, shown, event.uri)


def _parse_hosts(target: event_pb2.Event, event: Event, own: str) -> None:
    for index, host in enumerate(event.event_memberships or ()):
        if index == 0:
            target.calendar_id = ids.tail(host.user)
            target.organizer.name = host.user_name or ""
            target.organizer.email = host.user_email or ""
        elif host.user_email:
            guest = target.attendees.add(name=host.user_name or "", email=host.user_email)
            guest.role = types_pb2.ATTENDEE_ROLE_HOST
            guest.is_self = bool(own) and host.user == own
    for other in event.event_guests or ():
        target.attendees.add(email=other.email, role=types_pb2.ATTENDEE_ROLE_OPTIONAL)


def _parse_invitees(target: event_pb2.Event, invitees: list[Invitee]) -> None:
    others = list(target.attendees)
    del target.attendees[:]
    for invitee in invitees:
        guest = target.attendees.add(name=_name(invitee), email=invitee.email or "")
        guest.role = types_pb2.ATTENDEE_ROLE_REQUIRED
        guest.response = tables.INVITEE_STATUS.get(
            invitee.status, types_pb2.ATTENDEE_RESPONSE_UNSPECIFIED
        )
    target.attendees.extend(others)
    if len(invitees) != 1:
        return
    (only,) = invitees
    target.timezone = only.timezone or ""
    for answer in only.questions_and_answers or ():
        if answer.question:
            target.booking_answers[answer.question] = answer.answer or ""
    # P86: a move makes a new event; in groups it is an invitee that moves, not the event.
    target.moved_from_id = ids.event_of(only.old_invitee)
    if target.status == event_pb2.EVENT_STATUS_CANCELED:
        target.moved_to_id = ids.event_of(only.new_invitee)


def _name(invitee: Invitee) -> str:
    parts = (invitee.first_name, invitee.last_name)
    return invitee.name or " ".join(part for part in parts if part)
