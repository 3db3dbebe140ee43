"""Busy time: appointments and blocks. Acuity has no call for it.

What Acuity reads from calendars elsewhere is not visible over its API. A block that repeats is told
once: the rule by which it does is not documented.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from google.rpc import code_pb2, status_pb2

from providers.acuity import calendars, events
from providers.acuity.api import Api, Found, place
from providers.acuity.event_parse import length, starts
from providers.acuity.wire import Appointment, Block, Calendar
from providers.core import times, timezones
from providers.core.call import Call
from providers.core.errors import Kind, ProviderError
from providers.core.raw import fill_raw
from ucal.v1 import busy_pb2

MAX_PAGE = 1_000
_MAX_WINDOW = timedelta(days=366)
_MAX_BLOCKS = 10_000


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Time that is taken."""

    start: datetime
    end: datetime
    id: str
    found: Found[Appointment] | Found[Block] | None = field(compare=False, default=None)


async def list_busy(
    api: Api, call: Call, request: busy_pb2.ListBusyRequest
) -> busy_pb2.ListBusyResponse:
    """ListBusy, by calendar as asked for, then start."""
    low, high = times.bounds(request.window)
    if low is None or high is None:
        raise ProviderError.invalid("window", "both bounds are required")
    if high - low > _MAX_WINDOW:
        raise ProviderError(
            Kind.PRECONDITION,
            f"the window is longer than {_MAX_WINDOW.days} days: ask for a shorter one",
            reason="WINDOW_TOO_LARGE",
            violations=[("window", f"longer than {_MAX_WINDOW.days} days")],
        )
    known = await calendars.all_calendars(api)
    answer = busy_pb2.ListBusyResponse()
    rows: list[tuple[Calendar, Span]] = []
    for name in dict.fromkeys(request.calendar_ids) or ("",):
        calendar = _choose(known, name, answer)
        if calendar is not None:
            spans = await _spans(api, calendar, low, high)
            rows += [(calendar, each) for each in (_merged(spans) if request.merge else spans)]
    begin = place(request.page_token)
    end = begin + min(request.page_size or MAX_PAGE, MAX_PAGE)
    for calendar, span in rows[begin:end]:
        _fill(answer.busy.add(), calendar, span, call.connection_id, raw=request.include_raw)
    if end < len(rows):
        answer.next_page_token = str(end)
    return answer


def _choose(
    known: list[Found[Calendar]], name: str, answer: busy_pb2.ListBusyResponse
) -> Calendar | None:
    """The calendar; one that is not there is told, and does not spoil the others (P67)."""
    try:
        return calendars.choose(known, name, "calendar_ids").it
    except ProviderError as error:
        if error.kind is not Kind.NOT_FOUND:
            raise
        status = status_pb2.Status(code=code_pb2.NOT_FOUND, message="no such calendar")
        answer.unreachable[name].CopyFrom(status)
        return None


async def _spans(api: Api, calendar: Calendar, low: datetime, high: datetime) -> list[Span]:
    found: list[Span] = []
    wanted = events.Wanted(calendar.id, low, high)
    after = None
    while True:
        batch = await events.read(api, wanted, events.MAX_PAGE, after)
        found += [_of_appointment(each) for each in batch.items]
        if not batch.more:
            break
        after = events.key_of(batch.items[-1].it)
    found += await _blocks(api, calendar, low, high)
    return sorted(
        span for span in found if span.start < high and (span.end > low or span.start >= low)
    )


def _of_appointment(found: Found[Appointment]) -> Span:
    start = starts(found.it)
    return Span(start, start + length(found.it), f"appt:{found.it.id}", found)


async def _blocks(api: Api, calendar: Calendar, low: datetime, high: datetime) -> list[Span]:
    params: dict[str, str | int | Sequence[str]] = {
        "calendarID": calendar.id,
        # A block may have begun long before, and days are the account's.
        "minDate": events.day(low - events.MARGIN),
        "maxDate": events.day(high + events.DAY),
        "max": _MAX_BLOCKS,
    }
    return [
        Span(
            times.parse_rfc3339(each.it.start),
            times.parse_rfc3339(each.it.end),
            f"block:{each.it.id}",
            each,
        )
        for each in await api.all(Block, "blocks", params)
        if each.it.calendarID == calendar.id
    ]


def _merged(spans: Iterable[Span]) -> list[Span]:
    """Spans that overlap or touch, joined; in order."""
    joined: list[Span] = []
    for span in sorted(spans):
        if joined and span.start <= joined[-1].end:
            first = joined[-1]
            joined[-1] = Span(first.start, max(first.end, span.end), f"{first.id}+")
        else:
            joined.append(span)
    return joined


def _fill(
    target: busy_pb2.Busy, calendar: Calendar, span: Span, connection_id: str, *, raw: bool
) -> None:
    target.connection_id = connection_id
    target.id = span.id
    target.calendar_id = str(calendar.id)
    times.set_instant(target.start_at, span.start)
    times.set_instant(target.end_at, span.end)
    if calendar.timezone and timezones.zone_or_none(calendar.timezone) is not None:
        target.timezone = calendar.timezone
    blocked = span.id.startswith("block:") and not span.id.endswith("+")
    target.kind = busy_pb2.BUSY_KIND_UNAVAILABLE if blocked else busy_pb2.BUSY_KIND_BUSY
    if raw:
        shown = span.found.raw() if span.found is not None else {"merged": True}
        fill_raw(target.raw, shown, span.id)
