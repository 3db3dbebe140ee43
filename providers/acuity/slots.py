"""When an appointment type can be booked: days of each month, then the times of each day.

Classes have sessions instead, which come for a range of dates at once. Everything is asked in UTC.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

from providers.acuity import events, links
from providers.acuity.api import Api, number
from providers.acuity.event_parse import minutes
from providers.acuity.wire import AppointmentType, AvailableDate, AvailableTime
from providers.core import times
from providers.core.call import Call
from providers.core.errors import Kind, ProviderError
from ucal.v1 import link_pb2

MAX_PAGE = 500
# A call for each day: more would keep everybody else from asking.
MAX_WINDOW = timedelta(days=62)
_CLASS = "class"


async def list_link_slots(
    api: Api, call: Call, request: link_pb2.ListLinkSlotsRequest
) -> link_pb2.ListLinkSlotsResponse:
    """ListLinkSlots. A page ends where it is full; the next goes on with the slot behind it."""
    number("link", request.link_id)
    kind = await links.read_type(api, request.link_id)
    size = minutes(kind.duration)
    if request.HasField("duration") and request.duration.seconds != 60 * size:
        raise ProviderError.invalid("duration", "Acuity's links have one length")
    low, high = times.bounds(request.window)
    if low is None or high is None:
        raise ProviderError.invalid("window", "both bounds are required")
    low = max(low, call.now(), _begin(request.page_token))
    _refuse_long(low, high)
    most = min(request.page_size or MAX_PAGE, MAX_PAGE)
    answer = link_pb2.ListLinkSlotsResponse()
    last = times.EPOCH
    async for found in _times(api, kind, low, high):
        at = times.parse_rfc3339(found.time)
        # Sessions of one class may begin at the same time in two calendars.
        if not low <= at < high or at == last or found.slotsAvailable == 0:
            continue
        if len(answer.slots) == most:
            answer.next_page_token = times.format_rfc3339(at)
            break
        last = at
        slot = answer.slots.add()
        times.timestamp(slot.start_at, at)
        times.timestamp(slot.end_at, at + timedelta(minutes=size))
        slot.places_left = max(0, found.slotsAvailable or 0)
    return answer


def _begin(token: str) -> datetime:
    """Where the page begins."""
    if not token:
        return times.EPOCH
    try:
        return times.parse_rfc3339(token)
    except ProviderError:
        raise ProviderError.invalid("page_token", "is none of this list") from None


def _refuse_long(low: datetime, high: datetime) -> None:
    if high - low > MAX_WINDOW:
        raise ProviderError(
            Kind.PRECONDITION,
            f"the window is longer than {MAX_WINDOW.days} days: ask for a shorter one",
            reason="WINDOW_TOO_LARGE",
            violations=[("window", f"longer than {MAX_WINDOW.days} days")],
        )


async def _times(
    api: Api, kind: AppointmentType, low: datetime, high: datetime
) -> AsyncIterator[AvailableTime]:
    """Times from `low` to `high` in order, and some around them."""
    if low >= high:
        return
    common: dict[str, str | int | Sequence[str]] = {
        "appointmentTypeID": kind.id,
        "timezone": "UTC",
    }
    if kind.type == _CLASS:
        span = {"minDate": events.day(low), "maxDate": events.day(high)}
        found = await api.all(AvailableTime, "availability/classes", {**common, **span})
        for session in sorted(found, key=lambda each: times.parse_rfc3339(each.it.time)):
            yield session.it
        return
    async for day in _days(api, common, low, high):
        for each in await api.all(
            AvailableTime, "availability/times", {**common, "date": day.isoformat()}
        ):
            yield each.it


async def _days(
    api: Api, common: dict[str, str | int | Sequence[str]], low: datetime, high: datetime
) -> AsyncIterator[date]:
    """Days on which something is free."""
    first, last = low.astimezone(UTC).date(), high.astimezone(UTC).date()
    for month in _months(first, last):
        found = await api.all(AvailableDate, "availability/dates", {**common, "month": month})
        for day in sorted(_date(each.it.date) for each in found):
            if first <= day <= last:
                yield day


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ProviderError(Kind.PROVIDER_FAULT, "the provider sent a date that is none") from None


def _months(first: date, last: date) -> Iterator[str]:
    at = first.replace(day=1)
    while at <= last:
        yield f"{at:%Y-%m}"
        at = (at + timedelta(days=32)).replace(day=1)
