"""Reading scheduled events.

Calendly filters by the start; the contract's window holds what overlaps it. A booking lasts twelve
hours at most (the longest `duration` of an event type), so the list is asked from twelve hours
before and what ended earlier is left out.
"""

from collections.abc import Sequence
from datetime import timedelta

from providers.calendly import calendars, ids
from providers.calendly.api import MAX_PAGE, Api, Found, Me, together
from providers.calendly.event_parse import OF_INVITEES, parse_event
from providers.calendly.wire import Event, Invitee
from providers.core import times
from providers.core.call import Call
from ucal.v1 import event_pb2, types_pb2

LONGEST = timedelta(minutes=720)
# Groups can be large, and each page of invitees costs a call.
_MAX_INVITEE_PAGES = 10


async def list_events(
    api: Api, call: Call, request: event_pb2.ListEventsRequest
) -> event_pb2.ListEventsResponse:
    """ListEvents, by start."""
    whose = await calendars.resolve(api, request.calendar_id)
    params = _params(request, whose, await api.me())
    page = await api.page(Event, "scheduled_events", params)
    answer = event_pb2.ListEventsResponse(next_page_token=page.following)
    items = [found for found in page.items if _inside(found.it, request.window)]
    wanted = wants_invitees(request.view == event_pb2.EVENT_VIEW_FULL, request.read_mask.paths)
    invitees = await invitees_of(api, items) if wanted else [None] * len(items)
    for found, guests in zip(items, invitees, strict=True):
        parse_event(
            answer.events.add(),
            found,
            call.connection_id,
            guests,
            own=whose.user,
            raw=request.include_raw,
        )
    return answer


def wants_invitees(full: bool, paths: Sequence[str]) -> bool:
    """Whether what is asked for needs a call more for each event."""
    if paths:
        return any(path.partition(".")[0] in (*OF_INVITEES, "*") for path in paths)
    return full


def _params(
    request: event_pb2.ListEventsRequest, whose: Me, me: Me
) -> dict[str, str | int | Sequence[str]]:
    params: dict[str, str | int | Sequence[str]] = {
        "user": whose.user,
        "sort": "start_time:asc",
        "count": request.page_size or MAX_PAGE,
    }
    if whose.user != me.user:
        params["organization"] = me.organization
    low, high = times.bounds(request.window)
    if low is not None:
        params["min_start_time"] = times.format_rfc3339(max(low, times.EPOCH) - LONGEST)
    if high is not None:
        params["max_start_time"] = times.format_rfc3339(high)
    if not request.include_canceled:
        params["status"] = "active"
    if request.page_token:
        params["page_token"] = request.page_token
    return params


def _inside(event: Event, window: types_pb2.TimeRange) -> bool:
    start, end = times.parse_rfc3339(event.start_time), times.parse_rfc3339(event.end_time)
    low, high = times.bounds(window)
    return (high is None or start < high) and (low is None or end > low)


async def get_event(
    api: Api, call: Call, request: event_pb2.GetEventRequest
) -> event_pb2.GetEventResponse:
    """GetEvent."""
    own_id = ids.checked("event", request.id)
    whose = await calendars.resolve(api, request.calendar_id)
    answer = event_pb2.GetEventResponse()
    await read(
        api,
        call,
        answer.event,
        own_id,
        invitees=wants_invitees(True, request.read_mask.paths),
        own=whose.user,
        raw=request.include_raw,
    )
    return answer


async def read(
    api: Api,
    call: Call,
    target: event_pb2.Event,
    own_id: str,
    *,
    invitees: bool = True,
    own: str = "",
    raw: bool = False,
) -> None:
    """One event into an empty `target`."""
    found = await api.one(Event, f"scheduled_events/{own_id}", kind="event", own_id=own_id)
    guests = await invitees_of_one(api, own_id) if invitees else None
    parse_event(target, found, call.connection_id, guests, own=own, raw=raw)


async def invitees_of(api: Api, found: Sequence[Found[Event]]) -> list[list[Found[Invitee]]]:
    """The invitees of each event."""
    return await together(invitees_of_one(api, ids.tail(each.it.uri)) for each in found)


async def invitees_of_one(api: Api, own_id: str) -> list[Found[Invitee]]:
    """The invitees of one event, oldest first."""
    path = f"scheduled_events/{ids.checked('event', own_id)}/invitees"
    params: dict[str, str | int | Sequence[str]] = {
        "sort": "created_at:asc",
        "count": MAX_PAGE,
    }
    found: list[Found[Invitee]] = []
    for _ in range(_MAX_INVITEE_PAGES):
        page = await api.page(Invitee, path, params)
        found += page.items
        if not page.following:
            break
        params["page_token"] = page.following
    return found
