"""Transcripts and running meetings as Event and Recording. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from providers.core import times
from providers.core.errors import ProviderError
from providers.fireflies.wire import Running, Sentence, Speaker, Text, Transcript, Word
from ucal.v1 import event_pb2, recording_pb2, types_pb2

READABLE_EVENT = (
    "connection_id", "id", "subject", "start_at", "end_at", "timezone", "status", "organizer",
    "attendees", "has_conference", "conference", "web_url", "type", "raw",
)  # fmt: skip
READABLE_RECORDING = (
    "connection_id", "id", "event_id", "start_at", "end_at", "web_url", "media", "title",
    "duration", "summary", "action_items", "participants", "state", "owner", "has_transcript",
    "raw",
)  # fmt: skip

# Hosts by which calls are recognized.
_CALLS = (
    ("zoom.us", types_pb2.CONFERENCE_KIND_ZOOM),
    ("meet.google.com", types_pb2.CONFERENCE_KIND_GOOGLE_MEET),
    ("teams.microsoft.com", types_pb2.CONFERENCE_KIND_TEAMS),
    ("teams.live.com", types_pb2.CONFERENCE_KIND_TEAMS),
    ("webex.com", types_pb2.CONFERENCE_KIND_WEBEX),
    ("goto.com", types_pb2.CONFERENCE_KIND_GOTO),
    ("gotomeeting.com", types_pb2.CONFERENCE_KIND_GOTO),
)
_LAST_SECOND = 253_402_300_799
_LONGEST_MINUTES = 31 * 24 * 60.0
_LONGEST_SECONDS = _LONGEST_MINUTES * 60
_MAX_SIGNED_SECONDS = 8 * 86_400


def moment(value: Word) -> datetime | None:
    """RFC 3339 text, or epoch milliseconds; None for what is neither."""
    if isinstance(value, str):
        try:
            return times.parse_rfc3339(value)
        except ProviderError:
            return None
    if value is None or not 0 <= value <= _LAST_SECOND * 1000:
        return None
    return times.EPOCH + timedelta(milliseconds=value)


def span(meeting: Transcript | Running) -> tuple[datetime | None, datetime | None]:
    """Start and end. What still goes on has an end only where one was planned."""
    if isinstance(meeting, Running):
        return moment(meeting.start_time), moment(meeting.end_time)
    start = moment(meeting.date_string) or moment(meeting.date)
    minutes = meeting.duration
    if start is None or minutes is None or meeting.is_live:
        return start, None
    if not 0 <= minutes <= _LONGEST_MINUTES:
        return start, None
    try:
        return start, start + timedelta(minutes=minutes)
    except OverflowError:
        return start, None


def within(meeting: Transcript | Running, window: types_pb2.TimeRange) -> bool:
    """Whether it overlaps the window; one without times always does."""
    low, high = times.bounds(window)
    start, end = span(meeting)
    if start is None:
        return True
    if end is None and isinstance(meeting, Transcript) and meeting.is_live:
        end = max(start, datetime.now(UTC))
    end = end or start
    after = low is not None and (end <= low if end > start else end < low)
    return not after and (high is None or start < high)


def parse_event(target: event_pb2.Event, meeting: Transcript | Running, connection_id: str) -> None:
    """`meeting` into an empty `target`."""
    target.connection_id = connection_id
    target.id = meeting.id
    target.subject = meeting.title or ""
    start, end = span(meeting)
    if start is not None:
        times.set_instant(target.start_at, start, "UTC")
    if end is not None:
        times.set_instant(target.end_at, end, "UTC")
    target.timezone = "UTC"
    target.status = event_pb2.EVENT_STATUS_CONFIRMED
    target.type = event_pb2.EVENT_TYPE_DEFAULT
    if meeting.meeting_link:
        target.has_conference = True
        target.conference.join_url = meeting.meeting_link
        target.conference.kind = _call_kind(meeting.meeting_link)
        target.conference.state = types_pb2.CONFERENCE_STATE_READY
    organizer = meeting.organizer_email or ""
    if isinstance(meeting, Transcript):
        organizer = organizer or meeting.host_email or ""
        target.web_url = meeting.transcript_url or ""
        for name, email in people(meeting):
            target.attendees.add(name=name, email=email, is_organizer=_same(email, organizer))
    if organizer:
        target.organizer.email = organizer


def people(meeting: Transcript) -> Iterator[tuple[str, str]]:
    """Name and address of each attendee, then of those whom only `participants` names."""
    known = set()
    for attendee in meeting.meeting_attendees or ():
        name = (attendee.display_name or attendee.name or "") if attendee else ""
        email = (attendee.email or "").strip() if attendee else ""
        if not (name or email) or (email and email.lower() in known):
            continue
        known.add(email.lower())
        yield name, email
    for entry in meeting.participants or ():
        for part in (entry or "").split(","):
            email = part.strip()
            if email and email.lower() not in known:
                known.add(email.lower())
                yield "", email


def _same(one: str, other: str) -> bool:
    return bool(one) and one.lower() == other.lower()


def _call_kind(url: str) -> types_pb2.ConferenceKind.ValueType:
    host = url.partition("://")[2].partition("/")[0].partition(":")[0].lower()
    for name, kind in _CALLS:
        if host == name or host.endswith(f".{name}"):
            return kind
    return types_pb2.CONFERENCE_KIND_OTHER


def parse_recording(
    target: recording_pb2.Recording, meeting: Transcript, connection_id: str
) -> None:
    """`meeting` into an empty `target`. One that still goes on is RECORDING, and has no parts."""
    target.connection_id = connection_id
    target.id = target.event_id = meeting.id
    target.title = meeting.title or ""
    target.web_url = meeting.transcript_url or ""
    start, end = span(meeting)
    if start is not None:
        times.timestamp(target.start_at, start)
    if start is not None and end is not None:
        times.timestamp(target.end_at, end)
        target.duration.FromTimedelta(end - start)
    owner = meeting.host_email or meeting.organizer_email or ""
    if owner:
        target.owner.email = owner
    for name, email in people(meeting):
        target.participants.add(name=name, email=email, is_host=_same(email, owner))
    if meeting.is_live:
        target.state = recording_pb2.MEDIA_STATE_RECORDING
        return
    target.state = recording_pb2.MEDIA_STATE_READY
    target.has_transcript = not (meeting.meeting_info and meeting.meeting_info.silent_meeting)
    _media(target, meeting)
    if meeting.summary is not None:
        target.summary = _text(meeting.summary.overview) or _text(meeting.summary.short_summary)
        if todo := _text(meeting.summary.action_items):
            target.action_items.add(text=todo)


def _text(found: Text) -> str:
    if isinstance(found, list):
        return "\n".join(line for line in found if line).strip()
    return (found or "").strip()


def _media(target: recording_pb2.Recording, meeting: Transcript) -> None:
    """Sound and picture by signed URLs; the words, which ListTranscriptSegments has."""
    for kind, mime_type, url in (
        (recording_pb2.MEDIA_KIND_AUDIO, "audio/mpeg", meeting.audio_url),
        (recording_pb2.MEDIA_KIND_VIDEO, "video/mp4", meeting.video_url),
    ):
        if not url:
            continue
        media = target.media.add(kind=kind, mime_type=mime_type, url=url)
        media.access = recording_pb2.MEDIA_ACCESS_SIGNED_URL
        media.state = recording_pb2.MEDIA_STATE_READY
        if ends := expiry(url):
            times.timestamp(media.expires_at, ends)
    if target.has_transcript:
        words = target.media.add(kind=recording_pb2.MEDIA_KIND_TRANSCRIPT)
        words.state = recording_pb2.MEDIA_STATE_READY
        words.provider_kind = "sentences"


def expiry(url: str) -> datetime | None:
    """When a signed URL ends: `Expires` (CloudFront, S3), or `X-Amz-Date` and `X-Amz-Expires`."""
    try:
        asked = parse_qs(urlsplit(url).query, max_num_fields=50)
    except ValueError:
        return None
    plain = {name.lower(): values[0] for name, values in asked.items()}
    until = _number(plain.get("expires", ""))
    if until is not None:
        return moment(until * 1000)
    lasts = _number(plain.get("x-amz-expires", ""))
    if lasts is None or lasts > _MAX_SIGNED_SECONDS:
        return None
    try:
        since = datetime.strptime(plain.get("x-amz-date", ""), "%Y%m%dT%H%M%S%z")
        return since + timedelta(seconds=lasts)
    except (ValueError, OverflowError):
        return None


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def utterances(
    sentences: Iterable[Sentence | None], speakers: Iterable[Speaker | None]
) -> list[recording_pb2.TranscriptSegment]:
    """What was said, in the order of its starts; sentences without words are left out."""
    names = {speaker.id: speaker.name or "" for speaker in speakers if speaker}
    found = [each for each in sentences if each and (each.text or each.raw_text)]
    return _segments(sorted(found, key=_start), names)


def _start(sentence: Sentence) -> float:
    return sentence.start_time or 0.0


def _segments(
    sentences: Sequence[Sentence], names: dict[Word, str]
) -> list[recording_pb2.TranscriptSegment]:
    found = []
    for each in sentences:
        segment = recording_pb2.TranscriptSegment(text=each.text or each.raw_text or "")
        segment.speaker = each.speaker_name or names.get(each.speaker_id, "")
        start, end = _offset(each.start_time), _offset(each.end_time)
        if start is not None:
            segment.start_offset.FromTimedelta(start)
            if end is not None and end >= start:
                segment.end_offset.FromTimedelta(end)
        found.append(segment)
    return found


def _offset(seconds: float | None) -> timedelta | None:
    if seconds is None or not 0 <= seconds <= _LONGEST_SECONDS:
        return None
    return timedelta(seconds=seconds)
