"""Reading bookings: lists, one booking, those of a series.

A series is no object of Cal.com's: its bookings share a `recurringBookingUid`, under which they
come as a list. ListEvents tells them one by one, in order of start; GetEvent of that uid tells the
series.
"""

from datetime import datetime, timedelta
from typing import TypeAlias

import msgspec

from providers.calcom import tables
from providers.calcom.api import BOOKINGS, ask, data_of, mapping, read, site
from providers.calcom.booking_parse import changed_at, parse_booking, parse_series
from providers.calcom.calendar_ids import check_calendar
from providers.calcom.changes import Cursor
from providers.calcom.walking import (
    DEFAULT_PAGE,
    EVERY_STATUS,
    LIVE_STATUS,
    LONGEST,
    Step,
    place_of,
    step,
)
from providers.calcom.wire import Booking
from providers.core import times
from providers.core.call import Call
from providers.core.errors import ProviderError
from providers.core.http import Reply, quote
from ucal.v1 import event_pb2, types_pb2

_YEAR = timedelta(days=365)
Pair: TypeAlias = tuple[Booking, msgspec.Raw]


async def list_events(
    call: Call, request: event_pb2.ListEventsRequest
) -> event_pb2.ListEventsResponse:
    """ListEvents, in order of start."""
    check_calendar(request.calendar_id)
    low, high = times.bounds(request.window)
    params: list[tuple[str, str]] = []
    if request.HasField("updated_after"):
        after = times.datetime_of(request.updated_after)
        params.append(("afterUpdatedAt", times.format_rfc3339(after)))
    found = await step(
        call,
        place_of(request.page_token),
        request.page_size or DEFAULT_PAGE,
        status=EVERY_STATUS if request.include_canceled else LIVE_STATUS,
        low=_low(low),
        params=params,
    )
    answer = event_pb2.ListEventsResponse()
    ended = _fill_page(answer, call, found, request, high)
    if found.next is not None and not ended:
        answer.next_page_token = found.next.text()
    elif low is None and high is None and not params:
        answer.resume_token = Cursor.at(found.place.since).text().encode()
    return answer


def _low(low: datetime | None) -> datetime | None:
    try:
        return None if low is None else low - LONGEST
    except OverflowError:
        return None


def _fill_page(
    answer: event_pb2.ListEventsResponse,
    call: Call,
    found: Step,
    request: event_pb2.ListEventsRequest,
    high: datetime | None,
) -> bool:
    """Add what fits the request; whether the end of the window is reached."""
    where = site(call)
    after = None
    if request.HasField("updated_after"):
        after = times.datetime_of(request.updated_after)
    for booking, item in found.found:
        if high is not None and times.parse_rfc3339(booking.start) >= high:
            return True
        if not request.include_canceled and booking.status in tables.CANCELED:
            continue
        changed = changed_at(booking)
        if after is not None and changed is not None and changed < after:
            continue  # older servers pass the filter over
        raw = mapping(found.reply, item) if request.include_raw else None
        event = answer.events.add()
        parse_booking(event, booking, call.connection_id, where, raw)
        if not times.overlaps(event.start_at, event.end_at, request.window):
            del answer.events[-1]
    return False


async def find(call: Call, own_id: str, calendar_id: str = "") -> tuple[Reply, list[Pair], bool]:
    """What Cal.com has under an id: one booking, or (True) all of a series.

    Raises:
        ProviderError: NOT_FOUND.
    """
    check_calendar(calendar_id)
    reply = await ask(
        call, "GET", booking_path(own_id), version=BOOKINGS, resource=("event", own_id)
    )
    return reply, *several(reply, own_id)


def several(reply: Reply, own_id: str) -> tuple[list[Pair], bool]:
    """The bookings of an answer, and whether they came as a list.

    Raises:
        ProviderError: NOT_FOUND when the list is empty.
    """
    data = data_of(reply, msgspec.Raw)
    if not bytes(data).lstrip().startswith(b"["):
        return [(read(reply, data, Booking), data)], False
    items = read(reply, data, list[msgspec.Raw])
    if not items:
        raise ProviderError.not_found("event", own_id)
    return [(read(reply, item, Booking), item) for item in items], True


def booking_path(own_id: str, action: str = "") -> str:
    """`bookings/<uid>`, and below it."""
    path = f"bookings/{quote(own_id)}"
    return f"{path}/{action}" if action else path


def fill(
    target: event_pb2.Event, call: Call, reply: Reply, own_id: str = "", *, raw: bool = False
) -> None:
    """Write an answer that holds a booking, or a list of them, into `target`."""
    pairs, series = several(reply, own_id)
    fill_found(target, call, (reply, pairs, series), raw=raw)


def fill_found(
    target: event_pb2.Event,
    call: Call,
    found: tuple[Reply, list[Pair], bool],
    own_id: str = "",
    *,
    raw: bool = False,
) -> None:
    """Write what `find` has found into `target`."""
    reply, pairs, series = found
    if not series:
        booking, item = pairs[0]
        shown = mapping(reply, item) if raw else None
        parse_booking(target, booking, call.connection_id, site(call), shown)
        return
    bookings = [booking for booking, _ in pairs]
    named = bookings[0].recurringBookingUid or own_id or bookings[0].uid
    whole = {"bookings": [mapping(reply, item) for _, item in pairs]} if raw else None
    parse_series(target, bookings, named, connection_id=call.connection_id, raw=whole)


async def get_event(call: Call, request: event_pb2.GetEventRequest) -> event_pb2.GetEventResponse:
    """GetEvent."""
    found = await find(call, request.id, request.calendar_id)
    answer = event_pb2.GetEventResponse()
    fill_found(answer.event, call, found, request.id, raw=request.include_raw)
    return answer


async def list_event_instances(
    call: Call, request: event_pb2.ListEventInstancesRequest
) -> event_pb2.ListEventInstancesResponse:
    """ListEventInstances: the bookings of a series. They come at once; pages are cut from them."""
    own_id = request.recurring_event_id
    reply, pairs, series = await find(call, own_id, request.calendar_id)
    if not series:
        raise ProviderError.invalid("recurring_event_id", "names one booking, and no series")
    window = request.window if request.HasField("window") else _coming_year(call)
    place = place_of(request.page_token)
    size = request.page_size or DEFAULT_PAGE
    answer = event_pb2.ListEventInstancesResponse()
    for start, booking, item in sorted(
        ((times.parse_rfc3339(each.start), each, item) for each, item in pairs),
        key=lambda row: (row[0], row[1].uid),
    ):
        key = (times.format_rfc3339(start), booking.uid)
        if place.after and key <= (place.after, place.seen[0] if place.seen else ""):
            continue
        event = event_pb2.Event()
        raw = mapping(reply, item) if request.include_raw else None
        parse_booking(event, booking, call.connection_id, site(call), raw)
        if not _wanted(event, request, window):
            continue
        if len(answer.events) == size:
            last = answer.events[-1]
            before = times.format_rfc3339(times.instant(last.start_at))
            answer.next_page_token = type(place)(before, [last.id]).text()
            break
        answer.events.append(event)
    return answer


def _wanted(
    event: event_pb2.Event,
    request: event_pb2.ListEventInstancesRequest,
    window: types_pb2.TimeRange,
) -> bool:
    if event.status == event_pb2.EVENT_STATUS_CANCELED and not request.include_canceled:
        return False
    if request.HasField("original_start_at"):
        return times.instant(event.start_at) == times.instant(request.original_start_at)
    return times.overlaps(event.start_at, event.end_at, window)


def _coming_year(call: Call) -> types_pb2.TimeRange:
    found = types_pb2.TimeRange()
    times.timestamp(found.start_at, call.now())
    times.timestamp(found.end_at, call.now() + _YEAR)
    return found
