"""What a recurrence rule yields in its periods: a year, month, week or day, or steps of a clock.

A plan is asked for a window and goes straight to the first period that touches it. COUNT and UNTIL
are the business of `expansion`.
"""

import itertools
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from providers.core.day_numbers import (
    LAST_DAY,
    first_week,
    in_month,
    in_week,
    in_year,
    month_start,
    numbered_days,
)
from providers.core.rrule import Frequency, Rule

_SECONDS = {Frequency.HOURLY: 3600, Frequency.MINUTELY: 60, Frequency.SECONDLY: 1}
_MOST_TIMES = 1440
_MANY = 32


class TooCostly(Exception):  # noqa: N818 - an outcome, not a fault
    """The rule needs more steps than it was given."""


class Budget:
    """Steps that an expansion may still take; a step is a period or a day that is looked at."""

    __slots__ = ("left",)

    def __init__(self, steps: int) -> None:
        self.left = steps

    def spend(self, steps: int = 1) -> None:
        """Take steps.

        Raises:
            TooCostly: there are not so many left.
        """
        self.left -= steps
        if self.left < 0:
            raise TooCostly


@lru_cache(maxsize=1024)
def plan(rule: Rule, start: datetime) -> "Plan":
    """`rule` made ready to be asked for windows.

    Raises:
        TooCostly: it yields more than 1440 times a day, or BYSETPOS of something finer than a day.
    """
    return _PLANS[rule.frequency](rule, start)


class Plan(ABC):
    """A rule with what it takes from its start, prepared to be asked for windows."""

    def __init__(self, rule: Rule, start: datetime) -> None:
        self.rule = rule
        self.start = start
        self.months = frozenset(rule.by_month)
        counting = rule.frequency <= Frequency.MONTHLY  # elsewhere a number means nothing
        self.weekdays = frozenset(day for number, day in rule.by_day if not (number and counting))
        self.numbered = tuple(word for word in rule.by_day if word[0] and counting)

    @abstractmethod
    def between(self, low: datetime, high: datetime, budget: Budget) -> Iterator[datetime]:
        """Wall times in [low, high]; `low` is not before the start."""

    def fits(self, day: date) -> bool:
        """Whether the BY parts that limit days let this one pass; BYDAY without its numbers."""
        rule = self.rule
        if self.months and day.month not in self.months:
            return False
        if self.weekdays and not self.numbered and day.weekday() not in self.weekdays:
            return False
        if rule.by_month_day and not in_month(day, rule.by_month_day):
            return False
        if rule.by_year_day and not in_year(day, rule.by_year_day):
            return False
        return not rule.by_week_no or in_week(day, rule.by_week_no, rule.week_start)


class _Periodic(Plan):
    """YEARLY, MONTHLY, WEEKLY and DAILY: the days of each period, at the rule's times of day."""

    def __init__(self, rule: Rule, start: datetime) -> None:
        super().__init__(rule, start)
        self.first_ordinal = start.toordinal()
        self.times = _times(rule, start)
        self.month_days = rule.by_month_day
        # Whether days that a period names must still be looked at one by one.
        self.filters = bool(
            rule.by_month or rule.by_year_day or rule.by_week_no or rule.by_month_day
        )

    @abstractmethod
    def periods(self, low: int, high: int, budget: Budget) -> Iterator[Sequence[int]]:
        """Day numbers of each period that touches the days [low, high], and of none after."""

    def between(self, low: datetime, high: datetime, budget: Budget) -> Iterator[datetime]:
        positions = self.rule.by_set_position
        times = self.times
        combine, of_ordinal = datetime.combine, date.fromordinal
        for days in self.periods(low.toordinal(), high.toordinal(), budget):
            if len(days) * len(times) > 1:
                budget.spend(len(days) * len(times) // 2)
            found = [combine(of_ordinal(day), at) for day in days for at in times]
            if positions:
                found = self._positioned(found)
            for wall in found:
                if wall < low:
                    continue
                if wall > high:
                    return
                yield wall

    def _positioned(self, walls: Sequence[datetime]) -> list[datetime]:
        size = len(walls)
        chosen = {p - 1 if p > 0 else size + p for p in self.rule.by_set_position}
        return [walls[index] for index in sorted(chosen) if 0 <= index < size]


class _Daily(_Periodic):
    def periods(self, low: int, high: int, budget: Budget) -> Iterator[Sequence[int]]:
        step = self.rule.interval
        ordinal = self.first_ordinal + -(-(low - self.first_ordinal) // step) * step
        if not (self.filters or self.weekdays or self.rule.by_set_position):
            yield from self._plain(range(ordinal, high + 1, step), budget)
            return
        while ordinal <= high:
            budget.spend()
            day = date.fromordinal(ordinal)
            if self.months and day.month not in self.months:
                ordinal = self._next_month(day)
                continue
            if self.fits(day):
                yield (ordinal,)
            ordinal += step

    def _plain(self, days: range, budget: Budget) -> Iterator[Sequence[int]]:
        """Days that nothing limits, many at once."""
        for index in range(0, len(days), _MANY):
            found = days[index : index + _MANY]
            budget.spend(len(found))
            yield found

    def _next_month(self, day: date) -> int:
        """The first day of the series after the month of `day`."""
        step = self.rule.interval
        following = month_start(day.year * 12 + day.month)
        return self.first_ordinal + -(-(following - self.first_ordinal) // step) * step


class _Weekly(_Periodic):
    def __init__(self, rule: Rule, start: datetime) -> None:
        super().__init__(rule, start)
        self.week = self.first_ordinal - (start.weekday() - rule.week_start) % 7
        days = {day for _, day in rule.by_day} or {start.weekday()}
        self.offsets = sorted((day - rule.week_start) % 7 for day in days)
        self.weekdays = frozenset()
        self.numbered = ()

    def periods(self, low: int, high: int, budget: Budget) -> Iterator[Sequence[int]]:
        step = 7 * self.rule.interval
        week = self.week + max(0, (low - self.week) // step) * step
        while week <= high:
            budget.spend()
            days = [week + offset for offset in self.offsets if week + offset <= LAST_DAY]
            if self.filters:
                days = [day for day in days if self.fits(date.fromordinal(day))]
            yield days
            week += step


class _Monthly(_Periodic):
    def __init__(self, rule: Rule, start: datetime) -> None:
        super().__init__(rule, start)
        if not (rule.by_day or rule.by_month_day or rule.by_year_day or rule.by_week_no):
            self.month_days = (start.day,)
        self.simple = not (rule.by_year_day or rule.by_week_no)

    def periods(self, low: int, high: int, budget: Budget) -> Iterator[Sequence[int]]:
        step = self.rule.interval
        first = self.start.year * 12 + self.start.month - 1
        day = date.fromordinal(low)
        month = first + max(0, (day.year * 12 + day.month - 1 - first) // step) * step
        end = date.fromordinal(high)
        last = end.year * 12 + end.month - 1
        while month <= last:
            budget.spend()
            if not self.months or month % 12 + 1 in self.months:
                yield self.days_of(month)
            month += step

    def days_of(self, month: int) -> Sequence[int]:
        """Day numbers in a month, which is counted from year 0."""
        begin, end = month_start(month), month_start(month + 1)
        if self.month_days:
            days = numbered_days(begin, end, self.month_days)
            if self.weekdays or self.numbered:
                wanted = self.weekdays_in(begin, end)
                days = [day for day in days if day in wanted]
        elif self.weekdays or self.numbered:
            days = sorted(self.weekdays_in(begin, end))
        else:
            days = list(range(begin, end))
        if not self.simple:
            days = [day for day in days if self.fits(date.fromordinal(day))]
        return days

    def weekdays_in(self, begin: int, end: int) -> set[int]:
        """Day numbers in [begin, end) that BYDAY names, its numbers counting within them."""
        found: set[int] = set()
        for weekday in self.weekdays:
            found.update(range(begin + (weekday + 1 - begin) % 7, end, 7))
        for number, weekday in self.numbered:
            days = range(begin + (weekday + 1 - begin) % 7, end, 7)
            index = number - 1 if number > 0 else len(days) + number
            if 0 <= index < len(days):
                found.add(days[index])
        return found


class _Yearly(_Monthly):
    def __init__(self, rule: Rule, start: datetime) -> None:
        super().__init__(rule, start)
        if not rule.by_month and self.month_days and not rule.by_month_day:
            self.months = frozenset({start.month})
        if rule.by_week_no and not (rule.by_day or rule.by_month_day or rule.by_year_day):
            self.weekdays = frozenset({start.weekday()})

    def periods(self, low: int, high: int, budget: Budget) -> Iterator[Sequence[int]]:
        step = self.rule.interval
        first = self.start.year
        year = first + max(0, (date.fromordinal(low).year - first) // step) * step
        last = date.fromordinal(high).year
        while year <= last:
            budget.spend(4)
            yield self.days_of_year(year)
            year += step

    def days_of_year(self, year: int) -> Sequence[int]:
        """Day numbers in a year."""
        rule = self.rule
        by_month = not (rule.by_year_day or rule.by_week_no or self.numbered)
        if by_month and (self.months or self.month_days):
            months = sorted(self.months) or range(1, 13)
            return [day for month in months for day in self.days_of(year * 12 + month - 1)]
        begin, end = month_start(year * 12), month_start(year * 12 + 12)
        if rule.by_year_day:
            days: Iterable[int] = numbered_days(begin, end, rule.by_year_day)
        elif rule.by_week_no:
            days = self._in_weeks(year, begin, end)
        elif self.month_days:
            days = [
                day for spans in self._spans(year) for day in numbered_days(*spans, self.month_days)
            ]
        else:
            days = sorted(self._named_in(year, begin, end))
        if self.numbered:
            named = self._named_in(year, begin, end)
            days = [day for day in days if day in named]
        return [day for day in days if self.fits(date.fromordinal(day))]

    def _spans(self, year: int) -> list[tuple[int, int]]:
        """First day and the day after the last of each month that BYMONTH lets pass."""
        months = (year * 12 + month - 1 for month in sorted(self.months) or range(1, 13))
        return [(month_start(month), month_start(month + 1)) for month in months]

    def _named_in(self, year: int, begin: int, end: int) -> set[int]:
        """Days that BYDAY names; its numbers count within BYMONTH's months, else in the year."""
        if not self.months:
            return self.weekdays_in(begin, end)
        return {day for span in self._spans(year) for day in self.weekdays_in(*span)}

    def _in_weeks(self, year: int, begin: int, end: int) -> list[int]:
        """Days of a year in the weeks that BYWEEKNO names; some belong to a neighbour's weeks."""
        found: set[int] = set()
        for owner in (year - 1, year, year + 1):
            first = first_week(owner, self.rule.week_start)
            size = (first_week(owner + 1, self.rule.week_start) - first) // 7
            for week in numbered_days(0, size, self.rule.by_week_no):
                found.update(range(max(begin, first + week * 7), min(end, first + week * 7 + 7)))
        return sorted(found)


class _Clock(Plan):
    """HOURLY, MINUTELY and SECONDLY: a grid of seconds, cut by day and by BYHOUR and its like."""

    def __init__(self, rule: Rule, start: datetime) -> None:
        super().__init__(rule, start)
        if rule.by_set_position:
            raise TooCostly
        _times(rule, start)  # for what it refuses

    def between(self, low: datetime, high: datetime, budget: Budget) -> Iterator[datetime]:
        unit = _SECONDS[self.rule.frequency]
        step = unit * self.rule.interval
        origin = self.start.replace(microsecond=0)
        span = max(1, step // 86400)
        day = low.toordinal()
        while day <= high.toordinal():
            budget.spend()
            midnight = datetime.combine(date.fromordinal(day), time())
            if not self.fits(midnight.date()):
                day += 1
                continue
            since = (midnight - origin) // timedelta(seconds=1)
            first = -since % step
            yield from self._of_day(midnight, range(first, 86400, step), low, high, budget)
            day += max(1, min(span, (first - 86400) // 86400)) if first >= 86400 else 1

    def _of_day(
        self, midnight: datetime, grid: range, low: datetime, high: datetime, budget: Budget
    ) -> Iterator[datetime]:
        for second in grid:
            budget.spend()
            if self._passes(second):
                for wall in self._within(midnight + timedelta(seconds=second)):
                    if low <= wall <= high:
                        yield wall

    def _passes(self, second: int) -> bool:
        """Whether the BY parts that limit the grid let this second of a day pass."""
        rule = self.rule
        hour, rest = divmod(second, 3600)
        minute, left = divmod(rest, 60)
        if rule.by_hour and hour not in rule.by_hour:
            return False
        if rule.frequency >= Frequency.MINUTELY and rule.by_minute and minute not in rule.by_minute:
            return False
        if rule.frequency == Frequency.SECONDLY and rule.by_second:
            return left in rule.by_second
        return True

    def _within(self, wall: datetime) -> Iterator[datetime]:
        """What BYMINUTE and BYSECOND make of one step of the grid."""
        rule = self.rule
        minutes: Sequence[int] = (wall.minute,)
        seconds: Sequence[int] = (wall.second,)
        if rule.by_minute and rule.frequency < Frequency.MINUTELY:
            minutes = rule.by_minute
        if rule.by_second and rule.frequency < Frequency.SECONDLY:
            seconds = sorted({min(second, 59) for second in rule.by_second})
        for minute in minutes:
            for second in seconds:
                yield wall.replace(minute=minute, second=second)


_PLANS: dict[Frequency, type[Plan]] = {
    Frequency.YEARLY: _Yearly,
    Frequency.MONTHLY: _Monthly,
    Frequency.WEEKLY: _Weekly,
    Frequency.DAILY: _Daily,
    Frequency.HOURLY: _Clock,
    Frequency.MINUTELY: _Clock,
    Frequency.SECONDLY: _Clock,
}


def _times(rule: Rule, start: datetime) -> tuple[time, ...]:
    """Times of day, in order, that BYHOUR and its like name, else those of the start.

    Raises:
        TooCostly: more than 1440.
    """
    hours = rule.by_hour or (start.hour,)
    minutes = rule.by_minute or (start.minute,)
    seconds = sorted({min(second, 59) for second in rule.by_second}) or (start.second,)
    if len(hours) * len(minutes) * len(seconds) > _MOST_TIMES:
        raise TooCostly
    return tuple(time(*parts) for parts in itertools.product(hours, minutes, seconds))
