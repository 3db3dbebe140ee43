"""The wall times that a recurrence rule yields: arithmetic on day numbers that jumps to a window.

A rule is asked for a window, and only the periods that touch it are looked at, however long ago
the series began. Zones, UNTIL, RDATE and EXDATE live in `recurrence`; everything here is naive.
"""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta

from providers.core.day_numbers import LAST_DAY
from providers.core.rrule import Frequency, Rule
from providers.core.rule_periods import Budget, TooCostly, plan

__all__ = ["EARLIEST", "LATEST", "Budget", "TooCostly", "ahead", "between"]

EARLIEST = datetime.min  # noqa: DTZ901 - a wall time
LATEST = datetime.max  # noqa: DTZ901 - a wall time
_INSTANT = timedelta(microseconds=1)


def between(
    rule: Rule, start: datetime, low: datetime, high: datetime, budget: Budget
) -> Iterator[datetime]:
    """Wall times of the rule in [low, high], in order, none before `start`; COUNT is kept.

    A start that the rule does not yield is not here, and takes nothing from COUNT: RFC 5545 leaves
    that open, and Apple's own calendars (holidays of 2004), libical and dateutil count so.

    Raises:
        TooCostly: while iterating.
    """
    if rule.count:
        last = _last(rule, start, budget)
        if last is None:
            return
        high = min(high, last)
    if high < start:
        return
    yield from plan(rule, start).between(max(low, start), high, budget)


def ahead(rule: Rule, start: datetime, before: datetime, budget: Budget) -> int:
    """How many of COUNT come before `before`."""
    return sum(1 for _ in between(rule, start, start, before - _INSTANT, budget))


def _last(rule: Rule, start: datetime, budget: Budget) -> datetime | None:
    """The last wall time of a rule with COUNT; None when it yields nothing."""
    key = (rule, start)
    if key in _LAST:
        return _LAST[key]
    found = _computed(rule, start) or _counted(rule, start, budget)
    if len(_LAST) >= _MAX_LAST:
        _LAST.clear()
    _LAST[key] = found
    return found


_LAST: dict[tuple[Rule, datetime], datetime | None] = {}
_MAX_LAST = 4096


def _computed(rule: Rule, start: datetime) -> datetime | None:
    """The last wall time where arithmetic tells it: each day or week without any BY part."""
    days = {Frequency.DAILY: 1, Frequency.WEEKLY: 7}.get(rule.frequency)
    if days is None or replace(rule, until=None, week_start=0) != Rule(
        rule.frequency, rule.interval, rule.count
    ):
        return None
    ordinal = start.toordinal() + (rule.count - 1) * rule.interval * days
    if ordinal > LAST_DAY:
        return LATEST
    return datetime.combine(date.fromordinal(ordinal), start.time())


def _counted(rule: Rule, start: datetime, budget: Budget) -> datetime | None:
    found = plan(rule, start).between(start, LATEST, budget)
    last: datetime | None = None
    for last in itertools.islice(found, rule.count):  # noqa: B007 - the last one is wanted
        budget.spend()
    return last
