"""Points in time between Python and the contract."""

import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from providers.core import times, timezones
from providers.core.errors import Kind, ProviderError
from ucal.v1 import types_pb2

BERLIN = timezones.zone("Europe/Berlin")


def wall(text: str) -> datetime:
    return datetime.fromisoformat(text)


def stamp(text: str, zone: str = "") -> types_pb2.EventTime:
    found = types_pb2.EventTime()
    times.set_instant(found, times.parse_rfc3339(text), zone)
    return found


def day(text: str) -> types_pb2.EventTime:
    found = types_pb2.EventTime()
    times.set_date(found, date.fromisoformat(text))
    return found


def floating(text: str) -> types_pb2.EventTime:
    found = types_pb2.EventTime()
    times.set_floating(found, wall(text))
    return found


def window(low: str = "", high: str = "") -> types_pb2.TimeRange:
    found = types_pb2.TimeRange()
    if low:
        times.timestamp(found.start_at, times.parse_rfc3339(low))
    if high:
        times.timestamp(found.end_at, times.parse_rfc3339(high))
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-29T01:30:00Z", "2026-03-29T01:30:00Z"),
        ("2026-03-29t01:30:00z", "2026-03-29T01:30:00Z"),
        ("2026-03-29T01:30:00+02:00", "2026-03-28T23:30:00Z"),
        ("2026-03-29T01:30:00.1234567Z", "2026-03-29T01:30:00.123456Z"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
    ],
)
def test_rfc3339(text: str, expected: str) -> None:
    found = times.parse_rfc3339(text)
    assert found.tzinfo is not None
    assert times.format_rfc3339(found) == expected


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-03-29", "2026-03-29T01:30:00", "2026-13-01T00:00:00Z"]
)
def test_what_is_not_rfc3339_is_the_providers_fault(text: str) -> None:
    with pytest.raises(ProviderError) as caught:
        times.parse_rfc3339(text)
    assert caught.value.kind is Kind.PROVIDER_FAULT
    assert not text or text not in caught.value.message


INSTANTS = st.datetimes(
    wall("0002-01-01"), wall("9998-12-31"), timezones=st.sampled_from([UTC, BERLIN])
)


@given(INSTANTS)
def test_instants_survive_the_contract(when: datetime) -> None:
    found = types_pb2.EventTime()
    times.set_instant(found, when, "Europe/Berlin")
    by_protobuf = Timestamp()
    by_protobuf.FromDatetime(when)
    assert found.timestamp == by_protobuf
    assert times.instant(found) == when.astimezone(UTC)
    assert times.instant(found).tzinfo is UTC
    assert times.parse_rfc3339(times.format_rfc3339(when)) == when.astimezone(UTC)


@given(st.datetimes())
def test_wall_times_survive_the_contract(when: datetime) -> None:
    found = types_pb2.EventTime()
    times.set_floating(found, when)
    assert times.local(found) == when.replace(fold=0)


@given(st.dates())
def test_dates_survive_the_contract(when: date) -> None:
    found = types_pb2.EventTime()
    times.set_date(found, when)
    assert times.local(found) == when
    assert times.date_of(found.date) == when


def test_a_wall_time_never_becomes_an_instant() -> None:
    naive = wall("2026-01-01T09:00:00")
    with pytest.raises(ValueError, match="wall time"):
        times.timestamp(Timestamp(), naive)
    with pytest.raises(ValueError, match="wall time"):
        times.set_instant(types_pb2.EventTime(), naive)
    with pytest.raises(ValueError, match="wall time"):
        times.format_rfc3339(naive)
    with pytest.raises(ValueError, match="instant"):
        times.set_floating(types_pb2.EventTime(), naive.replace(tzinfo=UTC))


def test_dates_and_floating_times_are_read_where_one_is() -> None:
    """P22, P31."""
    assert times.instant(day("2026-07-01")) == wall("2026-07-01T00:00+00:00")
    assert times.instant(day("2026-07-01"), "Europe/Berlin") == wall("2026-06-30T22:00+00:00")
    found = times.instant(floating("2026-07-01T09:00"), "Europe/Berlin")
    assert found == wall("2026-07-01T07:00+00:00")
    own = day("2026-07-01")
    own.time_zone = "Asia/Tokyo"
    assert times.instant(own, "Europe/Berlin") == wall("2026-06-30T15:00+00:00")


def test_a_time_that_clocks_jump_over_is_read_with_the_offset_before() -> None:
    assert times.instant(floating("2026-03-29T02:30"), "Europe/Berlin") == wall("2026-03-29T01:30Z")
    assert times.instant(floating("2026-10-25T02:30"), "Europe/Berlin") == wall("2026-10-25T00:30Z")


def test_local_time_is_of_the_own_zone() -> None:
    when = stamp("2026-07-01T07:00:00Z", "Europe/Berlin")
    assert times.local(when) == wall("2026-07-01T09:00")
    assert times.local(stamp("2026-07-01T07:00:00Z")) == wall("2026-07-01T07:00")


@pytest.mark.parametrize("field", ["date", "floating", "zone", "timestamp"])
def test_what_does_not_exist_is_invalid(field: str) -> None:
    when = day("2026-01-01")
    if field == "date":
        when.date.month, when.date.day = 2, 30
    elif field == "floating":
        when = floating("2026-01-01T09:00")
        when.floating.hours = 25
    elif field == "zone":
        when.time_zone = "Mars/Olympus"
    else:
        when = types_pb2.EventTime(timestamp=Timestamp(seconds=2**60))
    with pytest.raises(ProviderError) as caught:
        times.instant(when)
    assert caught.value.kind is Kind.INVALID


def test_bounds_of_a_window() -> None:
    assert times.bounds(window()) == (None, None)
    assert times.bounds(window("2026-01-01T00:00:00Z")) == (wall("2026-01-01T00:00Z"), None)
    low, high = times.bounds(window("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"))
    assert high is not None
    assert low is not None
    assert high - low == timedelta(days=31)


DAY = ("2026-07-01T00:00:00Z", "2026-07-02T00:00:00Z")


@pytest.mark.parametrize(
    ("start", "end", "inside"),
    [
        (stamp("2026-07-01T09:00:00Z"), stamp("2026-07-01T10:00:00Z"), True),
        (stamp("2026-06-30T09:00:00Z"), stamp("2026-07-01T00:00:00Z"), False),
        (stamp("2026-06-30T09:00:00Z"), stamp("2026-07-01T00:00:01Z"), True),
        (stamp("2026-07-02T00:00:00Z"), stamp("2026-07-02T01:00:00Z"), False),
        (stamp("2026-06-01T00:00:00Z"), stamp("2026-08-01T00:00:00Z"), True),
        (stamp("2026-07-01T00:00:00Z"), stamp("2026-07-01T00:00:00Z"), True),
        (stamp("2026-07-02T00:00:00Z"), stamp("2026-07-02T00:00:00Z"), False),
        (stamp("2026-07-01T00:00:00Z"), types_pb2.EventTime(), True),
        (day("2026-07-01"), day("2026-07-02"), True),
        (day("2026-07-01"), types_pb2.EventTime(), True),
        (day("2026-06-30"), day("2026-07-01"), False),
        (day("2026-07-02"), day("2026-07-03"), False),
        (floating("2026-07-01T23:00"), floating("2026-07-02T01:00"), True),
    ],
)
def test_overlap(start: types_pb2.EventTime, end: types_pb2.EventTime, inside: bool) -> None:
    assert times.overlaps(start, end, window(*DAY)) is inside
    if inside:
        assert times.overlaps(start, end, window())
        assert times.overlaps(start, end, window(high=DAY[1]))
        assert times.overlaps(start, end, window(low=DAY[0]))


def test_the_next_day_is_not_in_a_days_window() -> None:
    """P31: a window of one day at UTC+3 does not hold the next day."""
    at_three = timezone(timedelta(hours=3))
    low = datetime(2026, 7, 1, tzinfo=at_three)
    asked = types_pb2.TimeRange()
    times.timestamp(asked.start_at, low)
    times.timestamp(asked.end_at, low + timedelta(days=1))
    moscow = "Europe/Moscow"
    assert times.overlaps(day("2026-07-01"), day("2026-07-02"), asked, moscow)
    assert not times.overlaps(day("2026-07-02"), day("2026-07-03"), asked, moscow)
    assert not times.overlaps(day("2026-06-30"), day("2026-07-01"), asked, moscow)


def test_a_day_without_end_is_as_long_as_it_is_there() -> None:
    """The day on which clocks go back takes 25 hours."""
    late = window("2026-10-25T22:30:00Z", "2026-10-26T00:00:00Z")
    assert times.overlaps(day("2026-10-25"), types_pb2.EventTime(), late, "Europe/Berlin")


@pytest.mark.parametrize("zone", ["UTC", "Europe/Copenhagen", "America/New_York", "Asia/Manila"])
def test_the_zone_of_the_process_does_not_matter(zone: str) -> None:
    """P29."""
    code = (
        "from datetime import date, datetime, UTC\n"
        "from providers.core import recurrence, times\n"
        "from ucal.v1 import types_pb2\n"
        "t = types_pb2.EventTime(); times.set_date(t, date(2026, 3, 29))\n"
        "print(t, times.instant(t), times.local(t))\n"
        "print(recurrence.occurrences(['RRULE:FREQ=DAILY;COUNT=3'], t,"
        " datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC), limit=9))\n"
    )
    root = Path(__file__).parents[2]
    path = f"{root}{os.pathsep}{root / 'protos'}"
    made = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONPATH": path, "TZ": name},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for name in (zone, "UTC")
    ]
    assert made[0] == made[1]
    assert "datetime.date(2026, 3, 31)" in made[0]
