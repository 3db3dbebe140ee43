"""Event types and private links as Links: reading them, and their free slots."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from google.protobuf.duration_pb2 import Duration

from providers.calcom.api import (
    EVENT_TYPES,
    PRIVATE_LINKS,
    SLOTS,
    ask,
    data_of,
    mapping,
    me,
    read,
)
from providers.calcom.link_parse import parse_link, parse_private
from providers.calcom.wire import EventType, PrivateLink, Slot
from providers.core import times
from providers.core.call import Call
from providers.core.errors import Kind, ProviderError
from providers.core.http import Reply
from ucal.v1 import link_pb2

MAX_PAGE = 250
MAX_SLOTS = 1_000
MAX_DAYS = 366
_MAX_DIGITS = 15


def parts(link_id: str) -> tuple[str, str]:
    """Number of the event type, and name of the private link or "".

    Raises:
        ProviderError: NOT_FOUND for what cannot be an id here.
    """
    number, slash, private = link_id.partition("/")
    fits = number.isascii() and number.isdecimal() and len(number) <= _MAX_DIGITS
    named = private.isascii() and private.isalnum() and len(private) <= 200
    if not fits or bool(slash) != named:
        raise ProviderError.not_found("link", link_id)
    return number, private


async def list_links(call: Call, request: link_pb2.ListLinksRequest) -> link_pb2.ListLinksResponse:
    """ListLinks: event types by number. They come at once; pages are cut from them."""
    after = _after(request.page_token)
    account = await me(call)
    # Without a name, older servers answer with an empty list.
    params = [("username", account.username or "")]
    reply = await ask(call, "GET", "event-types", version=EVENT_TYPES, params=params)
    rows = []
    for item in data_of(reply, list[msgspec.Raw]):
        found = read(reply, item, EventType)
        wanted = not request.HasField("is_active") or request.is_active is not bool(found.hidden)
        if found.id > after and wanted:
            rows.append((found.id, found, item))
    rows.sort(key=lambda row: row[0])
    size = request.page_size or MAX_PAGE
    answer = link_pb2.ListLinksResponse()
    for _, found, item in rows[:size]:
        raw = mapping(reply, item) if request.include_raw else None
        parse_link(answer.links.add(), found, call.connection_id, raw)
    if len(rows) > size:
        answer.next_page_token = str(rows[size - 1][0])
    return answer


def _after(token: str) -> int:
    if not token:
        return -1
    if token.isascii() and token.isdecimal() and len(token) <= _MAX_DIGITS:
        return int(token)
    raise ProviderError.invalid("page_token", "is none of this list")


async def read_type(call: Call, number: str, link_id: str) -> tuple[Reply, msgspec.Raw, EventType]:
    """An event type, with its JSON.

    Raises:
        ProviderError: NOT_FOUND.
    """
    path = f"event-types/{number}"
    reply = await ask(call, "GET", path, version=EVENT_TYPES, resource=("link", link_id))
    item = data_of(reply, msgspec.Raw)
    if bytes(item).strip() == b"null":
        raise ProviderError.not_found("link", link_id)
    return reply, item, read(reply, item, EventType)


async def read_private(
    call: Call, number: str, name: str
) -> tuple[Reply, msgspec.Raw, PrivateLink]:
    """A private link, with its JSON; Cal.com has only the list of them.

    Raises:
        ProviderError: NOT_FOUND.
    """
    link_id = f"{number}/{name}"
    path = f"event-types/{number}/private-links"
    reply = await ask(call, "GET", path, version=PRIVATE_LINKS, resource=("link", link_id))
    for item in data_of(reply, list[msgspec.Raw]):
        found = read(reply, item, PrivateLink)
        if found.linkId == name:
            return reply, item, found
    raise ProviderError.not_found("link", link_id)


async def get_link(call: Call, request: link_pb2.GetLinkRequest) -> link_pb2.GetLinkResponse:
    """GetLink."""
    answer = link_pb2.GetLinkResponse()
    await fill_link(answer.link, call, request.id, raw=request.include_raw)
    return answer


async def fill_link(target: link_pb2.Link, call: Call, link_id: str, *, raw: bool = False) -> None:
    """Read a link into `target`."""
    number, private = parts(link_id)
    reply, item, found = await read_type(call, number, link_id)
    shown: dict[str, Any] | None = None
    if not private:
        shown = mapping(reply, item) if raw else None
        parse_link(target, found, call.connection_id, shown)
        return
    reply, item, own = await read_private(call, number, private)
    shown = mapping(reply, item) if raw else None
    parse_private(target, own, found, call.connection_id, shown)


async def list_link_slots(
    call: Call, request: link_pb2.ListLinkSlotsRequest
) -> link_pb2.ListLinkSlotsResponse:
    """ListLinkSlots. A page token holds the start of the last slot that was told."""
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
    number, _ = parts(request.link_id)
    after = _after_slot(request.page_token)
    params = [
        ("eventTypeId", number),
        ("start", times.format_rfc3339(low.replace(microsecond=0))),
        ("end", times.format_rfc3339(high)),
        ("timeZone", "UTC"),
        ("format", "range"),
    ]
    if request.HasField("duration"):
        params.append(("duration", str(minutes(request.duration, "duration"))))
    resource = ("link", request.link_id)
    reply = await ask(call, "GET", "slots", version=SLOTS, params=params, resource=resource)
    days = data_of(reply, dict[str, list[Slot]])
    rows = _slots([slot for day in days.values() for slot in day], low, high)
    rows = [row for row in rows if after is None or row[0] > after]
    size = request.page_size or MAX_SLOTS
    answer = link_pb2.ListLinkSlotsResponse()
    for start, slot in rows[:size]:
        found = answer.slots.add(places_left=max(0, slot.seatsRemaining or 0))
        times.timestamp(found.start_at, start)
        if slot.end:
            times.timestamp(found.end_at, times.parse_rfc3339(slot.end))
    if len(rows) > size:
        answer.next_page_token = times.format_rfc3339(rows[size - 1][0])
    return answer


def _after_slot(token: str) -> datetime | None:
    try:
        return times.parse_rfc3339(token) if token else None
    except ProviderError:
        raise ProviderError.invalid("page_token", "is none of this list") from None


def _slots(found: Sequence[Slot], low: datetime, high: datetime) -> list[tuple[datetime, Slot]]:
    """Slots that begin in [low, high), once each, in order."""
    rows = {times.parse_rfc3339(slot.start): slot for slot in found}
    return sorted(
        ((start, slot) for start, slot in rows.items() if low <= start < high),
        key=lambda row: row[0],
    )


def minutes(length: Duration, field: str, *, least: int = 1) -> int:
    """A length as Cal.com counts them.

    Raises:
        ProviderError: INVALID when it is not whole minutes, from `least` up.
    """
    if length.seconds % 60 or length.nanos or not least * 60 <= length.seconds <= 366 * 86_400:
        raise ProviderError.invalid(field, f"must be whole minutes, {least} at least")
    return length.seconds // 60
