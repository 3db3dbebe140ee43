"""Reading events: lists, one event, instances of a series.

Google's list is half-open as ours is: `timeMin` is exclusive for ends, `timeMax` for starts. A page
may be short, or empty, with a token for the next one (developers.google.com/workspace/calendar/api/
v3/reference/events/list).
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import msgspec

from providers.core import times
from providers.core.call import Call
from providers.core.http import Reply
from providers.core.wire import decode
from providers.google import cursors
from providers.google.api import Api, calendar_path, event_path
from providers.google.event_parse import parse_event
from providers.google.event_times import high_bound, low_bound
from providers.google.wire import Event, Events, RawEvents
from ucal.v1 import event_pb2, types_pb2

MAX_PAGE = 2_500
DEFAULT_PAGE = 250
_YEAR = timedelta(days=365)
CANCELLED = "cancelled"

_GUESTS = (
    "attendees(email,displayName,responseStatus,comment,optional,organizer,self,resource)",
    "attendeesOmitted",
)
_CONFERENCE = (
    "conferenceData(conferenceId,notes,createRequest(conferenceSolutionKey,status),"
    "conferenceSolution(key,name),entryPoints(accessCode,entryPointType,label,meetingCode,"
    "passcode,password,pin,regionCode,uri))"
)
_CALL = (_CONFERENCE, "hangoutLink")
# Fields of the contract and what they are read from: only that is asked for.
SOURCES: Mapping[str, tuple[str, ...]] = {
    "connection_id": (),
    "id": (),
    "calendar_id": (),
    "created_at": ("created",),
    "updated_at": ("updated",),
    "subject": ("summary",),
    "description": ("description",),
    "start_at": ("start",),
    "end_at": ("end",),
    "status": (),
    "organizer": ("organizer",),
    "attendees": _GUESTS,
    "location": ("location",),
    "recurring_event_id": ("recurringEventId",),
    "original_start_at": ("recurringEventId", "originalStartTime"),
    "recurrence": ("recurrence", "start"),
    "has_conference": _CALL,
    "conference": _CALL,
    "attachments": ("attachments(fileId,fileUrl,title,mimeType)",),
    "web_url": ("htmlLink",),
    "ical_uid": ("iCalUID",),
    "etag": ("etag",),
    "unknown_fields": _GUESTS,
    "visibility": ("visibility",),
    "show_as": ("transparency", "eventType"),
    "type": ("eventType",),
    "provider_type": ("eventType",),
    "reminders": ("reminders",),
    "color": ("colorId",),
    "room_ids": _GUESTS,
    "metadata": ("extendedProperties",),
    "is_all_day": ("start",),
    "is_exception": ("recurringEventId", "originalStartTime", "start"),
    "creator": ("creator", "organizer"),
    "sequence": ("sequence",),
    "own_response": _GUESTS,
}
READABLE = tuple(name for name in SOURCES if name not in {"connection_id", "id"})
_ALWAYS = ("id", "status", "recurringEventId")


def event_fields(paths: Sequence[str] = ()) -> str:
    """What to ask of each event, for the fields that a read mask names; all when it names none."""
    names = [path.partition(".")[0] for path in paths]
    if not names or "*" in names or any(name not in SOURCES for name in names):
        names = list(SOURCES)
    wanted = dict.fromkeys((*_ALWAYS, *(word for name in names for word in SOURCES[name])))
    return ",".join(wanted)


ALL_FIELDS = event_fields()


def page_fields(paths: Sequence[str] = ()) -> str:
    """What to ask of a page of events."""
    inside = event_fields(paths) if paths else ALL_FIELDS
    return f"nextPageToken,nextSyncToken,timeZone,items({inside})"


async def list_events(
    api: Api, call: Call, request: event_pb2.ListEventsRequest
) -> event_pb2.ListEventsResponse:
    """ListEvents."""
    params = _list_params(request)
    path = f"{calendar_path(request.calendar_id)}/events"
    reply = await api.send(
        "GET", path, params=params, resource=("calendar", request.calendar_id or "primary")
    )
    answer = event_pb2.ListEventsResponse()
    page = fill_page(
        answer.events,
        reply,
        call.connection_id,
        request.calendar_id,
        expanded=request.expand_recurring,
        canceled=request.include_canceled,
        raw=request.include_raw,
    )
    answer.next_page_token = page.nextPageToken
    if page.nextSyncToken and not _filtered(request):
        answer.resume_token = cursors.Cursor(sync=page.nextSyncToken).text().encode()
    return answer


def _list_params(request: event_pb2.ListEventsRequest) -> dict[str, str | int]:
    params: dict[str, str | int] = {"maxResults": request.page_size or DEFAULT_PAGE}
    if not request.include_raw:
        params["fields"] = page_fields(request.read_mask.paths)
    if request.expand_recurring:
        params |= {"singleEvents": "true", "orderBy": "startTime"}
    if request.include_canceled:
        params["showDeleted"] = "true"
    params |= window_params(request.window)
    if request.HasField("updated_after"):
        params["updatedMin"] = low_bound(request.updated_after)
    if request.query:
        params["q"] = request.query
    if request.page_token:
        params["pageToken"] = request.page_token
    return params


def window_params(window: types_pb2.TimeRange) -> dict[str, str | int]:
    """A window, widened to whole seconds."""
    params: dict[str, str | int] = {}
    if window.HasField("start_at"):
        params["timeMin"] = low_bound(window.start_at)
    if window.HasField("end_at"):
        params["timeMax"] = high_bound(window.end_at)
    return params


def _filtered(request: event_pb2.ListEventsRequest) -> bool:
    """Whether the sync token of this list would tell changes of another scope than a watch's (P03).

    Google bakes a window into the token, and all parameters must stay as they were.
    """
    window = request.window
    return (
        request.expand_recurring
        or bool(request.query)
        or request.HasField("updated_after")
        or window.HasField("start_at")
        or window.HasField("end_at")
    )


def fill_page(
    target: Any,
    reply: Reply,
    connection_id: str,
    calendar_id: str,
    *,
    expanded: bool,
    canceled: bool,
    raw: bool,
) -> Events | RawEvents:
    """Add the events of one page to `target`; cancelled ones only with `canceled`.

    Even with `showDeleted=false` Google lists cancelled instances of series that live, as stubs.
    """
    calendar_id = calendar_id or "primary"
    if raw:
        rough = decode(reply, RawEvents)
        for item in rough.items:
            event = convert(reply, item)
            if canceled or event.status != CANCELLED:
                parse_event(
                    target.add(), event, connection_id, calendar_id, expanded=expanded, raw=item
                )
        return rough
    page = decode(reply, Events)
    add = target.add
    for event in page.items:
        if canceled or event.status != CANCELLED:
            parse_event(add(), event, connection_id, calendar_id, expanded=expanded)
    return page


def convert(reply: Reply, item: dict[str, Any]) -> Event:
    """An event that came as a mapping.

    Raises:
        ProviderError: PROVIDER_FAULT when it is none.
    """
    try:
        return msgspec.convert(item, Event)
    except msgspec.ValidationError:
        raise cursors.malformed(reply) from None


async def get_event(
    api: Api, call: Call, request: event_pb2.GetEventRequest
) -> event_pb2.GetEventResponse:
    """GetEvent. A cancelled event is answered as such as long as Google keeps it."""
    params = {} if request.include_raw else {"fields": event_fields(request.read_mask.paths)}
    reply = await read(api, request.calendar_id, request.id, params)
    answer = event_pb2.GetEventResponse()
    fill_event(answer.event, reply, call.connection_id, request.calendar_id, request.include_raw)
    return answer


async def read(
    api: Api, calendar_id: str, event_id: str, params: Mapping[str, str] | None = None
) -> Reply:
    """The event as Google has it.

    Raises:
        ProviderError: NOT_FOUND.
    """
    return await api.send(
        "GET", event_path(calendar_id, event_id), params=params, resource=("event", event_id)
    )


def fill_event(
    target: event_pb2.Event, reply: Reply, connection_id: str, calendar_id: str, raw: bool = False
) -> Event:
    """The event of an answer into `target`."""
    item = decode(reply, dict[str, Any]) if raw else None
    event = decode(reply, Event)
    parse_event(target, event, connection_id, calendar_id or "primary", expanded=True, raw=item)
    return event


async def list_event_instances(
    api: Api, call: Call, request: event_pb2.ListEventInstancesRequest
) -> event_pb2.ListEventInstancesResponse:
    """ListEventInstances."""
    params: dict[str, str | int] = {"maxResults": request.page_size or DEFAULT_PAGE}
    if not request.include_raw:
        params["fields"] = page_fields(request.read_mask.paths)
    if request.HasField("original_start_at"):
        params["originalStart"] = original_start(request.original_start_at)
        params |= window_params(request.window)
    else:
        params |= window_params(_window_of(call, request))
    if request.include_canceled:
        params["showDeleted"] = "true"
    if request.page_token:
        params["pageToken"] = request.page_token
    path = f"{event_path(request.calendar_id, request.recurring_event_id)}/instances"
    reply = await api.send(
        "GET", path, params=params, resource=("event", request.recurring_event_id)
    )
    answer = event_pb2.ListEventInstancesResponse()
    page = fill_page(
        answer.events,
        reply,
        call.connection_id,
        request.calendar_id,
        expanded=True,
        canceled=request.include_canceled,
        raw=request.include_raw,
    )
    answer.next_page_token = page.nextPageToken
    return answer


def _window_of(call: Call, request: event_pb2.ListEventInstancesRequest) -> types_pb2.TimeRange:
    if request.HasField("window"):
        return request.window
    found = types_pb2.TimeRange()
    times.timestamp(found.start_at, call.now())
    times.timestamp(found.end_at, call.now() + _YEAR)
    return found


def original_start(when: types_pb2.EventTime) -> str:
    """`when` as the parameter `originalStart` takes it: an instant, or a date."""
    if when.WhichOneof("value") == "date":
        return times.date_of(when.date).isoformat()
    return times.format_rfc3339(times.instant(when))
