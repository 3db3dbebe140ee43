"""Starts of series and what tests ask of them."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest

from providers.core import recurrence, times, timezones
from providers.core.errors import Kind, ProviderError
from providers.core.recurrence import Planned
from ucal.v1 import types_pb2

LONG_AGO = datetime(1990, 1, 1, tzinfo=UTC)
FAR_AHEAD = datetime(2090, 1, 1, tzinfo=UTC)


def wall(text: str) -> datetime:
    return datetime.fromisoformat(text)


def at(text: str, zone: str = "Europe/Berlin") -> types_pb2.EventTime:
    """A timed start, from wall time in its zone."""
    found = types_pb2.EventTime()
    times.set_instant(found, wall(text).replace(tzinfo=timezones.zone(zone)), zone)
    return found


def day(text: str) -> types_pb2.EventTime:
    found = types_pb2.EventTime()
    times.set_date(found, date.fromisoformat(text))
    return found


def floating(text: str) -> types_pb2.EventTime:
    found = types_pb2.EventTime()
    times.set_floating(found, wall(text))
    return found


def expand(
    rules: Sequence[str],
    start: types_pb2.EventTime,
    low: datetime = LONG_AGO,
    high: datetime = FAR_AHEAD,
    limit: int = 1000,
) -> list[Planned]:
    return recurrence.occurrences(rules, start, low, high, limit=limit)


def texts(planned: Sequence[Planned]) -> list[str]:
    """Wall times or dates, to the minute."""
    return [
        each.strftime("%Y-%m-%d %H:%M") if isinstance(each, datetime) else each.isoformat()
        for each in planned
    ]


def days(first: str, count: int, step: int = 1) -> list[str]:
    begin = date.fromisoformat(first)
    return [(begin + timedelta(days=step * index)).isoformat() for index in range(count)]


def refused(
    rules: Sequence[str], start: types_pb2.EventTime, field: str = "event.recurrence.rules"
) -> ProviderError:
    """The error with which `rules` are refused."""
    with pytest.raises(ProviderError) as caught:
        recurrence.validate(rules, start, field)
    assert caught.value.kind is Kind.INVALID
    return caught.value


def utc(text: str) -> datetime:
    return wall(text).replace(tzinfo=UTC)
