"""What changed: Graph's delta of a calendar's events, told as the contract's changes.

learn.microsoft.com/graph/api/event-delta. The delta of `/events` has no window, so nothing leaves
it but by deletion (P05); it tells series, single events and exceptions. That an occurrence was
cancelled shows as a change of its series and nowhere else (P06): changed series are read alone, and
come with the days that do not take place in `recurrence.excluded`. Links are followed as they are,
never begun anew (P07); a dead one is CURSOR_EXPIRED (P08).
"""

from typing import Any
from urllib.parse import urlencode

import msgspec

from providers.core.call import ChangesPage, ChangesQuery
from providers.core.errors import Kind, ProviderError
from providers.core.http import Reply
from providers.core.wire import decode
from providers.microsoft import errors, reading
from providers.microsoft.api import Api, calendar_path, event_path, malformed
from providers.microsoft.event_parse import MASTER, OCCURRENCE, parse_event
from providers.microsoft.wire import Event, Removed
from ucal.v1 import types_pb2, watch_pb2

_CREATED = watch_pb2.CHANGE_TYPE_CREATED
_DELETED = watch_pb2.CHANGE_TYPE_DELETED
# A new event and a changed one look the same.
_UPSERTED = watch_pb2.CHANGE_TYPE_UPSERTED
_EVENT = types_pb2.RESOURCE_KIND_EVENT
KINDS = frozenset({_EVENT})
_PAGE = "odata.maxpagesize=200"


class Cursor(msgspec.Struct, frozen=True, omit_defaults=True):
    """A point between two requests.

    Attributes:
        link: nextLink or deltaLink, below the API's root; "" at the beginning.
        first: in the first round, which tells everything there is.
        baseline: the round only finds out what is there.
    """

    link: str = ""
    first: bool = False
    baseline: bool = False

    def text(self) -> str:
        """The cursor as text, "" never."""
        return msgspec.json.encode(self).decode()


def _read(query: ChangesQuery) -> Cursor:
    if not query.cursor:
        return Cursor(first=True, baseline=query.baseline)
    try:
        return msgspec.json.decode(query.cursor, type=Cursor)
    except (msgspec.MsgspecError, UnicodeError):
        raise _expired() from None


def _expired() -> ProviderError:
    return ProviderError(
        Kind.CURSOR_EXPIRED, "Microsoft no longer knows this point: read everything anew"
    )


async def list_changes(api: Api, query: ChangesQuery) -> ChangesPage:
    """`Provider.list_changes`.

    Raises:
        ProviderError: CURSOR_EXPIRED when Graph has forgotten the link; NOT_FOUND when the calendar
            is gone.
    """
    cursor = _read(query)
    path = cursor.link or f"{calendar_path(api, query.calendar_id)}/events/delta"
    resource = ("calendar", query.calendar_id or "primary")
    reply = await api.send(
        "GET", path, prefer=(_PAGE,), resource=resource, expect=(410,) if cursor.link else ()
    )
    if reply.status == 410:
        raise errors.classify(reply)
    raw = query.include_raw and not cursor.baseline
    page, pairs = reading.pairs_of(reply, raw=raw)
    link = page.nextLink or page.deltaLink
    if not link:
        raise malformed(reply)
    more = bool(page.nextLink)
    first = cursor.first and more
    after = Cursor(api.relative(link, reply), first=first, baseline=cursor.baseline and more)
    newest = {event.id: (event, item) for event, item in pairs}
    if cursor.baseline:
        versions = {own_id: event.etag for own_id, (event, _) in newest.items() if _told(event)}
        return ChangesPage([], after.text(), more, versions)
    if not cursor.first:
        newest = await _completed(api, query.calendar_id, newest, raw=raw)
    zone = await reading.zone_for(api, [event for event, _ in newest.values()])
    changes = [
        _change(event, item, api, query.calendar_id, zone=zone, first=cursor.first)
        for event, item in newest.values()
        if _told(event) or (event.removed is not None and not cursor.first)
    ]
    return ChangesPage(changes, after.text(), more)


def _told(event: Event) -> bool:
    """Whether an event is one of those that lists show; planned occurrences are not."""
    return event.removed is None and event.type != OCCURRENCE


def _change(
    found: Event, item: dict[str, Any] | None, api: Api, calendar_id: str, *, zone: str, first: bool
) -> watch_pb2.Change:
    change = watch_pb2.Change(
        kind=_EVENT,
        connection_id=api.connection_id,
        id=found.id,
        calendar_id=calendar_id or "primary",
    )
    if found.removed is not None:
        change.type = _DELETED
        return change
    change.type = _CREATED if first else _UPSERTED
    asked = frozenset({"cancelled"}) if found.cancelledOccurrences is not None else frozenset[str]()
    parse_event(
        change.event,
        found,
        api.connection_id,
        calendar_id,
        mailbox_zone=zone,
        asked=asked,
        raw=item,
    )
    if change.event.HasField("updated_at"):
        change.changed_at.CopyFrom(change.event.updated_at)
    return change


_Pairs = dict[str, tuple[Event, dict[str, Any] | None]]


async def _completed(api: Api, calendar_id: str, newest: _Pairs, *, raw: bool) -> _Pairs:
    """Changed series, and what came with too few fields, read alone; what is gone meanwhile."""
    wanted = [
        own_id
        for own_id, (event, _) in newest.items()
        if event.removed is None and (event.type == MASTER or _is_thin(event))
    ]
    replies = await api.read_many([_whole(api, calendar_id, own_id) for own_id in wanted])
    found = dict(newest)
    for own_id, reply in zip(wanted, replies, strict=True):
        found[own_id] = _answered(own_id, reply, newest[own_id][1], raw=raw)
    return found


def _is_thin(event: Event) -> bool:
    """Views have been seen to tell ids and times alone."""
    return event.start is None or (event.subject is None and event.lastModifiedDateTime is None)


def _whole(api: Api, calendar_id: str, event_id: str) -> str:
    select = reading.selection(reading.SOURCES, "cancelledOccurrences")
    return f"{event_path(api, calendar_id, event_id)}?{urlencode({'$select': select})}"


def _answered(
    own_id: str, reply: Reply, item: dict[str, Any] | None, *, raw: bool
) -> tuple[Event, dict[str, Any] | None]:
    if reply.status == 404:
        return Event(own_id, removed=Removed()), None
    if reply.status != 200:
        raise errors.classify(reply)
    event = decode(reply, Event)
    if event.type == MASTER and event.cancelledOccurrences is None:
        event.cancelledOccurrences = []
    return event, (decode(reply, dict[str, Any]) | (item or {}) if raw else None)
