"""Appointments into the contract's events.

The end is start and `duration`: `endTime` is a localised text. `timezone` is the client's, as it is
what a booking sets; the calendar's own stands in the calendar.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from providers.acuity.api import Found
from providers.acuity.wire import Appointment, Calendar
from providers.core import times, timezones
from providers.core.errors import Kind, ProviderError
from providers.core.raw import fill_raw
from ucal.v1 import event_pb2, types_pb2

READABLE = (
    "calendar_id",
    "created_at",
    "subject",
    "description",
    "start_at",
    "end_at",
    "timezone",
    "status",
    "organizer",
    "attendees",
    "location",
    "has_conference",
    "conference",
    "link_id",
    "unknown_fields",
    "booking_answers",
    "raw",
)
# What Acuity cannot go without, for clients who have one name.
NO_LAST_NAME = "-"
_HOSTS: Mapping[str, types_pb2.ConferenceKind.ValueType] = {
    "zoom.us": types_pb2.CONFERENCE_KIND_ZOOM,
    "meet.google.com": types_pb2.CONFERENCE_KIND_GOOGLE_MEET,
    "teams.microsoft.com": types_pb2.CONFERENCE_KIND_TEAMS,
    "teams.live.com": types_pb2.CONFERENCE_KIND_TEAMS,
    "webex.com": types_pb2.CONFERENCE_KIND_WEBEX,
    "gotomeeting.com": types_pb2.CONFERENCE_KIND_GOTO,
    "gotomeet.me": types_pb2.CONFERENCE_KIND_GOTO,
}


def starts(appointment: Appointment) -> datetime:
    """When it begins; offsets have no colon, and differ within one answer."""
    return times.parse_rfc3339(appointment.datetime)


def length(appointment: Appointment) -> timedelta:
    """How long it takes."""
    return timedelta(minutes=minutes(appointment.duration))


def minutes(value: str | int | None) -> int:
    """A number of minutes, which may come as text; at most a year.

    Raises:
        ProviderError: PROVIDER_FAULT.
    """
    text = str(value or 0)
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise ProviderError(Kind.PROVIDER_FAULT, "the provider sent a length that is no number")
    return int(text)


def parse_event(
    target: event_pb2.Event,
    found: Found[Appointment],
    connection_id: str,
    calendars: Mapping[int, Calendar],
    *,
    forms: bool,
    raw: bool = False,
) -> None:
    """An appointment into an empty `target`.

    Args:
        calendars: by id; empty when the organizer is not asked for.
        forms: the answer holds what the client was asked.
    """
    given = found.it
    target.connection_id = connection_id
    target.id = str(given.id)
    target.subject = (given.type or "").strip()
    target.description = given.notes or ""
    calendar = calendars.get(given.calendarID or 0)
    times.set_instant(target.start_at, starts(given))
    times.set_instant(target.end_at, starts(given) + length(given))
    target.timezone = _zone(given.timezone) or _zone(given.calendarTimezone)
    target.status = (
        event_pb2.EVENT_STATUS_CANCELED if given.canceled else event_pb2.EVENT_STATUS_CONFIRMED
    )
    if given.calendarID:
        target.calendar_id = str(given.calendarID)
    if given.appointmentTypeID:
        target.link_id = str(given.appointmentTypeID)
    if given.datetimeCreated:
        times.timestamp(target.created_at, times.parse_rfc3339(given.datetimeCreated))
    target.organizer.name = (given.calendar or "").strip()
    if calendar is not None:
        target.organizer.email = calendar.email or calendar.replyTo or ""
    _parse_client(target, given)
    _parse_place(target, (given.location or "").strip())
    if forms:
        _parse_answers(target, given)
    else:
        target.unknown_fields.paths.append("booking_answers")
    if raw:
        fill_raw(target.raw, found.raw(), str(given.id))


def _zone(name: str | None) -> str:
    return name if name and timezones.zone_or_none(name) is not None else ""


def _parse_client(target: event_pb2.Event, given: Appointment) -> None:
    last = "" if given.lastName == NO_LAST_NAME else given.lastName or ""
    name = f"{given.firstName or ''} {last}".strip()
    if name or given.email:
        client = target.attendees.add(name=name, email=given.email or "")
        client.response = types_pb2.ATTENDEE_RESPONSE_ACCEPTED
        client.role = types_pb2.ATTENDEE_ROLE_REQUIRED


def _parse_place(target: event_pb2.Event, text: str) -> None:
    """A link in the place is a call, of the product that its host is known for."""
    url = next((word for word in text.split() if word.startswith(("https://", "http://"))), "")
    if not url:
        target.location = text
        return
    target.has_conference = True
    target.conference.join_url = url
    target.conference.kind = _kind(url)
    target.conference.state = types_pb2.CONFERENCE_STATE_READY
    target.location = "" if text == url else text


def _kind(url: str) -> types_pb2.ConferenceKind.ValueType:
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        host = ""
    for known, kind in _HOSTS.items():
        if host == known or host.endswith(f".{known}"):
            return kind
    return types_pb2.CONFERENCE_KIND_OTHER


def _parse_answers(target: event_pb2.Event, given: Appointment) -> None:
    for form in given.forms or ():
        for answer in form.values or ():
            if answer.name:
                value = answer.value
                target.booking_answers[answer.name] = "" if value is None else str(value)
