"""Zoom's meetings as events of the contract, and back. Pure mapping; requests live elsewhere.

developers.zoom.us/docs/api, operations meeting, meetings, meetingCreate, meetingUpdate. There is no
completed, tentative or cancelled state at Zoom, and none is made up.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from providers.core import times
from providers.core.errors import ProviderError
from providers.zoom import secrets, series
from providers.zoom.ids import MeetingId
from providers.zoom.wire import DialIn, Meeting
from ucal.v1 import event_pb2, types_pb2

# developers.zoom.us/docs/api: `type` of a meeting, in words of ours.
TYPES = {
    "1": "instant",
    "2": "scheduled",
    "3": "recurring_without_fixed_time",
    "4": "personal_room",
    "8": "recurring",
    "10": "screen_share",
}
VISIBILITIES = {
    event_pb2.EVENT_VISIBILITY_PRIVATE: True,
    event_pb2.EVENT_VISIBILITY_DEFAULT: False,
    event_pb2.EVENT_VISIBILITY_UNSPECIFIED: False,
}
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
    "recurring_event_id",
    "original_start_at",
    "recurrence",
    "has_conference",
    "conference",
    "web_url",
    "unknown_fields",
    "visibility",
    "type",
    "provider_type",
    "is_exception",
    "is_timezone_inferred",
    "raw",
)
# Lists are summaries: what they leave out is not empty but unknown.
_LEFT_OUT = ("organizer", "attendees", "conference.password", "conference.phones", "visibility")
# The longest agenda of a list.
_CUT = 250
MAX_MINUTES = 1440
MAX_TOPIC = 200
MAX_AGENDA = 2000


# -- reading


def parse_event(
    target: event_pb2.Event,
    found: Meeting,
    connection_id: str,
    *,
    whole: bool,
    raw: bytes | msgspec.Raw | None = None,
) -> None:
    """Write a meeting, or a whole series, into `target`.

    Args:
        whole: it comes from GET; else from a list, which is a summary.
        raw: as it came, to be shown.
    """
    own_id = series.number(found)
    target.connection_id = connection_id
    target.id = own_id
    target.calendar_id = found.host_id or ""
    target.subject = found.topic or ""
    target.description = found.agenda or ""
    target.status = event_pb2.EVENT_STATUS_CONFIRMED
    target.type = event_pb2.EVENT_TYPE_DEFAULT
    target.provider_type = TYPES.get(series.kind(found), series.kind(found))
    created = series.instant(found.created_at)
    if created is not None:
        times.timestamp(target.created_at, created)
    target.timezone = series.fill_span(target.start_at, target.end_at, found)
    target.is_timezone_inferred = bool(found.timezone) and not target.timezone
    _parse_conference(target, found)
    if whole:
        _parse_details(target, found)
    else:
        _note_left_out(target, found)
    if raw is not None:
        secrets.fill(target.raw, raw, own_id)


def _parse_conference(target: event_pb2.Event, found: Meeting) -> None:
    target.has_conference = True
    target.web_url = found.join_url or ""
    call = target.conference
    call.kind = types_pb2.CONFERENCE_KIND_ZOOM
    call.state = types_pb2.CONFERENCE_STATE_READY
    call.join_url = found.join_url or ""
    call.meeting_id = target.id
    call.password = found.password or ""
    for number in (found.settings and found.settings.global_dial_in_numbers) or ():
        _parse_number(call.phones.add(), number)


def _parse_number(target: types_pb2.ConferencePhone, found: DialIn) -> None:
    target.number = found.number or ""
    target.country_code = found.country or ""
    target.label = found.city or found.country_name or ""


def _parse_details(target: event_pb2.Event, found: Meeting) -> None:
    if found.host_email:
        target.organizer.email = found.host_email
    target.visibility = event_pb2.EVENT_VISIBILITY_DEFAULT
    if found.settings:
        for invitee in found.settings.meeting_invitees or ():
            if invitee.email:
                target.attendees.add(email=invitee.email)
        if found.settings.private_meeting:
            target.visibility = event_pb2.EVENT_VISIBILITY_PRIVATE
    if series.kind(found) in series.FIXED and target.start_at.WhichOneof("value"):
        series.fill_recurrence(target.recurrence, found, target.start_at)


def _note_left_out(target: event_pb2.Event, found: Meeting) -> None:
    unknown = target.unknown_fields.paths
    unknown.extend(_LEFT_OUT)
    if series.kind(found) in series.FIXED:
        unknown.append("recurrence")
    if len(target.description) >= _CUT:
        unknown.append("description")


def parse_instance(
    target: event_pb2.Event,
    whole: event_pb2.Event,
    slot: series.Slot,
    *,
    raw: bytes | msgspec.Raw | None = None,
) -> None:
    """Write one occurrence of the series `whole` into `target`."""
    target.CopyFrom(whole)
    for name in ("recurrence", "raw", "is_exception"):
        target.ClearField(name)
    target.id = str(MeetingId(whole.id, slot.id))
    target.recurring_event_id = whole.id
    zone = whole.timezone
    times.set_instant(target.original_start_at, slot.planned, zone)
    times.set_instant(target.start_at, slot.start, zone)
    times.set_instant(target.end_at, slot.end, zone)
    length = times.instant(whole.end_at) - times.instant(whole.start_at)
    target.is_exception = slot.start != slot.planned or slot.end - slot.start != length
    if slot.deleted:
        target.status = event_pb2.EVENT_STATUS_CANCELED
    if raw is not None:
        secrets.fill(target.raw, raw, target.id)


# -- writing


def dump_start(start: types_pb2.EventTime, zone: str, *, local: bool, field: str) -> dict[str, str]:
    """`start_time`, and `timezone` where there is one.

    Args:
        zone: Zoom's name of the zone, "" for none.
        local: as wall time in the zone: what keeps a series where it is when clocks change (P23);
            else in UTC.
        field: path of the start in the request, for errors.

    Raises:
        ProviderError: INVALID, for a start that is no instant: Zoom has no whole days, and no times
            without a zone.
    """
    if start.WhichOneof("value") != "timestamp":
        raise ProviderError.invalid(field, "Zoom takes instants only: no dates, no floating times")
    if local and zone:
        wall = times.local(
            types_pb2.EventTime(timestamp=start.timestamp, time_zone=start.time_zone)
        )
        return {"start_time": f"{wall:%Y-%m-%dT%H:%M:%S}", "timezone": zone}
    found = {"start_time": f"{times.instant(start):%Y-%m-%dT%H:%M:%SZ}"}
    return found | ({"timezone": zone} if zone else {})


def dump_minutes(start: datetime, end: datetime, field: str) -> int:
    """Whole minutes, rounded up.

    Raises:
        ProviderError: INVALID, for more than a day or for nothing at all.
    """
    length = end - start
    found = -(-length // timedelta(minutes=1))
    if not 1 <= found <= MAX_MINUTES:
        raise ProviderError.invalid(field, "Zoom takes lengths of 1 to 1440 minutes")
    return int(found)


def dump_text(text: str, most: int, field: str) -> str:
    """A text that Zoom takes.

    Raises:
        ProviderError: INVALID, when it is longer.
    """
    if len(text) > most:
        raise ProviderError.invalid(field, f"Zoom takes {most} characters at most")
    return text


def dump_invitees(attendees: Iterable[types_pb2.Attendee]) -> list[dict[str, str]]:
    """`settings.meeting_invitees`: addresses, nothing else."""
    return [{"email": attendee.email} for attendee in attendees]


def loses_details(attendees: Iterable[types_pb2.Attendee]) -> bool:
    """Whether anything but addresses would be lost."""
    plain = (types_pb2.ATTENDEE_ROLE_UNSPECIFIED, types_pb2.ATTENDEE_ROLE_REQUIRED)
    return any(a.name or a.is_resource or a.role not in plain for a in attendees)


def dump_visibility(value: event_pb2.EventVisibility.ValueType) -> bool:
    """`settings.private_meeting`.

    Raises:
        ProviderError: INVALID, for what Zoom does not know.
    """
    if value not in VISIBILITIES:
        raise ProviderError.invalid("event.visibility", "Zoom knows private and default only")
    return VISIBILITIES[value]
