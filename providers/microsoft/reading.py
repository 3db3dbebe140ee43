"""Reading events: lists, windows, one event.

`/events` lists series and single events and knows no window; `/calendarView` lists instances in a
window (learn.microsoft.com/graph/api/user-list-calendarview), which is why a list without expansion
is filtered here (P43). Times are half-open in the contract and not quite so at Graph, so both are
held against the window once more (P31).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from providers.core import recurrence, times
from providers.core.errors import ProviderError
from providers.core.http import Reply
from providers.core.wire import decode
from providers.microsoft import calendars, event_times, pattern_parse
from providers.microsoft.api import Api, calendar_path, event_path, malformed, text_literal
from providers.microsoft.event_parse import MASTER, METADATA_ID, parse_event
from providers.microsoft.wire import Event, Events, RawPage
from ucal.v1 import event_pb2

MAX_PAGE = 1_000
DEFAULT_PAGE = 250
MAX_WINDOW = timedelta(days=1_825)
_TIMES = ("start", "end", "isAllDay", "originalStartTimeZone")

# Fields of the contract and what they are read from: only that is asked for.
SOURCES: Mapping[str, tuple[str, ...]] = {
    "connection_id": (),
    "id": (),
    "calendar_id": (),
    "created_at": ("createdDateTime",),
    "updated_at": ("lastModifiedDateTime",),
    "subject": ("subject",),
    "description": ("body",),
    "start_at": (),
    "end_at": (),
    "timezone": (),
    "status": ("showAs", "responseStatus"),
    "organizer": ("organizer",),
    "attendees": ("attendees", "organizer", "isOrganizer"),
    "location": ("location",),
    "recurring_event_id": (),
    "original_start_at": ("originalStart",),
    "recurrence": ("recurrence",),
    "has_conference": ("isOnlineMeeting", "onlineMeeting", "onlineMeetingUrl"),
    "conference": (
        "isOnlineMeeting",
        "onlineMeeting",
        "onlineMeetingUrl",
        "onlineMeetingProvider",
    ),
    "attachments": ("hasAttachments",),
    "web_url": ("webLink",),
    "ical_uid": ("iCalUId",),
    "etag": (),
    "unknown_fields": ("hasAttachments",),
    "visibility": ("sensitivity",),
    "show_as": ("showAs",),
    "type": (),
    "provider_type": (),
    "reminders": ("isReminderOn", "reminderMinutesBeforeStart"),
    "room_ids": ("attendees",),
    "metadata": (),
    "is_all_day": (),
    "is_exception": (),
    "is_timezone_inferred": ("recurrence",),
    "categories": ("categories",),
    "own_response": ("responseStatus",),
}
READABLE = tuple(name for name in SOURCES if name not in {"connection_id", "id"})
_ALWAYS = ("id", "type", "seriesMasterId", "isCancelled", *_TIMES)
_METADATA = f"singleValueExtendedProperties($filter=id eq '{METADATA_ID}')"
_ATTACHMENTS = "attachments($select=id,name,contentType,size)"
# What only a read of one event can ask for.
_ALONE = ("cancelledOccurrences", "transactionId", "allowNewTimeProposals")
WHOLE = frozenset({"attachments", "cancelled", "metadata"})


def names_of(paths: Sequence[str]) -> list[str]:
    """Fields of the contract that a read mask names; all of them when it names none."""
    names = [path.partition(".")[0] for path in paths]
    if not names or "*" in names or any(name not in SOURCES for name in names):
        return list(SOURCES)
    return names


def selection(names: Iterable[str], *more: str) -> str:
    """`$select` for fields of the contract."""
    wanted = (*_ALWAYS, *(word for name in names for word in SOURCES[name]), *more)
    return ",".join(dict.fromkeys(wanted))


async def list_events(
    api: Api, request: event_pb2.ListEventsRequest
) -> event_pb2.ListEventsResponse:
    """ListEvents. A page may be short, or empty, with a token for the next one."""
    reply = await _list_page(api, request)
    low, high = times.bounds(request.window)
    wanted = Filter(low, high, canceled=request.include_canceled)
    answer = event_pb2.ListEventsResponse()
    link = await fill_page(
        api,
        answer.events,
        reply,
        request.calendar_id,
        wanted,
        metadata="metadata" in names_of(request.read_mask.paths),
        raw=request.include_raw,
    )
    answer.next_page_token = link
    return answer


async def _list_page(api: Api, request: event_pb2.ListEventsRequest) -> Reply:
    resource = ("calendar", request.calendar_id or "primary")
    if request.page_token:
        return await api.send("GET", request.page_token, resource=resource)
    low, high = times.bounds(request.window)
    names = names_of(request.read_mask.paths)
    params: dict[str, str | int] = {"$top": request.page_size or DEFAULT_PAGE}
    if not request.include_raw:
        params["$select"] = selection([*names, "recurrence"])
    if "metadata" in names:
        params["$expand"] = _METADATA
    filters = []
    if request.HasField("updated_after"):
        since = times.format_rfc3339(times.datetime_of(request.updated_after))
        filters.append(f"lastModifiedDateTime ge {since}")
    base = calendar_path(api, request.calendar_id)
    if request.expand_recurring and low is not None and high is not None:
        params |= window_params(low, high)
        params["$orderby"] = "start/dateTime"
        path = f"{base}/calendarView"
    else:
        filters += _window_filters(low, high)
        path = f"{base}/events"
    if filters:
        params["$filter"] = " and ".join(filters)
    return await api.send("GET", path, params=params, resource=resource)


def _window_filters(low: datetime | None, high: datetime | None) -> list[str]:
    """What can be left out by Graph itself: a series is there until it has been looked at here."""
    found = []
    if high is not None:
        found.append(f"start/dateTime lt {text_literal(event_times.utc_text(high))}")
    if low is not None:
        end = f"end/dateTime ge {text_literal(event_times.utc_text(low))}"
        found.append(f"({end} or type eq 'seriesMaster')")
    return found


def window_params(low: datetime, high: datetime) -> dict[str, str | int]:
    """The window of a calendarView.

    Raises:
        ProviderError: INVALID when it is longer than Graph takes.
    """
    if high - low > MAX_WINDOW:
        raise ProviderError.invalid(
            "window", f"Outlook expands at most {MAX_WINDOW.days} days", reason="WINDOW_TOO_LARGE"
        )
    start, end = times.format_rfc3339(low), times.format_rfc3339(high)
    return {"startDateTime": start, "endDateTime": end}


class Filter:
    """What of a page is wanted."""

    def __init__(self, low: datetime | None, high: datetime | None, *, canceled: bool) -> None:
        self.low = low
        self.high = high
        self.canceled = canceled

    def takes(self, found: Event, event: event_pb2.Event) -> bool:
        """Whether the event overlaps the window and is not hidden."""
        if found.isCancelled and not self.canceled:
            return False
        if (self.low is None and self.high is None) or found.start is None or found.end is None:
            return True
        first, last = event_times.moment(found.start), event_times.moment(found.end)
        if self.high is not None and first >= self.high:
            return False
        if self.low is None or last > self.low or first >= self.low:
            return True
        return found.type == MASTER and self._goes_on(found, event, last - first)

    def _goes_on(self, found: Event, event: event_pb2.Event, length: timedelta) -> bool:
        """Whether a series that began before the window has an instance in it (P43)."""
        if self.low is None or pattern_parse.ends_before(found.recurrence, self.low - length):
            return False
        if event.recurrence.inexpressible:
            return True
        far = self.low + timedelta(days=36_500)
        return bool(
            recurrence.occurrences(
                event.recurrence.rules,
                event.start_at,
                self.low - length + timedelta(microseconds=1),
                min(self.high or far, far),
                limit=1,
            )
        )


async def fill_page(
    api: Api,
    target: Any,
    reply: Reply,
    calendar_id: str,
    wanted: Filter,
    *,
    metadata: bool,
    raw: bool,
) -> str:
    """Add the wanted events of one page to `target`; the rest of the list, "" at its end."""
    asked = frozenset({"metadata"} if metadata else ())
    page, pairs = pairs_of(reply, raw=raw)
    zone = await zone_for(api, [event for event, _ in pairs])
    for found, item in pairs:
        event = target.add()
        parse_event(
            event, found, api.connection_id, calendar_id, mailbox_zone=zone, asked=asked, raw=item
        )
        if not wanted.takes(found, event):
            del target[-1]
    return api.relative(page.nextLink, reply) if page.nextLink else ""


def pairs_of(
    reply: Reply, *, raw: bool
) -> tuple[Events | RawPage, list[tuple[Event, dict[str, Any] | None]]]:
    """A page, and its events, each with what it came as where that is wanted."""
    if not raw:
        page = decode(reply, Events)
        return page, [(event, None) for event in page.value]
    rough = decode(reply, RawPage)
    return rough, [(convert(reply, item), item) for item in rough.value]


def convert(reply: Reply, item: dict[str, Any]) -> Event:
    """An event that came as a mapping.

    Raises:
        ProviderError: PROVIDER_FAULT when it is none.
    """
    try:
        return msgspec.convert(item, Event)
    except msgspec.ValidationError:
        raise malformed(reply) from None


async def zone_for(api: Api, events: Sequence[Event]) -> str:
    """The mailbox's zone, where some event is planned in one that nobody knows (P19); else ""."""
    if not any(event_times.is_strange(event) for event in events if event.start is not None):
        return ""
    return await calendars.mailbox_zone(api)


async def get_event(api: Api, request: event_pb2.GetEventRequest) -> event_pb2.GetEventResponse:
    """GetEvent."""
    reply = await read(api, request.calendar_id, request.id, request.read_mask.paths)
    answer = event_pb2.GetEventResponse()
    item = None
    if request.include_raw:
        whole = await api.send("GET", event_path(api, request.calendar_id, request.id))
        item = decode(whole, dict[str, Any])
    await fill_event(api, answer.event, reply, request.calendar_id, item)
    return answer


async def read(api: Api, calendar_id: str, event_id: str, paths: Sequence[str] = ()) -> Reply:
    """The event as Graph has it, with what only a read of one tells.

    Raises:
        ProviderError: NOT_FOUND.
    """
    names = names_of(paths)
    params = {"$select": selection(names, *_ALONE)}
    expand = [_METADATA] if "metadata" in names else []
    expand += [_ATTACHMENTS] if "attachments" in names else []
    if expand:
        params["$expand"] = ",".join(expand)
    path = event_path(api, calendar_id, event_id)
    return await api.send("GET", path, params=params, resource=("event", event_id))


async def fill_event(
    api: Api,
    target: event_pb2.Event,
    reply: Reply,
    calendar_id: str,
    raw: dict[str, Any] | None = None,
) -> Event:
    """The event of a `read` into `target`."""
    found = decode(reply, Event)
    zone = await zone_for(api, [found])
    parse_event(
        target, found, api.connection_id, calendar_id, mailbox_zone=zone, asked=WHOLE, raw=raw
    )
    for file in target.attachments:
        path = event_path(api, calendar_id, found.id)
        file.url = f"{api.http.base_url.rstrip('/')}/{path}/attachments/{file.id}/$value"
    return found
