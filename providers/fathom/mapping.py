"""Meetings as Event and Recording. Pure.

The contract's id is `<recording_id>-<created_at in Unix seconds>`: Fathom has no way to read one
meeting, and lists by time of creation, so the id tells where to look.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from providers.core import times
from providers.core.errors import ProviderError
from providers.fathom.wire import ActionItem, Meeting, TranscriptItem
from ucal.v1 import event_pb2, recording_pb2, types_pb2

_ID = re.compile(r"([1-9][0-9]{0,18})-([0-9]{1,11})")
_OFFSET = re.compile(r"([0-9]{2,}):([0-5][0-9]):([0-5][0-9])")
_UNKNOWN_LANGUAGE = "unknown"

READABLE_EVENT = (
    "connection_id", "id", "created_at", "subject", "start_at", "end_at", "timezone", "status",
    "organizer", "attendees", "has_conference", "conference", "web_url", "type", "raw",
)  # fmt: skip
READABLE_RECORDING = (
    "connection_id", "id", "event_id", "start_at", "end_at", "created_at", "web_url", "media",
    "title", "duration", "summary", "action_items", "participants", "state", "owner",
    "has_transcript", "language", "raw",
)  # fmt: skip

# What calls are recognized by: part of the host, kind.
_CALLS = (
    (".zoom.us", types_pb2.CONFERENCE_KIND_ZOOM),
    ("meet.google.com", types_pb2.CONFERENCE_KIND_GOOGLE_MEET),
    ("teams.microsoft.com", types_pb2.CONFERENCE_KIND_TEAMS),
    ("teams.live.com", types_pb2.CONFERENCE_KIND_TEAMS),
    (".webex.com", types_pb2.CONFERENCE_KIND_WEBEX),
)


@dataclass(frozen=True, slots=True)
class Id:
    """An id, taken apart."""

    recording: int
    created: datetime

    def __str__(self) -> str:
        return f"{self.recording}-{int(self.created.timestamp())}"


def parse_id(text: str, kind: str) -> Id:
    """The parts of an id that a caller sent.

    Raises:
        ProviderError: NOT_FOUND for what is no id of ours.
    """
    found = _ID.fullmatch(text)
    if found is None or int(found[1]) >= 1 << 63:
        raise ProviderError.not_found(kind, text)
    return Id(int(found[1]), datetime.fromtimestamp(int(found[2]), UTC))


def id_of(meeting: Meeting) -> Id:
    """The id of `meeting`.

    Raises:
        ProviderError: PROVIDER_FAULT when Fathom does not tell when it was created.
    """
    return Id(meeting.recording_id, times.parse_rfc3339(meeting.created_at))


def span(meeting: Meeting, kind: str) -> tuple[datetime | None, datetime | None]:
    """Start and end: as planned for events, as recorded for recordings."""
    if kind == "event":
        texts = meeting.scheduled_start_time, meeting.scheduled_end_time
    else:
        texts = meeting.recording_start_time, meeting.recording_end_time
    start, end = (times.parse_rfc3339(text) if text else None for text in texts)
    return start, end


def parse_event(target: event_pb2.Event, meeting: Meeting, connection_id: str) -> None:
    """`meeting` into an empty `target`. The organizer is the recorder: Fathom knows no other."""
    target.connection_id = connection_id
    target.id = str(id_of(meeting))
    target.subject = meeting.meeting_title or meeting.title or ""
    start, end = span(meeting, "event")
    if start is not None:
        times.set_instant(target.start_at, start, "UTC")
    if end is not None:
        times.set_instant(target.end_at, end, "UTC")
    target.timezone = "UTC"
    target.status = event_pb2.EVENT_STATUS_CONFIRMED
    target.type = event_pb2.EVENT_TYPE_DEFAULT
    times.timestamp(target.created_at, times.parse_rfc3339(meeting.created_at))
    if meeting.recorded_by is not None:
        target.organizer.name = meeting.recorded_by.name or ""
        target.organizer.email = meeting.recorded_by.email or ""
    for person in meeting.calendar_invitees or ():
        target.attendees.add(name=person.name or "", email=person.email or "")
    if meeting.meeting_url:
        target.has_conference = True
        target.conference.join_url = meeting.meeting_url
        target.conference.kind = _call_kind(meeting.meeting_url)
        target.conference.state = types_pb2.CONFERENCE_STATE_READY
    target.web_url = meeting.url


def _call_kind(url: str) -> types_pb2.ConferenceKind.ValueType:
    host = url.partition("://")[2].partition("/")[0].partition(":")[0].lower()
    for part, kind in _CALLS:
        if host == part or host.endswith(part):
            return kind
    return types_pb2.CONFERENCE_KIND_OTHER


def parse_recording(
    target: recording_pb2.Recording, meeting: Meeting, connection_id: str, api: str
) -> None:
    """`meeting` into an empty `target`; `api` is the root below which the transcript lies."""
    own = id_of(meeting)
    target.connection_id = connection_id
    target.id = target.event_id = str(own)
    target.title = meeting.meeting_title or meeting.title or ""
    start, end = span(meeting, "recording")
    if start is not None:
        times.timestamp(target.start_at, start)
    if end is not None:
        times.timestamp(target.end_at, end)
    if start is not None and end is not None:
        target.duration.FromTimedelta(max(end - start, timedelta()))
    times.timestamp(target.created_at, own.created)
    target.web_url = meeting.share_url or meeting.url
    target.state = recording_pb2.MEDIA_STATE_READY
    target.has_transcript = True
    if meeting.transcript_language not in (None, _UNKNOWN_LANGUAGE):
        target.language = meeting.transcript_language or ""
    if meeting.recorded_by is not None:
        target.owner.name = meeting.recorded_by.name or ""
        target.owner.email = meeting.recorded_by.email or ""
    for person in meeting.calendar_invitees or ():
        target.participants.add(name=person.name or "", email=person.email or "")
    _media(target, f"{api.rstrip('/')}/recordings/{own.recording}/transcript")
    fill_action_items(target, meeting.action_items or ())


def _media(target: recording_pb2.Recording, transcript: str) -> None:
    """The page with the video, for people; the transcript, for programs."""
    video = target.media.add(kind=recording_pb2.MEDIA_KIND_VIDEO, url=target.web_url)
    video.access = recording_pb2.MEDIA_ACCESS_WEB_LOGIN
    video.state = recording_pb2.MEDIA_STATE_READY
    words = target.media.add(kind=recording_pb2.MEDIA_KIND_TRANSCRIPT, url=transcript)
    words.mime_type = "application/json"
    words.access = recording_pb2.MEDIA_ACCESS_PROVIDER_AUTH
    words.state = recording_pb2.MEDIA_STATE_READY
    words.language = target.language


def fill_action_items(target: recording_pb2.Recording, found: Iterable[ActionItem]) -> None:
    """Add what is to be done."""
    for item in found:
        added = target.action_items.add(text=item.description, is_completed=item.completed)
        if item.assignee is not None:
            added.assignee.name = item.assignee.name or ""
            added.assignee.email = item.assignee.email or ""


def parse_segment(
    target: recording_pb2.TranscriptSegment, item: TranscriptItem, end: timedelta | None
) -> None:
    """An utterance; Fathom tells no end, so `end` is the start of the next."""
    target.speaker = item.speaker.display_name
    target.speaker_email = item.speaker.matched_calendar_invitee_email or ""
    target.text = item.text
    start = offset(item.timestamp)
    if start is not None:
        target.start_offset.FromTimedelta(start)
        if end is not None and end >= start:
            target.end_offset.FromTimedelta(end)


def offset(text: str) -> timedelta | None:
    """HH:MM:SS from the start; None for what is not."""
    found = _OFFSET.fullmatch(text)
    if found is None or len(found[1]) > 4:
        return None
    return timedelta(hours=int(found[1]), minutes=int(found[2]), seconds=int(found[3]))
