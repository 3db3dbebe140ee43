"""What an agenda holds: single events, series, exceptions, each with what lists ask of it."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeAlias

from providers.core import times
from providers.sandbox.clock import MICRO
from providers.sandbox.planned import Planned
from providers.sandbox.store import unframe
from ucal.v1 import busy_pb2, event_pb2, types_pb2


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


Span: TypeAlias = tuple[int, int, Planned]
"""Start and end of an instance, in microseconds since 1970, and its planned start."""


@dataclass(frozen=True, slots=True)
class Expansion:
    """The instances that a rule yields in [low, high), exceptions or not, by start."""

    low: int
    high: int
    spans: list[Span]


@dataclass(slots=True)
class Series:
    """A recurring event.

    Attributes:
        start: of the first instance, as planned.
        length: of each instance; whole days for all-day ones.
        end_zone: zone in which ends are written.
        shared: what its instances have in common, serialized.
        exceptions: changed and canceled instances by key, see `key_of`.
        expansion: the last one, wider than was asked for, because windows move slowly.
    """

    entry: Entry
    rules: tuple[str, ...]
    start: types_pb2.EventTime
    length: timedelta
    end_zone: str
    shared: bytes
    exceptions: dict[str, Entry] = field(default_factory=dict)
    expansion: Expansion | None = None

    @property
    def id(self) -> str:
        """Id of the series."""
        return self.entry.id

    @property
    def is_timed(self) -> bool:
        """It begins at an instant, not at a date or a floating time."""
        return self.start.WhichOneof("value") == "timestamp"

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


def text_of(event: event_pb2.Event) -> str:
    """What a search looks through, case folded and cut short."""
    parts = [event.subject, event.location, event.description[:2_000]]
    parts += [event.organizer.name, event.organizer.email]
    for attendee in event.attendees:
        parts += [attendee.name, attendee.email]
    return "\n".join(parts)[:8_000].casefold()


def length_of(event: event_pb2.Event) -> timedelta:
    """How long `event` is: whole days when it is all-day, else real time."""
    if event.start_at.WhichOneof("value") == "date":
        return times.date_of(event.end_at.date) - times.date_of(event.start_at.date)
    return times.instant(event.end_at) - times.instant(event.start_at)


def rooms_of(event: event_pb2.Event) -> tuple[str, ...]:
    """Addresses of the rooms that have accepted."""
    return tuple(
        attendee.email.lower()
        for attendee in event.attendees
        if attendee.is_resource and attendee.response == _ACCEPTED
    )


def overlaps(start: int, end: int, low: int, high: int) -> bool:
    """Whether [start, end) meets [low, high); an event without length is at its start."""
    return start < high and (end > low or (start == end and start >= low))
