"""What changed: bookings in the order of their last change, told as the contract's changes.

`afterUpdatedAt` and `sortUpdatedAt` make a feed that misses only what users cannot do: bookings are
canceled, never deleted. It is asked from the last change that is known instead of by
offset, for an item that changes moves to the end. A move makes a new booking: it is told as UPDATED
with the id before (P84), and the old one, which says where it went, before it or not at all.

Servers of one's own that are older (state 2025-09) pass the filter over. That is seen by an answer
older than what was asked, and then all bookings from yesterday on are told each time; the service
leaves out what it has told before.
"""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

import msgspec

from providers.calcom import tables
from providers.calcom.api import mapping, site
from providers.calcom.booking_parse import CALENDAR_ID, changed_at, parse_booking
from providers.calcom.calendar_ids import check_calendar
from providers.calcom.walking import EVERY_STATUS, MAX_PAGE, Place, fetch, step
from providers.calcom.wire import Booking
from providers.core import times
from providers.core.call import Call, ChangesPage, ChangesQuery
from providers.core.errors import Kind, ProviderError
from providers.core.http import Reply
from ucal.v1 import types_pb2, watch_pb2

KINDS = frozenset({types_pb2.RESOURCE_KIND_EVENT})
_PAGE = 100
# Changes are stamped when they begin and seen when they end: one may come to light behind another.
_OVERLAP = timedelta(seconds=2)
_SAME_TIME = timedelta(seconds=2)
_MOST_SEEN = 200
_MOST_MOVED = 50
_BEHIND = timedelta(days=1)

Pair: TypeAlias = tuple[Booking, msgspec.Raw]


class Cursor(msgspec.Struct, frozen=True, omit_defaults=True):
    """A point between two requests.

    Attributes:
        begun: when the first round began; what was canceled before is not told.
        walk: where the round goes on that looks at everything; absent when it does not.
        mark: time of the last change that was told.
        seen: digests of what was told just before the mark: times are of milliseconds, and a
            booking may change twice within one.
        moved: uids that were told as the id before of another.
        skip: changes at the mark that are too many for one page.
        blind: the server does not tell changes.
    """

    begun: str = ""
    walk: Place | None = None
    mark: str = ""
    seen: list[str] = []
    moved: list[str] = []
    skip: int = 0
    blind: bool = False

    @staticmethod
    def at(since: str) -> "Cursor":
        """The point at a time by the provider's clock."""
        return Cursor(begun=since, mark=since)

    def text(self) -> str:
        """As text, "" never."""
        return msgspec.json.encode(self).decode()


def read_cursor(text: str) -> Cursor:
    """The inverse of `Cursor.text`; "" is the beginning.

    Raises:
        ProviderError: CURSOR_EXPIRED for what was not made here.
    """
    if not text:
        return Cursor(walk=Place())
    try:
        return msgspec.json.decode(text, type=Cursor)
    except (msgspec.MsgspecError, UnicodeError):
        raise ProviderError(
            Kind.CURSOR_EXPIRED, "the point to go on from cannot be read: read everything anew"
        ) from None


async def list_changes(call: Call, query: ChangesQuery) -> ChangesPage:
    """`Provider.list_changes`. Cal.com has no versions, so a baseline is told as a state."""
    check_calendar(query.calendar_id)
    cursor = read_cursor(query.cursor)
    if cursor.walk is None and cursor.blind:
        cursor = msgspec.structs.replace(cursor, walk=Place())
    if cursor.walk is not None:
        return await _walk(call, query, cursor, cursor.walk)
    return await _follow(call, query, cursor)


async def _walk(call: Call, query: ChangesQuery, cursor: Cursor, place: Place) -> ChangesPage:
    """A page of everything; on a blind server, of everything from yesterday on."""
    low = call.now() - _BEHIND if cursor.blind else None
    found = await step(call, place, MAX_PAGE, status=EVERY_STATUS, low=low)
    begun = cursor.begun or found.place.since
    news = [pair for pair in found.found if _is_news(pair[0], begun)]
    changes, moved = _told(call, query, found.reply, news, cursor)
    mark = cursor.mark or ("" if found.next else begun)
    after = msgspec.structs.replace(cursor, begun=begun, walk=found.next, mark=mark, moved=moved)
    return ChangesPage(changes, after.text(), found.next is not None)


async def _follow(call: Call, query: ChangesQuery, cursor: Cursor) -> ChangesPage:
    """What changed since the mark."""
    asked = times.parse_rfc3339(cursor.mark) - _OVERLAP
    params = [
        ("status", EVERY_STATUS),
        ("afterUpdatedAt", times.format_rfc3339(asked)),
        ("sortUpdatedAt", "asc"),
        ("take", str(_PAGE)),
    ]
    if cursor.skip:
        params.append(("skip", str(cursor.skip)))
    reply, items, more = await fetch(call, params)
    if any((changed_at(booking) or asked) < asked - _OVERLAP for booking, _ in items):
        blind = msgspec.structs.replace(cursor, blind=True, walk=Place(), skip=0, seen=[])
        return ChangesPage([], blind.text(), has_more=True)
    seen = set(cursor.seen)
    fresh = [pair for pair in items if _digest(pair[1]) not in seen]
    news = [pair for pair in fresh if _is_news(pair[0], cursor.begun)]
    changes, moved = _told(call, query, reply, news, cursor)
    after = _advanced(cursor, items, more=more, stuck=not fresh)
    after = msgspec.structs.replace(after, moved=moved)
    return ChangesPage(changes, after.text(), more and bool(items))


def _is_news(booking: Booking, begun: str) -> bool:
    """Whether it is worth telling: not if it was canceled before anybody looked."""
    if booking.status not in tables.CANCELED:
        return True
    changed = changed_at(booking)
    return changed is None or not begun or changed >= times.parse_rfc3339(begun)


def _digest(item: msgspec.Raw) -> str:
    return hashlib.sha256(item).hexdigest()[:16]


def _advanced(cursor: Cursor, items: Sequence[Pair], *, more: bool, stuck: bool) -> Cursor:
    """The cursor behind `items`."""
    stamps = [(changed_at(each), _digest(item)) for each, item in items]
    latest = max((when for when, _ in stamps if when is not None), default=None)
    mark = times.parse_rfc3339(cursor.mark)
    if latest is None or (stuck and not more):
        return msgspec.structs.replace(cursor, skip=0)
    skip = cursor.skip + len(items) if stuck else 0
    mark = max(mark, latest)
    near = [stamp for when, stamp in stamps if when is None or when >= mark - _OVERLAP]
    kept = list(dict.fromkeys([*cursor.seen, *near]))[-_MOST_SEEN:]
    return msgspec.structs.replace(cursor, mark=times.format_rfc3339(mark), seen=kept, skip=skip)


def _told(
    call: Call, query: ChangesQuery, reply: Reply, pairs: Sequence[Pair], cursor: Cursor
) -> tuple[list[watch_pb2.Change], list[str]]:
    """Bookings as changes, and the ids that are told as moved away by now.

    Before there is a mark everything is told as it is, and what was moved then is not news.
    """
    moved = list(cursor.moved)
    changes = []
    for booking, item in _old_before_new(pairs):
        if booking.uid in moved:
            continue
        change = _change(call, query, reply, booking, item)
        before = booking.rescheduledFromUid or ""
        if before and cursor.mark and before not in moved and _made_since(booking, cursor.begun):
            change.type, change.previous_id = watch_pb2.CHANGE_TYPE_UPDATED, before
            moved.append(before)
        changes.append(change)
    return changes, moved[-_MOST_MOVED:]


def _old_before_new(pairs: Sequence[Pair]) -> Iterator[Pair]:
    """In order, but for what was moved away: that comes before where it went."""
    waiting = {booking.uid: (booking, item) for booking, item in pairs}
    for booking, item in pairs:
        before = waiting.pop(booking.rescheduledFromUid or "", None)
        if before is not None:
            yield before
        if waiting.pop(booking.uid, None) is not None:
            yield booking, item


def _made_since(booking: Booking, begun: str) -> bool:
    if not booking.createdAt or not begun:
        return True
    return times.parse_rfc3339(booking.createdAt) >= times.parse_rfc3339(begun)


def _change(
    call: Call, query: ChangesQuery, reply: Reply, booking: Booking, item: msgspec.Raw
) -> watch_pb2.Change:
    change = watch_pb2.Change(
        kind=types_pb2.RESOURCE_KIND_EVENT,
        connection_id=call.connection_id,
        id=booking.uid,
        calendar_id=CALENDAR_ID,
        type=_type_of(booking),
    )
    raw = mapping(reply, item) if query.include_raw else None
    parse_booking(change.event, booking, call.connection_id, site(call), raw)
    changed = changed_at(booking)
    if changed is not None:
        times.timestamp(change.changed_at, changed)
    return change


def _type_of(booking: Booking) -> watch_pb2.ChangeType.ValueType:
    """Untouched since it was made, or not."""
    made: datetime | None
    made = times.parse_rfc3339(booking.createdAt) if booking.createdAt else None
    changed = changed_at(booking)
    if made is None or changed is None:
        return watch_pb2.CHANGE_TYPE_UPSERTED
    same = changed - made <= _SAME_TIME
    return watch_pb2.CHANGE_TYPE_CREATED if same else watch_pb2.CHANGE_TYPE_UPDATED
