"""Instances of one series: ListEventInstances, and finding single ones by their planned start.

learn.microsoft.com/graph/api/event-list-instances. A cancelled instance is not listed.
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from providers.core import times, timezones
from providers.core.call import Call
from providers.core.http import Reply
from providers.core.wire import decode
from providers.microsoft import errors, event_times, reading
from providers.microsoft.api import Api, event_path
from providers.microsoft.event_parse import parse_event
from providers.microsoft.wire import Event, Events
from ucal.v1 import event_pb2

_YEAR = timedelta(days=365)
# How far an instance may lie from its plan without being looked for among the exceptions.
_NEAR = timedelta(days=2)
_MAX_PAGES = 20
_SELECT = reading.selection(reading.SOURCES)


async def list_event_instances(
    api: Api, request: event_pb2.ListEventInstancesRequest
) -> event_pb2.ListEventInstancesResponse:
    """ListEventInstances."""
    if request.HasField("original_start_at"):
        return await _one_planned(api, request)
    low, high = times.bounds(request.window)
    low = low or Call.now()
    high = high or low + _YEAR
    reply = await _page(api, request, low, high)
    answer = event_pb2.ListEventInstancesResponse()
    wanted = reading.Filter(low, high, canceled=request.include_canceled)
    link = await reading.fill_page(
        api,
        answer.events,
        reply,
        request.calendar_id,
        wanted,
        metadata=False,
        raw=request.include_raw,
    )
    answer.next_page_token = link
    return answer


async def _page(
    api: Api, request: event_pb2.ListEventInstancesRequest, low: datetime, high: datetime
) -> Reply:
    resource = ("event", request.recurring_event_id)
    if request.page_token:
        return await api.send("GET", request.page_token, resource=resource)
    params = reading.window_params(low, high)
    params["$top"] = request.page_size or reading.DEFAULT_PAGE
    params["$orderby"] = "start/dateTime"
    if not request.include_raw:
        params["$select"] = reading.selection(reading.names_of(request.read_mask.paths))
    path = f"{event_path(api, request.calendar_id, request.recurring_event_id)}/instances"
    return await api.send("GET", path, params=params, resource=resource)


async def _one_planned(
    api: Api, request: event_pb2.ListEventInstancesRequest
) -> event_pb2.ListEventInstancesResponse:
    answer = event_pb2.ListEventInstancesResponse()
    planned = times.instant(request.original_start_at)
    found = await find(api, request.calendar_id, request.recurring_event_id, planned)
    if found is None:
        return answer
    event = answer.events.add()
    zone = await reading.zone_for(api, [found])
    parse_event(event, found, api.connection_id, request.calendar_id, mailbox_zone=zone)
    low, high = times.bounds(request.window)
    if not reading.Filter(low, high, canceled=request.include_canceled).takes(found, event):
        del answer.events[:]
    return answer


async def find(api: Api, calendar_id: str, master_id: str, planned: datetime) -> Event | None:
    """The instance planned at an instant, wherever it has been moved; None if there is none."""
    near = await between(api, calendar_id, master_id, planned - _NEAR, planned + _NEAR)
    moved = [*near, *await exceptions(api, calendar_id, master_id)]
    return next((each for each in moved if is_planned_at(each, planned)), None)


def is_planned_at(found: Event, planned: datetime) -> bool:
    """Whether an instance is planned at `planned`; days are compared where it lasts all day."""
    if not found.originalStart:
        return False
    when = event_times.instant_of(found.originalStart)
    if found.isAllDay:
        return abs(when - planned) < timedelta(hours=15)
    return when == planned


async def between(
    api: Api, calendar_id: str, master_id: str, low: datetime, high: datetime
) -> list[Event]:
    """Instances of a series in a window."""
    params = reading.window_params(low, high)
    params |= {"$select": _SELECT, "$top": reading.MAX_PAGE}
    path = f"{event_path(api, calendar_id, master_id)}/instances"
    found: list[Event] = []
    for _ in range(_MAX_PAGES):
        reply = await api.send("GET", path, params=params, resource=("event", master_id))
        page = decode(reply, Events)
        found += page.value
        if not page.nextLink:
            break
        path, params = api.relative(page.nextLink, reply), {}
    return found


async def on_days(
    api: Api, calendar_id: str, master_id: str, days: Sequence[date], zone: str
) -> dict[date, Event]:
    """Instances of a series by the days, in its zone, on which they are planned."""
    rules = timezones.zone(zone)
    low = datetime.combine(min(days), time(), tzinfo=rules) - _NEAR
    high = datetime.combine(max(days), time(), tzinfo=rules) + _NEAR
    found: dict[date, Event] = {}
    while low < high:
        end = min(low + reading.MAX_WINDOW, high)
        for each in await between(api, calendar_id, master_id, low, end):
            day = planned_day(each, rules)
            if day is not None:
                found[day] = each
        low = end
    return found


def planned_day(found: Event, zone: ZoneInfo) -> date | None:
    """The day, in the zone of its series, on which an instance is planned."""
    if not found.originalStart:
        return None
    when = event_times.instant_of(found.originalStart)
    return event_times.day_of(when, zone) if found.isAllDay else when.astimezone(zone).date()


async def exceptions(api: Api, calendar_id: str, master_id: str) -> list[Event]:
    """Instances of a series that differ from it."""
    query = f"?{urlencode({'$select': _SELECT})}"
    replies = await exception_replies(api, calendar_id, master_id, query)
    return [decode(each, Event) for each in replies]


async def exception_replies(
    api: Api, calendar_id: str, master_id: str, query: str = ""
) -> list[Reply]:
    """Instances of a series that differ from it, as they come, each read by itself.

    The series tells their ids, and of the rest only what was asked of itself.
    """
    path = event_path(api, calendar_id, master_id)
    params = {"$select": "id,exceptionOccurrences", "$expand": "exceptionOccurrences"}
    reply = await api.send("GET", path, params=params, resource=("event", master_id))
    ids = [each.id for each in decode(reply, Event).exceptionOccurrences or ()]
    paths = [f"{event_path(api, calendar_id, each)}{query}" for each in ids]
    return [each for each in await api.read_many(paths) if _is_there(each)]


def _is_there(reply: Reply) -> bool:
    """Whether an answer inside a batch is one; what is gone meanwhile is left out.

    Raises:
        ProviderError: for any other failure.
    """
    if reply.status == 404:
        return False
    if reply.status != 200:
        raise errors.classify(reply)
    return True
