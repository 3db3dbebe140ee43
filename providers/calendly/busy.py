"""Busy time: bookings, and what Calendly reads from the calendars that it checks for conflicts.

Calendly answers for seven days at a time; longer windows are asked in pieces, of which what lies on
a seam comes twice. Any type of busy time that it may invent counts as busy.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from google.rpc import code_pb2, status_pb2

from providers.calendly import calendars, slots
from providers.calendly.api import Api, read, together
from providers.calendly.wire import BusyTime, Collection
from providers.core import times
from providers.core.call import Call
from providers.core.errors import Kind, ProviderError
from providers.core.raw import fill_raw
from providers.core.wire import decode
from ucal.v1 import busy_pb2

MAX_PAGE = 1_000
_EXTERNAL = "EXTERNAL_CALENDAR_ERROR"
_CAUSES = {
    Kind.NOT_FOUND: (code_pb2.NOT_FOUND, "no such calendar"),
    Kind.FORBIDDEN: (code_pb2.PERMISSION_DENIED, "the user is not of this organization"),
    Kind.INVALID: (code_pb2.INVALID_ARGUMENT, "Calendly does not take this calendar"),
}


@dataclass(frozen=True, slots=True, order=True)
class Block:
    """A span of busy time."""

    start: datetime
    end: datetime
    type: str = ""
    event: str = ""


async def list_busy(
    api: Api, call: Call, request: busy_pb2.ListBusyRequest
) -> busy_pb2.ListBusyResponse:
    """ListBusy, by calendar as asked for, then start."""
    low, high = times.bounds(request.window)
    if low is None or high is None:
        raise ProviderError.invalid("window", "both bounds are required")
    slots.refuse_long(low, high)
    answer = busy_pb2.ListBusyResponse()
    wanted = list(dict.fromkeys(request.calendar_ids)) or [(await api.me()).id]
    found = await _ask_all(api, wanted, low, high, answer)
    rows = [
        (name, block)
        for name in wanted
        for block in (_merged(found.get(name, ())) if request.merge else found.get(name, ()))
    ]
    begin = _place(request.page_token)
    size = min(request.page_size or MAX_PAGE, MAX_PAGE)
    for name, block in rows[begin : begin + size]:
        _fill(answer.busy.add(), name, block, call.connection_id, request.include_raw)
    if begin + size < len(rows):
        answer.next_page_token = str(begin + size)
    return answer


def _place(token: str) -> int:
    if not token:
        return 0
    if not (token.isascii() and token.isdigit() and len(token) < 8):
        raise ProviderError.invalid("page_token", "is none of this list")
    return int(token)


def _fill(target: busy_pb2.Busy, name: str, block: Block, connection_id: str, raw: bool) -> None:
    target.connection_id = connection_id
    target.calendar_id = name
    text = f"{name}\n{block.start.isoformat()}\n{block.end.isoformat()}\n{block.type}"
    target.id = hashlib.sha256(text.encode()).hexdigest()[:32]
    times.set_instant(target.start_at, block.start)
    times.set_instant(target.end_at, block.end)
    target.kind = busy_pb2.BUSY_KIND_BUSY
    if raw:
        shown: dict[str, Any] = {
            "type": block.type,
            "start_time": times.format_rfc3339(block.start),
            "end_time": times.format_rfc3339(block.end),
        }
        if block.event:
            shown["event"] = {"uri": block.event}
        fill_raw(target.raw, shown, target.id)


def _merged(blocks: Iterable[Block]) -> list[Block]:
    """Blocks that overlap or touch, joined; in order."""
    joined: list[Block] = []
    for block in sorted(blocks):
        if joined and block.start <= joined[-1].end:
            joined[-1] = Block(joined[-1].start, max(joined[-1].end, block.end))
        else:
            joined.append(Block(block.start, block.end))
    return joined


# -- asking


async def _ask_all(
    api: Api,
    names: Sequence[str],
    low: datetime,
    high: datetime,
    answer: busy_pb2.ListBusyResponse,
) -> dict[str, list[Block]]:
    """Blocks by calendar; one that cannot be asked is told, and does not spoil the others (P67)."""
    found: dict[str, list[Block]] = {}
    await api.me()
    for name in names:
        try:
            whose = await calendars.resolve(api, name)
            found[name] = await _of_user(api, whose.user, low, high)
        except ProviderError as error:
            status = _status(error)
            if status is None:
                raise
            answer.unreachable[name].CopyFrom(status)
    return found


def _status(error: ProviderError) -> status_pb2.Status | None:
    """What is wrong with one calendar; None when it is wrong with all of them."""
    if error.reason == _EXTERNAL:
        return status_pb2.Status(code=code_pb2.UNAVAILABLE, message=error.message)
    if error.kind not in _CAUSES:
        return None
    code, message = _CAUSES[error.kind]
    return status_pb2.Status(code=code, message=message)


async def _of_user(api: Api, uri: str, low: datetime, high: datetime) -> list[Block]:
    pieces = slots.pieces(low, high)
    answers = await together(_ask(api, uri, start, end) for start, end in pieces)
    blocks = {block for answer in answers for block in answer}
    return sorted(
        block
        for block in blocks
        if block.start < high and (block.end > low or block.start == block.end >= low)
    )


async def _ask(api: Api, uri: str, start: datetime, end: datetime) -> list[Block]:
    params: dict[str, str | int | Sequence[str]] = {
        "user": uri,
        "start_time": times.format_rfc3339(start),
        "end_time": times.format_rfc3339(end),
    }
    # A calendar that is broken stays so until its owner acts: not worth another attempt.
    reply = await api.http.send("GET", "user_busy_times", params=params, expect=(424,))
    if reply.status == 424:
        raise api.http.classify(reply)
    found = [read(reply, text, BusyTime).it for text in decode(reply, Collection).collection]
    return [_block(each) for each in found]


def _block(found: BusyTime) -> Block:
    return Block(
        times.parse_rfc3339(found.start_time),
        times.parse_rfc3339(found.end_time),
        found.type or "",
        (found.event.uri or "") if found.event is not None else "",
    )
