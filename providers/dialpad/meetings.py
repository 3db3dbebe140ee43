"""Meetings of Dialpad and events of the contract, into one another. No requests here."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from providers.core import recurrence, times, timezones
from providers.core.errors import Kind, ProviderError
from providers.core.raw import fill_raw
from providers.dialpad import rules
from providers.dialpad.api import convert, text
from providers.dialpad.wire import Json, Key, Meeting, Participant
from ucal.v1 import event_pb2, types_pb2

EVENT = "event"
READABLE = (
    "calendar_id", "subject", "start_at", "end_at", "status", "organizer", "attendees",
    "recurring_event_id", "original_start_at", "recurrence", "has_conference", "conference",
    "web_url", "provider_type", "is_exception", "raw",
)  # fmt: skip
WRITABLE = ("subject", "start_at", "end_at", "attendees")
# Seconds, where the description says milliseconds: the vendor's example is "3600" for an hour.
_DAY_SECONDS = 86400
_OWN_ID = re.compile(r"([0-9]{1,20})(?::([0-9]{1,11}))?")
_INSTANCE = re.compile(r".*-([0-9]{1,11})")


@dataclass(frozen=True, slots=True)
class MeetingId:
    """Id of a meeting or series, and of one instance by its planned start in Unix time."""

    number: str
    slot: int | None = None

    def __str__(self) -> str:
        return self.number if self.slot is None else f"{self.number}:{self.slot}"


def meeting_id(id: str) -> MeetingId:
    """`id`, taken apart.

    Raises:
        ProviderError: NOT_FOUND, when it can be none.
    """
    found = _OWN_ID.fullmatch(id)
    if found is None:
        raise ProviderError.not_found(EVENT, id)
    return MeetingId(found[1], int(found[2]) if found[2] else None)


def read(raw: Json) -> Meeting:
    """A meeting."""
    return convert(raw, Meeting)


def slot_of(found: Meeting) -> int | None:
    """Planned start of an instance, out of its id: "<id>-<Unix time>"."""
    matched = _INSTANCE.fullmatch(text(found.instance_id))
    return int(matched[1]) if matched and found.recurrence else None


def start_of(found: Meeting) -> datetime:
    """Start, aware.

    Raises:
        ProviderError: PROVIDER_FAULT, when there is none.
    """
    if not found.start_datetime:
        raise ProviderError(Kind.PROVIDER_FAULT, "Dialpad sent a meeting without a start")
    return times.in_zone(times.parse_rfc3339(found.start_datetime), UTC)


def end_of(found: Meeting) -> datetime:
    """End: as told, or from the duration, which is seconds up to a day and milliseconds beyond."""
    start = start_of(found)
    if found.end_datetime:
        return max(times.in_zone(times.parse_rfc3339(found.end_datetime), UTC), start)
    length = _number(found.duration)
    seconds = length if length <= _DAY_SECONDS else length / 1000
    return start + timedelta(seconds=min(seconds, 366 * _DAY_SECONDS))


def _number(value: Key) -> int:
    digits = text(value)
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 16 else 0


def rules_of(found: Meeting) -> list[str]:
    """RFC 5545 lines of a series."""
    until = found.recurrence_end_date
    return rules.parse(found.recurrence, times.parse_rfc3339(until) if until else None)


def parse(
    target: event_pb2.Event,
    found: Meeting,
    connection_id: str,
    calendar_id: str,
    *,
    instance: bool,
    whole: bool = False,
) -> None:
    """A meeting.

    Args:
        instance: it is one of a series; else what repeats is the series.
        whole: with what lists leave out: the organizer's pin.
    """
    start, zone = start_of(found), timezones.iana_name(found.timezone or "") or ""
    number = text(found.id)
    target.connection_id = connection_id
    target.calendar_id = calendar_id
    target.id = number
    target.subject = found.title or ""
    times.set_instant(target.start_at, start, zone)
    times.set_instant(target.end_at, end_of(found), zone)
    target.status = event_pb2.EVENT_STATUS_CONFIRMED
    target.provider_type = found.meeting_type or ""
    if found.recurrence and instance:
        slot = slot_of(found)
        planned = int(start.timestamp()) if slot is None else slot
        target.id = f"{number}:{planned}"
        target.recurring_event_id = number
        when = datetime.fromtimestamp(planned, UTC)
        times.set_instant(target.original_start_at, when, zone)
        target.is_exception = when != start
    elif found.recurrence:
        recurrence.fill(target.recurrence, rules_of(found), target.start_at)
    _parse_people(target, found.participants_info or ())
    _parse_call(target, found, whole=whole)


def _parse_people(target: event_pb2.Event, people: Sequence[Participant]) -> None:
    for person in people:
        name, email = person.display_name or person.name or "", person.email or ""
        if person.is_organizer:
            target.organizer.name, target.organizer.email = name, email
        else:
            target.attendees.add(name=name, email=email)


def _parse_call(target: event_pb2.Event, found: Meeting, *, whole: bool) -> None:
    if not found.meeting_url:
        return
    target.has_conference = True
    target.web_url = found.meeting_url
    call = target.conference
    call.kind = types_pb2.CONFERENCE_KIND_DIALPAD
    call.state = types_pb2.CONFERENCE_STATE_READY
    call.join_url = found.meeting_url
    call.participant_code = found.participant_pin or ""
    if whole:
        call.host_code = found.organizer_pin or ""
    if found.dial_in_number:
        call.phones.add(number=found.dial_in_number, pin=found.participant_pin or "")


def fill(target: event_pb2.Event, raw: Json, *, whole: bool) -> None:
    """Dialpad's object; in lists without the organizer's pin."""
    shown = raw if whole else {n: v for n, v in raw.items() if n != "organizer_pin"}
    fill_raw(target.raw, shown, str(raw.get("instance_id") or raw.get("id") or ""))


def seconds(when: types_pb2.EventTime, name: str) -> int:
    """Unix time of `when`, which is how requests tell times.

    Raises:
        ProviderError: INVALID, for dates and for wall times without a zone.
    """
    form = when.WhichOneof("value")
    if form == "date":
        raise ProviderError.invalid(name, "Dialpad has no all-day meetings: give a time")
    if form == "floating" and not when.time_zone:
        raise ProviderError.invalid(name, "Dialpad has no times without a zone: give one")
    if form is None:
        raise ProviderError.invalid(name, "is required by Dialpad")
    return int(times.instant(when).timestamp() // 1)


def dump_people(
    attendees: Sequence[types_pb2.Attendee], there: Sequence[Participant]
) -> list[Json]:
    """`participants_info`, whole: the organizer as it was, and what is known of the others.

    Raises:
        ProviderError: INVALID, for somebody without an address.
    """
    known = {(person.email or "").lower(): person for person in there}
    found = [_dump(person) for person in there if person.is_organizer]
    for number, attendee in enumerate(attendees):
        if not attendee.email:
            raise ProviderError.invalid(
                f"event.attendees[{number}].email", "is required by Dialpad"
            )
        person = known.get(attendee.email.lower())
        if person is not None and person.is_organizer:
            continue
        entry: Json = {"email": attendee.email}
        if attendee.name or (person and person.display_name):
            entry["display_name"] = attendee.name or (person and person.display_name)
        if person is not None and person.phone:
            entry["phone"] = person.phone
        found.append(entry)
    return found


def _dump(person: Participant) -> Json:
    fields = {
        "display_name": person.display_name,
        "email": person.email,
        "phone": person.phone,
        "is_organizer": person.is_organizer,
    }
    return {name: value for name, value in fields.items() if value}
