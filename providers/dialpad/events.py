"""Reading meetings. Dialpad lists what repeats instance by instance; a series is read by its id."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from providers.core import recurrence, times
from providers.core.cursors import cut
from providers.core.errors import ProviderError
from providers.core.wire import decode
from providers.dialpad import meetings, rules
from providers.dialpad.api import Api, Owner, text
from providers.dialpad.meetings import EVENT, MeetingId, meeting_id
from providers.dialpad.wire import Json, Meeting
from ucal.v1 import event_pb2, types_pb2

A = TypeVar("A")
B = TypeVar("B")
Found = tuple[Meeting, Json]
MAX_PAGE = 500
DEFAULT_PAGE = 100
# Dialpad wants a start; an open window reaches that far from now.
REACH = timedelta(days=365)
# Lists are asked for by start: what began so long before a window may reach into it.
_LONGEST = timedelta(days=1)
# How far from its planned start an instance that was moved is looked for.
_MOVED = timedelta(days=62)
_TOGETHER = 4


async def list_events(
    api: Api, request: event_pb2.ListEventsRequest
) -> event_pb2.ListEventsResponse:
    """ListEvents."""
    owner = await api.owner(request.calendar_id)
    low, high = reach(request.window, api.call.now())
    found = [each for each in await walk(api, owner, low, high) if _overlaps(each[0], low, high)]
    if not request.expand_recurring:
        found = await _folded(api, owner, found)
    page, token = cut(found, _place, request.page_size or DEFAULT_PAGE, request.page_token)
    shown = _shown(api, owner, page, instances=request.expand_recurring, raw=request.include_raw)
    return event_pb2.ListEventsResponse(events=shown, next_page_token=token)


def reach(window: types_pb2.TimeRange, now: datetime) -> tuple[datetime, datetime]:
    """The window, closed."""
    low, high = times.bounds(window)
    low = min(now, high or now) - REACH if low is None else low
    return low, max(now, low) + REACH if high is None else high


async def walk(api: Api, owner: Owner, low: datetime, high: datetime) -> list[Found]:
    """Meetings, and instances of series, that begin about within [low, high]."""
    params: dict[str, str | int] = {
        "user_id": owner.user_id,
        "start_datetime": max(int((low - _LONGEST).timestamp()), 0),
        "end_datetime": max(int(high.timestamp()) + 1, 0),
    }
    found: dict[tuple[str, int], Found] = {}
    async for page in api.walk("meetings", params):
        for raw in page:
            meeting = meetings.read(raw)
            if text(meeting.id):
                found.setdefault(_key(meeting), (meeting, raw))
    return list(found.values())


def _key(found: Meeting) -> tuple[str, int]:
    slot = meetings.slot_of(found)
    if slot is None and found.recurrence:
        slot = int(meetings.start_of(found).timestamp())
    return text(found.id), -1 if slot is None else slot


def _overlaps(found: Meeting, low: datetime, high: datetime) -> bool:
    start = meetings.start_of(found)
    return start < high and (meetings.end_of(found) > low or start >= low)


def _place(found: Found) -> tuple[int, str]:
    number, slot = _key(found[0])
    return int(meetings.start_of(found[0]).timestamp()), f"{number}:{slot}"


async def _folded(api: Api, owner: Owner, found: Iterable[Found]) -> list[Found]:
    """Single meetings, and each series once in place of its instances."""
    single = [each for each in found if not each[0].recurrence]
    numbers = sorted({text(each[0].id) for each in found if each[0].recurrence})

    async def series(number: str) -> Found | None:
        try:
            return await fetch(api, owner, MeetingId(number))
        except ProviderError as error:
            if error.resource is not None:  # deleted meanwhile
                return None
            raise

    return single + [each for each in await _together(series, numbers) if each is not None]


async def _together(ask: Callable[[A], Awaitable[B]], items: Iterable[A]) -> list[B]:
    """A few at a time, in order."""
    gate = asyncio.Semaphore(_TOGETHER)

    async def one(item: A) -> B:
        async with gate:
            return await ask(item)

    return list(await asyncio.gather(*(one(item) for item in items)))


async def fetch(api: Api, owner: Owner, own_id: MeetingId) -> Found:
    """A single meeting or a series.

    Raises:
        ProviderError: NOT_FOUND.
    """
    reply = await api.send(
        "GET",
        f"meetings/{own_id.number}",
        params={"user_id": owner.user_id},
        resource=(EVENT, str(own_id)),
    )
    raw = decode(reply, Json)
    return meetings.read(raw), raw


async def instance(api: Api, owner: Owner, own_id: MeetingId) -> Found:
    """One instance of a series, looked for about where it was planned.

    Raises:
        ProviderError: NOT_FOUND, when it was taken out, moved far away, or never was.
    """
    planned = datetime.fromtimestamp(own_id.slot or 0, UTC)
    for around in (timedelta(minutes=1), _MOVED):
        for found in await walk(api, owner, planned - around, planned + around):
            if _key(found[0]) == (own_id.number, own_id.slot) and found[0].recurrence:
                return found
    raise ProviderError.not_found(EVENT, str(own_id))


async def get_event(api: Api, request: event_pb2.GetEventRequest) -> event_pb2.GetEventResponse:
    """GetEvent."""
    own_id = meeting_id(request.id)
    owner = await api.owner(request.calendar_id)
    one = instance if own_id.slot is not None else fetch
    found = await one(api, owner, own_id)
    answer = event_pb2.GetEventResponse()
    show(answer.event, api, owner, found, instance=own_id.slot is not None)
    names = {path.partition(".")[0] for path in request.read_mask.paths}
    if answer.event.HasField("recurrence") and (not names or "recurrence" in names):
        await _fill_excluded(api, owner, answer.event)
    if request.include_raw:
        meetings.fill(answer.event, found[1], whole=True)
    return answer


def show(target: event_pb2.Event, api: Api, owner: Owner, found: Found, *, instance: bool) -> None:
    """A meeting with everything."""
    meetings.parse(
        target,
        found[0],
        api.call.connection_id,
        owner.calendar_id,
        instance=instance,
        whole=True,
    )


async def _fill_excluded(api: Api, owner: Owner, event: event_pb2.Event) -> None:
    """What was taken out of a series: planned by its rule, and not among its instances.

    Nothing is told where the instances are none that the rule plans: then it means another thing.
    """
    lines = list(event.recurrence.rules)
    try:
        planned = rules.planned(lines, event.start_at)
    except ProviderError:
        return
    if not planned:
        return
    last = min(planned[-1], planned[0] + rules.HORIZON)
    listed = await walk(api, owner, planned[0] - _MOVED, last + _MOVED)
    slots = {_key(each[0])[1] for each in listed if _key(each[0])[0] == event.id}
    by_slot = {int(when.timestamp()): when for when in planned}
    if not slots or any(slot not in by_slot for slot in slots if slot <= max(by_slot)):
        return
    missing = [when for slot, when in sorted(by_slot.items()) if slot not in slots]
    if missing:
        dates = ",".join(f"{when:%Y%m%dT%H%M%SZ}" for when in missing)
        recurrence.fill(event.recurrence, [*lines, f"EXDATE:{dates}"], event.start_at)


async def list_event_instances(
    api: Api, request: event_pb2.ListEventInstancesRequest
) -> event_pb2.ListEventInstancesResponse:
    """ListEventInstances."""
    own_id = meeting_id(request.recurring_event_id)
    owner = await api.owner(request.calendar_id)
    series, _ = await fetch(api, owner, own_id)
    if own_id.slot is not None or not series.recurrence:
        raise ProviderError.invalid("recurring_event_id", "is the id of no series")
    now = api.call.now()
    low, high = reach(request.window, now)
    if not request.window.HasField("start_at") and not request.window.HasField("end_at"):
        low = now
    found = [
        each
        for each in await walk(api, owner, low, high)
        if text(each[0].id) == own_id.number and _overlaps(each[0], low, high)
    ]
    if request.HasField("original_start_at"):
        wanted = int(times.instant(request.original_start_at).timestamp())
        found = [each for each in found if _key(each[0])[1] == wanted]
    page, token = cut(found, _place, request.page_size or DEFAULT_PAGE, request.page_token)
    shown = _shown(api, owner, page, instances=True, raw=request.include_raw)
    return event_pb2.ListEventInstancesResponse(events=shown, next_page_token=token)


def _shown(
    api: Api, owner: Owner, page: list[Found], *, instances: bool, raw: bool
) -> list[event_pb2.Event]:
    shown = []
    for meeting, exact in page:
        event = event_pb2.Event()
        meetings.parse(
            event, meeting, api.call.connection_id, owner.calendar_id, instance=instances
        )
        if raw:
            meetings.fill(event, exact, whole=False)
        shown.append(event)
    return shown
