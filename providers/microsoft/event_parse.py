"""Events of Graph into events of the contract. Pure: no request is made here.

Written for pages of thousands: fields are assigned one by one, and defaults are left alone.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from providers.core import timezones
from providers.core.raw import fill_raw
from providers.microsoft import event_times, pattern_parse, tables
from providers.microsoft.wire import Attendee, Event, ExtendedProperty, OnlineMeetingInfo
from ucal.v1 import event_pb2, types_pb2

MASTER = "seriesMaster"
OCCURRENCE = "occurrence"
EXCEPTION = "exception"
# One property of ours holds all the metadata: properties cannot be listed, only asked for by name.
METADATA_ID = "String {6f1c2b0e-4e0a-4b8e-9a53-2f5d1c7e8a10} Name ucal"
# Bytes 17 to 20 of a GlobalObjectId hold the day of an instance ([MS-OXOCAL] 2.2.1.28); the rest is
# the same for every copy and every instance (P47).
_UID_PREFIX = "040000008200E00074C5B7101A82E008"
_DATE_END = len(_UID_PREFIX) + 8


def parse_event(
    target: event_pb2.Event,
    found: Event,
    connection_id: str,
    calendar_id: str,
    *,
    mailbox_zone: str = "",
    asked: frozenset[str] = frozenset(),
    raw: dict[str, Any] | None = None,
) -> None:
    """`found` into `target`, which is empty.

    Args:
        mailbox_zone: IANA name, for events whose own zone is not known; "": UTC.
        asked: what Graph tells only when it is asked, and was: "attachments", "cancelled",
            "metadata"; the rest is noted in unknown_fields.
        raw: the same event as it came, to be kept beside.

    Raises:
        ProviderError: PROVIDER_FAULT when a time is none.
    """
    target.connection_id = connection_id
    target.id = found.id
    target.calendar_id = calendar_id or "primary"
    target.etag = found.etag
    target.type = event_pb2.EVENT_TYPE_DEFAULT
    if found.subject:
        target.subject = found.subject
    if found.createdDateTime:
        event_times.parse_stamp(target.created_at, found.createdDateTime)
    if found.lastModifiedDateTime:
        event_times.parse_stamp(target.updated_at, found.lastModifiedDateTime)
    body = found.body
    if body is not None and body.content:
        target.description = body.content
    if found.location is not None and found.location.displayName:
        target.location = found.location.displayName
    if found.webLink:
        target.web_url = found.webLink
    if found.iCalUId:
        target.ical_uid = clean_uid(found.iCalUId)
    _parse_when(target, found, mailbox_zone)
    _parse_kind(target, found)
    _parse_people(target, found)
    _parse_extras(target, found)
    _note_unknown(target, found, asked)
    if raw is not None:
        fill_raw(target.raw, raw, found.id)


def clean_uid(uid: str) -> str:
    """An iCalUId without the day of one instance in it."""
    if uid[: len(_UID_PREFIX)].upper() != _UID_PREFIX or len(uid) < _DATE_END:
        return uid
    return f"{uid[: len(_UID_PREFIX)]}00000000{uid[_DATE_END:]}"


def _parse_when(target: event_pb2.Event, found: Event, mailbox_zone: str) -> None:
    zone, guessed = event_times.zone_name(found, mailbox_zone)
    target.timezone = zone
    if guessed:
        target.is_timezone_inferred = True
    if found.isAllDay:
        target.is_all_day = True
    for source, time in ((found.start, "start_at"), (found.end, "end_at")):
        if source is None or source.dateTime is None:
            continue
        if found.isAllDay:
            event_times.fill_day(getattr(target, time), event_times.moment(source), zone)
        else:
            event_times.fill_times(getattr(target, time), source, zone)
    if found.seriesMasterId:
        target.recurring_event_id = found.seriesMasterId
        target.is_exception = found.type == EXCEPTION
        if found.originalStart:
            _parse_planned(target, found.originalStart, zone)
    if found.recurrence is not None and target.HasField("start_at"):
        cancelled: Sequence[str] = found.cancelledOccurrences or ()
        pattern_parse.fill(target.recurrence, found.recurrence, target.start_at, zone, cancelled)


def _parse_planned(target: event_pb2.Event, text: str, zone: str) -> None:
    """`originalStart`, an instant in UTC (P27)."""
    when = event_times.instant_of(text)
    if target.is_all_day:
        event_times.fill_day(target.original_start_at, when, zone)
    else:
        target.original_start_at.timestamp.seconds = int(when.timestamp())
        target.original_start_at.time_zone = zone


def _parse_kind(target: event_pb2.Event, found: Event) -> None:
    if found.type:
        target.provider_type = found.type
    word = found.showAs or ""
    target.show_as = tables.SHOW_AS.get(word, event_pb2.SHOW_AS_UNSPECIFIED)
    target.visibility = tables.VISIBILITY.get(
        found.sensitivity or "", event_pb2.EVENT_VISIBILITY_UNSPECIFIED
    )
    answer = found.responseStatus.response if found.responseStatus is not None else ""
    if found.isCancelled:
        target.status = event_pb2.EVENT_STATUS_CANCELED
    elif word == "tentative" or answer == "tentativelyAccepted":
        target.status = event_pb2.EVENT_STATUS_TENTATIVE
    else:
        target.status = event_pb2.EVENT_STATUS_CONFIRMED
    if answer:
        target.own_response = tables.RESPONSE.get(answer, types_pb2.ATTENDEE_RESPONSE_UNSPECIFIED)


def _parse_people(target: event_pb2.Event, found: Event) -> None:
    host = ""
    if found.organizer is not None and found.organizer.emailAddress is not None:
        person = found.organizer.emailAddress
        organizer = target.organizer
        organizer.name = person.name or ""
        organizer.email = address = person.address or ""
        host = address.lower()
    if not found.attendees:
        return
    add = target.attendees.add
    for guest in found.attendees:
        added = add()
        parse_attendee(added, guest)
        address = (guest.emailAddress.address if guest.emailAddress is not None else None) or ""
        if guest.type == "resource":
            target.room_ids.append(address)
        if host and address.lower() == host:
            added.is_organizer = True
            added.is_self = bool(found.isOrganizer)


def parse_attendee(target: types_pb2.Attendee, found: Attendee) -> None:
    """One guest into an empty `target`."""
    person = found.emailAddress
    if person is not None:
        target.email = person.address or ""
        target.name = person.name or ""
    target.role = tables.ROLE.get(found.type or "", types_pb2.ATTENDEE_ROLE_UNSPECIFIED)
    if found.type == "resource":
        target.is_resource = True
    answer = found.status.response if found.status is not None else ""
    target.response = tables.RESPONSE.get(answer or "none", types_pb2.ATTENDEE_RESPONSE_UNSPECIFIED)


def _parse_extras(target: event_pb2.Event, found: Event) -> None:
    if found.categories:
        target.categories.extend(found.categories)
    if found.isReminderOn is not None:
        reminders = target.reminders
        reminders.SetInParent()
        if found.isReminderOn:
            reminder = reminders.overrides.add()
            reminder.minutes_before = tables.counted(found.reminderMinutesBeforeStart)
            reminder.method = event_pb2.REMINDER_METHOD_POPUP
    if found.isOnlineMeeting or found.onlineMeeting is not None or found.onlineMeetingUrl:
        target.has_conference = True
        _parse_conference(target.conference, found)
    for file in found.attachments or ():
        target.attachments.add(
            id=file.id or "",
            name=file.name or "",
            mime_type=file.contentType or "",
            size_bytes=tables.counted(file.size, 2**63 - 1),
        )
    for pair in found.singleValueExtendedProperties or ():
        _parse_metadata(target, pair)


def _parse_metadata(target: event_pb2.Event, pair: ExtendedProperty) -> None:
    if (pair.id or "").lower() != METADATA_ID.lower() or not pair.value:
        return
    try:
        target.metadata.update(msgspec.json.decode(pair.value, type=dict[str, str]))
    except (msgspec.MsgspecError, UnicodeError):
        return  # somebody else's words in our place


def _parse_conference(target: types_pb2.Conference, found: Event) -> None:
    word = found.onlineMeetingProvider or ""
    target.provider_kind = word
    target.kind = tables.CONFERENCE_KIND.get(word, types_pb2.CONFERENCE_KIND_OTHER)
    info = found.onlineMeeting or OnlineMeetingInfo()
    # The URL beside it belongs to Skype and is null for Teams.
    target.join_url = info.joinUrl or found.onlineMeetingUrl or ""
    ready = types_pb2.CONFERENCE_STATE_READY
    # Teams makes the link seconds after the event (seen up to 2026).
    target.state = ready if target.join_url else types_pb2.CONFERENCE_STATE_PENDING
    if info.conferenceId:
        target.conference_id = info.conferenceId
    numbers = [info.tollNumber, *(info.tollFreeNumbers or ())]
    numbers += [phone.number for phone in info.phones or ()]
    for number in dict.fromkeys(each for each in numbers if each):
        target.phones.add(number=number, pin=info.conferenceId or "")


def _note_unknown(target: event_pb2.Event, found: Event, asked: frozenset[str]) -> None:
    unknown = target.unknown_fields.paths
    if found.hasAttachments and "attachments" not in asked:
        unknown.append("attachments")
    if found.type == MASTER and "cancelled" not in asked:
        unknown.append("recurrence.excluded")
    if "metadata" not in asked:
        unknown.append("metadata")


def zone_of(target: event_pb2.Event) -> str:
    """IANA name of the zone in which a parsed event is planned."""
    return timezones.iana_name(target.timezone) or "UTC"
