"""Recordings out of the history of meetings: those of its items that hold any."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from providers.core import times
from providers.core.errors import ProviderError
from providers.core.raw import fill_raw
from providers.dialpad.api import Api, convert, slice_of, text
from providers.dialpad.wire import File, Json, Summary
from ucal.v1 import recording_pb2

RECORDING = "recording"
READABLE = (
    "start_at", "end_at", "web_url", "media", "title", "duration", "participants", "state",
    "owner", "raw",
)  # fmt: skip
MAX_PAGE = 100
_HISTORY = "conference/meetings"
_READY = recording_pb2.MEDIA_STATE_READY
_VIDEO, _AUDIO = recording_pb2.MEDIA_KIND_VIDEO, recording_pb2.MEDIA_KIND_AUDIO
_DAY = timedelta(days=1)


async def list_recordings(
    api: Api, request: recording_pb2.ListRecordingsRequest
) -> recording_pb2.ListRecordingsResponse:
    """ListRecordings. Pages may be short or empty before the last one."""
    if request.event_id:
        raise ProviderError.invalid(
            "event_id", "Dialpad does not tell of which meeting a recording is"
        )
    page = await api.page(_HISTORY, request.page_token.partition("|")[2])
    low, high = times.bounds(request.window)
    found = [(convert(raw, Summary), raw) for raw in page.items or ()]
    shown = [each for each in found if _is_recorded(each[0]) and _overlaps(each[0], low, high)]
    cursor = "" if _is_older([each[0] for each in found], low) else page.cursor or ""
    part, token = slice_of(shown, request.page_size or MAX_PAGE, request.page_token, cursor)
    answer = recording_pb2.ListRecordingsResponse(next_page_token=token)
    for summary, raw in part:
        target = answer.recordings.add()
        _parse(target, api, summary, whole=False)
        if request.include_raw:
            _fill(target, raw, whole=False)
    return answer


def _is_older(found: Sequence[Summary], low: datetime | None) -> bool:
    """Whether all that follows is older than the window: the page is, and it goes backwards.

    The order is not documented, so that it is seen to, page by page (2026-11).
    """
    starts = [start for each in found if (start := _moment(each.start_time)) is not None]
    if low is None or len(starts) < 2 or len(starts) < len(found):
        return False
    return starts == sorted(starts, reverse=True) and starts[0] < low - _DAY


def _is_recorded(found: Summary) -> bool:
    files = [*(found.recordings or ()), *(found.video_recordings or ())]
    return bool(text(found.id)) and any(each.url for each in files)


def _moment(value: str | None) -> datetime | None:
    return times.in_zone(times.parse_rfc3339(value), UTC) if value else None


def _overlaps(found: Summary, low: datetime | None, high: datetime | None) -> bool:
    start, end = _moment(found.start_time), _moment(found.end_time)
    if start is None:
        return low is None and high is None
    if high is not None and start >= high:
        return False
    return low is None or start >= low or (end is not None and end > low)


def _parse(target: recording_pb2.Recording, api: Api, found: Summary, *, whole: bool) -> None:
    target.connection_id = api.call.connection_id
    target.id = text(found.id)
    target.title = found.title or ""
    target.state = _READY
    target.owner.name = found.host_name or ""
    start, end = _moment(found.start_time), _moment(found.end_time)
    if start is not None:
        times.timestamp(target.start_at, start)
    if start is not None and end is not None and end >= start:
        times.timestamp(target.end_at, end)
    length = text(found.duration_ms)
    if length.isascii() and length.isdigit() and len(length) < 13:
        target.duration.FromMilliseconds(int(length))
    for person in found.participants or ():
        one = target.participants.add()
        one.name = person.display_name or person.name or ""
        one.email = person.email or ""
        one.is_host = bool(person.is_organizer)
    _parse_files(target, found, whole=whole)


def _parse_files(target: recording_pb2.Recording, found: Summary, *, whole: bool) -> None:
    """Videos first. A size is text for people ("14.3MB") and is not read as a number."""
    files = [(each, _VIDEO) for each in found.video_recordings or ()]
    files += [(each, _AUDIO) for each in found.recordings or ()]
    if found.transcript_url:
        files.append((File(url=found.transcript_url), recording_pb2.MEDIA_KIND_TRANSCRIPT))
    for file, kind in files:
        if file.url:
            url = _link(file.url, whole=whole)
            target.media.add(kind=kind, url=url, state=_READY)
            if kind in (_VIDEO, _AUDIO) and not target.web_url:
                target.web_url = url


def _link(url: str, *, whole: bool) -> str:
    """`url`; in lists only without a query, where signatures and tokens stand (P82)."""
    return url if whole or "?" not in url else ""


def _fill(target: recording_pb2.Recording, raw: Json, *, whole: bool) -> None:
    links = ("recordings", "video_recordings", "transcript_url")
    shown = raw if whole else {name: v for name, v in raw.items() if name not in links}
    fill_raw(target.raw, shown, target.id)


async def get_recording(
    api: Api, request: recording_pb2.GetRecordingRequest
) -> recording_pb2.GetRecordingResponse:
    """GetRecording: looked for in the history, which is all that Dialpad offers."""
    async for page in api.walk(_HISTORY):
        for raw in page:
            summary = convert(raw, Summary)
            if text(summary.id) == request.id and _is_recorded(summary):
                answer = recording_pb2.GetRecordingResponse()
                _parse(answer.recording, api, summary, whole=True)
                if request.include_raw:
                    _fill(answer.recording, raw, whole=True)
                return answer
    raise ProviderError.not_found(RECORDING, request.id)
