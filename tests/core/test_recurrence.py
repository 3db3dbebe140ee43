"""Series expanded: wall time kept, dates, floating times, exceptions, windows, bounds."""

import struct
from datetime import UTC, date, datetime, timedelta
from importlib import resources

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.core import recurrence, recurrence_lines, times, timezones
from providers.core.errors import Kind, ProviderError
from tests.core.series import FAR_AHEAD, LONG_AGO, at, day, days, expand, floating, texts, utc, wall
from ucal.v1 import types_pb2

BERLIN = timezones.zone("Europe/Berlin")


# -- clocks


def test_wall_time_is_kept_when_clocks_change() -> None:
    """P23."""
    found = expand(["RRULE:FREQ=WEEKLY;COUNT=4"], at("2026-10-18 14:10", "America/New_York"))
    assert texts(found) == [f"{each} 14:10" for each in days("2026-10-18", 4, 7)]
    offsets = [each.utcoffset() for each in found if isinstance(each, datetime)]
    assert [offset and offset.total_seconds() / 3600 for offset in offsets] == [-4, -4, -5, -5]


def test_a_time_that_clocks_jump_over_moves_with_them() -> None:
    """RFC 5545 section 3.3.5: the offset before the gap."""
    found = expand(["RRULE:FREQ=DAILY;COUNT=3"], at("2026-03-28 02:30"))
    assert texts(found) == ["2026-03-28 02:30", "2026-03-29 03:30", "2026-03-30 02:30"]
    assert found[1].astimezone(UTC) == utc("2026-03-29 01:30")  # type: ignore[union-attr]


def test_a_time_that_comes_twice_is_its_first() -> None:
    found = expand(["RRULE:FREQ=DAILY;COUNT=3"], at("2026-10-24 02:30"))
    assert [each.astimezone(UTC) for each in found if isinstance(each, datetime)] == [
        utc("2026-10-24 00:30"),
        utc("2026-10-25 00:30"),
        utc("2026-10-26 01:30"),
    ]


def test_a_start_in_the_second_of_both_hours_stays_there() -> None:
    start = types_pb2.EventTime()
    times.set_instant(start, utc("2026-10-25 01:30"), "Europe/Berlin")
    found = expand(["RRULE:FREQ=DAILY;COUNT=2"], start)
    assert [each.astimezone(UTC) for each in found if isinstance(each, datetime)] == [
        utc("2026-10-25 01:30"),
        utc("2026-10-26 01:30"),
    ]


def test_hours_that_fall_together_in_a_gap_are_one() -> None:
    found = expand(["RRULE:FREQ=HOURLY"], at("2026-03-29 00:00"), high=utc("2026-03-29 04:00"))
    assert texts(found) == [f"2026-03-29 {hour}:00" for hour in ("00", "01", "03", "04", "05")]
    instants = [each.astimezone(UTC) for each in found if isinstance(each, datetime)]
    assert instants == sorted(set(instants))


def test_midnight_where_clocks_jump_at_midnight() -> None:
    found = expand(["RRULE:FREQ=DAILY;COUNT=2"], at("2018-11-03 00:00", "America/Sao_Paulo"))
    assert texts(found) == ["2018-11-03 00:00", "2018-11-04 01:00"]


def test_a_day_that_was_skipped_altogether() -> None:
    """Samoa had no 30 December 2011."""
    found = expand(["RRULE:FREQ=DAILY;COUNT=4"], at("2011-12-28 09:00", "Pacific/Apia"))
    assert texts(found) == ["2011-12-28 09:00", "2011-12-29 09:00", "2011-12-31 09:00"]


def transitions(name: str) -> list[tuple[int, int]]:
    """(second, offset) of each change in a zone's file (RFC 9636 section 3)."""
    data = resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).read_bytes()
    counts = struct.unpack(">6l", data[20:44])
    isut, isstd, leap, times_, types, chars = counts
    begin = 44 + times_ * 5 + types * 6 + chars + leap * 8 + isstd + isut
    isut, isstd, leap, times_, types, chars = struct.unpack(">6l", data[begin + 20 : begin + 44])
    seconds = struct.unpack_from(f">{times_}q", data, begin + 44)
    indexes = data[begin + 44 + times_ * 8 :][:times_]
    kinds = [
        struct.unpack_from(">l", data, begin + 44 + times_ * 9 + kind * 6)[0]
        for kind in range(types)
    ]
    offsets = [kinds[index] for index in indexes]
    return list(zip(seconds, offsets, strict=True))


def test_no_zone_changes_and_goes_back_within_six_days() -> None:
    """The expander reckons with it: it looks at both ends of six days only."""
    offending = []
    for name in sorted(timezones._iana().values()):
        found = transitions(name)
        for (_, one), (second, other), (third, last) in zip(
            found, found[1:], found[2:], strict=False
        ):
            back = third - second <= 6 * 86400 and one == last != other
            if back and second > utc("1970-01-01").timestamp():
                offending.append(name)
    assert offending == []
    assert len(transitions("Europe/Berlin")) > 50


# -- forms


def test_dates_stay_dates() -> None:
    """P44."""
    found = expand(["RRULE:FREQ=DAILY;COUNT=3", "EXDATE;VALUE=DATE:20260329"], day("2026-03-28"))
    assert found == [date(2026, 3, 28), date(2026, 3, 30)]
    assert not any(isinstance(each, datetime) for each in found)


def test_floating_times_stay_floating() -> None:
    """P22."""
    found = expand(
        ["RRULE:FREQ=DAILY;COUNT=2", "RDATE:20260401T080000"], floating("2026-03-28 09:00")
    )
    assert found == [wall("2026-03-28 09:00"), wall("2026-03-29 09:00"), wall("2026-04-01 08:00")]


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/Los_Angeles"])
def test_dates_are_held_against_the_window_in_its_zone(zone: str) -> None:
    rules = timezones.zone(zone)
    low = wall("2026-07-10").replace(tzinfo=rules)
    found = recurrence.occurrences(
        ["RRULE:FREQ=DAILY"], day("2026-07-01"), low, low + timedelta(days=2), limit=9, zone=rules
    )
    assert found == [date(2026, 7, 10), date(2026, 7, 11)]


def test_a_zone_that_the_start_cannot_name() -> None:
    start = at("2026-07-01 09:00", "UTC")
    zone = timezones.zone("Asia/Kolkata")
    found = recurrence.occurrences(
        ["RRULE:FREQ=DAILY;BYHOUR=20", "EXDATE;TZID=Custom:20260702T203000"],
        start, LONG_AGO, utc("2026-07-04"), limit=9, zone=zone,
    )  # fmt: skip
    assert texts(found) == ["2026-07-01 14:30", "2026-07-01 20:30", "2026-07-03 20:30"]


# -- rules


def test_a_start_off_the_rule_takes_place() -> None:
    """P41: Apple's FREQ=DAILY;BYDAY=…: no weekend but the start itself."""
    found = expand(
        ["RRULE:FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR"], at("2026-03-07 09:00"), high=utc("2026-03-17")
    )
    expected = ["2026-03-07", *days("2026-03-09", 5), "2026-03-16"]
    assert [text[:10] for text in texts(found)] == expected


def test_a_start_can_be_excluded() -> None:
    found = expand(["RRULE:FREQ=DAILY;COUNT=3", "EXDATE:20260302T080000Z"], at("2026-03-02 09:00"))
    assert texts(found) == ["2026-03-03 09:00", "2026-03-04 09:00"]


@pytest.mark.parametrize(
    "until",
    ["20260305T080000Z", "20260305", "20260305T090000", "20260305T235959Z", "20260306T075959Z"],
)
def test_until_holds_the_last_slot_in_any_form(until: str) -> None:
    """P33, P34."""
    found = expand([f"RRULE:FREQ=DAILY;UNTIL={until}"], at("2026-03-02 09:00"))
    assert [text[:10] for text in texts(found)] == days("2026-03-02", 4)


@pytest.mark.parametrize("until", ["20260305", "20260305T000000Z", "20260305T225959Z"])
def test_until_of_dates_in_any_form(until: str) -> None:
    """P34, and Google's exports of all-day series."""
    found = expand([f"RRULE:FREQ=DAILY;UNTIL={until}"], day("2026-03-02"))
    assert texts(found) == days("2026-03-02", 4)


def test_count_is_kept_in_late_windows() -> None:
    """P42: the last of N is there, and nothing after it."""
    start = at("2016-01-01 09:00")
    for rule, last in {
        "FREQ=DAILY;COUNT=100": "2016-04-09",
        "FREQ=DAILY;INTERVAL=3;COUNT=100": "2016-10-24",
        "FREQ=WEEKLY;COUNT=100": "2017-11-24",
        "FREQ=WEEKLY;BYDAY=MO,FR;COUNT=101": "2016-12-16",
        "FREQ=MONTHLY;COUNT=14": "2017-02-01",
        "FREQ=YEARLY;BYMONTH=1,7;BYDAY=1FR;COUNT=7": "2019-01-04",
    }.items():
        near = utc(f"{last} 00:00")
        found = expand([f"RRULE:{rule}"], start, near, FAR_AHEAD)
        assert [text[:10] for text in texts(found)] == [last], rule


def test_dates_beside_the_rule() -> None:
    found = expand(
        [
            "RRULE:FREQ=WEEKLY;COUNT=2",
            "RDATE;TZID=America/New_York:20260304T060000",
            "RDATE;VALUE=PERIOD:20260305T090000Z/PT2H",
            "RDATE;VALUE=DATE:20260306",
            "RDATE:20260309T080000Z",
            "EXDATE;VALUE=DATE:20260306",
        ],
        at("2026-03-02 09:00"),
    )
    assert texts(found) == [f"2026-03-0{n} {t}" for n, t in
                            ((2, "09:00"), (4, "12:00"), (5, "10:00"), (9, "09:00"))]  # fmt: skip


def test_rules_add_up_and_exrules_take_away() -> None:
    found = expand(
        ["RRULE:FREQ=DAILY;COUNT=10", "RRULE:FREQ=DAILY;BYHOUR=15;COUNT=3", "EXRULE:FREQ=WEEKLY"],
        at("2026-03-02 09:00"),
    )
    expected = [f"{each} 09:00" for each in days("2026-03-03", 9) if each != "2026-03-09"]
    expected += [f"{each} 15:00" for each in days("2026-03-02", 3)]
    assert texts(found) == sorted(expected)


def test_times_of_day_that_apple_writes() -> None:
    found = expand(
        ["RRULE:FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=-1;BYHOUR=8,20;COUNT=3"], at("2026-03-31 08:00")
    )
    assert texts(found) == ["2026-03-31 08:00", "2026-03-31 20:00", "2027-03-31 08:00"]


def test_a_series_of_dates_alone() -> None:
    found = expand(["RDATE:20260310T080000Z,20260305T080000Z"], at("2026-03-02 09:00"))
    assert texts(found) == ["2026-03-02 09:00", "2026-03-05 09:00", "2026-03-10 09:00"]
    assert texts(expand([], at("2026-03-02 09:00"))) == ["2026-03-02 09:00"]


@pytest.mark.parametrize(
    "line", ["RRULE:FREQ=NEVER", "EXDATE:soon", "SUMMARY:x", "RRULE:FREQ=DAILY;INTERVAL=0"]
)
def test_lines_that_cannot_be_read_are_named(line: str) -> None:
    with pytest.raises(ProviderError) as caught:
        expand(["RRULE:FREQ=DAILY;COUNT=2", line], at("2026-03-02 09:00"))
    assert caught.value.kind is Kind.INVALID
    assert "line 1" in caught.value.message
    assert line not in caught.value.message


# -- windows


RULES = st.sampled_from(
    [
        "FREQ=DAILY", "FREQ=DAILY;INTERVAL=3", "FREQ=WEEKLY;BYDAY=MO,TH", "FREQ=MONTHLY;BYDAY=-1FR",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,MO;WKST=SU", "FREQ=MONTHLY;BYMONTHDAY=31", "FREQ=YEARLY",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "FREQ=DAILY;COUNT=900", "FREQ=HOURLY;INTERVAL=5",
        "FREQ=WEEKLY;BYDAY=MO,WE,FR;COUNT=400", "FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=2;COUNT=50",
        "FREQ=DAILY;UNTIL=20200101T120000Z", "FREQ=DAILY;BYHOUR=1,2,3;BYMINUTE=15,45",
    ]
)  # fmt: skip
STARTS = st.datetimes(wall("2015-01-01"), wall("2022-01-01")).map(
    lambda at: at.replace(microsecond=0)
)
ZONES = st.sampled_from(
    ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "UTC"]
)


@settings(max_examples=150, deadline=None)
@given(RULES, STARTS, ZONES, st.integers(-100, 2500), st.integers(0, 60))
def test_a_window_is_a_part_of_the_whole(
    rule: str, start: datetime, zone: str, after: int, length: int
) -> None:
    """Jumping to a window finds what walking there finds."""
    begin = types_pb2.EventTime()
    times.set_instant(begin, start.replace(tzinfo=timezones.zone(zone)), zone)
    low = start.replace(tzinfo=UTC) + timedelta(days=after)
    high = low + timedelta(days=length)
    whole = expand([f"RRULE:{rule}"], begin, LONG_AGO, high, limit=10**6)
    part = expand([f"RRULE:{rule}"], begin, low, high, limit=10**6)
    keys = [each.astimezone(UTC) for each in whole if isinstance(each, datetime)]
    assert keys == sorted(set(keys))
    assert part == [each for each in whole if isinstance(each, datetime) and low <= each < high]
    assert expand([f"RRULE:{rule}"], begin, low, high, limit=3) == part[:3]
    local = {each.tzinfo for each in part if isinstance(each, datetime)}
    assert local <= {timezones.zone(zone)}


def test_an_old_series_costs_what_a_new_one_costs() -> None:
    """PERFORMANCE.md section 7: steps do not grow with age."""
    low = utc("2026-06-01")
    high = low + timedelta(days=30)

    def steps(rule: str, start: types_pb2.EventTime) -> int:
        budget = recurrence.Budget(10**6)
        anchor = recurrence_lines.anchor(start)
        lines = recurrence_lines.read([f"RRULE:{rule}"], anchor)
        assert recurrence._Expansion(anchor, lines, (low, high), budget).run(1000)
        return 10**6 - budget.left

    for rule in ("FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,TH", "FREQ=MONTHLY", "FREQ=HOURLY",
                 "FREQ=DAILY;COUNT=5000"):  # fmt: skip
        new, old = at("2026-05-01 09:00"), at("2016-05-01 09:00")
        assert abs(steps(rule, old) - steps(rule, new)) <= 2, rule
