"""Events of Google into events of the contract. Pure: no request is made here.

Written for pages of thousands: fields are assigned one by one, and defaults are left alone.
"""

from typing import Any

from providers.core import recurrence
from providers.core.errors import ProviderError
from providers.core.raw import fill_raw
from providers.google import tables
from providers.google.conferences import parse_conference
from providers.google.event_times import complete_days, parse_stamp, parse_time
from providers.google.wire import Event, EventAttendee, EventPerson, EventReminders
from ucal.v1 import event_pb2, types_pb2

# Looked up once: this code runs for every event of every page.
_STATUS = tables.STATUS.get
_TYPE = tables.EVENT_TYPE.get
_VISIBILITY = tables.VISIBILITY.get
_RESPONSE = tables.RESPONSE.get
_NO_STATUS = event_pb2.EVENT_STATUS_UNSPECIFIED
_NO_VISIBILITY = event_pb2.EVENT_VISIBILITY_UNSPECIFIED
_NO_RESPONSE = types_pb2.ATTENDEE_RESPONSE_UNSPECIFIED
_FREE = event_pb2.SHOW_AS_FREE
_BUSY = event_pb2.SHOW_AS_BUSY
_OTHER_TYPE = event_pb2.EVENT_TYPE_OTHER
_OPTIONAL = types_pb2.ATTENDEE_ROLE_OPTIONAL
_REQUIRED = types_pb2.ATTENDEE_ROLE_REQUIRED


def parse_event(
    target: event_pb2.Event,
    found: Event,
    connection_id: str,
    calendar_id: str,
    *,
    expanded: bool = False,
    raw: dict[str, Any] | None = None,
) -> None:
    """`found` into `target`, which is empty.

    Args:
        expanded: it comes from a list of instances, most of which are as their series plans them;
            elsewhere Google shows an instance on its own only when it differs.
        raw: the same event as it came, to be kept beside.

    Raises:
        ProviderError: PROVIDER_FAULT when a time is none.
    """
    target.connection_id = connection_id
    target.id = found.id
    target.calendar_id = calendar_id
    target.etag = found.etag
    target.status = _STATUS(found.status, _NO_STATUS)
    if found.summary:
        target.subject = found.summary
    if found.description:
        target.description = found.description
    if found.location:
        target.location = found.location
    target.web_url = found.htmlLink
    target.ical_uid = found.iCalUID
    if found.sequence:
        target.sequence = found.sequence
    if found.created:
        parse_stamp(target.created_at, found.created)
    if found.updated:
        parse_stamp(target.updated_at, found.updated)
    _parse_when(target, found, expanded)
    _parse_kind(target, found)
    organizer, creator = found.organizer, found.creator
    if organizer is not None:
        _parse_person(target.organizer, organizer)
    if creator is not None and (organizer is None or creator.email != organizer.email):
        _parse_person(target.creator, creator)
    if found.attendees:
        _parse_guests(target, found.attendees)
    if found.attendeesOmitted:
        target.unknown_fields.paths.append("attendees")
    if found.conferenceData is not None or found.hangoutLink:
        target.has_conference = True
        parse_conference(target.conference, found)
    if found.reminders is not None:
        _parse_reminders(target.reminders, found.reminders)
    if found.attachments or found.extendedProperties is not None:
        _parse_extras(target, found)
    if raw is not None:
        fill_raw(target.raw, raw, found.id)


def _parse_when(target: event_pb2.Event, found: Event, expanded: bool) -> None:
    start, end = found.start, found.end
    if start is not None:
        parse_time(target.start_at, start)
        if start.date is not None:
            target.is_all_day = True
    if end is not None:
        parse_time(target.end_at, end)
    if target.is_all_day:
        complete_days(target.start_at, target.end_at)
    if found.recurrence:
        _parse_recurrence(target, found.recurrence)
    if found.recurringEventId:
        target.recurring_event_id = found.recurringEventId
        planned = found.originalStartTime
        if planned is not None:
            parse_time(target.original_start_at, planned)
            target.is_exception = not expanded or _moved(target)


def _parse_recurrence(target: event_pb2.Event, lines: list[str]) -> None:
    try:
        recurrence.fill(target.recurrence, lines, target.start_at)
    except ProviderError:  # in a zone that is newer than ours
        target.recurrence.Clear()
        target.recurrence.rules.extend(lines)


def _moved(target: event_pb2.Event) -> bool:
    start, planned = target.start_at, target.original_start_at
    if start.WhichOneof("value") == "timestamp":
        return start.timestamp.seconds != planned.timestamp.seconds
    return bool(start.date != planned.date)


def _parse_kind(target: event_pb2.Event, found: Event) -> None:
    word = found.eventType
    target.type = _TYPE(word, _OTHER_TYPE)
    target.provider_type = word
    target.visibility = _VISIBILITY(found.visibility, _NO_VISIBILITY)
    if word in tables.SHOW_AS_BY_TYPE:
        target.show_as = tables.SHOW_AS_BY_TYPE[word]
    else:
        target.show_as = _FREE if found.transparency == "transparent" else _BUSY
    if found.colorId:
        target.color = tables.EVENT_COLOR.get(found.colorId, "")


def _parse_person(target: types_pb2.Person, found: EventPerson) -> None:
    target.email = found.email
    if found.displayName:
        target.name = found.displayName


def _parse_guests(target: event_pb2.Event, guests: list[EventAttendee]) -> None:
    add = target.attendees.add
    for guest in guests:
        parse_attendee(add(), guest)
        if guest.resource:
            target.room_ids.append(guest.email)
        if guest.self:
            target.own_response = _RESPONSE(guest.responseStatus, _NO_RESPONSE)


def parse_attendee(target: types_pb2.Attendee, found: EventAttendee) -> None:
    """One guest into an empty `target`."""
    target.email = found.email
    target.role = _OPTIONAL if found.optional else _REQUIRED
    target.response = _RESPONSE(found.responseStatus, _NO_RESPONSE)
    if found.displayName:
        target.name = found.displayName
    if found.comment:
        target.comment = found.comment
    if found.organizer:
        target.is_organizer = True
    if found.self:
        target.is_self = True
    if found.resource:
        target.is_resource = True


def _parse_reminders(target: event_pb2.Reminders, found: EventReminders) -> None:
    target.use_default = found.useDefault
    for each in found.overrides:
        target.overrides.add(
            minutes_before=each.minutes, method=tables.REMINDER_METHOD.get(each.method)
        )


def _parse_extras(target: event_pb2.Event, found: Event) -> None:
    for file in found.attachments:
        target.attachments.add(
            id=file.fileId, name=file.title, url=file.fileUrl, mime_type=file.mimeType
        )
    kept = found.extendedProperties
    if kept is not None:
        target.metadata.update(kept.shared)
        target.metadata.update(kept.private)
