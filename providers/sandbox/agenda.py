"""The events of one calendar, indexed by time.

Times in the index are microseconds since 1970; dates and floating times count in the calendar's
zone (P31). A series is one entry with its exceptions; its instances are made when they are asked
for. An exception stands under the planned start of the instance, whether or not the rule still
yields it (P40), so that a slot shows up once (P36, P37).
"""

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from providers.core import recurrence, times
from providers.core.errors import Kind, ProviderError
from providers.sandbox.clock import DAY, MICRO, micros, moment
from providers.sandbox.planned import Planned, key_of, planned_of
from providers.sandbox.store import Row, enclose, frame, unframe
from ucal.v1 import busy_pb2, event_pb2, types_pb2

MAX_INSTANCES = 20_000
MAX_FRAMES = 2_000
MARGIN = 2_000  # more planned starts than a day can have beside a window


@dataclass(slots=True)
class Entry:
    """A single event, a series or an exception.

    Attributes:
        start, end, updated: microseconds since 1970.
        busy: why it takes time; UNSPECIFIED when it takes none.
        unanswered: the account was invited and has not said whether it comes.
        rooms: addresses of the rooms that have accepted.
        link_id: of the link that it was booked through.
        text: what a search looks through, case folded.
        framed: the event, as in `store`.
    """

    id: str
    start: int
    end: int
    updated: int
    canceled: bool
    busy: busy_pb2.BusyKind.ValueType
    unanswered: bool
    rooms: tuple[str, ...]
    link_id: str
    text: str
    etag: str
    framed: bytes

    def event(self) -> event_pb2.Event:
        """A copy of the event."""
        return unframe(self.framed, event_pb2.Event)


@dataclass(slots=True)
class Series:
    """A recurring event.

    Attributes:
        start: of the first instance, as planned.
        length: of each instance; whole days for all-day ones.
        end_zone: zone in which ends are written.
        shared: what its instances have in common, serialized.
        exceptions: changed and canceled instances by key, see `key_of`.
    """

    entry: Entry
    rules: tuple[str, ...]
    start: types_pb2.EventTime
    length: timedelta
    end_zone: str
    shared: bytes
    exceptions: dict[str, Entry] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Id of the series."""
        return self.entry.id

    @property
    def micros(self) -> int:
        """Length of an instance in microseconds."""
        return max(0, self.length // MICRO)


@dataclass(slots=True)
class Instance:
    """What an id of an instance stands for.

    Attributes:
        exception: the stored form, when there is one.
    """

    series: Series
    key: str
    planned: Planned
    exception: Entry | None


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
            rooms=tuple(
                attendee.email.lower()
                for attendee in event.attendees
                if attendee.is_resource and attendee.response == _ACCEPTED
            ),
            link_id=event.link_id,
            text=_text(event),
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
        found = self._planned(series, at, at + 1_000_000, MARGIN)
        return any(key_of(each) == key for each in found)

    def instances(
        self, series: Series, low: int, high: int, limit: int = MAX_INSTANCES
    ) -> Iterator[tuple[int, Planned]]:
        """Start and plan of each instance in [low, high) that follows the rule unchanged.

        Raises:
            ProviderError: PRECONDITION when there are more than `limit`.
        """
        found = self._planned(series, low, high, limit + 1)
        if len(found) > limit:
            raise too_many()
        length = series.micros
        for planned in found:
            start = self._micros_of(series, planned)
            if key_of(planned) in series.exceptions:
                continue
            if overlaps(start, start + length, low, high):
                yield start, planned

    def _planned(self, series: Series, low: int, high: int, limit: int) -> Sequence[Planned]:
        """At most `limit` planned starts, with every one that overlaps [low, high) among them."""
        margin = 0 if series.start.WhichOneof("value") == "timestamp" else DAY
        return recurrence.occurrences(
            series.rules,
            series.start,
            moment(low - series.micros - margin),
            moment(high + margin),
            limit=limit,
        )

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
        enough = len(series.exceptions) + MARGIN
        length = series.micros
        for planned in self._planned(series, low, high, enough):
            start = self._micros_of(series, planned)
            if key_of(planned) not in series.exceptions and overlaps(
                start, start + length, low, high
            ):
                return True
        return False

    def _micros_of(self, series: Series, planned: Planned) -> int:
        target = types_pb2.EventTime()
        times.set_planned(target, planned, series.start.time_zone)
        return self.micros(target)


_ACCEPTED = types_pb2.ATTENDEE_RESPONSE_ACCEPTED
_BUSY = {
    event_pb2.SHOW_AS_FREE: busy_pb2.BUSY_KIND_UNSPECIFIED,
    event_pb2.SHOW_AS_TENTATIVE: busy_pb2.BUSY_KIND_TENTATIVE,
    event_pb2.SHOW_AS_OUT_OF_OFFICE: busy_pb2.BUSY_KIND_OUT_OF_OFFICE,
    event_pb2.SHOW_AS_WORKING_ELSEWHERE: busy_pb2.BUSY_KIND_WORKING_ELSEWHERE,
}


def busy_kind(event: event_pb2.Event) -> busy_pb2.BusyKind.ValueType:
    """Why `event` takes time: not when it is canceled, declined or shown as free (P65, P66)."""
    if (
        event.status == event_pb2.EVENT_STATUS_CANCELED
        or event.own_response == types_pb2.ATTENDEE_RESPONSE_DECLINED
    ):
        return busy_pb2.BUSY_KIND_UNSPECIFIED
    kind = _BUSY.get(event.show_as, busy_pb2.BUSY_KIND_BUSY)
    if kind == busy_pb2.BUSY_KIND_BUSY and event.status == event_pb2.EVENT_STATUS_TENTATIVE:
        return busy_pb2.BUSY_KIND_TENTATIVE
    return kind


def _text(event: event_pb2.Event) -> str:
    parts = [event.subject, event.location, event.description[:2_000]]
    parts += [event.organizer.name, event.organizer.email]
    for attendee in event.attendees:
        parts += [attendee.name, attendee.email]
    return "\n".join(parts)[:8_000].casefold()


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


def length_of(event: event_pb2.Event) -> timedelta:
    """How long `event` is: whole days when it is all-day, else real time."""
    if event.start_at.WhichOneof("value") == "date":
        return times.date_of(event.end_at.date) - times.date_of(event.start_at.date)
    return times.instant(event.end_at) - times.instant(event.start_at)


def overlaps(start: int, end: int, low: int, high: int) -> bool:
    """Whether [start, end) meets [low, high); an event without length is at its start."""
    return start < high and (end > low or (start == end and start >= low))
