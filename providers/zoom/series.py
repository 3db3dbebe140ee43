"""When meetings and webinars take place: starts, lengths, occurrences, rules. Read only.

Zoom keeps a start and whole minutes, never an end. An occurrence's id is the start it was planned
for, in epoch milliseconds, and stays when it is moved (recorded in July 2025).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from providers.core import recurrence, times, timezones
from providers.core.errors import ProviderError
from providers.core.times import EPOCH
from providers.zoom import repetition
from providers.zoom.api import malformed
from providers.zoom.wire import Meeting, Number, Occurrence
from providers.zoom.zones import parse_zone
from ucal.v1 import types_pb2

FIXED = frozenset({"8", "9"})
"""Types of series whose occurrences have times."""
LOOSE = frozenset({"3", "6"})
"""Types of series that may be started at any time."""
DELETED = "deleted"
_MOST = 10_000_000


def kind(found: Meeting) -> str:
    """The type as text; answers write it as a number or as text."""
    return str(found.type or "")


def number(found: Meeting) -> str:
    """The meeting's number as text (P83).

    Raises:
        ProviderError: PROVIDER_FAULT, when there is none.
    """
    text = str(found.id)
    if not text.isdecimal():
        raise malformed()
    return text


def minutes(value: Number) -> int:
    """Whole minutes of a duration, 0 for none; errors as `whole`."""
    return whole(value)


def whole(value: Number) -> int:
    """A whole number that is not negative, 0 for none.

    Raises:
        ProviderError: PROVIDER_FAULT for anything else.
    """
    try:
        found = int(float(value or 0))
    except (ValueError, OverflowError):
        raise malformed() from None
    if not 0 <= found <= _MOST:
        raise malformed()
    return found


def instant(text: str | None) -> datetime | None:
    """A time of Zoom's, aware; None for none. Without an offset it is in UTC."""
    if not text:
        return None
    try:
        return times.parse_rfc3339(text)
    except ProviderError:
        return times.parse_rfc3339(f"{text}Z")


@dataclass(frozen=True, slots=True)
class Slot:
    """One occurrence.

    Attributes:
        id: Zoom's, digits.
        planned: start that the rule yields.
        start: where it is now.
    """

    id: str
    planned: datetime
    start: datetime
    minutes: int
    deleted: bool

    @property
    def end(self) -> datetime:
        """End, exclusive."""
        return ending(self.start, self.minutes)


def ending(start: datetime, length: int) -> datetime:
    """`start` and so many minutes.

    Raises:
        ProviderError: PROVIDER_FAULT, when that leaves the calendar.
    """
    try:
        return start + timedelta(minutes=length)
    except OverflowError:
        raise malformed() from None


def slots(found: Meeting) -> list[Slot]:
    """Occurrences as far as Zoom lists them, in the order of their plan."""
    length = minutes(found.duration)
    return sorted(
        (slot(each, length) for each in found.occurrences or ()), key=lambda each: each.planned
    )


def slot(found: Occurrence, length: int) -> Slot:
    """One occurrence; `length` is the series' in minutes."""
    planned = planned_at(str(found.occurrence_id))
    return Slot(
        str(found.occurrence_id),
        planned,
        instant(found.start_time) or planned,
        length if found.duration is None else minutes(found.duration),
        found.status == DELETED,
    )


def planned_at(occurrence_id: str) -> datetime:
    """The planned start in an occurrence's id.

    Raises:
        ProviderError: PROVIDER_FAULT, when it is none.
    """
    if not occurrence_id.isdecimal() or len(occurrence_id) > 15:
        raise malformed()
    try:
        return EPOCH + timedelta(milliseconds=int(occurrence_id))
    except OverflowError:
        raise malformed() from None


def first_start(found: Meeting) -> datetime | None:
    """Start of a meeting, or of the first planned occurrence of a series.

    `start_time` is missing on some series, and is that of the next occurrence on others.
    """
    if kind(found) in FIXED and found.occurrences:
        return slots(found)[0].planned
    return instant(found.start_time)


def fill_span(start_at: types_pb2.EventTime, end_at: types_pb2.EventTime, found: Meeting) -> str:
    """Write start and end of a meeting; returns its IANA zone, "" when that cannot be told."""
    zone = parse_zone(found.timezone)
    start = first_start(found)
    if start is not None and kind(found) not in LOOSE:
        times.set_instant(start_at, start, zone)
        times.set_instant(end_at, ending(start, minutes(found.duration)), zone)
    return zone


def fill_recurrence(
    target: types_pb2.Recurrence, found: Meeting, start: types_pb2.EventTime
) -> None:
    """Write the rule of a series, and its deleted occurrences as EXDATE."""
    rule = repetition.parse_rule(found.recurrence, start) if found.recurrence else None
    if rule is None:
        target.inexpressible = True
        return
    gone = [each.planned for each in slots(found) if each.deleted]
    recurrence.fill(target, [rule, *exdates(gone, start.time_zone)], start)


def exdates(planned: Sequence[datetime], zone: str) -> list[str]:
    """EXDATE lines: one, or none."""
    if not planned:
        return []
    if not zone or zone == "UTC":
        return ["EXDATE:" + ",".join(f"{times.in_zone(p, UTC):%Y%m%dT%H%M%SZ}" for p in planned)]
    rules = timezones.zone(zone)
    walls = ",".join(f"{times.in_zone(p, rules):%Y%m%dT%H%M%S}" for p in planned)
    return [f"EXDATE;TZID={zone}:{walls}"]


def lies_in(start: datetime, end: datetime, window: types_pb2.TimeRange) -> bool:
    """Whether [start, end) overlaps the window."""
    low, high = times.bounds(window)
    if high is not None and start >= high:
        return False
    return low is None or end > low or start >= low


def overlaps(found: Meeting, window: types_pb2.TimeRange) -> bool:
    """Whether a meeting, or any occurrence of a series that takes place, overlaps the window.

    A meeting without a time overlaps nothing but the window that has no bounds.
    """
    if not (window.HasField("start_at") or window.HasField("end_at")):
        return True
    if kind(found) in LOOSE:
        return False
    if kind(found) in FIXED and found.occurrences:
        return any(lies_in(s.start, s.end, window) for s in slots(found) if not s.deleted)
    start = instant(found.start_time)
    return start is not None and lies_in(start, ending(start, minutes(found.duration)), window)
