"""What changed: Google's incremental synchronization, told as the contract's changes.

developers.google.com/workspace/calendar/api/guides/sync. A round without a token lists everything
and ends with a sync token; a round with it lists what changed since. With a token Google takes none
of the filters that a list knows (P03), and all else has to be as in the first round. It may answer
410 at any time, also in the middle of a round: then the cursor is dead (P01).
"""

from collections.abc import Iterable
from typing import Any

from providers.core.call import Call, ChangesPage, ChangesQuery
from providers.core.errors import Kind, ProviderError
from providers.core.http import Reply, facts
from providers.core.wire import decode
from providers.google import cursors
from providers.google.api import Api, calendar_path
from providers.google.calendars import PAGE_FIELDS as CALENDAR_FIELDS
from providers.google.calendars import convert_entry, parse_calendar
from providers.google.cursors import Cursor
from providers.google.event_parse import parse_event
from providers.google.reading import CANCELLED, MAX_PAGE, convert, page_fields
from providers.google.wire import (
    CalendarList,
    CalendarListEntry,
    Event,
    Events,
    RawCalendarList,
    RawEvents,
)
from ucal.v1 import types_pb2, watch_pb2

_CREATED = watch_pb2.CHANGE_TYPE_CREATED
_DELETED = watch_pb2.CHANGE_TYPE_DELETED
# Google does not tell a new event from a changed one.
_UPSERTED = watch_pb2.CHANGE_TYPE_UPSERTED
_CALENDAR = types_pb2.RESOURCE_KIND_CALENDAR
_EVENT = types_pb2.RESOURCE_KIND_EVENT
KINDS = frozenset({_CALENDAR, _EVENT})
_CALENDARS_PAGE = 250
# A stub of a cancelled instance tells at least of what series it was, and when.
_EVENT_FIELDS = page_fields()
_BASELINE_EVENTS = "nextPageToken,nextSyncToken,items(id,etag,status,recurringEventId)"


async def list_changes(api: Api, call: Call, query: ChangesQuery) -> ChangesPage:
    """`Provider.list_changes`.

    Raises:
        ProviderError: CURSOR_EXPIRED on Google's 410, and NOT_FOUND when the calendar is gone.
    """
    cursor = cursors.read(query.cursor)
    if not query.cursor and query.baseline:
        cursor = Cursor(baseline=True)
    if query.kind == _CALENDAR:
        return await _calendars(api, call, query, cursor)
    return await _events(api, call, query, cursor)


def _params(cursor: Cursor, size: int, fields: str) -> dict[str, str | int]:
    params: dict[str, str | int] = {"maxResults": size}
    if fields:
        params["fields"] = fields
    if cursor.sync:
        params["syncToken"] = cursor.sync
    if cursor.page:
        params["pageToken"] = cursor.page
    return params


def _next(cursor: Cursor, page_token: str, sync_token: str, reply: Reply) -> tuple[str, bool]:
    """Where to go on, and whether there is more to be had at once."""
    if page_token:
        return Cursor(cursor.sync, page_token, cursor.baseline).text(), True
    if not sync_token:
        raise cursors.malformed(reply)
    return Cursor(sync_token).text(), False


async def _round(
    api: Api, path: str, cursor: Cursor, params: dict[str, str | int], calendar_id: str
) -> Reply:
    reply = await api.send(
        "GET",
        path,
        params=params,
        resource=("calendar", calendar_id),
        expect=(410,) if cursor.sync else (),
    )
    if reply.status == 410:
        raise ProviderError(
            Kind.CURSOR_EXPIRED,
            "Google no longer knows this point: read everything anew",
            metadata=facts(reply),
        )
    return reply


async def _events(api: Api, call: Call, query: ChangesQuery, cursor: Cursor) -> ChangesPage:
    calendar_id = query.calendar_id or "primary"
    raw = query.include_raw and not cursor.baseline
    fields = _BASELINE_EVENTS if cursor.baseline else _EVENT_FIELDS
    params = _params(cursor, MAX_PAGE, "" if raw else fields)
    reply = await _round(api, f"{calendar_path(calendar_id)}/events", cursor, params, calendar_id)
    page: Events | RawEvents
    pairs: Iterable[tuple[Event, dict[str, Any] | None]]
    if raw:
        page = decode(reply, RawEvents)
        pairs = [(convert(reply, item), item) for item in page.items]
    else:
        page = decode(reply, Events)
        pairs = ((event, None) for event in page.items)
    text, more = _next(cursor, page.nextPageToken, page.nextSyncToken, reply)
    if cursor.baseline:
        return ChangesPage([], text, more, {event.id: event.etag for event, _ in pairs})
    first = not cursor.sync
    found = [_event_change(*pair, call.connection_id, calendar_id, first=first) for pair in pairs]
    return ChangesPage([change for change in found if change is not None], text, more)


def _event_change(
    event: Event, item: dict[str, Any] | None, connection_id: str, calendar_id: str, *, first: bool
) -> watch_pb2.Change | None:
    """One event of a round; None for what was gone before the first one."""
    gone = event.status == CANCELLED and not event.recurringEventId
    if first and gone:
        return None
    change = watch_pb2.Change(
        kind=_EVENT, connection_id=connection_id, id=event.id, calendar_id=calendar_id
    )
    if gone:
        change.type = _DELETED
        return change
    # A cancelled instance can still be read, and whoever expands the series has to know of it.
    change.type = _CREATED if first else _UPSERTED
    parse_event(change.event, event, connection_id, calendar_id, raw=item)
    if change.event.HasField("updated_at"):
        change.changed_at.CopyFrom(change.event.updated_at)
    return change


async def _calendars(api: Api, call: Call, query: ChangesQuery, cursor: Cursor) -> ChangesPage:
    raw = query.include_raw and not cursor.baseline
    params = _params(cursor, _CALENDARS_PAGE, "" if raw else CALENDAR_FIELDS)
    reply = await _round(api, "users/me/calendarList", cursor, params, "")
    page: CalendarList | RawCalendarList
    pairs: Iterable[tuple[CalendarListEntry, dict[str, Any] | None]]
    if raw:
        page = decode(reply, RawCalendarList)
        pairs = [(convert_entry(reply, item), item) for item in page.items]
    else:
        page = decode(reply, CalendarList)
        pairs = ((entry, None) for entry in page.items)
    text, more = _next(cursor, page.nextPageToken, page.nextSyncToken, reply)
    if cursor.baseline:
        return ChangesPage([], text, more, {entry.id: entry.etag for entry, _ in pairs})
    first = not cursor.sync
    found = [_calendar_change(*pair, call.connection_id, first=first) for pair in pairs]
    return ChangesPage([change for change in found if change is not None], text, more)


def _calendar_change(
    entry: CalendarListEntry, item: dict[str, Any] | None, connection_id: str, *, first: bool
) -> watch_pb2.Change | None:
    """One entry of a round. A calendar that the user hides leaves the list, as lists show it."""
    gone = entry.deleted or entry.hidden
    if first and gone:
        return None
    change = watch_pb2.Change(
        kind=_CALENDAR, connection_id=connection_id, id=entry.id, calendar_id=entry.id
    )
    if gone:
        change.type = _DELETED
        return change
    change.type = _CREATED if first else _UPSERTED
    parse_calendar(change.calendar, entry, connection_id, item)
    return change
