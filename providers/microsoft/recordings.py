"""Recordings and transcripts of Teams meetings.

learn.microsoft.com/graph/api/resources/callrecording and .../calltranscript.

They hang on a meeting. Without one named, a person's calendar is walked for meetings they hold, and
an application asks for all recordings of its mailbox (getAllRecordings is not for people). What was
transcribed without being recorded is told as a recording that has a transcript alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec

from providers.core import times
from providers.core.call import Call
from providers.core.errors import ProviderError
from providers.core.http import Reply, quote
from providers.core.raw import fill_raw
from providers.core.wire import decode
from providers.microsoft import event_times, meetings, vtt
from providers.microsoft.api import Api, malformed
from providers.microsoft.meetings import Known
from providers.microsoft.wire import RawPage
from providers.microsoft.wire_teams import CallArtifact, OnlineMeeting
from ucal.v1 import recording_pb2

MAX_PAGE = 100
MAX_SEGMENT_PAGE = 1_000
_MEETINGS_AT_ONCE = 10
_MONTH = timedelta(days=30)
_SLACK = timedelta(minutes=2)
# Between a meeting's id and a recording's; both are base64 or GUIDs.
_SEPARATOR = "|"
_TRANSCRIPT = "t~"


@dataclass(slots=True)
class Artifact:
    """A recording, a transcript, or both of one stretch of a meeting."""

    known: Known
    recording: CallArtifact | None = None
    transcript: CallArtifact | None = None
    raw: dict[str, Any] = field(default_factory=dict)

    @property
    def _either(self) -> CallArtifact:
        found = self.recording or self.transcript
        if found is None:
            raise RuntimeError("an artifact of nothing")
        return found

    @property
    def own_id(self) -> str:
        """The contract's id."""
        mark = "" if self.recording is not None else _TRANSCRIPT
        return f"{self.known.meeting.id}{_SEPARATOR}{mark}{self._either.id}"

    @property
    def begin(self) -> datetime | None:
        """When it begins."""
        text = self._either.createdDateTime
        return event_times.instant_of(text) if text else None

    @property
    def end(self) -> datetime | None:
        """When it ends."""
        text = self._either.endDateTime
        return event_times.instant_of(text) if text else None


async def list_recordings(
    api: Api, request: recording_pb2.ListRecordingsRequest
) -> recording_pb2.ListRecordingsResponse:
    """ListRecordings. A page token holds the place: meetings looked at, recordings told."""
    low, high = times.bounds(request.window)
    at, told = _place(request.page_token)
    if request.event_id:
        found, more = await of_meetings(api, await meetings.of_event(api, request.event_id)), False
    elif api.is_application:
        found, more = await _of_mailbox(api, low, high), False
    else:
        found, more = await _of_person(api, low, high, at)
    inside = [each for each in found if _overlaps(each, low, high)]
    size = request.page_size or MAX_PAGE
    answer = recording_pb2.ListRecordingsResponse()
    for each in inside[told : told + size]:
        fill(answer.recordings.add(), each, api, raw=request.include_raw)
    if told + size < len(inside):
        answer.next_page_token = f"{at}.{told + size}"
    elif more:
        answer.next_page_token = f"{at + _MEETINGS_AT_ONCE}.0"
    return answer


def _place(token: str) -> tuple[int, int]:
    if not token:
        return 0, 0
    first, dot, second = token.partition(".")
    if not (dot and first.isdecimal() and second.isdecimal()):
        raise ProviderError.invalid("page_token", "is none of this list")
    return int(first), int(second)


def _overlaps(each: Artifact, low: datetime | None, high: datetime | None) -> bool:
    begin = each.begin
    if begin is None:
        return True
    end = each.end or begin
    return (high is None or begin < high) and (low is None or end > low or begin >= low)


async def _of_person(
    api: Api, low: datetime | None, high: datetime | None, at: int
) -> tuple[list[Artifact], bool]:
    """What belongs to some meetings that a person holds, and whether there are more of those."""
    end = min(high or Call.now(), Call.now() + timedelta(days=1))
    begin = low or end - _MONTH
    if begin >= end:
        return [], False
    events = await meetings.online_events(api, begin, end)
    links = meetings.links_of(events)
    chosen = links[at : at + _MEETINGS_AT_ONCE]
    known = await meetings.by_links(api, meetings.with_links(events, chosen))
    return await of_meetings(api, known), at + _MEETINGS_AT_ONCE < len(links)


async def _of_mailbox(api: Api, low: datetime | None, high: datetime | None) -> list[Artifact]:
    """Recordings of all meetings of an application's mailbox, by start."""
    now = Call.now()
    end = min(high or now, now + timedelta(days=1))
    begin = low or end - _MONTH
    if begin >= end:
        return []
    who = api.me.partition("/")[2]
    span = f"startDateTime={times.format_rfc3339(begin)},endDateTime={times.format_rfc3339(end)}"
    path = f"{api.me}/onlineMeetings/getAllRecordings(meetingOrganizerUserId='{who}',{span})"
    ids: dict[str, None] = {}
    for _ in range(50):
        reply = await api.send("GET", path)
        page = decode(reply, RawPage)
        for item in page.value:
            meeting_id = _convert(reply, item).meetingId
            if meeting_id:
                ids[meeting_id] = None
        if not page.nextLink:
            break
        path = api.relative(page.nextLink, reply)
    replies = await api.read_many([meetings.path_of(api, each) for each in ids])
    known = [
        Known(meetings.accepted(reply, OnlineMeeting) or OnlineMeeting(own_id))
        for own_id, reply in zip(ids, replies, strict=True)
    ]
    return sorted(await of_meetings(api, known), key=lambda each: each.begin or now)


def _convert(reply: Reply, item: dict[str, Any]) -> CallArtifact:
    try:
        return msgspec.convert(item, CallArtifact)
    except msgspec.ValidationError:
        raise malformed(reply) from None


async def of_meetings(api: Api, known: Sequence[Known]) -> list[Artifact]:
    """Recordings and transcripts of meetings, paired, meeting by meeting."""
    paths = [
        f"{meetings.path_of(api, each.meeting.id)}/{kind}"
        for each in known
        for kind in ("recordings", "transcripts")
    ]
    replies = await api.read_many(paths)
    found: list[Artifact] = []
    for number, each in enumerate(known):
        recorded, transcribed = replies[2 * number], replies[2 * number + 1]
        found += _paired(each, _items(recorded), _items(transcribed))
    return found


_Pairs = list[tuple[CallArtifact, dict[str, Any]]]


def _items(reply: Reply) -> _Pairs:
    page = meetings.accepted(reply, RawPage)
    return [(_convert(reply, item), item) for item in page.value] if page is not None else []


def _paired(known: Known, recorded: _Pairs, transcribed: _Pairs) -> list[Artifact]:
    left = list(transcribed)
    found = []
    for recording, item in recorded:
        twin = next((pair for pair in left if _belong(recording, pair[0])), None)
        if twin is not None:
            left.remove(twin)
        found.append(Artifact(known, recording, twin[0] if twin else None, item))
    found += [Artifact(known, None, transcript, item) for transcript, item in left]
    return found


def _belong(recording: CallArtifact, transcript: CallArtifact) -> bool:
    """By the id that Teams gives both; older ones have none, and begin at about the same time."""
    if recording.contentCorrelationId and transcript.contentCorrelationId:
        return recording.contentCorrelationId == transcript.contentCorrelationId
    if not recording.createdDateTime or not transcript.createdDateTime:
        return False
    first = event_times.instant_of(recording.createdDateTime)
    second = event_times.instant_of(transcript.createdDateTime)
    return abs(first - second) <= _SLACK


def fill(target: recording_pb2.Recording, found: Artifact, api: Api, *, raw: bool) -> None:
    """A recording of Teams into an empty `target`."""
    meeting = found.known.meeting
    target.connection_id = api.connection_id
    target.id = found.own_id
    target.title = meeting.subject or ""
    target.state = recording_pb2.MEDIA_STATE_READY
    target.language = meeting.meetingSpokenLanguageTag or ""
    begin, end = found.begin, found.end
    if begin is not None:
        times.timestamp(target.start_at, begin)
        times.timestamp(target.created_at, begin)
    if end is not None:
        times.timestamp(target.end_at, end)
    if begin is not None and end is not None and end > begin:
        target.duration.FromTimedelta(end - begin)
    event = found.known.event_at(begin) if begin is not None else None
    if event is not None:
        target.event_id = event.id
        target.ical_uid = meetings.uid_of(event)
    _fill_owner(target, found)
    _fill_media(target, found, api)
    if raw:
        own = found.recording or found.transcript
        fill_raw(target.raw, found.raw, own.id if own is not None else "")


def _fill_owner(target: recording_pb2.Recording, found: Artifact) -> None:
    own = found.recording or found.transcript
    person = own.meetingOrganizer.user if own is not None and own.meetingOrganizer else None
    if person is not None and person.displayName:
        target.owner.name = person.displayName


def _fill_media(target: recording_pb2.Recording, found: Artifact, api: Api) -> None:
    """Where the media are. The links that Graph tells name its metadata and cannot be opened."""
    root = f"{api.http.base_url.rstrip('/')}/{meetings.path_of(api, found.known.meeting.id)}"
    if found.recording is not None:
        target.media.add(
            kind=recording_pb2.MEDIA_KIND_VIDEO,
            mime_type="video/mp4",
            url=f"{root}/recordings/{quote(found.recording.id)}/content",
            access=recording_pb2.MEDIA_ACCESS_PROVIDER_AUTH,
            id=found.recording.id,
            state=recording_pb2.MEDIA_STATE_READY,
        )
    if found.transcript is not None:
        target.has_transcript = True
        target.media.add(
            kind=recording_pb2.MEDIA_KIND_TRANSCRIPT,
            mime_type="text/vtt",
            url=f"{root}/transcripts/{quote(found.transcript.id)}/content?$format=text/vtt",
            access=recording_pb2.MEDIA_ACCESS_PROVIDER_AUTH,
            id=found.transcript.id,
            state=recording_pb2.MEDIA_STATE_READY,
        )


# -- one recording


async def get_recording(
    api: Api, request: recording_pb2.GetRecordingRequest
) -> recording_pb2.GetRecordingResponse:
    """GetRecording."""
    answer = recording_pb2.GetRecordingResponse()
    found = await _one(api, request.id)
    fill(answer.recording, found, api, raw=request.include_raw)
    return answer


async def _one(api: Api, own_id: str) -> Artifact:
    """The recording with the contract's id.

    Raises:
        ProviderError: INVALID when it is none of ours; NOT_FOUND.
    """
    meeting_id, mark, _ = own_id.partition(_SEPARATOR)
    if not meeting_id or not mark:
        raise ProviderError.invalid("id", "is none that was given here")
    resource = ("recording", own_id)
    reply = await api.send("GET", meetings.path_of(api, meeting_id), resource=resource)
    known = Known(decode(reply, OnlineMeeting))
    for found in await of_meetings(api, [known]):
        if found.own_id.partition(_SEPARATOR)[2] == own_id.partition(_SEPARATOR)[2]:
            return found
    raise ProviderError.not_found(*resource)


async def list_transcript_segments(
    api: Api, request: recording_pb2.ListTranscriptSegmentsRequest
) -> recording_pb2.ListTranscriptSegmentsResponse:
    """ListTranscriptSegments: read now, kept nowhere. A page token holds the next one's number."""
    token = request.page_token
    if token and not token.isdecimal():
        raise ProviderError.invalid("page_token", "is none of this list")
    found = await _one(api, request.recording_id)
    if found.transcript is None:
        raise ProviderError.not_found("transcript", request.recording_id)
    path = f"{meetings.path_of(api, found.known.meeting.id)}/transcripts"
    reply = await api.send(
        "GET",
        f"{path}/{quote(found.transcript.id)}/content",
        params={"$format": "text/vtt"},
        accept="text/vtt",
        resource=("recording", request.recording_id),
    )
    whole = vtt.segments(reply.content)
    begin = int(token or 0)
    end = begin + (request.page_size or MAX_SEGMENT_PAGE)
    answer = recording_pb2.ListTranscriptSegmentsResponse(segments=whole[begin:end])
    answer.next_page_token = str(end) if end < len(whole) else ""
    return answer
