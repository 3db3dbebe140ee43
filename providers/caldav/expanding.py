"""What takes place in a window: single events, and the instances of series, by our own expansion.

Servers expand differently (some lose the zone, some leave exceptions in local time), so they are
asked for whole objects. Nothing is sent here.
"""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from providers.caldav.objects import Object, instant_of, periods
from providers.caldav.parsing import Draft, later
from providers.caldav.paths import EventId
from providers.caldav.planned import Planned, key_of, planned_at
from providers.core import recurrence, times
from providers.core.errors import Kind, ProviderError
from ucal.v1 import event_pb2, types_pb2

MAX_INSTANCES = 20_000
# A whole day may have 25 hours.
_MARGIN = timedelta(hours=2)
_FIRST, _LAST = datetime(1, 1, 3, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
# So many starts are looked at to see whether a series meets a window: more than the margin holds.
_FEW = 200
# After so many instances others get their turn on the loop.
_TURN = 256
_CANCELED = event_pb2.EVENT_STATUS_CANCELED


@dataclass(slots=True)
class Slot:
    """Something that takes place.

    Attributes:
        start, end: UTC.
    """

    start: datetime
    end: datetime
    event: event_pb2.Event

    @property
    def row(self) -> tuple[datetime, str]:
        """Place in lists."""
        return self.start, self.event.id


def overlaps(start: datetime, end: datetime, low: datetime, high: datetime) -> bool:
    """Whether [start, end) meets [low, high); what takes no time is at its start."""
    return start < high and (end > low or (start == end and start >= low))


def span(event: event_pb2.Event, zone: tzinfo) -> tuple[datetime, datetime]:
    """Start and end of an event in UTC; whole days and floating times are read in `zone`."""
    start = instant_of(planned_at(event.start_at), zone)
    end = instant_of(planned_at(event.end_at), zone)
    return start, max(start, end)


def too_many() -> ProviderError:
    """The error of a window with more instances than an answer is made from."""
    return ProviderError(
        Kind.PRECONDITION,
        f"the window holds more than {MAX_INSTANCES} instances: ask for a shorter one",
        reason="WINDOW_TOO_LARGE",
    )


async def slots(found: Object, low: datetime, high: datetime) -> list[Slot]:
    """What of `found` takes place in [low, high), canceled or not, in no order.

    Raises:
        ProviderError: PRECONDITION when it is too much.
    """
    zone = found.frame.zone
    if not found.recurs and not found.overrides:
        event = event_pb2.Event()
        found.event(event)
        return _kept(event, zone, low, high)
    result: list[Slot] = []
    for key in found.overrides:
        event = event_pb2.Event()
        found.override(event, key)
        result += _kept(event, zone, low, high)
    if found.master is not None:
        result += await _instances(found, low, high)
    return result


def _kept(event: event_pb2.Event, zone: tzinfo, low: datetime, high: datetime) -> list[Slot]:
    if not event.HasField("start_at"):
        return []
    start, end = span(event, zone)
    return [Slot(start, end, event)] if overlaps(start, end, low, high) else []


@dataclass(slots=True)
class Stretch:
    """What instances of a series are like from one of them on.

    Attributes:
        key: of the first that it is about, "" for all of the series.
        shared: what they have in common.
        shift: from where they are planned to where they are, in wall time.
    """

    key: str
    shared: event_pb2.Event
    length: timedelta
    shift: timedelta = timedelta(0)


@dataclass(slots=True)
class Pattern:
    """A series ready to be expanded.

    Attributes:
        stretches: what its instances are like, the later ones last.
        lengths: of the instances that have one of their own, by key.
        zone: of a timed series; else the one in which days are held against windows.
    """

    stretches: list[Stretch]
    rules: list[str]
    start: types_pb2.EventTime
    lengths: dict[str, timedelta]
    zone: tzinfo

    @property
    def shared(self) -> event_pb2.Event:
        """What its instances have in common."""
        return self.stretches[0].shared

    @property
    def length(self) -> timedelta:
        """Of an instance."""
        return self.stretches[0].length

    def at(self, key: str) -> Stretch:
        """What the instance `key` is like; keys of one form sort by time."""
        return next(each for each in reversed(self.stretches) if each.key <= key)

    def span(self, planned: Planned, key: str) -> tuple[Planned, Planned]:
        """Start and end of the instance planned at `planned`."""
        stretch = self.at(key)
        start = planned + stretch.shift if stretch.shift else planned
        return start, later(start, self.lengths.get(key, stretch.length))

    async def planned(
        self, low: datetime, high: datetime, limit: int = MAX_INSTANCES + 1
    ) -> list[Planned]:
        """Planned starts in [low, high), at most `limit`."""
        return await recurrence.occurrences_off_loop(
            self.rules, self.start, low, high, limit=limit, zone=self.zone
        )

    async def meeting(
        self, low: datetime, high: datetime, limit: int = MAX_INSTANCES + 1
    ) -> list[Planned]:
        """Planned starts of what may overlap [low, high), at most `limit`."""
        reach = max([*self.lengths.values(), *(s.length + abs(s.shift) for s in self.stretches)])
        ahead = max(abs(stretch.shift) for stretch in self.stretches)
        low = max(low - _MARGIN, _FIRST + reach) - reach
        return await self.planned(low, min(high, _LAST - ahead) + ahead, limit)


def pattern_of(found: Object) -> Pattern:
    """The series of `found`, which has a master."""
    shared = event_pb2.Event()
    draft: Draft = found.event(shared)
    rules = list(shared.recurrence.rules)
    shared.ClearField("recurrence")
    shared.recurring_event_id = str(found.id)
    start, end = planned_at(shared.start_at), planned_at(shared.end_at)
    timed = isinstance(start, datetime) and start.tzinfo is not None
    zone = draft.zone.rules if timed and draft.zone else None
    stretches = [Stretch("", shared, end - start)]
    stretches += [_stretch(found, key) for key in sorted(found.ranged) if key in found.overrides]
    return Pattern(
        stretches=stretches,
        rules=rules,
        start=shared.start_at,
        lengths=periods(draft.rules, found.context.zones, start),
        zone=zone or found.frame.zone,
    )


def _stretch(found: Object, key: str) -> Stretch:
    """What an exception with a range makes of the instances after it (RFC 5545 section 3.2.13)."""
    shared = event_pb2.Event()
    found.override(shared, key)
    start, end = planned_at(shared.start_at), planned_at(shared.end_at)
    slot = shared.original_start_at
    same_form = slot.WhichOneof("value") == shared.start_at.WhichOneof("value")
    shift = times.local(shared.start_at) - times.local(slot) if same_form else timedelta(0)
    return Stretch(key, shared, end - start, shift)


async def _instances(found: Object, low: datetime, high: datetime) -> list[Slot]:
    pattern = pattern_of(found)
    zone = found.frame.zone
    planned = await pattern.meeting(low, high)
    if len(planned) > MAX_INSTANCES:
        raise too_many()
    result = []
    for index, each in enumerate(planned):
        if index % _TURN == _TURN - 1:
            await asyncio.sleep(0)
        key = key_of(each)
        if key in found.overrides:
            continue
        start, end = (instant_of(when, zone) for when in pattern.span(each, key))
        if overlaps(start, end, low, high):
            result.append(Slot(start, end, instance(found, pattern, each, key)))
    return result


def instance(found: Object, pattern: Pattern, planned: Planned, key: str) -> event_pb2.Event:
    """The instance planned at `planned`, as the series has it."""
    shared = pattern.at(key).shared
    event = event_pb2.Event()
    event.CopyFrom(shared)
    event.id = str(EventId(found.frame.calendar.path, found.name, key))
    start, end = pattern.span(planned, key)
    times.set_planned(event.start_at, start, shared.start_at.time_zone)
    times.set_planned(event.original_start_at, planned, pattern.start.time_zone)
    times.set_planned(event.end_at, end, shared.end_at.time_zone)
    return event


async def yields(found: Object, pattern: Pattern, planned: Planned) -> bool:
    """Whether the rules of the series have an instance at `planned`."""
    at = instant_of(planned, found.frame.zone)
    around = timedelta(days=1, seconds=1)
    key = key_of(planned)
    return any(key_of(each) == key for each in await pattern.planned(at - around, at + around))


async def occurs(found: Object, low: datetime, high: datetime, *, canceled: bool) -> bool:
    """Whether anything of a series takes place in [low, high), however long it goes on."""
    zone = found.frame.zone
    for key in found.overrides:
        event = event_pb2.Event()
        found.override(event, key)
        wanted = canceled or event.status != _CANCELED
        if wanted and _kept(event, zone, low, high):
            return True
    if found.master is None:
        return False
    pattern = pattern_of(found)
    few = len(found.overrides) + _FEW
    for each in await pattern.meeting(low, high, few):
        key = key_of(each)
        start, end = (instant_of(when, zone) for when in pattern.span(each, key))
        if key not in found.overrides and overlaps(start, end, low, high):
            return True
    return False
