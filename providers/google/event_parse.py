"""Events of Google into events of the contract. Pure: no request is made here.

Written for pages of thousands: fields are assigned one by one, and defaults are left alone.
"""

from typing import Any

from providers.core import recurrence
from providers.core.raw import fill_raw
from providers.google import tables
from providers.google.conferences import parse_conference
from providers.google.event_times import parse_stamp, parse_time
from providers.google.wire import Event, EventAttendee, EventPerson
from ucal.v1 import event_pb2, types_pb2

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
    target.subject = found.summary
    target.description = found.description
    target.location = found.location
    target.status = tables.STATUS.get(found.status, event_pb2.EVENT_STATUS_UNSPECIFIED)
    target.web_url = found.htmlLink
    target.ical_uid = found.iCalUID
    target.sequence = found.sequence
    if found.created:
        parse_stamp(target.created_at, found.created)
    if found.updated:
        parse_stamp(target.updated_at, found.updated)
    _parse_when(target, found, expanded=expanded)
    _parse_kind(target, found)
    _parse_people(target, found)
    _parse_extras(target, found)
    if raw is not None:
        fill_raw(target.raw, raw, found.id)


def _parse_when(target: event_pb2.Event, found: Event, *, expanded: bool) -> None:
    start, end = found.start, found.end
    if start is not None:
        parse_time(target.start_at, start)
        target.is_all_day = start.date is not None
        if start.timeZone:
            target.timezone = start.timeZone
    if end is not None:
        parse_time(target.end_at, end)
    if found.recurrence:
        recurrence.fill(target.recurrence, found.recurrence, target.start_at)
    if found.recurringEventId:
        target.recurring_event_id = found.recurringEventId
        planned = found.originalStartTime
        if planned is not None:
            parse_time(target.original_start_at, planned)
            target.is_exception = not expanded or _moved(target)


def _moved(target: event_pb2.Event) -> bool:
    start, planned = target.start_at, target.original_start_at
    if start.WhichOneof("value") == "timestamp":
        return start.timestamp.seconds != planned.timestamp.seconds
    return bool(start.date != planned.date)


def _parse_kind(target: event_pb2.Event, found: Event) -> None:
    word = found.eventType
    target.type = tables.EVENT_TYPE.get(word, _OTHER_TYPE)
    target.provider_type = word
    target.visibility = tables.VISIBILITY.get(
        found.visibility, event_pb2.EVENT_VISIBILITY_UNSPECIFIED
    )
    if word in tables.SHOW_AS_BY_TYPE:
        target.show_as = tables.SHOW_AS_BY_TYPE[word]
    elif found.transparency == "transparent":
        target.show_as = event_pb2.SHOW_AS_FREE
    else:
        target.show_as = event_pb2.SHOW_AS_BUSY
    if found.colorId:
        target.color = tables.EVENT_COLOR.get(found.colorId, "")


def _parse_people(target: event_pb2.Event, found: Event) -> None:
    organizer, creator = found.organizer, found.creator
    if organizer is not None:
        _parse_person(target.organizer, organizer)
    if creator is not None and (organizer is None or creator.email != organizer.email):
        _parse_person(target.creator, creator)
    for guest in found.attendees:
        parse_attendee(target.attendees.add(), guest)
        if guest.resource:
            target.room_ids.append(guest.email)
        if guest.self:
            target.own_response = tables.RESPONSE.get(
                guest.responseStatus, types_pb2.ATTENDEE_RESPONSE_UNSPECIFIED
            )
    if found.attendeesOmitted:
        target.unknown_fields.paths.append("attendees")


def _parse_person(target: types_pb2.Person, found: EventPerson) -> None:
    target.name = found.displayName
    target.email = found.email


def parse_attendee(target: types_pb2.Attendee, found: EventAttendee) -> None:
    """One guest into an empty `target`."""
    target.email = found.email
    target.role = _OPTIONAL if found.optional else _REQUIRED
    target.response = tables.RESPONSE.get(
        found.responseStatus, types_pb2.ATTENDEE_RESPONSE_UNSPECIFIED
    )
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


def _parse_extras(target: event_pb2.Event, found: Event) -> None:
    if found.conferenceData is not None or found.hangoutLink:
        target.has_conference = True
        parse_conference(target.conference, found)
    reminders = found.reminders
    if reminders is not None:
        target.reminders.use_default = reminders.useDefault
        for each in reminders.overrides:
            target.reminders.overrides.add(
                minutes_before=each.minutes,
                method=tables.REMINDER_METHOD.get(
                    each.method, event_pb2.REMINDER_METHOD_UNSPECIFIED
                ),
            )
    for file in found.attachments:
        target.attachments.add(
            id=file.fileId, name=file.title, url=file.fileUrl, mime_type=file.mimeType
        )
    kept = found.extendedProperties
    if kept is not None:
        target.metadata.update(kept.shared)
        target.metadata.update(kept.private)
