"""ListBusy: of connected calendars as Cal.com tells it, of bookings worked out from them.

GET /v2/calendars/busy-times takes dates and answers blocks that need not say of which calendar they
are, so calendars are asked one by one. Bookings that were written to no calendar are not among
them: those are what the calendar `bookings` tells.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from google.rpc import code_pb2, status_pb2

from providers.calcom import tables, walking
from providers.calcom.api import ask, data_of
from providers.calcom.booking_parse import CALENDAR_ID
from providers.calcom.calendar_ids import connected, is_bookings
from providers.calcom.wire import Booking, BusyTime
from providers.core import times
from providers.core.call import Call
from providers.core.errors import Kind, ProviderError
from providers.core.raw import fill_raw
from ucal.v1 import busy_pb2

MAX_PAGE = 1_000
MAX_DAYS = 366
_AT_ONCE = 4
_BUSY = busy_pb2.BUSY_KIND_BUSY
_TENTATIVE = busy_pb2.BUSY_KIND_TENTATIVE
# Of one calendar: these are its own trouble, anything else is everybody's.
_OWN_TROUBLE: dict[Kind, int] = {
    Kind.NOT_FOUND: code_pb2.NOT_FOUND,
    Kind.FORBIDDEN: code_pb2.PERMISSION_DENIED,
    Kind.INVALID: code_pb2.INVALID_ARGUMENT,
    Kind.PROVIDER_FAULT: code_pb2.INTERNAL,
    Kind.PRECONDITION: code_pb2.FAILED_PRECONDITION,
}
_OUTAGES: dict[Kind, int] = {
    Kind.UNAVAILABLE: code_pb2.UNAVAILABLE,
    Kind.TIMEOUT: code_pb2.DEADLINE_EXCEEDED,
}


@dataclass(frozen=True, order=True, slots=True)
class Block:
    """A block of busy time; start, end aware, UTC."""

    start: datetime
    end: datetime
    kind: busy_pb2.BusyKind.ValueType = field(default=_BUSY)


async def list_busy(call: Call, request: busy_pb2.ListBusyRequest) -> busy_pb2.ListBusyResponse:
    """ListBusy. A page token holds how many blocks were told."""
    low, high = times.bounds(request.window)
    if low is None or high is None:
        raise ProviderError.invalid("window", "both bounds are required")
    if high - low > timedelta(days=MAX_DAYS):
        raise ProviderError(
            Kind.PRECONDITION,
            f"the window is longer than {MAX_DAYS} days: ask for a shorter one",
            reason="WINDOW_TOO_LARGE",
            violations=[("window", f"longer than {MAX_DAYS} days")],
        )
    done = _done(request.page_token)
    names = list(dict.fromkeys(request.calendar_ids)) or [CALENDAR_ID]
    pending = not request.HasField("include_unanswered") or request.include_unanswered
    found = await _ask_all(call, names, low, high, pending=pending)
    answer = busy_pb2.ListBusyResponse()
    rows: list[tuple[str, Block]] = []
    for name, blocks in zip(names, found, strict=True):
        if isinstance(blocks, ProviderError):
            answer.unreachable[name].CopyFrom(_status(blocks))
        else:
            kept = sorted({each for each in blocks if each.end > low and each.start < high})
            rows += [(name, each) for each in (_merged(kept) if request.merge else kept)]
    end = done + (request.page_size or MAX_PAGE)
    for name, block in rows[done:end]:
        _fill(answer.busy.add(), call, name, block, raw=request.include_raw)
    if end < len(rows):
        answer.next_page_token = str(end)
    return answer


def _done(token: str) -> int:
    if not token:
        return 0
    if token.isascii() and token.isdecimal() and len(token) < 9:
        return int(token)
    raise ProviderError.invalid("page_token", "is none of this list")


async def _ask_all(
    call: Call, names: Sequence[str], low: datetime, high: datetime, *, pending: bool
) -> list[list[Block] | ProviderError]:
    """Blocks of each calendar, or its own trouble.

    Raises:
        ProviderError: trouble that is not of one calendar alone.
    """
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(name: str) -> list[Block] | ProviderError:
        async with gate:
            try:
                if is_bookings(name):
                    return await _of_bookings(call, low, high, pending=pending)
                return await _of_connected(call, name, low, high)
            except ProviderError as error:
                return error

    found = await asyncio.gather(*(one(name) for name in names))
    some = any(not isinstance(each, ProviderError) for each in found)
    for each in found:
        if isinstance(each, ProviderError) and not _is_own(each, some=some):
            raise each
    return found


def _is_own(error: ProviderError, *, some: bool) -> bool:
    """Whether it is the trouble of one calendar; a product behind Cal.com may be down alone."""
    return error.kind in _OWN_TROUBLE or (some and error.kind in _OUTAGES)


async def _of_bookings(call: Call, low: datetime, high: datetime, *, pending: bool) -> list[Block]:
    found: list[Block] = []

    def keep(booking: Booking) -> None:
        if booking.status in tables.CANCELED:
            return
        waits = booking.status == tables.PENDING
        if pending or not waits:
            start, end = times.parse_rfc3339(booking.start), times.parse_rfc3339(booking.end)
            found.append(Block(start, end, _TENTATIVE if waits else _BUSY))

    if not await walking.between(call, low, high, keep):
        raise ProviderError(
            Kind.PRECONDITION,
            "the window holds too many bookings: ask for a shorter one",
            reason="WINDOW_TOO_LARGE",
        )
    return found


async def _of_connected(call: Call, name: str, low: datetime, high: datetime) -> list[Block]:
    """Whole days of UTC that cover the window."""
    parts = connected(name)
    if parts is None:
        raise ProviderError.not_found("calendar", name)
    credential, external = parts
    params = [
        ("timeZone", "UTC"),
        ("loggedInUsersTz", "UTC"),  # the name that older servers know
        ("dateFrom", low.date().isoformat()),
        ("dateTo", (high + timedelta(days=1)).date().isoformat()),
        ("calendarsToLoad[0][credentialId]", credential),
        ("calendarsToLoad[0][externalId]", external),
    ]
    reply = await ask(
        call, "GET", "calendars/busy-times", params=params, resource=("calendar", name)
    )
    return [
        Block(times.parse_rfc3339(each.start), times.parse_rfc3339(each.end))
        for each in data_of(reply, list[BusyTime])
    ]


def _status(error: ProviderError) -> status_pb2.Status:
    code = (_OWN_TROUBLE | _OUTAGES)[error.kind]
    return status_pb2.Status(code=code, message=error.message)


def _merged(blocks: Sequence[Block]) -> list[Block]:
    """Blocks that overlap or touch, joined; what is sure outweighs what is not."""
    joined: list[Block] = []
    for each in blocks:
        if joined and each.start <= joined[-1].end:
            last = joined[-1]
            kind = _BUSY if _BUSY in (each.kind, last.kind) else _TENTATIVE
            joined[-1] = Block(last.start, max(last.end, each.end), kind)
        else:
            joined.append(each)
    return joined


def _fill(target: busy_pb2.Busy, call: Call, name: str, block: Block, *, raw: bool) -> None:
    target.connection_id = call.connection_id
    target.calendar_id = name
    start, end = times.format_rfc3339(block.start), times.format_rfc3339(block.end)
    target.id = hashlib.sha256(f"{name}\n{start}\n{end}".encode()).hexdigest()[:32]
    times.set_instant(target.start_at, block.start)
    times.set_instant(target.end_at, block.end)
    target.timezone = "UTC"
    target.kind = block.kind
    if raw:
        fill_raw(target.raw, {"start": start, "end": end}, target.id)
