"""Meetings of GoTo Meeting and events of the contract, into one another. No requests here."""

from datetime import datetime

from providers.core import times
from providers.core.errors import Kind, ProviderError
from providers.core.raw import fill_raw
from providers.goto.api import convert, lowered, text
from providers.goto.calendars import full_name
from providers.goto.moments import moment_or_none, spell
from providers.goto.wire import Json, Me, Meeting
from ucal.v1 import event_pb2, types_pb2

EVENT = "event"
READABLE = (
    "calendar_id", "created_at", "subject", "start_at", "end_at", "status", "organizer",
    "has_conference", "conference", "web_url", "provider_type", "unknown_fields", "raw",
)  # fmt: skip
WRITABLE = ("subject", "start_at", "end_at")
MAX_SUBJECT = 100
# A reusable room: no rule, and no time of its own.
ROOM = "recurring"
# Older links are https://global.gotomeeting.com/join/<id>; both open the same page (2026-11).
_JOIN = "https://meet.goto.com/"


def read(raw: Json) -> Meeting:
    """A meeting as any of the operations spells it."""
    return convert(lowered(raw), Meeting)


def span(found: Meeting) -> tuple[datetime, datetime] | None:
    """Start and end; None for a room, and for what has none."""
    if found.meetingtype == ROOM:
        return None
    start, end = moment_or_none(found.starttime), moment_or_none(found.endtime)
    if start is None:
        return None
    return start, end if end is not None and end >= start else start


def parse(target: event_pb2.Event, found: Meeting, connection_id: str, own: str) -> None:
    """A meeting of the organizer whose key is `own`, who is no part of the vendor's GET."""
    target.connection_id = connection_id
    target.id = text(found.meetingid)
    target.calendar_id = text(found.organizerkey) or own
    target.subject = found.subject or ""
    planned = span(found)
    if planned is not None:
        times.set_instant(target.start_at, planned[0])
        times.set_instant(target.end_at, planned[1])
    created = moment_or_none(found.createtime)
    if created is None:
        target.unknown_fields.paths.append("created_at")
    else:
        times.timestamp(target.created_at, created)
    target.status = event_pb2.EVENT_STATUS_CONFIRMED
    target.provider_type = found.meetingtype or ""
    if found.email:
        target.organizer.name = full_name(found.firstname, found.lastname)
        target.organizer.email = found.email
    _parse_call(target, found)


def _parse_call(target: event_pb2.Event, found: Meeting) -> None:
    target.has_conference = True
    call = target.conference
    call.kind = types_pb2.CONFERENCE_KIND_GOTO
    call.state = types_pb2.CONFERENCE_STATE_READY
    call.join_url = found.joinurl or _JOIN + target.id
    call.meeting_id = target.id
    call.notes = found.conferencecallinfo or ""
    target.web_url = call.join_url


def parse_host(target: event_pb2.Event, me: Me) -> None:
    """The organizer, whom GET of a meeting leaves out."""
    target.organizer.name = full_name(me.firstName, me.lastName)
    target.organizer.email = me.email or ""


def fill(target: event_pb2.Event, raw: Json) -> None:
    """GoTo's exact object."""
    fill_raw(target.raw, raw, target.id)


def dump_new(event: event_pb2.Event, start: datetime, end: datetime) -> Json:
    """Body of POST /meetings. All of these are required."""
    return {
        "subject": checked_subject(event.subject),
        "starttime": spell(start),
        "endtime": spell(end),
        "passwordrequired": False,
        "conferencecallinfo": "Hybrid",
        "timezonekey": "",
        "meetingtype": "scheduled",
    }


def dump_whole(found: Meeting) -> Json:
    """Body of PUT /meetings/{id}, which replaces everything: what is there, to be changed.

    Raises:
        ProviderError: PRECONDITION, when GoTo does not tell what it wants to be told again.
    """
    start, end = moment_or_none(found.starttime), moment_or_none(found.endtime)
    if start is None or end is None:
        raise ProviderError(
            Kind.PRECONDITION,
            "GoTo shows no times of this meeting, and takes no change without them",
            reason="NO_TIMES",
        )
    body: Json = {
        "subject": found.subject or "",
        "starttime": spell(start),
        "endtime": spell(end),
        "passwordrequired": bool(found.passwordrequired),
        "conferencecallinfo": found.conferencecallinfo or "Hybrid",
        "timezonekey": "",
        "meetingtype": found.meetingtype or "scheduled",
    }
    if found.coorganizerkeys:
        body["coorganizerKeys"] = [text(key) for key in found.coorganizerkeys]
    return body


def checked_subject(subject: str) -> str:
    """`subject`, if GoTo takes it.

    Raises:
        ProviderError: INVALID.
    """
    if not subject.strip():
        raise ProviderError.invalid("event.subject", "is required by GoTo")
    if len(subject) > MAX_SUBJECT:
        raise ProviderError.invalid(
            "event.subject", f"GoTo takes {MAX_SUBJECT} characters at most, not {len(subject)}"
        )
    return subject
