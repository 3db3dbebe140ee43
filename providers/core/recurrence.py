"""Series: RFC 5545 lines as the contract carries them, their structured form, what they yield.

Reading lines is `recurrence_lines`' part, checking them `recurrence_check`'s, dates of one rule
`expansion`'s, cutting and moving a series `recurrence_edit`'s; callers find all of it here.
"""

import asyncio
import heapq
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from providers.core import expansion, recurrence_lines, times
from providers.core.errors import Kind, ProviderError
from providers.core.expansion import Budget, TooCostly
from providers.core.recurrence_check import validate
from providers.core.recurrence_edit import shift, split
from providers.core.recurrence_lines import Anchor, Lines, Planned
from providers.core.recurrence_structure import line, lines, structured, structured_at
from providers.core.rrule import Rule, RuleError
from providers.core.times import in_zone
from ucal.v1 import types_pb2

__all__ = [
    "MAX_STEPS",
    "Planned",
    "fill",
    "line",
    "lines",
    "occurrences",
    "occurrences_off_loop",
    "shift",
    "split",
    "structured",
    "validate",
]

INLINE_STEPS = 4_000
"""Steps that may be taken on the event loop: up to twenty milliseconds."""
MAX_STEPS = 40_000
"""Steps of one expansion; a rule that needs more is refused."""

_DAY = timedelta(days=1)
_SPARE = 100  # clocks that jump may change the order of so many starts, or make them one
_STEADY = timedelta(days=6)


def fill(target: types_pb2.Recurrence, rules: Iterable[str], start: types_pb2.EventTime) -> None:
    """Write `rules`, and what they say: `rule`, `included`, `excluded`. Replaces what was there.

    Lines that cannot be read stay in `rules` alone.

    Raises:
        ProviderError: INVALID, for a start in a zone that does not exist.
    """
    texts = list(rules)
    target.Clear()
    target.rules.extend(texts)
    anchor = recurrence_lines.anchor(start)
    rule = structured_at(texts, anchor)
    if rule is not None:
        target.rule.CopyFrom(rule)
    dated = [text for text in texts if _is_dated(text)]
    if not dated:
        return
    found = _readable(dated, anchor)
    for planned in found.included:
        times.set_planned(target.included.add(), planned, start.time_zone)
    for planned in found.excluded:
        times.set_planned(target.excluded.add(), planned, start.time_zone)
    for day in sorted(found.excluded_days):
        times.set_date(target.excluded.add(), day)


def _is_dated(text: str) -> bool:
    """Whether the line is an RDATE or an EXDATE."""
    return text[:1] in "RrEe" and text[1:5].upper() in {"DATE", "XDAT"}


def _readable(texts: Iterable[str], anchor: Anchor) -> Lines:
    """The dates in those lines that can be read."""
    found = Lines()
    for text in texts:
        try:
            part = recurrence_lines.read((text,), anchor)
        except RuleError:
            continue
        found.included += part.included
        found.excluded += part.excluded
        found.excluded_days |= part.excluded_days
    return found


def occurrences(
    rules: Sequence[str],
    start: types_pb2.EventTime,
    window_start: datetime,
    window_end: datetime,
    *,
    limit: int,
    zone: tzinfo | None = None,
) -> list[Planned]:
    """Planned starts of a series in [window_start, window_end), in order, at most `limit`.

    The start itself is one of them, also when the rule does not yield it (P41). Wall time is kept
    when clocks change; a time that clocks jump over is moved by the jump, one that comes twice is
    its first (RFC 5545 section 3.3.5).

    Args:
        window_start: aware.
        window_end: aware.
        zone: of a timed series: where it is planned, when `start` cannot name it; else the zone
            in which dates and floating times are held against the window (absent: UTC).

    Returns:
        Aware times in the zone of the series; naive ones of a floating series; dates of days.

    Raises:
        ProviderError: INVALID, for lines that cannot be read or a zone that does not exist;
            PRECONDITION RECURRENCE_TOO_COSTLY, for a rule that takes too many steps.
    """
    window = (window_start, window_end)
    try:
        return _expanded(rules, start, window, limit, zone, budget=Budget(MAX_STEPS))
    except TooCostly:
        raise _too_costly() from None


async def occurrences_off_loop(
    rules: Sequence[str],
    start: types_pb2.EventTime,
    window_start: datetime,
    window_end: datetime,
    *,
    limit: int,
    zone: tzinfo | None = None,
) -> list[Planned]:
    """As `occurrences`; a rule that takes many steps is expanded in a thread."""
    window = (window_start, window_end)
    try:
        return _expanded(rules, start, window, limit, zone, budget=Budget(INLINE_STEPS))
    except TooCostly:
        pass
    try:
        return await asyncio.to_thread(
            _expanded, rules, start, window, limit, zone, budget=Budget(MAX_STEPS)
        )
    except TooCostly:
        raise _too_costly() from None


def _too_costly() -> ProviderError:
    return ProviderError(
        Kind.PRECONDITION,
        "the recurrence rule takes too many steps to expand: ask for a shorter window",
        reason="RECURRENCE_TOO_COSTLY",
    )


def _expanded(
    rules: Sequence[str],
    start: types_pb2.EventTime,
    window: tuple[datetime, datetime],
    limit: int,
    zone: tzinfo | None,
    *,
    budget: Budget,
) -> list[Planned]:
    anchor = recurrence_lines.anchor(start, zone)
    try:
        found = recurrence_lines.read(rules, anchor)
    except RuleError as error:
        raise ProviderError.invalid("recurrence.rules", str(error)) from None
    return _Expansion(anchor, found, window, budget).run(limit)


class _Expansion:
    """One expansion. Keys are naive: of a timed series UTC, else wall time in the window's zone."""

    def __init__(
        self, anchor: Anchor, lines: Lines, window: tuple[datetime, datetime], budget: Budget
    ) -> None:
        self.anchor = anchor
        self.lines = lines
        self.budget = budget
        basis = UTC if anchor.timed else anchor.zone
        self.low, self.high = (in_zone(bound, basis).replace(tzinfo=None) for bound in window)
        self.clock = _Clock(anchor)

    def run(self, limit: int) -> list[Planned]:
        """Planned starts, in order."""
        low, high = self.low, self.high
        excluded = self._excluded()
        days = self.lines.excluded_days
        dated = ((self.clock.key(p), p) for p in (self.anchor.planned, *self.lines.included))
        found: dict[datetime, Planned] = {
            key: planned
            for key, planned in dated
            if low <= key < high and key not in excluded and _day(planned) not in days
        }
        wanted = len(found) + limit + _SPARE
        for key, planned in map(self.clock.settle, self._walls(self.lines.rules)):
            if not low <= key < high or key in excluded or (days and _day(planned) in days):
                continue
            found[key] = planned
            if len(found) >= wanted:
                break
        return [found[key] for key in sorted(found)][:limit]

    def _walls(self, rules: Sequence[Rule]) -> Iterator[datetime]:
        """Wall times of all the rules that can lie in the window, in order."""
        parts = [self._of_rule(rule) for rule in rules]
        return parts[0] if len(parts) == 1 else heapq.merge(*parts)

    def _of_rule(self, rule: Rule) -> Iterator[datetime]:
        margin = _DAY if self.anchor.timed else timedelta()
        low, high = _moved(self.low, -margin), _moved(self.high, margin)
        until = recurrence_lines.until_wall(rule, self.anchor)
        if until is not None:
            high = min(high, until)
        if low > high:
            return iter(())
        walls = expansion.between(rule, self.anchor.wall, low, high, self.budget)
        if until is not None and self.anchor.timed and isinstance(rule.until, datetime):
            return self._cut(walls, rule.until)
        return walls

    def _cut(self, walls: Iterator[datetime], until: datetime) -> Iterator[datetime]:
        """Walls up to UNTIL; where clocks jumped just before it, wall times do not tell."""
        zone = self.anchor.zone
        if until.tzinfo is None or in_zone(_moved(until, -_DAY), zone).utcoffset() == (
            in_zone(until, zone).utcoffset()
        ):
            return walls
        last = in_zone(until, UTC).replace(tzinfo=None)
        return (wall for wall in walls if self.clock.settle(wall)[0] <= last)

    def _excluded(self) -> set[datetime]:
        keys = {self.clock.key(planned) for planned in self.lines.excluded}
        keys.update(self.clock.settle(wall)[0] for wall in self._walls(self.lines.exrules))
        return keys


class _Clock:
    """Turns wall times of a series into keys and planned starts."""

    def __init__(self, anchor: Anchor) -> None:
        self.anchor = anchor
        self.zone = anchor.zone
        self.first = self.key(anchor.planned)
        self.steady_from = expansion.LATEST
        self.steady_to = expansion.EARLIEST
        self.offset = timedelta()
        self.settle = {"timestamp": self._timed, "floating": _floating, "date": _dated}[anchor.form]

    def key(self, planned: Planned) -> datetime:
        """The key of a planned start."""
        if not isinstance(planned, datetime):
            return datetime.combine(planned, time())
        return in_zone(planned, UTC).replace(tzinfo=None) if planned.tzinfo else planned

    def _timed(self, wall: datetime) -> tuple[datetime, Planned]:
        if not self.steady_from <= wall < self.steady_to and not self._steady(wall):
            return self._careful(wall)
        if wall == self.anchor.wall:
            return self.first, self.anchor.planned
        try:
            return wall - self.offset, wall.replace(tzinfo=self.zone)
        except OverflowError:
            return _moved(wall, -self.offset), wall.replace(tzinfo=self.zone)

    def _steady(self, wall: datetime) -> bool:
        """Whether clocks stay as they are for six days: none change and go back within them."""
        offset = _offset(self.zone, wall)
        end = _moved(wall, _STEADY)
        if _offset(self.zone, end) != offset or _offset(self.zone, wall, fold=1) != offset:
            return False
        self.steady_from, self.steady_to, self.offset = wall, end, offset
        return True

    def _careful(self, wall: datetime) -> tuple[datetime, Planned]:
        if wall == self.anchor.wall:
            return self.first, self.anchor.planned
        offset = _offset(self.zone, wall)
        key = _moved(wall, -offset)
        if _offset(self.zone, wall, fold=1) == offset:
            return key, wall.replace(tzinfo=self.zone)
        return key, in_zone(key.replace(tzinfo=UTC), self.zone)


def _offset(zone: tzinfo, wall: datetime, fold: int = 0) -> timedelta:
    return wall.replace(tzinfo=zone, fold=fold).utcoffset() or timedelta()


def _floating(wall: datetime) -> tuple[datetime, Planned]:
    return wall, wall


def _dated(wall: datetime) -> tuple[datetime, Planned]:
    return wall, wall.date()


def _day(planned: Planned) -> date:
    return planned.date() if isinstance(planned, datetime) else planned


def _moved(when: datetime, by: timedelta) -> datetime:
    """`when` plus `by`, held within the years that Python knows."""
    try:
        return when + by
    except OverflowError:
        end = expansion.LATEST if by > timedelta() else expansion.EARLIEST
        return end.replace(tzinfo=when.tzinfo)
