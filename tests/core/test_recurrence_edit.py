"""Cutting a series in two, and moving it."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.core import recurrence, times, timezones
from providers.core.errors import Kind, ProviderError
from providers.core.recurrence import Planned
from tests.core.series import at, day, days, expand, floating, texts, wall
from ucal.v1 import types_pb2

START = at("2026-03-02 09:00")


def planned(start: types_pb2.EventTime, rules: list[str], index: int) -> Planned:
    return expand(rules, start)[index]


def from_there(start: types_pb2.EventTime, when: Planned) -> types_pb2.EventTime:
    found = types_pb2.EventTime()
    times.set_planned(found, when, start.time_zone)
    return found


@pytest.mark.parametrize(
    ("start", "rules"),
    [
        (START, ["RRULE:FREQ=DAILY;COUNT=10"]),
        (START, ["RRULE:FREQ=DAILY;UNTIL=20260311T080000Z"]),
        (START, ["RRULE:FREQ=WEEKLY;BYDAY=MO,WE,FR;COUNT=10"]),
        (START, ["RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE;COUNT=10;WKST=SU"]),
        (START, ["RRULE:FREQ=DAILY;COUNT=12", "EXDATE:20260303T080000Z,20260310T080000Z"]),
        (START, ["RRULE:FREQ=WEEKLY;COUNT=5", "RDATE:20260304T120000Z,20260312T080000Z"]),
        (START, ["RRULE:FREQ=MONTHLY;COUNT=5", "RDATE:20260304T120000Z,20260312T080000Z"]),
        (START, ["RRULE:FREQ=YEARLY;COUNT=5", "RDATE:20260304T120000Z,20260312T080000Z"]),
        (START, ["RRULE:FREQ=MONTHLY;BYDAY=1MO;COUNT=5", "RDATE:20260304T120000Z"]),
        (START, ["RRULE:FREQ=DAILY;COUNT=8", "RDATE:20260302T120000Z,20260401T080000Z"]),
        (START, ["RDATE:20260302T120000Z,20260304T080000Z,20260305T080000Z,20260401T080000Z"]),
        (at("2026-03-27 02:30"), ["RRULE:FREQ=DAILY;COUNT=8"]),
        (at("2026-03-02 09:00", "UTC"), ["RRULE:FREQ=MONTHLY;BYDAY=1MO;COUNT=9"]),
        (day("2026-03-02"), ["RRULE:FREQ=DAILY;COUNT=10", "EXDATE;VALUE=DATE:20260304,20260309"]),
        (day("2026-03-02"), ["RRULE:FREQ=DAILY;UNTIL=20260310"]),
        (floating("2026-03-02 09:00"), ["RRULE:FREQ=DAILY;COUNT=10", "EXDATE:20260304T090000"]),
        (START, ["RRULE:FREQ=DAILY;COUNT=5", "RRULE:FREQ=WEEKLY;BYDAY=SU;COUNT=6"]),
    ],
)  # fmt: skip
def test_both_parts_are_the_whole(start: types_pb2.EventTime, rules: list[str]) -> None:
    """P48: nothing is lost, nothing is there twice, wherever it is cut."""
    whole = expand(rules, start)
    assert len(whole) > 4
    for index in range(1, len(whole)):
        cut = whole[index]
        first, rest = recurrence.split(rules, start, cut)
        before = expand(first, start)
        after = expand(rest, from_there(start, cut))
        assert texts(before) == texts(whole[:index]), (first, cut)
        assert texts(after) == texts(whole[index:]), (rest, cut)
        recurrence.validate(first, start)
        recurrence.validate(rest, from_there(start, cut))


def test_the_first_part_ends_with_until() -> None:
    cut = planned(START, ["RRULE:FREQ=DAILY"], 3)
    first, rest = recurrence.split(["RRULE:FREQ=DAILY;COUNT=9"], START, cut)
    assert first == ["RRULE:FREQ=DAILY;UNTIL=20260305T075959Z"]
    assert rest == ["RRULE:FREQ=DAILY;COUNT=6"]
    first, rest = recurrence.split(["RRULE:FREQ=DAILY"], day("2026-03-02"), date(2026, 3, 5))
    assert (first, rest) == (["RRULE:FREQ=DAILY;UNTIL=20260304"], ["RRULE:FREQ=DAILY"])
    first, _ = recurrence.split(
        ["RRULE:FREQ=DAILY"], floating("2026-03-02 09:00"), wall("2026-03-05 09:00")
    )
    assert first == ["RRULE:FREQ=DAILY;UNTIL=20260305T085959"]


def test_excluded_instances_count_too() -> None:
    rules = ["RRULE:FREQ=DAILY;COUNT=5", "EXDATE:20260303T080000Z"]
    _, rest = recurrence.split(rules, START, datetime(2026, 3, 5, 8, tzinfo=UTC))
    assert rest == ["RRULE:FREQ=DAILY;COUNT=2"]


def test_nothing_comes_before_the_first() -> None:
    rules = ["RRULE:FREQ=DAILY;COUNT=5"]
    assert recurrence.split(rules, START, planned(START, rules, 0)) == ([], rules)


def test_a_count_that_is_used_up_leaves_dates_only() -> None:
    rules = ["RRULE:FREQ=DAILY;COUNT=2", "RDATE:20260401T080000Z,20260402T080000Z"]
    first, rest = recurrence.split(rules, START, datetime(2026, 4, 1, 8, tzinfo=UTC))
    assert rest == ["RDATE:20260402T080000Z"]
    assert len(expand(first, START)) == 2


def test_what_cannot_be_read_cannot_be_cut() -> None:
    with pytest.raises(ProviderError) as caught:
        recurrence.split(["RRULE:FREQ=DAILY", "RRULE:FREQ=ODDLY"], START, date(2026, 3, 5))
    assert caught.value.kind is Kind.INVALID
    assert caught.value.violations[0][0] == "recurrence.rules[1]"


@pytest.mark.parametrize("rule", ["FREQ=DAILY;INTERVAL=3", "FREQ=HOURLY;INTERVAL=5"])
def test_a_cut_that_cannot_be_said_is_refused(rule: str) -> None:
    """Periods are counted from the start: one off the rule would move them all."""
    rules = [f"RRULE:{rule}", "RDATE:20260303T123000Z"]
    with pytest.raises(ProviderError) as caught:
        recurrence.split(rules, START, datetime(2026, 3, 3, 12, 30, tzinfo=UTC))
    assert caught.value.kind is Kind.PRECONDITION
    assert caught.value.reason == "SPLIT_NOT_POSSIBLE"


HOUR = timedelta(hours=1)


def test_dates_move_along_by_wall_time() -> None:
    """P39: also where clocks change between the start and a date."""
    rules = [
        "RRULE:FREQ=DAILY;UNTIL=20260402T070000Z",
        "EXDATE;TZID=Europe/Berlin:20260303T090000,20260401T090000",
        "EXDATE:20260304T080000Z,20260401T070000Z",
        "RDATE;VALUE=PERIOD:20260310T100000Z/20260310T110000Z,20260311T100000Z/PT1H",
    ]
    moved = recurrence.shift(rules, START, HOUR)
    assert moved == [
        "RRULE:FREQ=DAILY;UNTIL=20260402T080000Z",
        "EXDATE;TZID=Europe/Berlin:20260303T100000,20260401T100000",
        "EXDATE:20260304T090000Z,20260401T080000Z",
        "RDATE;VALUE=PERIOD:20260310T110000Z/20260310T120000Z,20260311T110000Z/PT1H",
    ]
    before = expand(rules, START)
    after = expand(moved, at("2026-03-02 10:00"))
    assert texts(after) == [
        text.replace("09:00", "10:00").replace(" 11:", " 12:") for text in texts(before)
    ]


def test_dates_of_days_move_by_days() -> None:
    rules = ["RRULE:FREQ=WEEKLY;UNTIL=20260330", "EXDATE;VALUE=DATE:20260309"]
    moved = recurrence.shift(rules, day("2026-03-02"), timedelta(days=2))
    assert moved == ["RRULE:FREQ=WEEKLY;UNTIL=20260401", "EXDATE;VALUE=DATE:20260311"]
    assert texts(expand(moved, day("2026-03-04"))) == ["2026-03-04", *days("2026-03-18", 3, 7)]


def test_for_ever_stays_for_ever() -> None:
    rules = ["RRULE:FREQ=DAILY;UNTIL=99991231T235959Z"]
    assert recurrence.shift(rules, START, 3 * HOUR) == rules


def test_a_move_over_utc_midnight_and_out_of_the_calendar() -> None:
    assert recurrence.shift(["EXDATE:20260302T233000Z"], START, HOUR) == ["EXDATE:20260303T003000Z"]
    with pytest.raises(ProviderError) as caught:
        recurrence.shift(["EXDATE:99991231T233000Z"], START, 3 * HOUR)
    assert caught.value.kind is Kind.INVALID


RULES = st.sampled_from(
    [
        "FREQ=DAILY;COUNT=20", "FREQ=WEEKLY;BYDAY=MO,TU,SU;COUNT=20", "FREQ=MONTHLY;COUNT=20",
        "FREQ=MONTHLY;BYDAY=2TU;COUNT=20", "FREQ=DAILY;INTERVAL=3;COUNT=20",
        "FREQ=WEEKLY;INTERVAL=2;COUNT=20", "FREQ=HOURLY;INTERVAL=7;COUNT=20",
    ]
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(
    RULES,
    st.datetimes(wall("2020-01-01"), wall("2027-01-01")).map(
        lambda at: at.replace(hour=9 + at.hour // 3, microsecond=0)
    ),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Tokyo"]),
    st.integers(1, 19),
)
def test_any_series_can_be_cut_anywhere(rule: str, begins: datetime, zone: str, index: int) -> None:
    start = types_pb2.EventTime()
    times.set_instant(start, begins.replace(tzinfo=timezones.zone(zone)), zone)
    rules = [f"RRULE:{rule}"]
    whole = [each.astimezone(UTC) for each in expand(rules, start) if isinstance(each, datetime)]
    gaps = {each for each in whole if rule.startswith("FREQ=HOURLY")}
    index = min(index, len(whole) - 1)
    first, rest = recurrence.split(rules, start, whole[index])
    if gaps:  # steps of hours are steps of a clock: cut where it did not jump in between
        return
    parts = [*expand(first, start), *expand(rest, from_there(start, whole[index]))]
    assert [each.astimezone(UTC) for each in parts if isinstance(each, datetime)] == whole
