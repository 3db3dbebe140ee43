"""Walking through the bookings of an account in order of their start.

Cal.com pages by offset, and offsets shift under writes. The start of a booking never changes (a
move makes a new one), so a page begins at the start where the one before ended, and what that one
held is passed over (P10). `status` is always sent: without it only upcoming bookings come, or none.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

import msgspec

from providers.calcom.api import BOOKINGS, Params, ask, read
from providers.calcom.wire import Booking, Envelope
from providers.core import times
from providers.core.call import Call
from providers.core.errors import ProviderError
from providers.core.http import Reply
from providers.core.wire import decode

EVERY_STATUS = "upcoming,recurring,past,cancelled,unconfirmed"
LIVE_STATUS = "upcoming,recurring,past,unconfirmed"
MAX_PAGE = 250
DEFAULT_PAGE = 100
# No event type is longer, so that whatever overlaps a moment began at most this long before it.
LONGEST = timedelta(hours=24)
_MOST_SEEN = 100


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a walk goes on.

    Attributes:
        after: start of the last booking that was passed; "" at the beginning.
        seen: uids of those with that start that were passed.
        skip: further ones with that start, where they are too many to name.
        since: when the walk began, by the provider's clock.
    """

    after: str = ""
    seen: list[str] = []
    skip: int = 0
    since: str = ""

    def text(self) -> str:
        """As text, "" never."""
        return msgspec.json.encode(self).decode()


@dataclass(frozen=True, slots=True)
class Step:
    """One page.

    Attributes:
        reply: the answer that it was read from.
        found: bookings, each with its JSON.
        next: where to go on; None at the end.
        place: as `next`, also at the end.
    """

    reply: Reply
    found: list[tuple[Booking, msgspec.Raw]]
    next: Place | None
    place: Place


def place_of(token: str) -> Place:
    """The inverse of `Place.text`; "" is the beginning.

    Raises:
        ProviderError: INVALID for what was not made here.
    """
    if not token:
        return Place()
    try:
        return msgspec.json.decode(token, type=Place)
    except (msgspec.MsgspecError, UnicodeError):
        raise ProviderError.invalid("page_token", "is none of this list") from None


async def fetch(
    call: Call, params: Params
) -> tuple[Reply, list[tuple[Booking, msgspec.Raw]], bool]:
    """One page of GET /v2/bookings, and whether there are more of them."""
    reply = await ask(call, "GET", "bookings", version=BOOKINGS, params=params)
    envelope = decode(reply, Envelope)
    items = read(reply, envelope.data, list[msgspec.Raw])
    more = bool(
        (envelope.pagination and envelope.pagination.hasNextPage)
        or (envelope.meta and envelope.meta.hasMore)
    )
    return reply, [(read(reply, item, Booking), item) for item in items], more


async def step(
    call: Call,
    place: Place,
    size: int,
    *,
    status: str,
    low: datetime | None = None,
    params: Params = (),
) -> Step:
    """The next `size` bookings that begin at `low` or later.

    Args:
        params: further filters.
    """
    after = place.after or (times.format_rfc3339(low) if low is not None else "")
    take = min(MAX_PAGE, size + len(place.seen))
    query: list[tuple[str, str]] = [("status", status), ("sortStart", "asc"), ("take", str(take))]
    if after:
        query.append(("afterStart", after))
    if place.skip:
        query.append(("skip", str(place.skip)))
    reply, items, more = await fetch(call, [*query, *params])
    passed = set(place.seen)
    fresh = [pair for pair in _once(items) if pair[0].uid not in passed]
    chosen = fresh[:size]
    more = bool(items) and (more or len(fresh) > len(chosen))
    place = _onward(place, [booking for booking, _ in chosen])
    if not place.since:
        place = msgspec.structs.replace(place, since=server_time(reply))
    return Step(reply, chosen, place if more else None, place)


def _once(items: Sequence[tuple[Booking, msgspec.Raw]]) -> list[tuple[Booking, msgspec.Raw]]:
    return list({booking.uid: (booking, item) for booking, item in items}.values())


def _onward(place: Place, chosen: Sequence[Booking]) -> Place:
    """The place behind `chosen`."""
    if not chosen:
        # All of a page was known: go past it.
        return msgspec.structs.replace(place, skip=place.skip + len(place.seen), seen=[])
    last = times.format_rfc3339(times.parse_rfc3339(chosen[-1].start))
    same = [each.uid for each in chosen if _start(each) == last]
    skip = 0
    if last == place.after:
        same, skip = [*place.seen, *same], place.skip
    if len(same) > _MOST_SEEN:
        same, skip = [], skip + len(same)
    return Place(last, same, skip, place.since)


def _start(booking: Booking) -> str:
    return times.format_rfc3339(times.parse_rfc3339(booking.start))


def server_time(reply: Reply) -> str:
    """When the provider answered, by its own clock where it tells; whole seconds."""
    try:
        when = parsedate_to_datetime(reply.headers.get("date", ""))
    except (ValueError, TypeError):
        when = Call.now()
    if when.tzinfo is None:
        when = Call.now()
    return times.format_rfc3339(when.replace(microsecond=0))


async def between(
    call: Call,
    low: datetime,
    high: datetime,
    keep: Callable[[Booking], None],
    *,
    status: str = LIVE_STATUS,
    most: int = 40,
) -> bool:
    """Hand every booking that may overlap [low, high) to `keep`; False when there were too many."""
    place = Place()
    for _ in range(most):
        found = await step(call, place, MAX_PAGE, status=status, low=low - LONGEST)
        for booking, _ in found.found:
            if times.parse_rfc3339(booking.start) >= high:
                return True
            keep(booking)
        if found.next is None:
            return True
        place = found.next
    return False
