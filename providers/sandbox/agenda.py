"""The events of one calendar, indexed by time.

Times in the index are microseconds since 1970; dates and floating times count in the calendar's
zone (P31). A series is one entry with its exceptions; its instances are made when they are asked
for. An exception stands under the planned start of the instance, whether or not the rule still
yields it (P40), so that a slot shows up once (P36, P37).
"""

from bisect import bisect_left, insort
from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from providers.core import recurrence, times, timezones
from providers.core.errors import Kind, ProviderError
from providers.sandbox.clock import micros, moment
from providers.sandbox.entries import (
    Entry,
    Expansion,
    Instance,
    Series,
    Span,
    busy_kind,
    length_of,
    overlaps,
    rooms_of,
    text_of,
)
from providers.sandbox.planned import Planned, key_of, planned_of
from providers.sandbox.store import Row, enclose, frame
from ucal.v1 import event_pb2, types_pb2

MAX_INSTANCES = 20_000
MAX_FRAMES = 2_000
SLACK = 2 * 3_600_000_000  # a day can be longer than 24 hours
WIDEST = 100 * 86_400_000_000  # windows that are kept expanded
AROUND = 30 * 86_400_000_000  # kept beside a window
MAX_KEPT = 1_000  # instances
SPARE = 150  # more planned starts than SLACK and the edges of a window can hold


class Agenda:
    """The events of one calendar.

    Attributes:
        zone: IANA zone of the calendar.
        longest: no single event is longer, in microseconds.
    """

    def __init__(self, zone: str) -> None:
        self.zone = zone
        self.longest = 0
        self.entries: dict[str, Entry] = {}
        self.series: dict[str, Series] = {}
        self.rows: list[Row] = []
        self._frames: dict[tuple[str, str], bytes] = {}

    def __len__(self) -> int:
        return len(self.entries) + sum(len(s.exceptions) for s in self.series.values())

    # -- writing

    def put(self, event: event_pb2.Event) -> None:
        """Keep a copy of a single event or a series; exceptions that a series has stay."""
        exceptions = self.series[event.id].exceptions if event.id in self.series else {}
        self.remove(event.id)
        entry = self.entry(event)
        self.entries[event.id] = entry
        insort(self.rows, (entry.start, entry.id))
        if event.HasField("recurrence"):
            self.series[event.id] = self._series(event, entry, exceptions)
        else:
            self.longest = max(self.longest, entry.end - entry.start)

    def put_exception(self, key: str, event: event_pb2.Event) -> None:
        """Keep a copy of an instance that differs from its series."""
        self.series[event.recurring_event_id].exceptions[key] = self.entry(event)

    def remove(self, id: str) -> None:
        """Forget a single event, or a series with its exceptions; it need not be there."""
        entry = self.entries.pop(id, None)
        self.series.pop(id, None)
        if entry is not None:
            del self.rows[bisect_left(self.rows, (entry.start, entry.id))]

    def move_to_zone(self, zone: str) -> None:
        """Count dates and floating times in another zone from now on."""
        self.zone = zone
        events = [entry.event() for entry in self.entries.values()]
        for event in events:
            self.put(event)
        for series in self.series.values():
            for key, exception in series.exceptions.items():
                series.exceptions[key] = self.entry(exception.event())

    def entry(self, event: event_pb2.Event) -> Entry:
        """The indexed form of `event`."""
        start = self.micros(event.start_at)
        return Entry(
            id=event.id,
            start=start,
            end=max(start, self.micros(event.end_at)),
            updated=event.updated_at.ToMicroseconds(),
            canceled=event.status == event_pb2.EVENT_STATUS_CANCELED,
            busy=busy_kind(event),
            unanswered=event.own_response == types_pb2.ATTENDEE_RESPONSE_NEEDS_ACTION,
            rooms=rooms_of(event),
            link_id=event.link_id,
            text=text_of(event),
            etag=event.etag,
            framed=frame(event),
        )

    def _series(self, event: event_pb2.Event, entry: Entry, exceptions: dict[str, Entry]) -> Series:
        shared = event_pb2.Event()
        shared.CopyFrom(event)
        for name in ("id", "recurrence", "start_at", "end_at"):
            shared.ClearField(name)
        start = types_pb2.EventTime()
        start.CopyFrom(event.start_at)
        return Series(
            entry=entry,
            rules=tuple(event.recurrence.rules),
            start=start,
            length=length_of(event),
            end_zone=event.end_at.time_zone,
            shared=shared.SerializeToString(),
            exceptions=exceptions,
        )

    # -- reading

    def micros(self, when: types_pb2.EventTime) -> int:
        """`when` as microseconds since 1970."""
        if when.WhichOneof("value") == "timestamp":
            return when.timestamp.ToMicroseconds()
        return micros(times.instant(when, self.zone))

    def find(self, id: str) -> Entry | Series | Instance:
        """What `id` stands for: a single event, a series, or an instance of one.

        Raises:
            ProviderError: NOT_FOUND; also for an instance that its series does not have.
        """
        if id in self.series:
            return self.series[id]
        if id in self.entries:
            return self.entries[id]
        head, _, key = id.rpartition("_")
        planned = planned_of(key)
        if head in self.series and planned is not None:
            series = self.series[head]
            exception = series.exceptions.get(key)
            if exception is not None or self.yields(series, planned):
                return Instance(series, key, planned, exception)
        raise ProviderError.not_found("event", id)

    def stored_entries(self) -> Iterator[Entry]:
        """Single events, series and exceptions."""
        yield from self.entries.values()
        for series in self.series.values():
            yield from series.exceptions.values()

    def stored(self, id: str) -> Entry:
        """The single event, series or exception `id`.

        Raises:
            ProviderError: NOT_FOUND.
        """
        if id in self.entries:
            return self.entries[id]
        head, _, key = id.rpartition("_")
        if head in self.series and key in self.series[head].exceptions:
            return self.series[head].exceptions[key]
        raise ProviderError.not_found("event", id)

    def yields(self, series: Series, planned: Planned) -> bool:
        """Whether the rule of `series` has an instance at `planned`."""
        at, key = self._micros_of(series, planned), key_of(planned)
        found = recurrence.occurrences(
            series.rules,
            series.start,
            moment(at),
            moment(at + 1_000_000),
            limit=2,
            zone=self._reading(series),
        )
        return any(key_of(each) == key for each in found)

    def instances(self, series: Series, low: int, high: int) -> Iterator[Span]:
        """Each instance in [low, high) that follows the rule unchanged.

        Raises:
            ProviderError: PRECONDITION when there are more than MAX_INSTANCES.
        """
        found = self._spans(series, low, high)
        if len(found) > MAX_INSTANCES:
            raise too_many()
        for span in found:
            if overlaps(span[0], span[1], low, high) and key_of(span[2]) not in series.exceptions:
                yield span

    def _spans(self, series: Series, low: int, high: int) -> list[Span]:
        """What the rule yields in [low, high), and maybe a little more, by start."""
        known = series.expansion
        if known is None or low < known.low or high > known.high:
            if high - low > WIDEST:
                return self._expanded(series, low, high, MAX_INSTANCES + 1)
            known = Expansion(low - AROUND, high + AROUND, [])
            known.spans.extend(self._expanded(series, known.low, known.high, MAX_KEPT + 1))
            if len(known.spans) > MAX_KEPT:
                return self._expanded(series, low, high, MAX_INSTANCES + 1)
            series.expansion = known
        begin = bisect_left(known.spans, low - series.micros - SLACK, key=_start)
        return known.spans[begin : bisect_left(known.spans, high, key=_start)]

    def _expanded(self, series: Series, low: int, high: int, limit: int) -> list[Span]:
        """At most `limit` instances, with every one that overlaps [low, high) among them."""
        slack = 0 if series.is_timed else SLACK
        found = recurrence.occurrences(
            series.rules,
            series.start,
            moment(low - series.micros - slack),
            moment(high),
            limit=limit,
            zone=self._reading(series),
        )
        return [self._span(series, planned) for planned in found]

    def _reading(self, series: Series) -> ZoneInfo | None:
        """The zone in which dates and floating times are held against windows."""
        return None if series.is_timed else timezones.zone(self.zone)

    def _span(self, series: Series, planned: Planned) -> Span:
        """Days last as long as the calendar's zone has it."""
        start = self._micros_of(series, planned)
        if series.is_timed:
            return start, start + series.micros, planned
        return start, max(start, self._micros_of(series, planned + series.length)), planned

    def instance_frame(self, series: Series, planned: Planned) -> bytes:
        """The instance of `series` at `planned`, framed. Joined serialized messages merge."""
        key = (series.entry.etag, key_of(planned))
        found = self._frames.get(key)
        if found is None:
            own = event_pb2.Event()
            _describe_instance(own, series, planned)
            found = enclose(series.shared + own.SerializeToString())
            if len(self._frames) >= MAX_FRAMES:
                self._frames.clear()
            self._frames[key] = found
        return found

    def occurs(self, series: Series, low: int, high: int) -> bool:
        """Whether any instance of `series`, canceled ones aside, overlaps [low, high)."""
        if any(
            overlaps(e.start, e.end, low, high) and not e.canceled
            for e in series.exceptions.values()
        ):
            return True
        if high - low <= WIDEST:
            return next(self.instances(series, low, high), None) is not None
        return any(
            overlaps(start, end, low, high) and key_of(planned) not in series.exceptions
            for start, end, planned in self._expanded(
                series, low, high, len(series.exceptions) + SPARE
            )
        )

    def _micros_of(self, series: Series, planned: Planned) -> int:
        target = types_pb2.EventTime()
        times.set_planned(target, planned, series.start.time_zone)
        return self.micros(target)


def _start(span: Span) -> int:
    return span[0]


def too_many() -> ProviderError:
    """The error of a window with more instances than an answer is made from."""
    return ProviderError(
        Kind.PRECONDITION,
        f"the window holds more than {MAX_INSTANCES} instances: ask for a shorter one",
        reason="WINDOW_TOO_LARGE",
    )


def instance_event(series: Series, planned: Planned) -> event_pb2.Event:
    """The instance of `series` at `planned`, as the rule has it."""
    event = event_pb2.Event.FromString(series.shared)
    _describe_instance(event, series, planned)
    return event


def _describe_instance(event: event_pb2.Event, series: Series, planned: Planned) -> None:
    event.id = f"{series.id}_{key_of(planned)}"
    event.recurring_event_id = series.id
    times.set_planned(event.start_at, planned, series.start.time_zone)
    event.original_start_at.CopyFrom(event.start_at)
    if isinstance(planned, datetime) and planned.tzinfo is not None:
        planned = planned.astimezone(UTC)  # so that an hour is an hour when clocks change
    times.set_planned(event.end_at, planned + series.length, series.end_zone)
