"""Reading events: lists, single ones, instances of a series."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo

import msgspec

from providers.caldav import resources
from providers.caldav.expanding import (
    MAX_INSTANCES,
    Slot,
    instance,
    occurs,
    overlaps,
    pattern_of,
    slots,
    span,
    too_many,
    yields,
)  # fmt: skip
from providers.caldav.objects import Frame, Object, instant_of, open_object
from providers.caldav.parsing import Draft
from providers.caldav.paths import EventId, is_safe, parse_event_id
from providers.caldav.planned import Planned, key_of, planned_at, planned_of
from providers.caldav.resources import Blob
from providers.core import times, timezones
from providers.core.call import Call
from providers.core.cursors import read_cursor, write_cursor
from providers.core.errors import ProviderError
from ucal.v1 import event_pb2, types_pb2

DEFAULT_PAGE = 250
MAX_PAGE = 1_000
_PAST = datetime(1, 1, 2, tzinfo=UTC)
_FAR = datetime(9999, 12, 30, tzinfo=UTC)
# What servers are asked for beside the window: they read whole days in zones of their own.
_MARGIN = timedelta(days=1)
_YEAR = timedelta(days=366)
_ONE_REQUEST = timedelta(days=400)
_CHUNK = 32
_HUGE = 256 * 1024
_CANCELED = event_pb2.EVENT_STATUS_CANCELED


class Cursor(msgspec.Struct, gc=False, omit_defaults=True):
    """Where a list goes on.

    Attributes:
        after: name, or microseconds and id, of the last one that was given.
        token: sync token of before the first page.
    """

    after: str = ""
    at: int = 0
    token: str = ""


def window_of(window: types_pb2.TimeRange) -> tuple[datetime, datetime]:
    """The bounds of `window`; absent ones are far away."""
    low, high = times.bounds(window)
    return max(low or _PAST, _PAST), min(high or _FAR, _FAR)


def asked_of_server(low: datetime, high: datetime) -> tuple[datetime | None, datetime | None]:
    """A window as it is asked for: wider, and open where it reaches into times nobody keeps."""
    start = low - _MARGIN if low.year > 1900 else None
    end = high + _MARGIN if high.year < 2200 else None
    return start, end


async def opened(blobs: Sequence[Blob], frame: Frame) -> AsyncIterator[Object]:
    """The objects in `blobs`; the loop gets a turn now and then.

    One that cannot be read is passed over: it must not hide the others (P70, P71).
    """
    for index, blob in enumerate(blobs):
        if index % _CHUNK == _CHUNK - 1:
            await asyncio.sleep(0)
        try:
            if len(blob.data) < _HUGE:
                found = open_object(blob, frame)
            else:
                found = await open_gently(blob, frame)
        except ProviderError:
            continue
        if found is not None:
            yield found


async def open_gently(blob: Blob, frame: Frame) -> Object | None:
    """`open_object`; a huge one is read in a thread, so that others get their turn."""
    if len(blob.data) < _HUGE:
        return open_object(blob, frame)
    return await asyncio.to_thread(open_object, blob, frame)


@dataclass(slots=True)
class Lister:
    """One ListEvents call."""

    call: Call
    frame: Frame
    request: event_pb2.ListEventsRequest
    zone: tzinfo = field(init=False)

    def __post_init__(self) -> None:
        self.zone = self.frame.zone

    @property
    def size(self) -> int:
        """Most events of a page."""
        return min(self.request.page_size or DEFAULT_PAGE, MAX_PAGE)

    async def answer(self) -> event_pb2.ListEventsResponse:
        """The page that is asked for."""
        low, high = window_of(self.request.window)
        cursor = read_cursor(self.request.page_token, Cursor)
        if self.request.expand_recurring:
            return await self._expanded(cursor, low, high)
        return await self._plain(cursor, low, high)

    async def _expanded(
        self, cursor: Cursor, low: datetime, high: datetime
    ) -> event_pb2.ListEventsResponse:
        """Instances by start. A later page asks from where the one before ended."""
        begin = low
        if cursor.after:
            begin = max(low, times.EPOCH + timedelta(microseconds=cursor.at))
        blobs = await self._window(begin, high)
        found: list[Slot] = []
        async for item in opened(blobs, self.frame):
            found += await slots(item, low, high)
            if len(found) > MAX_INSTANCES:
                raise too_many()
        kept = [s for s in found if self.request.include_canceled or not _canceled(s.event)]
        chosen, token = page_of(kept, cursor, self.size)
        return event_pb2.ListEventsResponse(events=chosen, next_page_token=token)

    async def _window(self, low: datetime, high: datetime) -> list[Blob]:
        """The data of what may overlap a window, in one request if that is not too much."""
        http, calendar = self.call.http, self.frame.calendar
        start, end = asked_of_server(low, high)
        if high - low <= _ONE_REQUEST:
            return await resources.query(http, calendar, start, end)
        names = [b.name for b in await resources.query(http, calendar, start, end, data=False)]
        return await resources.multiget(http, calendar, names) if names else []

    async def _plain(
        self, cursor: Cursor, low: datetime, high: datetime
    ) -> event_pb2.ListEventsResponse:
        """Series and single events, by name of their resources."""
        whole = not self.request.HasField("window")
        if whole and not cursor.after:
            cursor.token = await self._token()
        answer = event_pb2.ListEventsResponse()
        if not whole and not cursor.after and high - low <= _ONE_REQUEST:
            blobs = await resources.query(
                self.call.http, self.frame.calendar, *asked_of_server(low, high)
            )
            last = await self._take(answer, blobs, low, high)
        else:
            last = await self._walk(answer, cursor, low, high)
        if last:
            answer.next_page_token = write_cursor(Cursor(after=last, token=cursor.token))
        elif whole and cursor.token:
            answer.resume_token = cursor.token.encode()
        return answer

    async def _token(self) -> str:
        calendar = self.frame.calendar
        return await resources.sync_token(self.call.http, calendar) if calendar.syncs else ""

    async def _walk(
        self,
        answer: event_pb2.ListEventsResponse,
        cursor: Cursor,
        low: datetime,
        high: datetime,
    ) -> str:
        """Fill a page batch by batch; the name of its last event, "" when that is the end."""
        http, calendar = self.call.http, self.frame.calendar
        start, end = asked_of_server(low, high)
        index = await resources.query(http, calendar, start, end, data=False)
        names = [blob.name for blob in index if blob.name > cursor.after]
        while names:
            room = max(self.size - len(answer.events), 1)
            batch, names = names[:room], names[room:]
            blobs = await resources.multiget(http, calendar, batch)
            await self._take(answer, blobs, low, high)
            if names and len(answer.events) >= self.size:
                return batch[-1]
        return ""

    async def _take(
        self,
        answer: event_pb2.ListEventsResponse,
        blobs: Sequence[Blob],
        low: datetime,
        high: datetime,
    ) -> str:
        """Add what of `blobs` is wanted, as long as there is room."""
        last = ""
        async for found in opened(blobs, self.frame):
            # Built where it stays: a copy of each would cost a tenth of the whole list.
            event = answer.events.add()
            draft = found.event(event)
            if not await self._wanted(found, draft, low, high):
                del answer.events[-1]
                continue
            if len(answer.events) > self.size:
                del answer.events[-1]
                return last
            last = found.name
        return ""

    async def _wanted(self, found: Object, draft: Draft, low: datetime, high: datetime) -> bool:
        if not self.request.include_canceled and _canceled(draft.event):
            return False
        if not self.request.HasField("window"):
            return True
        if draft.start is None or draft.until is None:
            return False
        if not found.overrides and not draft.rules:
            return overlaps(self._instant(draft.start), self._instant(draft.until), low, high)
        return await occurs(found, low, high, canceled=self.request.include_canceled)

    def _instant(self, value: Planned) -> datetime:
        """`value`, if need be in the calendar's zone; aware times compare as they are."""
        if isinstance(value, datetime) and value.tzinfo is not None:
            return value
        return instant_of(value, self.zone)


def _canceled(event: event_pb2.Event) -> bool:
    return event.status == _CANCELED


def page_of(found: list[Slot], cursor: Cursor, size: int) -> tuple[list[event_pb2.Event], str]:
    """A page of instances, by start, and the token of the next."""
    rows = sorted(found, key=lambda slot: slot.row)
    if cursor.after:
        at = times.EPOCH + timedelta(microseconds=cursor.at)
        rows = [slot for slot in rows if slot.row > (at, cursor.after)]
    chosen = rows[:size]
    token = ""
    if len(rows) > size:
        last = chosen[-1]
        micros = (last.start - times.EPOCH) // timedelta(microseconds=1)
        token = write_cursor(Cursor(after=last.event.id, at=micros))
    return [slot.event for slot in chosen], token


# -- one event


def parse_id(id: str, kind: str = "event") -> EventId:
    """The parts of an id that a caller sent.

    Raises:
        ProviderError: NOT_FOUND for what is no id of ours.
    """
    found = parse_event_id(id)
    if found is None or not is_safe(found.path):
        raise ProviderError.not_found(kind, id)
    if found.instance and planned_of(found.instance) is None:
        raise ProviderError.not_found(kind, id)
    return found


async def load(call: Call, frame: Frame, asked: EventId) -> Object:
    """The object that holds `asked`.

    Raises:
        ProviderError: NOT_FOUND.
    """
    blob = await resources.get(call.http, frame.calendar, asked.name)
    found = await open_gently(blob, frame) if blob is not None else None
    if found is None:
        raise ProviderError.not_found("event", str(asked))
    return found


async def event_at(found: Object, asked: EventId) -> event_pb2.Event:
    """The event that `asked` names in `found`.

    Raises:
        ProviderError: NOT_FOUND for an instance that the series does not have.
    """
    event = event_pb2.Event()
    if not asked.instance:
        found.event(event)
        return event
    if asked.instance in found.overrides:
        found.override(event, asked.instance)
        return event
    planned = planned_of(asked.instance)
    if found.recurs and planned is not None:
        pattern = pattern_of(found)
        if await yields(found, pattern, planned):
            if isinstance(planned, datetime) and planned.tzinfo is not None:
                planned = planned.astimezone(timezones.zone(pattern.start.time_zone or "UTC"))
            return instance(found, pattern, planned, asked.instance)
    raise ProviderError.not_found("event", str(asked))


async def list_instances(
    call: Call, frame: Frame, asked: EventId, request: event_pb2.ListEventInstancesRequest
) -> event_pb2.ListEventInstancesResponse:
    """ListEventInstances of the series `asked`."""
    found = await load(call, frame, asked)
    if asked.instance or not (found.recurs or found.overrides):
        raise ProviderError.invalid("recurring_event_id", "names an event that does not recur")
    low, high = window_of(request.window)
    single = request.HasField("original_start_at")
    if not single:
        low = low if request.window.HasField("start_at") else call.now()
        high = high if request.window.HasField("end_at") else min(low + _YEAR, _FAR)
    kept: list[Slot] = []
    if single:
        kept = await _one(found, frame, request.original_start_at, low, high)
    else:
        kept = await slots(found, low, high)
    kept = [s for s in kept if request.include_canceled or not _canceled(s.event)]
    size = min(request.page_size or DEFAULT_PAGE, MAX_PAGE)
    chosen, token = page_of(kept, read_cursor(request.page_token, Cursor), size)
    return event_pb2.ListEventInstancesResponse(events=chosen, next_page_token=token)


async def _one(
    found: Object, frame: Frame, when: types_pb2.EventTime, low: datetime, high: datetime
) -> list[Slot]:
    """The instance planned at `when`, if there is one in the window."""
    key = key_of(planned_at(when))
    try:
        event = await event_at(found, EventId(frame.calendar.path, found.name, key))
    except ProviderError:
        return []
    start, end = span(event, frame.zone)
    return [Slot(start, end, event)] if overlaps(start, end, low, high) else []
