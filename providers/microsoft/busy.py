"""ListBusy: schedules of people by getSchedule, calendars of the account by their calendarView.

getSchedule (learn.microsoft.com/graph/api/calendar-getschedule) knows addresses only, takes twenty
of them and some weeks at once, and is not there for personal accounts. Problems of single schedules
come inside a success (P67). A calendar of the account is looked through event by event instead,
which needs no more rights and tells which invitations are unanswered.
"""

import asyncio
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec
from google.rpc import code_pb2, status_pb2

from providers.core import times, timezones
from providers.core.errors import Kind, ProviderError
from providers.core.raw import fill_raw
from providers.core.wire import decode
from providers.microsoft import event_times, reading, tables
from providers.microsoft.api import Api, calendar_path
from providers.microsoft.wire import Event, Events, ScheduleInformation, ScheduleItem, Schedules
from ucal.v1 import busy_pb2

MAX_SCHEDULES = 20
# The documentation says less than 42 days in one place and 62 in another.
MAX_WINDOW = timedelta(days=40)
MAX_PAGE = 2_500
_MAX_EVENT_PAGES = 50
_SELECT = reading.selection(("show_as", "own_response"), "isOrganizer")


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A block of time.

    Attributes:
        kind: why it is taken; the gravest of those that were joined.
    """

    start: datetime
    end: datetime
    kind: busy_pb2.BusyKind.ValueType = busy_pb2.BUSY_KIND_UNSPECIFIED
    text: str = field(default="", compare=False)
    raw: dict[str, Any] | None = field(default=None, compare=False)


@dataclass(slots=True)
class _Found:
    """What is known of one calendar."""

    spans: set[Span] = field(default_factory=set)
    zone: str = ""
    problem: status_pb2.Status | None = None


async def list_busy(api: Api, request: busy_pb2.ListBusyRequest) -> busy_pb2.ListBusyResponse:
    """ListBusy. A page token holds the number of the next block."""
    low, high = times.bounds(request.window)
    if low is None or high is None:
        raise ProviderError.invalid("window", "both bounds are required")
    asked = list(dict.fromkeys(request.calendar_ids)) or ["primary"]
    unanswered = not request.HasField("include_unanswered") or request.include_unanswered
    found = await _look(api, asked, low, high, unanswered=unanswered)
    answer = busy_pb2.ListBusyResponse()
    blocks = []
    for calendar_id in asked:
        one = found[calendar_id]
        if one.problem is not None:
            answer.unreachable[calendar_id].CopyFrom(one.problem)
            continue
        spans = merged(one.spans) if request.merge else sorted(one.spans)
        blocks += [(calendar_id, span, one.zone) for span in spans]
    begin = _place(request.page_token)
    end = begin + (request.page_size or MAX_PAGE)
    for calendar_id, span, zone in blocks[begin:end]:
        _fill(answer.busy.add(), api, calendar_id, span, zone=zone, raw=request.include_raw)
    answer.next_page_token = str(end) if end < len(blocks) else ""
    return answer


def _place(token: str) -> int:
    if not token:
        return 0
    if not token.isascii() or not token.isdigit():
        raise ProviderError.invalid("page_token", "is none of this list")
    return int(token)


def _fill(
    target: busy_pb2.Busy, api: Api, calendar_id: str, span: Span, *, zone: str, raw: bool
) -> None:
    target.connection_id = api.connection_id
    target.calendar_id = calendar_id
    text = f"{calendar_id}\n{span.start.isoformat()}\n{span.end.isoformat()}"
    target.id = hashlib.sha256(text.encode()).hexdigest()[:32]
    times.set_instant(target.start_at, span.start)
    times.set_instant(target.end_at, span.end)
    target.timezone = zone
    target.kind = span.kind
    target.description = span.text
    if raw:
        shown = {"start": times.format_rfc3339(span.start), "end": times.format_rfc3339(span.end)}
        fill_raw(target.raw, span.raw or shown, target.id)


def merged(spans: set[Span]) -> list[Span]:
    """Blocks that overlap or touch, joined; in order. Those joined of several kinds are BUSY."""
    joined: list[Span] = []
    for each in sorted(spans):
        last = joined[-1] if joined else None
        if last is None or each.start > last.end:
            joined.append(each)
            continue
        kind = last.kind if last.kind == each.kind else busy_pb2.BUSY_KIND_BUSY
        joined[-1] = Span(last.start, max(last.end, each.end), kind)
    return joined


async def _look(
    api: Api, asked: list[str], low: datetime, high: datetime, *, unanswered: bool
) -> dict[str, _Found]:
    people = [each for each in asked if "@" in each]
    if people and not unanswered:
        raise ProviderError(
            Kind.UNSUPPORTED,
            "Outlook does not tell which invitations other people have answered",
            violations=[("include_unanswered", "cannot be false for addresses")],
            metadata={"capability": "list_busy.include_unanswered"},
        )
    found = {each: _Found() for each in asked}
    async with asyncio.TaskGroup() as group:
        for at in range(0, len(people), MAX_SCHEDULES):
            for first, last in pieces(low, high, MAX_WINDOW):
                batch = people[at : at + MAX_SCHEDULES]
                group.create_task(_schedules(api, batch, first, last, found))
        for each in asked:
            if "@" not in each:
                group.create_task(
                    _calendar(api, each, low, high, found[each], unanswered=unanswered)
                )
    return found


def pieces(low: datetime, high: datetime, step: timedelta) -> Iterator[tuple[datetime, datetime]]:
    """A window in parts."""
    while low < high:
        end = min(low + step, high)
        yield low, end
        low = end


# -- schedules of people


async def _schedules(
    api: Api, batch: list[str], low: datetime, high: datetime, found: dict[str, _Found]
) -> None:
    body = {
        "schedules": batch,
        "startTime": {"dateTime": event_times.utc_text(low), "timeZone": "UTC"},
        "endTime": {"dateTime": event_times.utc_text(high), "timeZone": "UTC"},
        "availabilityViewInterval": 60,
    }
    reply = await api.send("POST", f"{api.me}/calendar/getSchedule", json=body, reads=True)
    by_name = {each.lower(): each for each in batch}
    told = set()
    for schedule in decode(reply, Schedules).value:
        name = by_name.get(schedule.scheduleId.lower())
        if name is not None:
            told.add(name)
            _take(found[name], schedule, low, high)
    for name in set(batch) - told:  # silence is not free time
        found[name].problem = _status("")


def _take(target: _Found, schedule: ScheduleInformation, low: datetime, high: datetime) -> None:
    if schedule.error is not None:
        target.problem = _status(schedule.error.responseCode or "")
        return
    hours = schedule.workingHours
    if hours is not None and hours.timeZone is not None:
        target.zone = timezones.iana_name(hours.timeZone.name or "") or ""
    for item in schedule.scheduleItems or ():
        if item.status in tables.BUSY_KIND and item.start is not None and item.end is not None:
            start, end = event_times.moment(item.start), event_times.moment(item.end)
            if end > low and start < high:
                target.spans.add(_span(item, start, end))


def _span(item: ScheduleItem, start: datetime, end: datetime) -> Span:
    kind = tables.BUSY_KIND[item.status or ""]
    return Span(start, end, kind, item.subject or "", msgspec.to_builtins(item))


_CAUSES = {
    "ErrorMailRecipientNotFound": (code_pb2.NOT_FOUND, "there is no mailbox of this address"),
    "ErrorNoFreeBusyAccess": (code_pb2.PERMISSION_DENIED, "the free/busy time is not shared"),
    "ErrorFreeBusyViewTooBig": (code_pb2.RESOURCE_EXHAUSTED, "there is more than Outlook tells"),
    "5006": (code_pb2.RESOURCE_EXHAUSTED, "there is more than Outlook tells: ask for less time"),
}


def _status(code: str) -> status_pb2.Status:
    number, text = _CAUSES.get(code, (code_pb2.UNAVAILABLE, "Outlook could not tell"))
    return status_pb2.Status(code=number, message=text)


# -- calendars of the account


async def _calendar(
    api: Api, calendar_id: str, low: datetime, high: datetime, target: _Found, *, unanswered: bool
) -> None:
    try:
        for first, last in pieces(low, high, reading.MAX_WINDOW):
            await _view(api, calendar_id, first, last, target, unanswered=unanswered)
    except ProviderError as error:
        if error.kind not in {Kind.NOT_FOUND, Kind.FORBIDDEN, Kind.INVALID}:
            raise
        target.problem = status_pb2.Status(
            code=code_pb2.NOT_FOUND, message="no such calendar, or it is not shared"
        )


async def _view(
    api: Api, calendar_id: str, low: datetime, high: datetime, target: _Found, *, unanswered: bool
) -> None:
    path = f"{calendar_path(api, calendar_id)}/calendarView"
    params = reading.window_params(low, high) | {"$select": _SELECT, "$top": reading.MAX_PAGE}
    for _ in range(_MAX_EVENT_PAGES):
        reply = await api.send("GET", path, params=params)
        page = decode(reply, Events)
        for event in page.value:
            span = taken(event, unanswered=unanswered)
            if span is not None and span.end > low and span.start < high:
                target.spans.add(span)
        if not page.nextLink:
            return
        path, params = api.relative(page.nextLink, reply), {}
    raise ProviderError(
        Kind.PRECONDITION, "there are too many events: ask for less time", reason="WINDOW_TOO_LARGE"
    )


def taken(event: Event, *, unanswered: bool) -> Span | None:
    """The time that an event takes; None when it takes none (P65, P66)."""
    if event.isCancelled or event.start is None or event.end is None:
        return None
    kind = tables.BUSY_KIND.get(event.showAs or "")
    if kind is None:
        return None
    answer = event.responseStatus.response if event.responseStatus is not None else ""
    if answer == "declined" or (
        answer in {"none", "notResponded"} and not _counts(event, unanswered)
    ):
        return None
    return Span(event_times.moment(event.start), event_times.moment(event.end), kind)


def _counts(event: Event, unanswered: bool) -> bool:
    return unanswered or bool(event.isOrganizer)
