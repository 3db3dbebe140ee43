"""A month of an old series costs what a month of a new one costs."""

import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from benchmarks.paired import Measure, Ratio, interleaved, ratio
from providers.core import recurrence, times
from ucal.v1 import types_pb2

_REPEATS = 50
_BERLIN = ZoneInfo("Europe/Berlin")
_NOW = datetime(2027, 3, 1, tzinfo=UTC)
_RULES = ["RRULE:FREQ=DAILY"]


def _start(years: int) -> types_pb2.EventTime:
    start = types_pb2.EventTime()
    begin = datetime(2027 - years, 2, 1, 9, tzinfo=_BERLIN)
    times.set_instant(start, begin, "Europe/Berlin")
    return start


def _ours(years: int) -> Measure:
    start = _start(years)

    async def measure() -> float:
        begin = time.perf_counter()
        for _ in range(_REPEATS):
            found = recurrence.occurrences(
                _RULES, start, _NOW, _NOW + timedelta(days=30), limit=1000
            )
        if len(list(found)) != 30:
            raise RuntimeError("not a month")
        return (time.perf_counter() - begin) / _REPEATS * 1e6

    return measure


async def _dateutil() -> float:
    begin = time.perf_counter()
    rule = rrulestr("RRULE:FREQ=DAILY", dtstart=datetime(2017, 2, 1, 9, tzinfo=_BERLIN))
    if len(rule.between(_NOW, _NOW + timedelta(days=30))) != 30:
        raise RuntimeError("not a month")
    return (time.perf_counter() - begin) * 1e6


async def run(rounds: int) -> list[Ratio]:
    """The figures."""
    found = await interleaved({"old": _ours(10), "new": _ours(0), "dateutil": _dateutil}, rounds)
    return [
        ratio("a month, ten years on / at once", found["old"], found["new"], "<= 1.2", "us"),
        ratio("dateutil / ours, ten years on", found["dateutil"], found["old"], "", "us"),
    ]
