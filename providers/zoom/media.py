"""Zoom's cloud recordings as recordings of the contract. Pure mapping; requests live elsewhere.

developers.zoom.us/docs/api, operations recordingsList, recordingGet. A recording is that of one
instance and has the instance's UUID; the number of a meeting names its latest instance only (P79).
"""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from providers.core import times
from providers.zoom import secrets, series
from providers.zoom.wire import File, Participant, Recording, Summary
from ucal.v1 import recording_pb2

# file_type: kind, media type.
KINDS: Mapping[str, tuple[recording_pb2.MediaKind.ValueType, str]] = {
    "MP4": (recording_pb2.MEDIA_KIND_VIDEO, "video/mp4"),
    "M4A": (recording_pb2.MEDIA_KIND_AUDIO, "audio/mp4"),
    "TRANSCRIPT": (recording_pb2.MEDIA_KIND_TRANSCRIPT, "text/vtt"),
    "CC": (recording_pb2.MEDIA_KIND_TRANSCRIPT, "text/vtt"),
    "CHAT": (recording_pb2.MEDIA_KIND_CHAT, "text/plain"),
    "CHAT_MESSAGE": (recording_pb2.MEDIA_KIND_CHAT, "application/json"),
    "SUMMARY": (recording_pb2.MEDIA_KIND_SUMMARY, "application/json"),
    "CSV": (recording_pb2.MEDIA_KIND_OTHER, "text/csv"),
    "TIMELINE": (recording_pb2.MEDIA_KIND_OTHER, "application/json"),
    "TB": (recording_pb2.MEDIA_KIND_OTHER, "application/json"),
}
_MIME_BY_EXTENSION = {
    "MP4": "video/mp4",
    "M4A": "audio/mp4",
    "VTT": "text/vtt",
    "JPG": "image/jpeg",
}
_COMPLETED = "completed"
_MAX_SIZE = 2**62
READABLE = (
    "event_id",
    "start_at",
    "end_at",
    "expires_at",
    "web_url",
    "media",
    "title",
    "duration",
    "summary",
    "action_items",
    "participants",
    "state",
    "owner",
    "has_transcript",
    "raw",
)


def parse_recording(
    target: recording_pb2.Recording,
    found: Recording,
    connection_id: str,
    *,
    raw: bytes | msgspec.Raw | None = None,
) -> None:
    """Write a recording into `target`."""
    target.connection_id = connection_id
    target.id = found.uuid
    target.event_id = str(found.id)
    target.title = found.topic or ""
    target.web_url = found.share_url or ""
    if found.host_email:
        target.owner.email = found.host_email
    start, end = span(found)
    if start is not None and end is not None:
        times.timestamp(target.start_at, start)
        times.timestamp(target.end_at, end)
        target.duration.FromTimedelta(end - start)
    if found.auto_delete and found.auto_delete_date:
        expires = series.instant(f"{found.auto_delete_date[:10]}T00:00:00Z")
        if expires is not None:
            times.timestamp(target.expires_at, expires)
    for file in found.recording_files or ():
        parse_media(target.media.add(), file)
    target.state = _state(target)
    target.has_transcript = any(ready(file) for file in transcripts(found))
    if raw is not None:
        secrets.fill(target.raw, raw, found.uuid)


def span(found: Recording) -> tuple[datetime | None, datetime | None]:
    """Start, and end: of the last file, else by the length; both None when Zoom does not tell."""
    start = series.instant(found.start_time)
    if start is None:
        return None, None
    ends = [series.instant(file.recording_end) for file in found.recording_files or ()]
    known = [end for end in ends if end is not None and end > start]
    return start, max(known) if known else series.ending(start, series.minutes(found.duration))


def _state(target: recording_pb2.Recording) -> recording_pb2.MediaState.ValueType:
    states = {media.state for media in target.media}
    if not states or recording_pb2.MEDIA_STATE_PROCESSING in states:
        return recording_pb2.MEDIA_STATE_PROCESSING
    if states == {recording_pb2.MEDIA_STATE_TRASHED}:
        return recording_pb2.MEDIA_STATE_TRASHED
    return recording_pb2.MEDIA_STATE_READY


def parse_media(target: recording_pb2.Media, found: File) -> None:
    """Write one file. Its type and size are missing as long as it is processed (P82)."""
    target.id = found.id or ""
    word = (found.file_type or "").upper()
    if word:
        target.kind, target.mime_type = KINDS.get(word, (recording_pb2.MEDIA_KIND_OTHER, ""))
    extension = (found.file_extension or "").upper()
    target.mime_type = target.mime_type or _MIME_BY_EXTENSION.get(extension, "")
    target.provider_kind = found.recording_type or found.file_type or ""
    target.size_bytes = _size(found)
    target.url = secrets.without_token(found.download_url or "")
    if target.url:
        target.access = recording_pb2.MEDIA_ACCESS_PROVIDER_AUTH
    target.state = _media_state(found)


def _media_state(found: File) -> recording_pb2.MediaState.ValueType:
    if found.deleted_time:
        return recording_pb2.MEDIA_STATE_TRASHED
    if ready(found):
        return recording_pb2.MEDIA_STATE_READY
    return recording_pb2.MEDIA_STATE_PROCESSING


def ready(found: File) -> bool:
    """Whether a file can be fetched. Old ones have no status."""
    return found.status == _COMPLETED or (not found.status and bool(found.download_url))


def _size(found: File) -> int:
    try:
        size = int(float(found.file_size or 0))
    except (ValueError, OverflowError):
        return 0
    return size if 0 <= size <= _MAX_SIZE else 0


def transcripts(found: Recording) -> list[File]:
    """Files with the words spoken, the best one first: captions know no speakers."""
    by_type = {
        word: [f for f in found.recording_files or () if (f.file_type or "").upper() == word]
        for word in ("TRANSCRIPT", "CC")
    }
    return [*by_type["TRANSCRIPT"], *by_type["CC"]]


def parse_summary(target: recording_pb2.Recording, found: Summary) -> None:
    """Write the summary that Zoom's assistant has made, and what it says is to be done."""
    target.summary = found.summary_content or found.summary_overview or ""
    for step in found.next_steps or ():
        if step:
            target.action_items.add(text=step)


def parse_participant(target: recording_pb2.RecordingParticipant, found: Participant) -> None:
    """Write somebody who took part; who left and came back is there twice."""
    target.name = found.name or ""
    target.email = found.user_email or ""
    for stamp, text in (
        (target.joined_at, found.join_time),
        (target.left_at, found.leave_time),
    ):
        when = series.instant(text)
        if when is not None:
            times.timestamp(stamp, when)
