"""Recordings: recaps of Calendly's Notetaker, which are words only. No sound, no picture, no end.

Calendly lists recaps that are available; others can be read by their id.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from providers.calendly import ids, tables
from providers.calendly.api import MAX_PAGE, Api, Found
from providers.calendly.wire import Recap, Transcript
from providers.core import times
from providers.core.call import Call
from providers.core.errors import ProviderError
from providers.core.raw import fill_raw
from ucal.v1 import recording_pb2

MAX_SEGMENTS = 500
READABLE = (
    "event_id",
    "start_at",
    "end_at",
    "created_at",
    "updated_at",
    "web_url",
    "media",
    "title",
    "duration",
    "summary",
    "action_items",
    "participants",
    "state",
    "has_transcript",
    "raw",
)
# A meeting lasts no longer; Calendly filters by the start.
_LONGEST = timedelta(hours=12)


def parse_recording(
    target: recording_pb2.Recording, found: Found[Recap], connection_id: str, *, raw: bool = False
) -> None:
    """A recap into an empty `target`."""
    recap = found.it
    target.connection_id = connection_id
    target.id = ids.tail(recap.uri)
    target.event_id = ids.tail(recap.event)
    target.title = recap.name or ""
    target.web_url = recap.app_url or recap.share_link or ""
    target.summary = recap.summary_md or ""
    target.state = tables.RECAP_STATE.get(
        (recap.status or "").lower(), recording_pb2.MEDIA_STATE_UNSPECIFIED
    )
    for stamp, text in (
        (target.start_at, recap.start_time),
        (target.end_at, recap.end_time),
        (target.created_at, recap.created_at),
        (target.updated_at, recap.updated_at),
    ):
        if text:
            times.timestamp(stamp, times.parse_rfc3339(text))
    if recap.start_time and recap.end_time:
        length = times.parse_rfc3339(recap.end_time) - times.parse_rfc3339(recap.start_time)
        target.duration.FromTimedelta(max(length, timedelta()))
    for line in (recap.action_items_md or "").splitlines():
        if text := line.strip().removeprefix("- ").removeprefix("* ").strip():
            target.action_items.add(text=text)
    for person in recap.attendees or ():
        target.participants.add(
            name=person.user_name or "", email=person.user_email or "", is_host=bool(person.host)
        )
    target.has_transcript = bool(recap.transcript)
    if recap.transcript:
        media = target.media.add(kind=recording_pb2.MEDIA_KIND_TRANSCRIPT, url=recap.transcript)
        media.access = recording_pb2.MEDIA_ACCESS_PROVIDER_AUTH
        media.mime_type = "application/json"
        media.state = target.state
    if raw:
        fill_raw(target.raw, found.raw(), recap.uri)


async def list_recordings(
    api: Api, call: Call, request: recording_pb2.ListRecordingsRequest
) -> recording_pb2.ListRecordingsResponse:
    """ListRecordings."""
    params: dict[str, str | int | Sequence[str]] = {"count": request.page_size or MAX_PAGE}
    low, high = times.bounds(request.window)
    if low is not None:
        params["start_time"] = times.format_rfc3339(max(low, times.EPOCH) - _LONGEST)
    if high is not None:
        params["end_time"] = times.format_rfc3339(high)
    if request.event_id:
        params["event"] = ids.uri("scheduled_events", ids.checked("event", request.event_id))
    if request.page_token:
        params["page_token"] = request.page_token
    page = await api.page(Recap, "meeting_recaps", params)
    answer = recording_pb2.ListRecordingsResponse(next_page_token=page.following)
    for found in page.items:
        if _inside(found.it, low, high):
            parse_recording(
                answer.recordings.add(), found, call.connection_id, raw=request.include_raw
            )
    return answer


def _inside(recap: Recap, low: datetime | None, high: datetime | None) -> bool:
    """Whether it overlaps the window, as far as Calendly tells its times."""
    if low is not None and recap.end_time and times.parse_rfc3339(recap.end_time) <= low:
        return False
    starts = times.parse_rfc3339(recap.start_time) if recap.start_time else None
    return high is None or starts is None or starts < high


async def get_recording(
    api: Api, call: Call, request: recording_pb2.GetRecordingRequest
) -> recording_pb2.GetRecordingResponse:
    """GetRecording."""
    path = f"meeting_recaps/{ids.checked('recording', request.id)}"
    found = await api.one(Recap, path, kind="recording", own_id=request.id)
    answer = recording_pb2.GetRecordingResponse()
    parse_recording(answer.recording, found, call.connection_id, raw=request.include_raw)
    return answer


async def list_transcript_segments(
    api: Api, call: Call, request: recording_pb2.ListTranscriptSegmentsRequest
) -> recording_pb2.ListTranscriptSegmentsResponse:
    """ListTranscriptSegments: one per line; Calendly tells who speaks, and not when."""
    del call
    path = f"meeting_recaps/{ids.checked('recording', request.recording_id)}/transcript"
    found = await api.one(Transcript, path, kind="recording", own_id=request.recording_id)
    lines = [line.strip() for line in (found.it.text or "").splitlines() if line.strip()]
    token = request.page_token or "0"
    if not (token.isascii() and token.isdigit() and len(token) < 8):
        raise ProviderError.invalid("page_token", "is none of this list")
    begin = int(token)
    end = begin + min(request.page_size or MAX_SEGMENTS, MAX_SEGMENTS)
    answer = recording_pb2.ListTranscriptSegmentsResponse()
    for speaker, text in _spoken(lines[begin:end]):
        answer.segments.add(speaker=speaker, text=text)
    if end < len(lines):
        answer.next_page_token = str(end)
    return answer


def _spoken(lines: list[str]) -> Iterator[tuple[str, str]]:
    """Speaker and words of each line, "Ada Example: Hello."."""
    for line in lines:
        speaker, colon, text = line.partition(": ")
        if colon and text.strip() and len(speaker) <= 80:
            yield speaker, text.strip()
        else:
            yield "", line
