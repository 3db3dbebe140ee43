"""Recordings of Cal Video, and the files of their transcripts. They hang on bookings.

Links are signed and short-lived: they are read anew each time, and told with the hour that they are
said to last. `shareToken` would let anybody in: it is handed to nobody (P82).
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import msgspec

from providers.calcom import reading
from providers.calcom.api import BOOKINGS, ask, data_of, mapping, read
from providers.calcom.booking_parse import address_of
from providers.calcom.reading import booking_path
from providers.calcom.wire import Booking, Recording
from providers.core import times
from providers.core.call import Call
from providers.core.errors import Kind, ProviderError
from providers.core.http import Reply
from providers.core.raw import fill_raw
from ucal.v1 import recording_pb2

MAX_PAGE = 100
_LIFE = timedelta(hours=1)
_LAST_SECOND = 253402300799
_HIDDEN = frozenset({"shareToken", "downloadLink"})
_STATES = {
    "finished": recording_pb2.MEDIA_STATE_READY,
    "completed": recording_pb2.MEDIA_STATE_READY,
    "in-progress": recording_pb2.MEDIA_STATE_RECORDING,
    "processing": recording_pb2.MEDIA_STATE_PROCESSING,
    "canceled": recording_pb2.MEDIA_STATE_FAILED,
}
_TYPES = {".vtt": "text/vtt", ".srt": "application/x-subrip", ".json": "application/json"}
_TYPES |= {".txt": "text/plain"}


async def list_recordings(
    call: Call, request: recording_pb2.ListRecordingsRequest
) -> recording_pb2.ListRecordingsResponse:
    """ListRecordings of one booking, by start. They come at once; pages are cut from them."""
    if not request.event_id:
        raise ProviderError.invalid("event_id", "is required: recordings hang on bookings")
    booking = await _booking(call, request.event_id)
    reply, found = await _of_booking(call, request.event_id)
    rows: list[recording_pb2.Recording] = []
    for own, item in found:
        recording = recording_pb2.Recording()
        shown = item if request.include_raw else None
        _fill(recording, call, booking, (reply, own, shown))
        if _inside(recording, request):
            rows.append(recording)
    rows.sort(key=lambda each: (each.start_at.seconds, each.id))
    place = _place(request.page_token)
    end = place + (request.page_size or MAX_PAGE)
    answer = recording_pb2.ListRecordingsResponse(recordings=rows[place:end])
    if end < len(rows):
        answer.next_page_token = str(end)
    return answer


def _place(token: str) -> int:
    if not token:
        return 0
    if token.isascii() and token.isdecimal() and len(token) < 9:
        return int(token)
    raise ProviderError.invalid("page_token", "is none of this list")


async def get_recording(
    call: Call, request: recording_pb2.GetRecordingRequest
) -> recording_pb2.GetRecordingResponse:
    """GetRecording, with the files of the booking's transcripts."""
    uid, slash, name = request.id.partition("/")
    if not (uid and slash and name):
        raise ProviderError.not_found("recording", request.id)
    resource = ("recording", request.id)
    booking = await _booking(call, uid, resource)
    reply, found = await _of_booking(call, uid, resource)
    for own, item in found:
        if own.id == name:
            answer = recording_pb2.GetRecordingResponse()
            shown = item if request.include_raw else None
            _fill(answer.recording, call, booking, (reply, own, shown))
            await _add_transcripts(answer.recording, call, uid)
            return answer
    raise ProviderError.not_found("recording", request.id)


async def _booking(call: Call, uid: str, resource: tuple[str, str] | None = None) -> Booking:
    """The booking that was recorded.

    Raises:
        ProviderError: NOT_FOUND; INVALID for a series, whose bookings are recorded one by one.
    """
    try:
        _, pairs, series = await reading.find(call, uid)
    except ProviderError as error:
        if error.kind is Kind.NOT_FOUND and resource is not None:
            error.resource = resource
        raise
    if series:
        raise ProviderError.invalid("event_id", "names a series: name one of its bookings")
    return pairs[0][0]


async def _of_booking(
    call: Call, uid: str, resource: tuple[str, str] | None = None
) -> tuple[Reply, list[tuple[Recording, msgspec.Raw]]]:
    reply = await ask(
        call,
        "GET",
        booking_path(uid, "recordings"),
        version=BOOKINGS,
        resource=resource or ("event", uid),
    )
    items = data_of(reply, list[msgspec.Raw])
    return reply, [(read(reply, item, Recording), item) for item in items]


def _fill(
    target: recording_pb2.Recording,
    call: Call,
    booking: Booking,
    found: tuple[Reply, Recording, msgspec.Raw | None],
) -> None:
    """Recordings have no title of their own: it is the booking's."""
    reply, own, item = found
    target.connection_id = call.connection_id
    target.id = f"{booking.uid}/{own.id}"
    target.event_id = booking.uid
    target.title = booking.title or ""
    target.ical_uid = booking.icsUid or ""
    for host in (booking.hosts or [])[:1]:
        target.owner.name, target.owner.email = host.name or "", address_of(host)
    start, length = own.startTs or 0, max(0, own.duration or 0)
    if 0 < start <= _LAST_SECOND - length:
        times.timestamp(target.start_at, datetime.fromtimestamp(start, UTC))
        times.timestamp(target.end_at, datetime.fromtimestamp(start + length, UTC))
    target.duration.seconds = min(length, _LAST_SECOND)
    target.state = _STATES.get(own.status or "", recording_pb2.MEDIA_STATE_UNSPECIFIED)
    if own.downloadLink:
        _add_media(target, call, recording_pb2.MEDIA_KIND_VIDEO, own.downloadLink, own.id)
    if item is not None:
        whole = mapping(reply, item)
        shown = {name: value for name, value in whole.items() if name not in _HIDDEN}
        fill_raw(target.raw, shown, own.id)


def _add_media(
    target: recording_pb2.Recording,
    call: Call,
    kind: recording_pb2.MediaKind.ValueType,
    url: str,
    own_id: str,
) -> None:
    media = target.media.add(
        kind=kind,
        url=url,
        id=own_id,
        access=recording_pb2.MEDIA_ACCESS_SIGNED_URL,
        state=recording_pb2.MEDIA_STATE_READY,
    )
    media.mime_type = "video/mp4" if kind == recording_pb2.MEDIA_KIND_VIDEO else _type_of(url)
    times.timestamp(media.expires_at, call.now() + _LIFE)


def _type_of(url: str) -> str:
    try:
        path = urlsplit(url).path.lower()
    except ValueError:
        return ""
    return next((kind for ending, kind in _TYPES.items() if path.endswith(ending)), "")


async def _add_transcripts(target: recording_pb2.Recording, call: Call, uid: str) -> None:
    """Cal.com does not say which recording a transcript is of: they are shown with each."""
    reply = await ask(
        call, "GET", booking_path(uid, "transcripts"), version=BOOKINGS, expect=(404,)
    )
    urls: Sequence[str] = data_of(reply, list[str]) if reply.status < 300 else []
    for index, url in enumerate(urls):
        _add_media(target, call, recording_pb2.MEDIA_KIND_TRANSCRIPT, url, f"transcript-{index}")


def _inside(
    recording: recording_pb2.Recording, request: recording_pb2.ListRecordingsRequest
) -> bool:
    low, high = times.bounds(request.window)
    if not recording.HasField("start_at"):
        return True
    start = times.datetime_of(recording.start_at)
    end = times.datetime_of(recording.end_at)
    if high is not None and start >= high:
        return False
    return low is None or end > low or start >= low
