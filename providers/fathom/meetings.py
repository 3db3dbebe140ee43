"""Reading meetings: pages of the list, and one of them by where its id says it lies."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import msgspec

from providers.core import times
from providers.core.call import Call
from providers.core.cursors import read_cursor, write_cursor
from providers.core.errors import Kind, ProviderError
from providers.core.raw import fill_raw
from providers.core.wire import decode
from providers.fathom.mapping import Id, span
from providers.fathom.wire import Meeting, Page
from ucal.v1 import types_pb2

PAGE = 10
"""Fathom's own page; there is no parameter for another."""
# Meetings are created when they end; one lasts no longer, and processing takes no longer.
_BEFORE = timedelta(days=1)
_AFTER = timedelta(days=2)
_AROUND = timedelta(seconds=2)
# Pages that may be looked through for one meeting: Fathom allows 60 calls a minute.
_MAX_LOOKS = 5

Params: TypeAlias = dict[str, str]


class Cursor(msgspec.Struct, array_like=True):
    """Where a list goes on: in which of Fathom's pages, and behind how many of its meetings."""

    page: str = ""
    skip: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """A meeting as it is read, and as it was sent."""

    meeting: Meeting
    sent: bytes

    def fill_raw(self, target: Any) -> None:
        """Copy what was sent into `target`, a Struct."""
        fill_raw(target, msgspec.json.decode(self.sent), str(self.meeting.recording_id))


def filters(window: types_pb2.TimeRange) -> Params:
    """The window as Fathom can be asked for it: wider, by time of creation."""
    low, high = times.bounds(window)
    found: Params = {}
    if low is not None:
        found["created_after"] = _text(low - _BEFORE)
    if high is not None:
        found["created_before"] = _text(high + _AFTER)
    return found


def _text(when: datetime) -> str:
    return times.format_rfc3339(when)


def within(meeting: Meeting, window: types_pb2.TimeRange, kind: str) -> bool:
    """Whether it overlaps the window; one without times always does."""
    low, high = times.bounds(window)
    start, end = span(meeting, kind)
    if start is None:
        return True
    end = end or start
    before = high is not None and start >= high
    after = low is not None and (end <= low if end > start else end < low)
    return not (before or after)


async def page(call: Call, params: Params, cursor: str) -> tuple[list[Found], str]:
    """One of Fathom's pages, and the cursor of the next; the end is null, or an empty text."""
    asked = {**params, "cursor": cursor} if cursor else params
    reply = await call.http.send("GET", "meetings", params=asked)
    found = decode(reply, Page)
    return [one for item in found.items if (one := _read(item))], found.next_cursor or ""


def _read(item: msgspec.Raw) -> Found | None:
    """One meeting; None for one that is not what the documentation says (P70)."""
    try:
        meeting = msgspec.json.decode(item, type=Meeting)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if not meeting.recording_id or not meeting.created_at:
        return None
    return Found(meeting, bytes(item))


async def listed(
    call: Call, token: str, size: int, params: Params, wanted: Callable[[Meeting], bool]
) -> tuple[list[Found], str]:
    """Up to `size` meetings of one of Fathom's pages that are wanted, and the token of the rest."""
    cursor = read_cursor(token, Cursor)
    found, following = await page(call, params, cursor.page)
    chosen: list[Found] = []
    for index, one in enumerate(found):
        if index < cursor.skip or not wanted(one.meeting):
            continue
        if len(chosen) == (size or PAGE):
            return chosen, write_cursor(Cursor(cursor.page, index))
        chosen.append(one)
    return chosen, write_cursor(Cursor(following)) if following else ""


async def one(call: Call, own: Id, kind: str, params: Params) -> Found:
    """The meeting that `own` names, with what `params` asks to be included.

    Raises:
        ProviderError: NOT_FOUND.
    """
    around = {
        "created_after": _text(own.created - _AROUND),
        "created_before": _text(own.created + _AROUND),
    }
    async for found in _looked_through(call, {**params, **around}):
        if found.meeting.recording_id == own.recording:
            return found
    raise ProviderError.not_found(kind, str(own))


async def _looked_through(call: Call, params: Params) -> AsyncIterator[Found]:
    cursor = ""
    for _ in range(_MAX_LOOKS):
        found, cursor = await page(call, params, cursor)
        for one_of_them in found:
            yield one_of_them
        if not cursor:
            return
    raise ProviderError(
        Kind.PRECONDITION,
        "too many meetings were recorded in the same second to find this one",
        reason="TOO_MANY_MEETINGS",
    )
