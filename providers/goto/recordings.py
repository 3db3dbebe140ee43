"""Recordings of meetings and of webinars, two lists of GoTo's in one.

An id says where the recording is found again: "m:<start, Unix time>:<session>" in the list of
sessions held, "w:<webinar key>:<asset key>" among the recordings of a webinar.
"""

import re
from datetime import UTC, datetime, timedelta

from providers.core import times
from providers.core.cursors import cut, number_of
from providers.core.errors import Kind, ProviderError
from providers.core.raw import fill_raw
from providers.core.wire import decode
from providers.goto.api import WEBINARS, Api, convert, segment, text
from providers.goto.events import LONGEST, PAST, Found, sessions
from providers.goto.moments import moment_or_none
from providers.goto.wire import Asset, Json, Listed, Pieces
from ucal.v1 import recording_pb2

RECORDING = "recording"
READABLE = (
    "event_id", "start_at", "end_at", "created_at", "web_url", "media", "title", "duration",
    "state", "owner", "raw",
)  # fmt: skip
MAX_PAGE = 200
DEFAULT_PAGE = 100
_MEETING = re.compile(r"m:(\d{1,12}):(\d{1,20})")
_WEBINAR = re.compile(r"w:(\d{1,20}):([A-Za-z0-9_-]{1,128})")
# Recordings of a webinar are few; no more pages than that are read to find one.
_MOST_PAGES = 20
_READY = recording_pb2.MEDIA_STATE_READY


async def list_recordings(
    api: Api, request: recording_pb2.ListRecordingsRequest
) -> recording_pb2.ListRecordingsResponse:
    """ListRecordings: those of meetings, then those of webinars. A user may have one product."""
    phase, _, token = request.page_token.partition("/")
    size = min(request.page_size or DEFAULT_PAGE, MAX_PAGE)
    answer = recording_pb2.ListRecordingsResponse()
    refused: ProviderError | None = None
    if phase in ("", "m"):
        try:
            following = await _of_meetings(api, request, answer, size, token)
        except ProviderError as error:
            if error.kind is not Kind.FORBIDDEN or phase:
                raise
            refused, following = error, ""
        if following:
            answer.next_page_token = f"m/{following}"
            return answer
        if answer.recordings:
            answer.next_page_token = "w/"
            return answer
        token = ""
    try:
        following = await _of_webinars(api, request, answer, size, token)
    except ProviderError as error:
        if error.kind is not Kind.FORBIDDEN or refused is not None or token:
            raise
        following = ""
    if following:
        answer.next_page_token = f"w/{following}"
    return answer


# -- meetings


async def _of_meetings(
    api: Api,
    request: recording_pb2.ListRecordingsRequest,
    answer: recording_pb2.ListRecordingsResponse,
    size: int,
    token: str,
) -> str:
    low, high = times.bounds(request.window)
    now = api.call.now()
    first = (now - PAST) if low is None else low - LONGEST
    last = now if high is None or high > now else high
    held = await sessions(api, first, last) if first < last else []
    found = [each for each in held if _is_asked(each, request.event_id, low, high)]
    page, following = cut(found, _place, size, token)
    for each in page:
        _parse_meeting(answer.recordings.add(), api, each, raw=request.include_raw, whole=False)
    return following


def _is_asked(found: Found, event_id: str, low: datetime | None, high: datetime | None) -> bool:
    meeting, _ = found
    start, end = moment_or_none(meeting.starttime), moment_or_none(meeting.endtime)
    if meeting.recording is None or start is None or not text(meeting.sessionid):
        return False
    if event_id and text(meeting.meetingid) != event_id:
        return False
    if high is not None and start >= high:
        return False
    return low is None or start >= low or (end is not None and end > low)


def _place(found: Found) -> tuple[int, str]:
    start = moment_or_none(found[0].starttime)
    return int(start.timestamp()) if start else 0, text(found[0].sessionid)


def _parse_meeting(
    target: recording_pb2.Recording, api: Api, found: Found, *, raw: bool, whole: bool
) -> None:
    meeting, exact = found
    start, end = moment_or_none(meeting.starttime), moment_or_none(meeting.endtime)
    number, session = _place(found)
    target.connection_id = api.call.connection_id
    target.id = f"m:{number}:{session}"
    target.event_id = text(meeting.meetingid)
    target.title = meeting.subject or ""
    target.state = _READY
    if start is not None:
        times.timestamp(target.start_at, start)
    if start is not None and end is not None and end >= start:
        times.timestamp(target.end_at, end)
        target.duration.FromTimedelta(end - start)
    if meeting.email:
        target.owner.email = meeting.email
        target.owner.name = " ".join(p for p in (meeting.firstname, meeting.lastname) if p)
    if meeting.recording is not None:
        target.web_url = meeting.recording.shareurl or ""
        if meeting.recording.downloadurl:
            media = _media(target, meeting.recording.downloadurl, whole=whole)
            media.kind = recording_pb2.MEDIA_KIND_VIDEO
            media.id = text(meeting.recording.recordingid)
            media.size_bytes = max(meeting.recording.filesize or 0, 0)
    if raw:
        fill_raw(target.raw, _without_links(exact, whole=whole), session)


def _media(target: recording_pb2.Recording, url: str, *, whole: bool) -> recording_pb2.Media:
    """A file. Its URL is signed, short-lived and another one each time: lists go without (P82)."""
    media = target.media.add(state=_READY, access=recording_pb2.MEDIA_ACCESS_SIGNED_URL)
    if whole:
        media.url = url
    return media


def _without_links(found: Json, *, whole: bool) -> Json:
    """GoTo's object, in lists without the URLs of downloads."""
    if whole:
        return found
    return {
        name: _without_links(value, whole=False) if isinstance(value, dict) else value
        for name, value in found.items()
        if not name.lower().endswith("downloadurl")
    }


# -- webinars


async def _of_webinars(
    api: Api,
    request: recording_pb2.ListRecordingsRequest,
    answer: recording_pb2.ListRecordingsResponse,
    size: int,
    token: str,
) -> str:
    """One page of GoTo's, newest first; the cursor holds the last one that was shown too, as a
    new recording pushes others over the border of pages.
    """
    number, after = 0, ""
    if token:
        first, second, after = (*token.split("|", 2), "", "")[:3]
        number, size = number_of(first), number_of(second)
    low, high = times.bounds(request.window)
    if request.event_id:
        found, more = await _of_one(api, request.event_id, number, size)
    else:
        found, more = await _search(api, number, size)
    seen = ""
    for asset, raw in found:
        created = moment_or_none(asset.createTime)
        if not request.event_id and low is not None and created is not None and created < low:
            more = False
            continue
        seen = _rank(asset)
        if (after and seen >= after) or _is_of_a_meeting(asset):
            continue
        if created is None and (low or high):
            continue
        if created is not None and high is not None and created >= high:
            continue
        _parse_asset(
            answer.recordings.add(),
            api,
            asset,
            raw if request.include_raw else None,
            whole=False,
        )
    return f"{number + 1}|{size}|{min(after or seen, seen)}" if more else ""


def _rank(asset: Asset) -> str:
    created = moment_or_none(asset.createTime) or datetime.min.replace(tzinfo=UTC)
    return f"{created.isoformat()} {text(asset.recordingAssetKey)}"


def _is_of_a_meeting(asset: Asset) -> bool:
    """Such are listed among the sessions already."""
    return (asset.productName or "").lower() == "g2m"


async def _search(api: Api, number: int, size: int) -> tuple[list[tuple[Asset, Json]], bool]:
    _, account = await api.keys()
    reply = await api.send(
        "POST",
        f"{WEBINARS}/recordingassets/search",
        params={"page": number, "size": size, "includes": "recordingShareUrl,webinarKey"},
        json={"accountKey": account, "sortField": "CREATETIME", "sortOrder": "DESC"},
        reads=True,
    )
    page = decode(reply, Listed)
    found = (page.embedded and page.embedded.recordingAssets) or []
    more = page.page is not None and number + 1 < (page.page.totalPages or 0)
    return [(convert(raw, Asset), raw) for raw in found], more


async def _of_one(
    api: Api, webinar: str, number: int, size: int
) -> tuple[list[tuple[Asset, Json]], bool]:
    """Recordings of one webinar; none when there is no such webinar."""
    if not (webinar.isascii() and webinar.isdecimal()):
        return [], False
    reply = await api.send(
        "GET",
        f"{WEBINARS}/webinars/{segment(RECORDING, webinar)}/recordingAssets",
        params={"page": number, "limit": size},
        expect=(404,),
    )
    if reply.status == 404:
        return [], False
    page = decode(reply, Pieces)
    found = [(convert(raw, Asset), raw) for raw in page.data or ()]
    for asset, _ in found:
        asset.webinarKey = asset.webinarKey or webinar
    return found, bool(found) and (number + 1) * size < (page.total or 0)


def _parse_asset(
    target: recording_pb2.Recording, api: Api, asset: Asset, raw: Json | None, *, whole: bool
) -> None:
    own = text(asset.recordingAssetKey)
    target.connection_id = api.call.connection_id
    target.id = f"w:{text(asset.webinarKey) or 0}:{own}"
    target.event_id = text(asset.webinarKey)
    target.title = asset.name or ""
    target.state = _READY
    target.web_url = asset.recordingShareUrl or ""
    created = moment_or_none(asset.createTime)
    if created is not None:
        times.timestamp(target.created_at, created)
    for url, kind in (
        (asset.mp4DownloadUrl, recording_pb2.MEDIA_KIND_VIDEO),
        (asset.transcriptDownloadUrl, recording_pb2.MEDIA_KIND_TRANSCRIPT),
    ):
        if url:
            media = _media(target, url, whole=whole)
            media.kind = kind
            if kind == recording_pb2.MEDIA_KIND_VIDEO:
                media.mime_type = "video/mp4"
    if raw is not None:
        fill_raw(target.raw, _without_links(raw, whole=whole), own)


# -- one


async def get_recording(
    api: Api, request: recording_pb2.GetRecordingRequest
) -> recording_pb2.GetRecordingResponse:
    """GetRecording, with URLs of its files."""
    answer = recording_pb2.GetRecordingResponse()
    target = answer.recording
    of_meeting, of_webinar = _MEETING.fullmatch(request.id), _WEBINAR.fullmatch(request.id)
    if of_meeting is not None:
        found = await _session(api, int(of_meeting[1]), of_meeting[2])
        if found is not None:
            _parse_meeting(target, api, found, raw=request.include_raw, whole=True)
    elif of_webinar is not None:
        asset = await _asset(api, of_webinar[1], of_webinar[2])
        if asset is not None:
            shown = asset[1] if request.include_raw else None
            _parse_asset(target, api, asset[0], shown, whole=True)
    if not target.id:
        raise ProviderError.not_found(RECORDING, request.id)
    return answer


async def _session(api: Api, start: int, session: str) -> Found | None:
    begun = datetime.fromtimestamp(min(start, 4_000_000_000), UTC)
    held = await sessions(api, begun - timedelta(minutes=1), begun + timedelta(minutes=1))
    wanted = [
        each
        for each in held
        if text(each[0].sessionid) == session and _is_asked(each, "", None, None)
    ]
    return wanted[0] if wanted else None


async def _asset(api: Api, webinar: str, key: str) -> tuple[Asset, Json] | None:
    """By its webinar, or, where GoTo told none, by the search."""
    for number in range(_MOST_PAGES):
        if int(webinar):
            found, more = await _of_one(api, webinar, number, MAX_PAGE)
        else:
            found, more = await _search(api, number, MAX_PAGE)
        for asset, raw in found:
            if text(asset.recordingAssetKey) == key:
                return asset, raw
        if not more:
            break
    return None
