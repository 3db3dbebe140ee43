"""What takes place in a window: single events, exceptions, and the instances that rules yield."""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from providers.sandbox.agenda import MAX_INSTANCES, Agenda, too_many
from providers.sandbox.clock import FAR, PAST
from providers.sandbox.entries import Entry, Series, overlaps
from providers.sandbox.planned import Planned, key_of
from providers.sandbox.store import Row
from ucal.v1 import types_pb2

Keep: TypeAlias = Callable[[Entry], bool]


@dataclass(slots=True)
class Slot:
    """Something that takes place.

    Attributes:
        start, end: microseconds since 1970.
        entry: the single event, the exception, or the series whose rule yields it.
        series: of a plain instance, with the planned start.
    """

    start: int
    end: int
    id: str
    entry: Entry
    series: Series | None = None
    planned: Planned | None = None

    @property
    def row(self) -> Row:
        """Place in lists."""
        return self.start, self.id


def bounds(window: types_pb2.TimeRange) -> tuple[int, int]:
    """The bounds of `window` as microseconds since 1970; absent ones are far away."""
    low = window.start_at.ToMicroseconds() if window.HasField("start_at") else PAST
    high = window.end_at.ToMicroseconds() if window.HasField("end_at") else FAR
    return max(low, PAST), min(high, FAR)


def expand(agenda: Agenda, low: int, high: int, keep: Keep) -> list[Slot]:
    """What overlaps [low, high) and passes `keep`, by start.

    Raises:
        ProviderError: PRECONDITION when there is too much of it.
    """
    found = [
        Slot(entry.start, entry.end, entry.id, entry)
        for entry in singles(agenda, low, high)
        if keep(entry)
    ]
    for series in agenda.series.values():
        found += of_series(agenda, series, low, high, keep)
        if len(found) > MAX_INSTANCES:
            raise too_many()
    found.sort(key=lambda slot: slot.row)
    return found


def of_series(agenda: Agenda, series: Series, low: int, high: int, keep: Keep) -> list[Slot]:
    """The instances of one series that overlap [low, high) and pass `keep`, exceptions first."""
    found = [
        Slot(entry.start, entry.end, entry.id, entry)
        for entry in series.exceptions.values()
        if overlaps(entry.start, entry.end, low, high) and keep(entry)
    ]
    if keep(series.entry):
        found += [
            Slot(start, end, f"{series.id}_{key_of(planned)}", series.entry, series, planned)
            for start, end, planned in agenda.instances(series, low, high)
        ]
    return found


def singles(agenda: Agenda, low: int, high: int) -> Iterator[Entry]:
    """Single events that overlap [low, high)."""
    begin = bisect_left(agenda.rows, (low - agenda.longest, ""))
    for _, own_id in agenda.rows[begin : bisect_left(agenda.rows, (high, ""))]:
        entry = agenda.entries[own_id]
        if own_id not in agenda.series and overlaps(entry.start, entry.end, low, high):
            yield entry


def unexpanded(agenda: Agenda, low: int, high: int, keep: Keep) -> list[Row]:
    """Places of the single events and of the series that overlap [low, high) and pass `keep`."""
    rows = [(entry.start, entry.id) for entry in singles(agenda, low, high) if keep(entry)]
    rows += [
        (series.entry.start, series.id)
        for series in agenda.series.values()
        if keep(series.entry) and agenda.occurs(series, low, high)
    ]
    rows.sort()
    return rows


def frame_of(agenda: Agenda, slot: Slot) -> bytes:
    """What takes place, as in `store`."""
    if slot.series is None or slot.planned is None:
        return slot.entry.framed
    return agenda.instance_frame(slot.series, slot.planned)
