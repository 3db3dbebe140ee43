"""Conferences of Meet into recordings and transcript segments of the contract. Pure.

A conference may have several recordings, transcripts without a recording, and recordings without a
transcript. Each recording becomes a Recording; a conference without one is a Recording of its
transcript, or else of its notes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from providers.core import times
from providers.core.http import quote
from providers.core.raw import fill_raw
from providers.google.event_times import parse_stamp
from providers.google.wire_meet import Artifact, ConferenceRecord, Participant, TranscriptEntry
from ucal.v1 import recording_pb2

_STATE = {
    "STARTED": recording_pb2.MEDIA_STATE_RECORDING,
    "ENDED": recording_pb2.MEDIA_STATE_PROCESSING,
    "FILE_GENERATED": recording_pb2.MEDIA_STATE_READY,
}
_NO_STATE = recording_pb2.MEDIA_STATE_UNSPECIFIED
_FOREVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Piece:
    """An artifact, and the same as it came."""

    found: Artifact
    raw: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Link:
    """The calendar event that a conference belongs to."""

    event_id: str = ""
    title: str = ""
    ical_uid: str = ""


@dataclass(frozen=True, slots=True)
class Conference:
    """One call with all that it left behind.

    Attributes:
        drive_url: root of the Drive API, for links to files.
    """

    record: ConferenceRecord
    recordings: Sequence[Piece] = ()
    transcripts: Sequence[Piece] = ()
    notes: Sequence[Piece] = ()
    link: Link = field(default_factory=Link)
    drive_url: str = ""

    def pieces(self) -> Sequence[Piece]:
        """What stands for a Recording of its own."""
        return self.recordings or self.transcripts or self.notes

    def transcripts_of(self, piece: Piece) -> list[Piece]:
        """Transcripts that belong to one of `pieces`, in order."""
        if piece in self.transcripts:
            return [piece]
        return self._beside(piece, self.transcripts)

    def notes_of(self, piece: Piece) -> list[Piece]:
        """Notes that belong to one of `pieces`, in order."""
        if piece in self.notes:
            return [piece]
        return self._beside(piece, self.notes)

    def _beside(self, piece: Piece, others: Sequence[Piece]) -> list[Piece]:
        """Those of `others` that run at the same time; all of them when there is no choice."""
        if len(self.pieces()) == 1:
            return [each for each in others if each is not piece]
        return [each for each in others if each is not piece and _overlap(piece, each)]


def _span(piece: Piece) -> tuple[datetime, datetime]:
    start, end = piece.found.startTime, piece.found.endTime
    first = times.parse_rfc3339(start) if start else times.EPOCH
    return first, times.parse_rfc3339(end) if end else _FOREVER


def _overlap(one: Piece, other: Piece) -> bool:
    first, second = _span(one), _span(other)
    return first[0] < second[1] and second[0] < first[1]


def inside(piece: Piece, low: datetime | None, high: datetime | None) -> bool:
    """Whether any part of it lies in [low, high)."""
    start, end = _span(piece)
    return (low is None or end > low) and (high is None or start < high)


def parse_call(target: recording_pb2.Recording, conference: Conference, connection_id: str) -> None:
    """The call itself, by the name of its record, into an empty `target`; nothing recorded in it.

    Raises:
        ProviderError: PROVIDER_FAULT when a time is none.
    """
    record, link = conference.record, conference.link
    target.connection_id = connection_id
    target.id = record.name
    target.event_id = link.event_id
    target.title = link.title
    target.ical_uid = link.ical_uid
    for text, stamp in (
        (record.startTime, target.start_at),
        (record.endTime, target.end_at),
        (record.expireTime, target.expires_at),
    ):
        if text:
            parse_stamp(stamp, text)


def parse_recording(
    target: recording_pb2.Recording,
    conference: Conference,
    piece: Piece,
    connection_id: str,
    *,
    raw: bool = False,
) -> None:
    """One of `conference.pieces()` into an empty `target`.

    Raises:
        ProviderError: PROVIDER_FAULT when a time is none.
    """
    found, link = piece.found, conference.link
    target.connection_id = connection_id
    target.id = found.name
    target.event_id = link.event_id
    target.title = link.title
    target.ical_uid = link.ical_uid
    target.state = _STATE.get(found.state, _NO_STATE)
    if found.startTime:
        parse_stamp(target.start_at, found.startTime)
    if found.endTime:
        parse_stamp(target.end_at, found.endTime)
    if found.startTime and found.endTime:
        length = times.parse_rfc3339(found.endTime) - times.parse_rfc3339(found.startTime)
        target.duration.FromTimedelta(max(length, timedelta()))
    if conference.record.expireTime:
        parse_stamp(target.expires_at, conference.record.expireTime)
    destination = found.driveDestination or found.docsDestination
    if destination is not None:
        target.web_url = destination.exportUri
    transcripts = conference.transcripts_of(piece)
    target.has_transcript = bool(transcripts)
    if piece in conference.recordings:
        _parse_video(target.media.add(), found, conference.drive_url)
    for each in transcripts:
        _parse_document(target.media.add(), each.found, conference, "transcripts")
    for each in conference.notes_of(piece):
        _parse_document(target.media.add(), each.found, conference, "smartNotes")
    if raw:
        fill_raw(target.raw, piece.raw, found.name)


def _parse_video(target: recording_pb2.Media, found: Artifact, drive_url: str) -> None:
    target.kind = recording_pb2.MEDIA_KIND_VIDEO
    target.mime_type = "video/mp4"
    target.state = _STATE.get(found.state, _NO_STATE)
    target.provider_kind = "recordings"
    if found.driveDestination is not None and found.driveDestination.file:
        target.id = found.driveDestination.file
        target.url = f"{drive_url}/files/{quote(target.id)}?alt=media"
        target.access = recording_pb2.MEDIA_ACCESS_PROVIDER_AUTH


def _parse_document(
    target: recording_pb2.Media, found: Artifact, conference: Conference, kind: str
) -> None:
    notes = kind == "smartNotes"
    target.kind = recording_pb2.MEDIA_KIND_SUMMARY if notes else recording_pb2.MEDIA_KIND_TRANSCRIPT
    target.mime_type = "text/plain"
    target.state = _STATE.get(found.state, _NO_STATE)
    target.provider_kind = kind
    if found.docsDestination is not None and found.docsDestination.document:
        target.id = found.docsDestination.document
        path = f"files/{quote(target.id)}/export?mimeType=text%2Fplain"
        target.url = f"{conference.drive_url}/{path}"
        target.access = recording_pb2.MEDIA_ACCESS_PROVIDER_AUTH


def name_of(participant: Participant) -> str:
    """Display name; Meet tells no address of anybody."""
    user = participant.signedinUser or participant.anonymousUser or participant.phoneUser
    return user.displayName if user is not None else ""


def parse_participant(target: recording_pb2.RecordingParticipant, found: Participant) -> None:
    """Somebody who took part, into an empty `target`."""
    target.name = name_of(found)
    if found.earliestStartTime:
        parse_stamp(target.joined_at, found.earliestStartTime)
    if found.latestEndTime:
        parse_stamp(target.left_at, found.latestEndTime)


def parse_segment(
    target: recording_pb2.TranscriptSegment,
    found: TranscriptEntry,
    begun: datetime,
    speakers: dict[str, str],
) -> None:
    """One utterance; a transcript may begin before the recording, whose start is 0.

    Args:
        begun: start of the recording.
        speakers: display names by name of participant.
    """
    target.speaker = speakers.get(found.participant, "")
    target.text = found.text
    target.language = found.languageCode
    for name, text in (("start_offset", found.startTime), ("end_offset", found.endTime)):
        if text:
            offset = max(times.parse_rfc3339(text) - begun, timedelta())
            getattr(target, name).FromTimedelta(offset)


def start_of(piece: Piece) -> datetime:
    """When the recording began."""
    return _span(piece)[0]
