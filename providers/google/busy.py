"""ListBusy: Google's free/busy query, in pieces that it takes.

developers.google.com/workspace/calendar/api/v3/reference/freebusy/query: at most fifty calendars in
one query; a window of more than about three months is refused (`timeRangeTooLong`, seen 2026), so
it is asked in pieces of sixty days. Problems of single calendars come inside a success (P67).
"""

import asyncio
import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta

from google.rpc import code_pb2, status_pb2

from providers.core import times
from providers.core.call import Call
from providers.core.errors import Kind, ProviderError
from providers.core.raw import fill_raw
from providers.core.wire import decode
from providers.google import reading, series
from providers.google.api import Api, calendar_path, together
from providers.google.wire import Event, Events, FreeBusyResponse
from ucal.v1 import busy_pb2

MAX_CALENDARS = 50
MAX_WINDOW = timedelta(days=60)
MAX_PAGE = 2_500
# Longest period in one query of events, where those are looked at instead.
_MAX_EVENT_PAGES = 10
_AT_ONCE = 4
_EVENT_FIELDS = (
    "nextPageToken,timeZone,"
    "items(id,status,start,end,transparency,eventType,attendees(self,responseStatus))"
)

Span = tuple[datetime, datetime]


async def list_busy(
    api: Api, call: Call, request: busy_pb2.ListBusyRequest
) -> busy_pb2.ListBusyResponse:
    """ListBusy. A page token holds the place after the last block: calendar, start, end."""
    low, high = times.bounds(request.window)
    if low is None or high is None:
        raise ProviderError.invalid("window", "both bounds are required")
    calendars = list(dict.fromkeys(request.calendar_ids)) or ["primary"]
    after = _read_place(request.page_token)
    calendars_left = calendars[after[0] :] if after else calendars
    counts_unanswered = not request.HasField("include_unanswered") or request.include_unanswered
    ask = _query if counts_unanswered else _from_events
    found, failed = await ask(api, calendars_left, low, high)
    answer = busy_pb2.ListBusyResponse()
    for calendar_id, status in failed.items():
        answer.unreachable[calendar_id].CopyFrom(status)
    size = request.page_size or MAX_PAGE
    for index, calendar_id in enumerate(calendars):
        spans = found.get(calendar_id, [])
        for span in _merged(spans) if request.merge else spans:
            place = (index, _micros(span[0]), _micros(span[1]))
            if after is not None and place <= after:
                continue
            if len(answer.busy) == size:
                answer.next_page_token = _place_of(answer.busy[-1], calendars)
                return answer
            _fill(answer.busy.add(), calendar_id, span, call.connection_id, request.include_raw)
    return answer


def _fill(
    target: busy_pb2.Busy, calendar_id: str, span: Span, connection_id: str, raw: bool
) -> None:
    start, end = span
    target.connection_id = connection_id
    target.calendar_id = calendar_id
    text = f"{calendar_id}\n{_micros(start)}\n{_micros(end)}"
    target.id = hashlib.sha256(text.encode()).hexdigest()[:32]
    times.set_instant(target.start_at, start)
    times.set_instant(target.end_at, end)
    target.kind = busy_pb2.BUSY_KIND_BUSY
    if raw:
        shown = {"start": times.format_rfc3339(start), "end": times.format_rfc3339(end)}
        fill_raw(target.raw, shown, target.id)


# -- places between two pages


def _micros(when: datetime) -> int:
    return int((when - times.EPOCH) / timedelta(microseconds=1))


def _place_of(busy: busy_pb2.Busy, calendars: list[str]) -> str:
    start, end = times.instant(busy.start_at), times.instant(busy.end_at)
    return f"{calendars.index(busy.calendar_id)}.{_micros(start)}.{_micros(end)}"


def _read_place(token: str) -> tuple[int, int, int] | None:
    if not token:
        return None
    try:
        index, start, end = (int(part) for part in token.split("."))
    except ValueError:
        raise ProviderError.invalid("page_token", "is none of this list") from None
    return index, start, end


# -- spans


def _merged(spans: list[Span]) -> list[Span]:
    """Blocks that overlap or touch, joined; in order."""
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined


def _pieces(low: datetime, high: datetime) -> Iterator[Span]:
    while low < high:
        end = min(low + MAX_WINDOW, high)
        yield low, end
        low = end


def _sewn(spans: set[Span], seams: set[datetime]) -> list[Span]:
    """Blocks that were cut where two queries meet, made whole; in order."""
    whole: list[Span] = []
    for start, end in sorted(spans):
        if start in seams and whole and whole[-1][1] == start:
            whole[-1] = whole[-1][0], end
        else:
            whole.append((start, end))
    return whole


# -- free/busy queries

_Answer = tuple[dict[str, list[Span]], dict[str, status_pb2.Status]]


async def _query(api: Api, calendars: list[str], low: datetime, high: datetime) -> _Answer:
    pieces = list(_pieces(low, high))
    batches = [calendars[at : at + MAX_CALENDARS] for at in range(0, len(calendars), MAX_CALENDARS)]
    found: dict[str, set[Span]] = {}
    failed: dict[str, status_pb2.Status] = {}
    gate = asyncio.Semaphore(_AT_ONCE)

    async def ask(batch: list[str], piece: Span) -> None:
        async with gate:
            reply = await api.send(
                "POST",
                "freeBusy",
                json={
                    "timeMin": times.format_rfc3339(piece[0]),
                    "timeMax": times.format_rfc3339(piece[1]),
                    "items": [{"id": each} for each in batch],
                },
                reads=True,
            )
        for calendar_id, shown in decode(reply, FreeBusyResponse).calendars.items():
            if shown.errors:
                failed[calendar_id] = _status(shown.errors[0].reason)
            there = found.setdefault(calendar_id, set())
            there.update(
                (times.parse_rfc3339(each.start), times.parse_rfc3339(each.end))
                for each in shown.busy
            )
        _note_silent(batch, found, failed)

    await together(ask(batch, piece) for batch in batches for piece in pieces)
    seams = {piece[0] for piece in pieces[1:]}
    return {name: _sewn(spans, seams) for name, spans in found.items()}, failed


def _note_silent(
    batch: list[str], found: dict[str, set[Span]], failed: dict[str, status_pb2.Status]
) -> None:
    """A calendar that Google leaves out of its answer is not free."""
    for calendar_id in batch:
        if calendar_id not in found:
            failed[calendar_id] = _status("internalError")


_CAUSES = {
    "notFound": (code_pb2.NOT_FOUND, "no such calendar, or its free/busy time is not shared"),
    "groupTooBig": (code_pb2.INVALID_ARGUMENT, "the group has more members than Google expands"),
    "tooManyCalendarsRequested": (
        code_pb2.INVALID_ARGUMENT,
        "more calendars than Google answers for at once",
    ),
}


def _status(reason: str) -> status_pb2.Status:
    code, text = _CAUSES.get(reason, (code_pb2.UNAVAILABLE, "Google could not tell"))
    return status_pb2.Status(code=code, message=text)


# -- out of events, where unanswered invitations are not to count


async def _from_events(api: Api, calendars: list[str], low: datetime, high: datetime) -> _Answer:
    """Blocks of events that take time and were accepted or are one's own (P65, P66)."""
    found: dict[str, list[Span]] = {}
    failed: dict[str, status_pb2.Status] = {}
    gate = asyncio.Semaphore(_AT_ONCE)

    async def ask(calendar_id: str) -> None:
        try:
            async with gate:
                found[calendar_id] = await _events(api, calendar_id, low, high)
        except ProviderError as error:
            if error.kind not in {Kind.NOT_FOUND, Kind.FORBIDDEN}:
                raise
            failed[calendar_id] = _status("notFound")

    await together(ask(calendar_id) for calendar_id in calendars)
    return found, failed


async def _events(api: Api, calendar_id: str, low: datetime, high: datetime) -> list[Span]:
    params: dict[str, str | int] = {
        "singleEvents": "true",
        "orderBy": "startTime",
        "maxResults": reading.MAX_PAGE,
        "fields": _EVENT_FIELDS,
        "timeMin": times.format_rfc3339(low.replace(microsecond=0)),
        "timeMax": times.format_rfc3339(high),
    }
    spans: list[Span] = []
    for _ in range(_MAX_EVENT_PAGES):
        reply = await api.send(
            "GET",
            f"{calendar_path(calendar_id)}/events",
            params=params,
            resource=("calendar", calendar_id),
        )
        page = decode(reply, Events)
        spans += _taken(page)
        if not page.nextPageToken:
            break
        params["pageToken"] = page.nextPageToken
    return sorted(spans)


def _taken(page: Events) -> Iterator[Span]:
    for event in page.items:
        if not takes_time(event):
            continue
        start, end = series.event_time(event.start), series.event_time(event.end)
        zone = page.timeZone or "UTC"
        yield times.instant(start, zone), times.instant(end, zone)


def takes_time(event: Event) -> bool:
    """Whether the event is busy time of somebody who counts accepted invitations only."""
    if event.status == reading.CANCELLED or event.transparency == "transparent":
        return False
    if event.eventType == "workingLocation" or event.start is None or event.end is None:
        return False
    own = next((guest.responseStatus for guest in event.attendees if guest.self), "accepted")
    return own in {"accepted", "tentative"}
