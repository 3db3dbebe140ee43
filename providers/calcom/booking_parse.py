"""A booking of Cal.com as an Event of the contract."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

from providers.calcom import tables
from providers.calcom.wire import Attendee, Booking, Host
from providers.core import recurrence, times
from providers.core.raw import fill_raw
from ucal.v1 import event_pb2, types_pb2

# The one calendar that holds bookings; Cal.com has no name for it.
CALENDAR_ID = "bookings"
# Answers that have fields of their own in an Event.
_OWN_ANSWERS = frozenset({"name", "email", "guests", "location", "attendeePhoneNumber"})
_MAX_RDATES = 1_000


def parse_booking(
    target: event_pb2.Event,
    booking: Booking,
    connection_id: str,
    site: str,
    raw: Mapping[str, Any] | None = None,
) -> None:
    """Write `booking` into `target`.

    Args:
        site: where people see bookings; "" when that is not known.

    Raises:
        ProviderError: PROVIDER_FAULT for times that are none.
    """
    target.connection_id = connection_id
    target.id = booking.uid
    target.calendar_id = CALENDAR_ID
    target.subject = booking.title or ""
    target.description = booking.description or ""
    times.set_instant(target.start_at, times.parse_rfc3339(booking.start))
    times.set_instant(target.end_at, times.parse_rfc3339(booking.end))
    target.status = tables.STATUSES.get(booking.status or "", event_pb2.EVENT_STATUS_UNSPECIFIED)
    _fill_ages(target, booking)
    _fill_people(target, booking)
    _fill_place(target, booking)
    _fill_answers(target, booking)
    target.ical_uid = booking.icsUid or ""
    target.recurring_event_id = booking.recurringBookingUid or ""
    target.moved_from_id = booking.rescheduledFromUid or ""
    target.moved_to_id = booking.rescheduledToUid or ""
    target.link_id = link_id(booking)
    target.cancellation_reason = booking.cancellationReason or ""
    if site:
        target.web_url = f"{site}/booking/{booking.uid}"
    if raw is not None:
        fill_raw(target.raw, raw, booking.uid)


def changed_at(booking: Booking) -> datetime | None:
    """When it was last changed: bookings that never were have no such time."""
    text = booking.updatedAt or booking.createdAt
    return times.parse_rfc3339(text) if text else None


def link_id(booking: Booking) -> str:
    """Id of the event type that was booked."""
    found = booking.eventType.id if booking.eventType is not None else None
    found = booking.eventTypeId if found is None else found
    return "" if found is None else str(found)


def address_of(person: Host | Attendee) -> str:
    """The address as people know it: `email` of a managed user has a mark in it."""
    return person.displayEmail or person.email or ""


def _fill_ages(target: event_pb2.Event, booking: Booking) -> None:
    if booking.createdAt:
        times.timestamp(target.created_at, times.parse_rfc3339(booking.createdAt))
    changed = changed_at(booking)
    if changed is not None:
        times.timestamp(target.updated_at, changed)


def _fill_people(target: event_pb2.Event, booking: Booking) -> None:
    hosts = booking.hosts or []
    if hosts:
        target.organizer.name = hosts[0].name or ""
        target.organizer.email = address_of(hosts[0])
        target.timezone = hosts[0].timeZone or ""
    seen: set[str] = set()
    for attendee in booking.attendees or []:
        address = address_of(attendee)
        seen |= {address.lower(), (attendee.email or "").lower()}
        target.attendees.add(name=attendee.name or "", email=address)
    for address in booking.guests or []:
        if address.lower() not in seen:
            seen.add(address.lower())
            target.attendees.add(email=address, role=types_pb2.ATTENDEE_ROLE_OPTIONAL)
    for host in hosts[1:]:
        target.attendees.add(
            name=host.name or "", email=address_of(host), role=types_pb2.ATTENDEE_ROLE_HOST
        )


def _fill_place(target: event_pb2.Event, booking: Booking) -> None:
    """`location` is a link, a place, or a word of Cal.com's for what is not there yet."""
    place = booking.location or booking.meetingUrl or ""
    head, _, word = place.partition(":")
    if head == "integrations":
        target.conference.kind = tables.INTERNAL.get(word, types_pb2.CONFERENCE_KIND_OTHER)
        target.conference.provider_kind = word
        if booking.status not in tables.CANCELED:
            target.conference.state = types_pb2.CONFERENCE_STATE_PENDING
    elif place.lower().startswith(("https://", "http://")):
        target.conference.kind = kind_of_url(place, booking.uid)
        target.conference.join_url = place
        target.conference.state = types_pb2.CONFERENCE_STATE_READY
    elif place not in tables.PLACELESS:
        target.location = place
    target.has_conference = target.HasField("conference")


def kind_of_url(url: str, uid: str = "") -> tables.ConferenceKind:
    """Product behind a join link; Cal Video is known by its path, on whatever host it runs."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
    except ValueError:
        return types_pb2.CONFERENCE_KIND_OTHER
    if parts.path.startswith("/video/") and (host == "app.cal.com" or parts.path[7:] == uid):
        return types_pb2.CONFERENCE_KIND_CAL_VIDEO
    while host:
        if host in tables.HOSTS:
            return tables.HOSTS[host]
        host = host.partition(".")[2]
    return types_pb2.CONFERENCE_KIND_OTHER


def _fill_answers(target: event_pb2.Event, booking: Booking) -> None:
    """Answers as text, JSON where they are none. Of a seated booking those of its first seat."""
    answers = booking.bookingFieldsResponses
    if answers is None and booking.attendees:
        answers = booking.attendees[0].bookingFieldsResponses
    for name, value in (answers or {}).items():
        if name not in _OWN_ANSWERS and value is not None:
            target.booking_answers[name] = text_of(value)
    for name, value in (booking.metadata or {}).items():
        if isinstance(value, str):
            target.metadata[name] = value


def text_of(value: Any) -> str:
    """An answer as text."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def parse_series(
    target: event_pb2.Event,
    bookings: Sequence[Booking],
    series_id: str,
    *,
    connection_id: str,
    raw: Mapping[str, Any] | None = None,
) -> None:
    """Bookings that were made together, as one series: its first one, and the starts of the others.

    Cal.com keeps no rule with them, and that of the event type may have changed since: the starts
    are what is known. Those that were canceled or moved away are left out, unless all were.
    """
    live = [each for each in bookings if each.status not in tables.CANCELED] or list(bookings)
    live.sort(key=lambda each: times.parse_rfc3339(each.start))
    parse_booking(target, live[0], connection_id, "")
    target.id = series_id
    for name in ("recurring_event_id", "moved_from_id", "moved_to_id"):
        target.ClearField(name)
    target.start_at.time_zone = target.end_at.time_zone = "UTC"
    dates = [_basic(each.start) for each in live[1:_MAX_RDATES]]
    lines = [f"RDATE:{','.join(dates)}"] if dates else []
    recurrence.fill(target.recurrence, lines, target.start_at)
    if raw is not None:
        fill_raw(target.raw, raw, series_id)


def _basic(text: str) -> str:
    """An instant as RFC 5545 writes it."""
    when = times.format_rfc3339(times.parse_rfc3339(text).replace(microsecond=0))
    return when.replace("-", "").replace(":", "")
