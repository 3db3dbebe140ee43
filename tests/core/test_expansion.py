"""The expander against python-dateutil, another reading of RFC 5545, and its own promises."""

import datetime as dt
from collections.abc import Iterator
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
from dateutil import rrule as oracle
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.core import expansion
from providers.core.expansion import Budget
from providers.core.rrule import Frequency, Rule

_STEPS = 10**7
_LAST_YEAR = 2040


@pytest.fixture(scope="module", autouse=True)
def _patient_oracle() -> Iterator[None]:
    """dateutil looks for the dates of an impossible rule up to the year 9999, for minutes."""
    short = SimpleNamespace(**{name: getattr(dt, name) for name in dt.__all__})
    short.MAXYEAR = _LAST_YEAR
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(oracle, "datetime", short)
        yield


def wall(text: str) -> datetime:
    return datetime.fromisoformat(text)


def walls(rule: Rule, start: datetime, low: datetime, high: datetime) -> list[datetime]:
    return list(expansion.between(rule, start, low, high, Budget(_STEPS)))


def of_dateutil(rule: Rule, start: datetime, high: datetime) -> list[datetime]:
    """What dateutil yields up to `high`, without COUNT."""
    if rule.frequency == Frequency.HOURLY and rule.by_hour:
        grid = {(start.hour + step * rule.interval) % 24 for step in range(24)}
        if not grid & set(rule.by_hour):
            return []  # dateutil refuses such a rule
    made = oracle.rrule(
        rule.frequency.value,
        dtstart=start,
        interval=rule.interval,
        wkst=rule.week_start,
        bysetpos=rule.by_set_position or None,
        bymonth=rule.by_month or None,
        bymonthday=rule.by_month_day or None,
        byyearday=rule.by_year_day or None,
        byweekno=rule.by_week_no or None,
        byweekday=[oracle.weekday(day, number or None) for number, day in rule.by_day] or None,
        byhour=rule.by_hour or None,
        byminute=rule.by_minute or None,
        bysecond=rule.by_second or None,
    )
    return made.between(start, high, inc=True)


def some(low: int, high: int, most: int = 3) -> st.SearchStrategy[tuple[int, ...]]:
    return st.lists(st.integers(low, high), max_size=most, unique=True).map(
        lambda found: tuple(sorted(found))
    )


def signed(high: int, most: int = 3) -> st.SearchStrategy[tuple[int, ...]]:
    number = st.integers(1, high) | st.integers(-high, -1)
    return st.lists(number, max_size=most, unique=True).map(lambda found: tuple(sorted(found)))


def rare(strategy: st.SearchStrategy[tuple[int, ...]]) -> st.SearchStrategy[tuple[int, ...]]:
    return st.just(()) | st.just(()) | strategy


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    """Rules of every part that RFC 5545 allows beside the frequency."""
    frequency = draw(st.sampled_from([f for f in Frequency if f <= Frequency.HOURLY]))
    yearly = frequency == Frequency.YEARLY
    by_week_no = draw(rare(signed(53))) if yearly else ()
    numbers = st.just(0)
    if frequency <= Frequency.MONTHLY and not by_week_no and draw(st.booleans()):
        numbers = st.integers(1, 5) | st.integers(-5, -1)
    words = st.lists(st.tuples(numbers, st.integers(0, 6)), max_size=4, unique=True)
    by_day = tuple(draw(words))
    by_year_day = draw(rare(signed(366))) if yearly or frequency > Frequency.DAILY else ()
    by_month_day = draw(rare(signed(31))) if frequency != Frequency.WEEKLY else ()
    if by_week_no and not (by_day or by_year_day or by_month_day):
        by_day = ((0, draw(st.integers(0, 6))),)  # dateutil takes the whole week, see below
    return Rule(
        frequency=frequency,
        interval=draw(st.integers(1, 4) | st.integers(5, 30)),
        by_day=by_day,
        by_month_day=by_month_day,
        by_year_day=by_year_day,
        by_week_no=by_week_no,
        by_month=draw(rare(some(1, 12))),
        by_hour=draw(rare(some(0, 23))),
        by_minute=draw(rare(some(0, 59, 2))),
        by_set_position=draw(rare(signed(6)))
        if frequency <= Frequency.DAILY and (by_day or by_month_day or by_year_day)
        else (),
        week_start=draw(st.integers(0, 6)),
    )


STARTS = st.datetimes(wall("1999-01-01"), wall("2033-12-31")).map(
    lambda at: at.replace(microsecond=0)
)


@settings(max_examples=400, deadline=None)
@given(rules(), STARTS, st.integers(0, 1500), st.integers(0, 500))
def test_agrees_with_dateutil(rule: Rule, start: datetime, after: int, days: int) -> None:
    if rule.frequency == Frequency.HOURLY:  # dateutil walks there hour by hour
        after, days = after // 30, days // 30
    low = start + timedelta(days=after)
    high = low + timedelta(days=days)
    if rule.frequency == Frequency.WEEKLY and rule.by_set_position:
        low += timedelta(days=7)  # dateutil counts BYSETPOS in what is left of the first week
    expected = [at for at in of_dateutil(rule, start, high) if at >= low]
    assert walls(rule, start, low, high) == expected
