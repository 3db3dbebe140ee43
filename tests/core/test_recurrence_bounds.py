"""No rule takes for ever, and series end where time ends."""

import asyncio
import contextlib
import time
from datetime import UTC, datetime, timedelta

import pytest

from providers.core import recurrence
from providers.core.errors import ProviderError
from providers.core.recurrence import Planned
from tests.core.series import FAR_AHEAD, LONG_AGO, at, expand, texts, utc
from ucal.v1 import types_pb2

# -- bounds


REFUSALS = {"RECURRENCE_TOO_COSTLY", "INVALID_REQUEST"}
BOMBS = [
    ["RRULE:FREQ=SECONDLY"],
    ["RRULE:FREQ=SECONDLY;INTERVAL=7;COUNT=1000000000"],
    ["RRULE:FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30"],
    ["RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"],
    ["RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"],
    ["RRULE:FREQ=DAILY;COUNT=900000000;BYDAY=MO"],
    ["RRULE:FREQ=WEEKLY;BYSETPOS=367"],
    ["RRULE:FREQ=DAILY;BYHOUR=" + ",".join(map(str, range(24)))
     + ";BYMINUTE=" + ",".join(map(str, range(60)))
     + ";BYSECOND=" + ",".join(map(str, range(60)))],
    ["RRULE:FREQ=YEARLY;BYYEARDAY=" + ",".join(map(str, range(1, 367))) + ";BYDAY=2MO"],
    ["RRULE:FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6;BYDAY=MO"],
    ["RRULE:FREQ=HOURLY;BYSETPOS=1"],
    ["RRULE:FREQ=DAILY", "EXRULE:FREQ=SECONDLY"],
    ["RRULE:FREQ=SECONDLY", "EXRULE:FREQ=SECONDLY"],
    ["RRULE:FREQ=MONTHLY;INTERVAL=999999999;BYMONTHDAY=31"],
]  # fmt: skip


@pytest.mark.parametrize("rules", BOMBS, ids=[rules[0][:50] for rules in BOMBS])
def test_no_rule_takes_for_ever(rules: list[str]) -> None:
    """R23: what a provider holds is expanded or refused, in bounded time."""
    began = time.thread_time()
    reason = ""
    found: list[Planned] = []
    try:
        found = expand(rules, at("2026-03-02 09:00"), limit=1000)
    except ProviderError as error:
        reason = error.reason
    assert time.thread_time() - began < 0.5
    assert reason in REFUSALS if reason else 0 < len(found) <= 1000


@pytest.mark.parametrize("rules", BOMBS, ids=[rules[0][:50] for rules in BOMBS])
async def test_the_loop_is_never_held_up(rules: list[str]) -> None:
    """A costly rule is expanded beside the loop."""
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            before = time.thread_time()  # of the loop alone, however busy the machine is
            await asyncio.sleep(0)
            longest = max(longest, time.thread_time() - before)

    watching = asyncio.create_task(watch())
    with contextlib.suppress(ProviderError):
        await recurrence.occurrences_off_loop(
            rules, at("2026-03-02 09:00"), LONG_AGO, FAR_AHEAD, limit=1000
        )
    watching.cancel()
    assert longest < 0.25  # 50 ms on a quiet machine


async def test_off_the_loop_the_answer_is_the_same() -> None:
    start = at("2016-03-02 09:00")
    for rules in (["RRULE:FREQ=DAILY"], ["RRULE:FREQ=DAILY;BYHOUR=1,2,3,4,5,6"]):
        there = await recurrence.occurrences_off_loop(
            rules, start, LONG_AGO, FAR_AHEAD, limit=20_000
        )
        assert there == recurrence.occurrences(rules, start, LONG_AGO, FAR_AHEAD, limit=20_000)


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/Los_Angeles", "UTC"])
def test_until_at_the_end_of_the_calendar(zone: str) -> None:
    """Some clients write "for ever" as the last second of the year 9999."""
    rules = ["RRULE:FREQ=DAILY;UNTIL=99991231T235959Z", "EXDATE:99991231T235959Z"]
    start = at("2026-03-02 09:00", zone)
    recurrence.validate(rules, start)
    recurrence.fill(types_pb2.Recurrence(), rules, start)
    assert len(expand(rules, start, high=utc("2026-03-10"))) == 8
    first, rest = recurrence.split(rules, start, utc("2026-03-05"))
    assert first
    assert rest
    for begin in (at("9999-12-31 20:00", "UTC"), at("0001-01-01 03:00", "UTC")):
        begin.time_zone = zone
        low, high = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
        assert recurrence.occurrences(["RRULE:FREQ=HOURLY"], begin, low, high, limit=2)


def test_series_at_the_ends_of_time() -> None:
    late = at("9999-12-30 09:00", "UTC")
    found = recurrence.occurrences(
        ["RRULE:FREQ=DAILY"], late, LONG_AGO, datetime.max.replace(tzinfo=UTC), limit=10
    )
    assert texts(found) == ["9999-12-30 09:00", "9999-12-31 09:00"]
    early = at("0001-01-02 09:00", "UTC")
    first = datetime.min.replace(tzinfo=UTC)
    assert (
        len(
            recurrence.occurrences(
                ["RRULE:FREQ=WEEKLY"], early, first, first + timedelta(20), limit=9
            )
        )
        == 3
    )
