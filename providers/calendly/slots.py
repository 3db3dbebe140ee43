"""When an event type can be booked: asked week by week, from now on.

The document of 2024 allows windows of seven days, later pages say 31: seven are right by both.
Calendly tells starts for the type's own duration only.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from providers.calendly import links
from providers.calendly.api import Api, Found
from providers.calendly.wire import AvailableTime, EventType
from providers.core import times
from providers.core.call import Call
from providers.core.errors import Kind, ProviderError
from ucal.v1 import link_pb2

WEEK = timedelta(days=7)
MAX_PAGE = 500
_MAX_WINDOW = timedelta(days=366)
# Calendly refuses a start in the past; requests take time.
_SOON = timedelta(seconds=30)


async def list_link_slots(
    api: Api, call: Call, request: link_pb2.ListLinkSlotsRequest
) -> link_pb2.ListLinkSlotsResponse:
    """ListLinkSlots. A page ends where it is full; the next goes on behind its last slot."""
    kind = (await links.read_type(api, request.link_id)).it
    _check_duration(request, kind)
    low, high = times.bounds(request.window)
    if low is None or high is None:
        raise ProviderError.invalid("window", "both bounds are required")
    low = max(low, call.now() + _SOON, _after(request.page_token))
    refuse_long(low, high)
    size = min(request.page_size or MAX_PAGE, MAX_PAGE)
    answer = link_pb2.ListLinkSlotsResponse()
    length = timedelta(minutes=kind.duration or 0)
    for start, end in pieces(low, high):
        for found in await _ask(api, kind.uri, start, end):
            at = times.parse_rfc3339(found.it.start_time)
            if not low <= at < high:
                continue
            if len(answer.slots) == size:
                answer.next_page_token = times.format_rfc3339(at)
                return answer
            slot = answer.slots.add()
            times.timestamp(slot.start_at, at)
            times.timestamp(slot.end_at, at + length)
            slot.places_left = max(0, found.it.invitees_remaining or 0)
            slot.url = found.it.scheduling_url or ""
    return answer


def _check_duration(request: link_pb2.ListLinkSlotsRequest, kind: EventType) -> None:
    if request.HasField("duration") and request.duration.seconds != 60 * (kind.duration or 0):
        raise ProviderError.invalid(
            "duration", "Calendly lists slots of the link's own duration only"
        )


def _after(token: str) -> datetime:
    """Where the page begins."""
    if not token:
        return times.EPOCH
    try:
        return times.parse_rfc3339(token)
    except ProviderError:
        raise ProviderError.invalid("page_token", "is none of this list") from None


def refuse_long(low: datetime, high: datetime) -> None:
    """Windows cost a call for each week.

    Raises:
        ProviderError: PRECONDITION.
    """
    if high - low > _MAX_WINDOW:
        raise ProviderError(
            Kind.PRECONDITION,
            f"the window is longer than {_MAX_WINDOW.days} days: ask for a shorter one",
            reason="WINDOW_TOO_LARGE",
            violations=[("window", f"longer than {_MAX_WINDOW.days} days")],
        )


def pieces(low: datetime, high: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The window in pieces that Calendly takes."""
    while low < high:
        end = min(low + WEEK, high)
        yield low, end
        low = end


async def _ask(api: Api, uri: str, start: datetime, end: datetime) -> list[Found[AvailableTime]]:
    params: dict[str, str | int | Sequence[str]] = {
        "event_type": uri,
        "start_time": times.format_rfc3339(start),
        "end_time": times.format_rfc3339(end),
    }
    return (await api.page(AvailableTime, "event_type_available_times", params)).items
