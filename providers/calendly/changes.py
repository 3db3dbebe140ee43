"""What changed among scheduled events: a walk through all that are still to come, held to a mark.

Calendly has no filter by change. Each walk reads every event from a day before the last walk on and
compares `updated_at` with the latest one seen. Two minutes before the mark are looked at again, as
writes may become visible late; what was told of them is remembered.

A move makes a new event and cancels the old one (P86). It is told once, as UPDATED of the new event
with `previous_id`; the canceled half, whose invitee names the new one, is not told besides.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from providers.calendly import calendars, events, ids
from providers.calendly.api import MAX_PAGE, Api, Found
from providers.calendly.event_parse import parse_event
from providers.calendly.wire import Event, Invitee
from providers.core import times
from providers.core.call import Call, ChangesPage, ChangesQuery
from providers.core.errors import Kind, ProviderError
from ucal.v1 import event_pb2, types_pb2, watch_pb2

KINDS = frozenset({types_pb2.RESOURCE_KIND_EVENT})
# Events that begin earlier are over: their changes are not followed.
BEHIND = timedelta(days=1)
# An older cursor would make for a walk through too much of the past.
MAX_AGE = timedelta(days=7)
_OVERLAP = 120_000_000
_MAX_PAGES = 100


class Cursor(msgspec.Struct, frozen=True):
    """A point between two walks.

    Attributes:
        at: when the walk before began, seconds.
        mark: microseconds; what was updated before is known.
        seen: `updated_at` in microseconds of what was told from the mark on, by id.
    """

    at: int
    mark: int
    seen: dict[str, int]


def _read(text: str, now: datetime) -> Cursor | None:
    """The inverse of what is written to `ChangesPage.cursor`.

    Raises:
        ProviderError: CURSOR_EXPIRED for one that is too old, or was not made here.
    """
    if not text:
        return None
    try:
        found = msgspec.json.decode(text, type=Cursor)
    except (msgspec.MsgspecError, UnicodeError):
        raise _expired() from None
    if now.timestamp() - found.at > MAX_AGE.total_seconds():
        raise _expired()
    return found


def _expired() -> ProviderError:
    return ProviderError(
        Kind.CURSOR_EXPIRED, "what changed since then cannot be told any more: read all anew"
    )


async def list_changes(api: Api, call: Call, query: ChangesQuery) -> ChangesPage:
    """Everything to come, or what of it changed since the cursor."""
    now = call.now()
    before = _read(query.cursor, now)
    begin = times.EPOCH + timedelta(seconds=before.at) if before else now
    found = await _walk(api, query.calendar_id, begin - BEHIND)
    updated = {ids.tail(each.it.uri): _micros(each.it) for each in found}
    mark = max([before.mark if before else 0, *(u - _OVERLAP for u in updated.values())])
    seen = {own_id: when for own_id, when in updated.items() if when >= mark}
    cursor = Cursor(int(now.timestamp()), mark, seen)
    text = msgspec.json.encode(cursor).decode()
    if query.baseline and before is None:
        return ChangesPage([], text, versions={key: str(u) for key, u in updated.items()})
    if before is None:
        return ChangesPage([_created(call, each, query.include_raw) for each in found], text)
    fresh = [each for each in found if _is_new(each.it, before)]
    return ChangesPage(await _told(api, call, fresh, query.include_raw), text)


def _is_new(event: Event, before: Cursor) -> bool:
    when = _micros(event)
    return when >= before.mark and before.seen.get(ids.tail(event.uri)) != when


def _micros(event: Event) -> int:
    if not event.updated_at:
        return 0
    return (times.parse_rfc3339(event.updated_at) - times.EPOCH) // timedelta(microseconds=1)


async def _walk(api: Api, calendar_id: str, begin: datetime) -> list[Found[Event]]:
    """Every event that begins at `begin` or later, once (P10)."""
    whose = await calendars.resolve(api, calendar_id)
    params: dict[str, str | int | Sequence[str]] = {
        "user": whose.user,
        "min_start_time": times.format_rfc3339(begin),
        "sort": "start_time:asc",
        "count": MAX_PAGE,
    }
    me = await api.me()
    if whose.user != me.user:
        params["organization"] = me.organization
    found: dict[str, Found[Event]] = {}
    for _ in range(_MAX_PAGES):
        page = await api.page(Event, "scheduled_events", params)
        found.update((each.it.uri, each) for each in page.items)
        if not page.following:
            return list(found.values())
        params["page_token"] = page.following
    raise ProviderError(
        Kind.PRECONDITION,
        f"more than {_MAX_PAGES * MAX_PAGE} events are to come: too many to be compared",
        reason="WINDOW_TOO_LARGE",
    )


def _created(call: Call, found: Found[Event], raw: bool) -> watch_pb2.Change:
    change = watch_pb2.Change(
        type=watch_pb2.CHANGE_TYPE_CREATED,
        kind=types_pb2.RESOURCE_KIND_EVENT,
        connection_id=call.connection_id,
    )
    parse_event(change.event, found, call.connection_id, None, raw=raw)
    change.id, change.calendar_id = change.event.id, change.event.calendar_id
    return change


async def _told(
    api: Api, call: Call, fresh: list[Found[Event]], raw: bool
) -> list[watch_pb2.Change]:
    """Changes, with the invitees: only they tell of moves."""
    changes = []
    invitees = await events.invitees_of(api, fresh)
    for found, guests in zip(fresh, invitees, strict=True):
        change = _change(call, found, guests, raw)
        if not change.event.moved_to_id:
            changes.append(change)
    return changes


def _change(
    call: Call, found: Found[Event], guests: list[Found[Invitee]], raw: bool
) -> watch_pb2.Change:
    change = watch_pb2.Change(
        type=watch_pb2.CHANGE_TYPE_UPSERTED,
        kind=types_pb2.RESOURCE_KIND_EVENT,
        connection_id=call.connection_id,
    )
    event = change.event
    parse_event(event, found, call.connection_id, guests, raw=raw)
    change.id, change.calendar_id = event.id, event.calendar_id
    if event.moved_from_id and event.status != event_pb2.EVENT_STATUS_CANCELED:
        change.type = watch_pb2.CHANGE_TYPE_UPDATED
        change.previous_id = event.moved_from_id
    if event.HasField("updated_at"):
        change.changed_at.CopyFrom(event.updated_at)
    return change
