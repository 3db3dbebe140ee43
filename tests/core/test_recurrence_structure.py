"""The structured form of a recurrence, from lines and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.core import recurrence, rrule, times
from providers.core.errors import Kind, ProviderError
from tests.core.series import at, day, expand, floating, texts, wall
from ucal.v1 import types_pb2

TIMED = at("2026-03-02 09:00")
DATED = day("2026-03-02")
FLOATING = floating("2026-03-02 09:00")
DAILY = types_pb2.RECURRENCE_FREQUENCY_DAILY


def test_every_part_of_a_rule() -> None:
    line = (
        "RRULE:FREQ=YEARLY;COUNT=7;INTERVAL=2;BYMINUTE=0,30;BYHOUR=9,10;BYDAY=MO,-1FR;"
        "BYMONTHDAY=-1,13;BYYEARDAY=-1,100;BYWEEKNO=20;BYMONTH=3,4;BYSETPOS=-1;WKST=SU"
    )
    found = recurrence.structured([line], TIMED)
    assert found is not None
    assert found.frequency == types_pb2.RECURRENCE_FREQUENCY_YEARLY
    assert (found.interval, found.count, found.week_start) == (2, 7, "SU")
    assert list(found.by_day) == ["MO", "-1FR"]
    assert list(found.by_month_day) == [-1, 13]
    assert list(found.by_year_day) == [-1, 100]
    assert list(found.by_week_no) == [20]
    assert list(found.by_month) == [3, 4]
    assert list(found.by_set_position) == [-1]
    assert list(found.by_hour) == [9, 10]
    assert list(found.by_minute) == [0, 30]
    assert recurrence.line(found, TIMED) == line


@pytest.mark.parametrize(
    "lines",
    [
        [],
        ["EXDATE:20260303T080000Z"],
        ["RRULE:FREQ=DAILY", "RRULE:FREQ=WEEKLY"],
        ["RRULE:FREQ=DAILY", "EXRULE:FREQ=WEEKLY"],
        ["EXRULE:FREQ=WEEKLY"],
        ["RRULE:FREQ=HOURLY"],
        ["RRULE:FREQ=DAILY;BYSECOND=30"],
        ["RRULE:FREQ=DAILY;RSCALE=GREGORIAN"],
        ["RRULE:FREQ=DAILY;INTERVAL=4294967296"],
        ["RRULE:FREQ=ODDLY"],
        ["RRULE"],
    ],
)
def test_what_the_structure_cannot_say(lines: list[str]) -> None:
    assert recurrence.structured(lines, TIMED) is None


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        ("20260305T080000Z", "2026-03-05T08:00:00Z"),
        ("20260305T090000", "2026-03-05T08:00:00Z"),  # P33
        ("20260305", "2026-03-05T22:59:59Z"),  # P34
    ],
)
def test_until_of_a_timed_series_is_an_instant(until: str, expected: str) -> None:
    found = recurrence.structured([f"RRULE:FREQ=DAILY;UNTIL={until}"], TIMED)
    assert found is not None
    assert times.format_rfc3339(times.datetime_of(found.until_at)) == expected
    made = recurrence.line(found, TIMED)
    recurrence.validate([made], TIMED)
    assert expand([made], TIMED) == expand([f"RRULE:FREQ=DAILY;UNTIL={until}"], TIMED)


@pytest.mark.parametrize("until", ["20260305", "20260305T000000Z", "20260305T225959"])
def test_until_of_dates_is_a_date(until: str) -> None:
    found = recurrence.structured([f"RRULE:FREQ=DAILY;UNTIL={until}"], DATED)
    assert found is not None
    assert times.date_of(found.until_date) == wall("2026-03-05").date()
    assert recurrence.line(found, DATED) == "RRULE:FREQ=DAILY;UNTIL=20260305"


def test_until_of_a_floating_series_is_no_instant() -> None:
    assert recurrence.structured(["RRULE:FREQ=DAILY;UNTIL=20260305T090000"], FLOATING) is None
    assert recurrence.structured(["RRULE:FREQ=DAILY;COUNT=3"], FLOATING) is not None


def rule(**fields: object) -> types_pb2.RecurrenceRule:
    return types_pb2.RecurrenceRule(**{"frequency": DAILY, **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (types_pb2.RecurrenceRule(), "frequency"),
        (rule(frequency=99), "frequency"),
        (rule(interval=-1), "interval"),
        (rule(count=-1), "count"),
        (rule(by_day=["MO", "XX"]), "by_day[1]"),
        (rule(by_day=["MO;COUNT=3"]), "by_day[0]"),
        (rule(by_month=[1, 13]), "by_month[1]"),
        (rule(by_month_day=[0]), "by_month_day[0]"),
        (rule(by_year_day=[367]), "by_year_day[0]"),
        (rule(by_week_no=[-54]), "by_week_no[0]"),
        (rule(by_hour=[24]), "by_hour[0]"),
        (rule(by_minute=[-1]), "by_minute[0]"),
        (rule(by_set_position=[0]), "by_set_position[0]"),
        (rule(week_start="XX"), "week_start"),
        (rule(until_date={"year": 2026, "month": 3, "day": 5}), "until_date"),
        (rule(until_at={"seconds": 2**60}), "until_at"),
    ],
)
def test_bad_parts_are_named(bad: types_pb2.RecurrenceRule, field: str) -> None:
    with pytest.raises(ProviderError) as caught:
        recurrence.line(bad, TIMED, "webinar.recurrence.rule")
    assert caught.value.kind is Kind.INVALID
    assert caught.value.violations[0][0] == f"webinar.recurrence.rule.{field}"


def test_until_has_the_form_of_the_start() -> None:
    at_instant = rule(until_at={"seconds": 1_900_000_000})
    for start in (DATED, FLOATING):
        with pytest.raises(ProviderError, match="until_at"):
            recurrence.line(at_instant, start)
    both = rule(until_at={"seconds": 1}, until_date={"year": 2026, "month": 3, "day": 5})
    with pytest.raises(ProviderError, match="excludes"):
        recurrence.line(both, TIMED)
    half = rule(until_date={"year": 2026})
    with pytest.raises(ProviderError, match="whole"):
        recurrence.line(half, DATED)


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (TIMED, "EXDATE;TZID=Europe/Berlin:20260303T090000,20260304T090000"),
        (at("2026-03-02 09:00", "UTC"), "EXDATE:20260303T090000Z,20260304T090000Z"),
        (DATED, "EXDATE;VALUE=DATE:20260303,20260304"),
        (FLOATING, "EXDATE:20260303T090000,20260304T090000"),
    ],
)
def test_dates_become_lines_in_the_form_of_the_start(
    start: types_pb2.EventTime, expected: str
) -> None:
    found = types_pb2.Recurrence(rule=rule(count=5))
    for each in expand(["RRULE:FREQ=DAILY;COUNT=3"], start)[1:]:
        times.set_planned(found.excluded.add(), each, start.time_zone)
        times.set_planned(found.included.add(), each, start.time_zone)
    lines = recurrence.lines(found, start)
    assert lines == ["RRULE:FREQ=DAILY;COUNT=5", expected.replace("EXDATE", "RDATE"), expected]
    recurrence.validate(lines, start)


def test_a_date_of_another_form_is_named() -> None:
    found = types_pb2.Recurrence(rule=rule(), excluded=[TIMED, DATED])
    with pytest.raises(ProviderError) as caught:
        recurrence.lines(found, TIMED)
    assert caught.value.violations[0][0] == "event.recurrence.excluded[1]"


def test_filling_a_recurrence() -> None:
    lines = [
        "RRULE:FREQ=DAILY;COUNT=9",
        "EXDATE;TZID=America/New_York:20260303T030000",
        "EXDATE;VALUE=DATE:20260305",
        "RDATE:20260401T080000Z",
        "EXDATE:rubbish",
        "X-WHAT:ever",
    ]
    found = types_pb2.Recurrence(inexpressible=True)
    recurrence.fill(found, lines, TIMED)
    assert list(found.rules) == lines
    assert found.rule.count == 9
    assert not found.inexpressible
    assert [each.time_zone for each in found.excluded] == ["Europe/Berlin", ""]
    assert times.local(found.excluded[0]) == wall("2026-03-03 09:00")
    assert times.local(found.excluded[1]) == wall("2026-03-05").date()
    assert times.local(found.included[0]) == wall("2026-04-01 10:00")
    recurrence.fill(found, ["RRULE:FREQ=DAILY", "RRULE:FREQ=WEEKLY"], TIMED)
    assert not found.HasField("rule")
    assert not found.excluded


@given(
    st.builds(
        rule,
        interval=st.integers(0, 50),
        count=st.integers(0, 50),
        by_day=st.lists(st.sampled_from(rrule.WEEKDAYS), unique=True),
        by_month=st.lists(st.integers(1, 12), unique=True).map(sorted),
        by_hour=st.lists(st.integers(0, 23), unique=True).map(sorted),
    )
)
def test_structures_survive_lines(made: types_pb2.RecurrenceRule) -> None:
    again = recurrence.structured([recurrence.line(made, TIMED)], TIMED)
    made.interval = made.interval or 1
    assert again == made


def test_lines_of_a_structure_expand_as_meant() -> None:
    made = rule(frequency=types_pb2.RECURRENCE_FREQUENCY_WEEKLY, by_day=["TU"], count=2)
    assert texts(expand([recurrence.line(made, TIMED)], TIMED)) == [
        "2026-03-02 09:00",
        "2026-03-03 09:00",
        "2026-03-10 09:00",
    ]
