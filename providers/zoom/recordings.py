"""Reading recordings and their transcripts.

The list of a user takes UTC dates at most a month apart and knows nothing before its default of
yesterday (operation recordingsList), so a window is walked in months, the latest first. Recordings
of one meeting are asked for by the UUID of each past instance (P79).
"""

from datetime import date, datetime, timedelta

import msgspec

from providers.core import times
from providers.core.auth import HeaderAuth
from providers.core.errors import Kind, ProviderError
from providers.core.wire import decode
from providers.zoom import media, series, vtt
from providers.zoom.api import MAX_PAGE, Api, items, read, refer, together
from providers.zoom.ids import meeting_id, uuid_segment
from providers.zoom.wire import Instance, Page, Participant, Recording, Summary, Transcript
from ucal.v1 import recording_pb2, types_pb2

DEFAULT_PAGE = 100
MAX_SEGMENTS = 1000
RECORDING = "recording"
# From one date to another, both included.
SPAN = timedelta(days=27)
_DAY = timedelta(days=1)
_YEAR = timedelta(days=366)
# Requests of one page, when months are empty.
_MAX_MONTHS = 14
_MAX_PARTICIPANT_PAGES = 4
_FIRST = date(2011, 1, 1)
_OPTIONAL = frozenset({Kind.NOT_FOUND, Kind.FORBIDDEN, Kind.PRECONDITION, Kind.INSUFFICIENT_SCOPE})
_NOT_READY = "NOT_READY"


async def list_recordings(
    api: Api, request: recording_pb2.ListRecordingsRequest
) -> recording_pb2.ListRecordingsResponse:
    """ListRecordings."""
    if request.event_id:
        return await _list_of_meeting(api, request)
    first, last = _dates(api.call.now(), request.window)
    until, token = _cursor(request.page_token, last)
    user = await api.user()
    answer = recording_pb2.ListRecordingsResponse()
    for _ in range(_MAX_MONTHS):
        if until < first:
            return answer
        since = max(first, until - SPAN)
        page = await api.page(
            f"users/{user}/recordings",
            size=request.page_size or DEFAULT_PAGE,
            token=token,
            params={"from": since.isoformat(), "to": until.isoformat()},
        )
        for found, raw in items(page.meetings, Recording):
            _add(api, answer, found, raw, request)
        token = page.next_page_token or ""
        if not token:
            until = since - _DAY
        if answer.recordings:
            break
    if until >= first:
        answer.next_page_token = f"{until.isoformat()}/{token}"
    return answer


def _add(
    api: Api,
    answer: recording_pb2.ListRecordingsResponse,
    found: Recording,
    raw: msgspec.Raw | bytes,
    request: recording_pb2.ListRecordingsRequest,
) -> None:
    """Add a recording to the answer, if it overlaps the window."""
    start, end = media.span(found)
    if start is not None and end is not None and not series.lies_in(start, end, request.window):
        return
    shown = raw if request.include_raw else None
    media.parse_recording(answer.recordings.add(), found, api.call.connection_id, raw=shown)


def _dates(now: datetime, window: types_pb2.TimeRange) -> tuple[date, date]:
    """First and last UTC date to ask for. Without a start: a year back from the end."""
    low, high = times.bounds(window)
    last = (high or now + _DAY).date()
    # A recording may have begun on the day before, and last into the window.
    first = (low - _DAY).date() if low is not None and low.date() > _FIRST else None
    if low is None:
        first = last - _YEAR
    return max(first or _FIRST, _FIRST), min(last, (now + _DAY).date())


def _cursor(token: str, last: date) -> tuple[date, str]:
    if not token:
        return last, ""
    text, _, own = token.partition("/")
    try:
        return date.fromisoformat(text), own
    except ValueError:
        raise ProviderError.invalid("page_token", "cannot be read: list anew") from None


# -- of one meeting


async def _list_of_meeting(
    api: Api, request: recording_pb2.ListRecordingsRequest
) -> recording_pb2.ListRecordingsResponse:
    """Recordings of every past instance of a meeting or webinar, the latest first."""
    asked = meeting_id(request.event_id, "event")
    if asked.occurrence:
        raise ProviderError.invalid(
            "event_id", "recordings hang on the whole series: name it without the occurrence"
        )
    uuids = await _instances(api, asked.number)
    begin = _offset(request.page_token)
    end = begin + min(request.page_size or DEFAULT_PAGE, MAX_PAGE)

    async def one(uuid: str) -> tuple[Recording, bytes] | None:
        try:
            return await fetch(api, uuid)
        except ProviderError as error:
            if error.kind is Kind.NOT_FOUND:
                return None
            raise

    answer = recording_pb2.ListRecordingsResponse()
    for entry in await together(one, uuids[begin:end]):
        if entry is not None:
            _add(api, answer, *entry, request)
    if end < len(uuids):
        answer.next_page_token = str(end)
    return answer


def _offset(token: str) -> int:
    if not token:
        return 0
    if not (token.isascii() and token.isdecimal() and len(token) < 10):
        raise ProviderError.invalid("page_token", "cannot be read: list anew")
    return int(token)


async def _instances(api: Api, number: str) -> list[str]:
    """UUIDs of the past instances of a meeting or webinar, the latest first."""
    named = ("event", number)
    try:
        page = await api.get(f"past_meetings/{number}/instances", Page, resource=named)
        listed = page.meetings
    except ProviderError as error:
        if error.kind is not Kind.NOT_FOUND:
            raise
        page = await api.get(f"past_webinars/{number}/instances", Page, resource=named)
        listed = page.webinars
    found = [instance for instance, _ in items(listed, Instance) if instance.uuid]
    ordered = sorted(found, key=lambda each: each.start_time or "", reverse=True)
    return list(dict.fromkeys(each.uuid for each in ordered))


# -- one recording


async def fetch(api: Api, uuid: str, *, token: bool = False) -> tuple[Recording, bytes]:
    """A recording by its UUID, and as it came.

    Args:
        token: with a token by which its files can be fetched.

    Raises:
        ProviderError: NOT_FOUND.
    """
    reply = await api.send(
        "GET",
        f"meetings/{uuid_segment(uuid)}/recordings",
        params={"include_fields": "download_access_token", "ttl": 600} if token else None,
        resource=(RECORDING, uuid),
    )
    return decode(reply, Recording), reply.content


async def get_recording(
    api: Api, request: recording_pb2.GetRecordingRequest
) -> recording_pb2.GetRecordingResponse:
    """GetRecording. Summary and participants cost a request each, and rights of their own: without
    those they are left out.
    """
    found, raw = await fetch(api, request.id)
    answer = recording_pb2.GetRecordingResponse()
    target = answer.recording
    shown = raw if request.include_raw else None
    media.parse_recording(target, found, api.call.connection_id, raw=shown)
    names = {path.partition(".")[0] for path in request.read_mask.paths}
    segment = uuid_segment(request.id)
    if not names or names & {"summary", "action_items"}:
        await _fill_summary(api, target, segment)
    if not names or "participants" in names:
        await _fill_participants(api, target, segment)
    return answer


async def _fill_summary(api: Api, target: recording_pb2.Recording, segment: str) -> None:
    try:
        summary = await api.get(f"meetings/{segment}/meeting_summary", Summary)
    except ProviderError as error:
        if error.kind not in _OPTIONAL:
            raise
        return
    media.parse_summary(target, summary)


async def _fill_participants(api: Api, target: recording_pb2.Recording, segment: str) -> None:
    token = ""
    for _ in range(_MAX_PARTICIPANT_PAGES):
        try:
            page = await api.page(
                f"past_meetings/{segment}/participants", size=MAX_PAGE, token=token
            )
        except ProviderError as error:
            if error.kind not in _OPTIONAL:
                raise
            return
        for participant, _raw in items(page.participants, Participant):
            media.parse_participant(target.participants.add(), participant)
        token = page.next_page_token or ""
        if not token:
            return


# -- transcripts


async def list_transcript_segments(
    api: Api, request: recording_pb2.ListTranscriptSegmentsRequest
) -> recording_pb2.ListTranscriptSegmentsResponse:
    """ListTranscriptSegments: the file is fetched for each page, and kept nowhere."""
    begin = _offset(request.page_token)
    cues = vtt.parse_cues(await _transcript(api, request.recording_id))
    end = begin + min(request.page_size or MAX_SEGMENTS, MAX_SEGMENTS)
    answer = recording_pb2.ListTranscriptSegmentsResponse()
    for cue in cues[begin:end]:
        segment = answer.segments.add(speaker=cue.speaker, text=cue.text)
        segment.start_offset.FromTimedelta(cue.start)
        segment.end_offset.FromTimedelta(cue.end)
    if end < len(cues):
        answer.next_page_token = str(end)
    return answer


async def _transcript(api: Api, uuid: str) -> str:
    """The text of the transcript.

    Raises:
        ProviderError: NOT_FOUND, when there is none; PRECONDITION TRANSCRIPT_NOT_READY.
    """
    found, _ = await fetch(api, uuid, token=True)
    files = media.transcripts(found)
    url = next((f.download_url for f in files if media.ready(f) and f.download_url), None)
    if url is None:
        if files:
            raise _not_ready()
        url = await _other_transcript(api, uuid)
    # A file wants the token of its recording where the connection's own is refused (P82).
    auth = api.call.http.auth
    if found.download_access_token:
        auth = HeaderAuth("authorization", f"Bearer {found.download_access_token}")
    http = api.call.http.at(api.call.http.base_url, auth=auth)
    reply = await refer(http, "GET", url)
    try:
        return reply.content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ProviderError(
            Kind.PROVIDER_FAULT,
            "the provider's transcript is no text",
            reason="MALFORMED_ANSWER",
        ) from None


async def _other_transcript(api: Api, uuid: str) -> str:
    """Where the transcript of a meeting without a cloud recording can be had."""
    reply = await api.send(
        "GET", f"meetings/{uuid_segment(uuid)}/transcript", resource=(RECORDING, uuid)
    )
    found = read(reply.content, Transcript)
    if found.can_download and found.download_url:
        return found.download_url
    if found.download_restriction_reason == _NOT_READY:
        raise _not_ready()
    raise ProviderError(
        Kind.NOT_FOUND, "the recording has no transcript", resource=(RECORDING, uuid)
    )


def _not_ready() -> ProviderError:
    return ProviderError(
        Kind.PRECONDITION,
        "the transcript is still being made: try again later, or watch the recording",
        reason="TRANSCRIPT_NOT_READY",
        retry_after=60.0,
    )
