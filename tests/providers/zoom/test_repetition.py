"""RFC 5545 rules and Zoom's recurrence object, in both directions."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from providers.core import recurrence
from providers.core.errors import Kind
from providers.zoom import repetition, zones
from providers.zoom.wire import Repetition
from tests.providers.desk import instant, refused
from tests.providers.zoom.double import plan

BERLIN = ZoneInfo("Europe/Berlin")
# The second Tuesday of the month.
TUESDAY = datetime(2027, 3, 9, 14, 10, tzinfo=BERLIN)
# The last Friday of the month.
FRIDAY = datetime(2027, 2, 26, 14, 10, tzinfo=BERLIN)
# A Sunday.
SUNDAY = datetime(2027, 3, 14, 14, 10, tzinfo=BERLIN)

# Rule, start, Zoom's object less its end.
BOTH_WAYS: dict[str, tuple[str, datetime, dict[str, Any]]] = {
    "days": ("FREQ=DAILY", TUESDAY, {"type": 1, "repeat_interval": 1}),
    "every 99 days": (
        "FREQ=DAILY;INTERVAL=99", TUESDAY, {"type": 1, "repeat_interval": 99}
    ),
    "weeks": (
        "FREQ=WEEKLY", TUESDAY, {"type": 2, "repeat_interval": 1, "weekly_days": "3"}
    ),
    "weekdays": (
        "FREQ=WEEKLY;BYDAY=TU,TH,SU",
        TUESDAY,
        {"type": 2, "repeat_interval": 1, "weekly_days": "1,3,5"},
    ),
    "every second week": (
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=SU",
        TUESDAY,
        {"type": 2, "repeat_interval": 2, "weekly_days": "1,3"},
    ),
    "date of the month": (
        "FREQ=MONTHLY", TUESDAY, {"type": 3, "repeat_interval": 1, "monthly_day": 9}
    ),
    "second Tuesday": (
        "FREQ=MONTHLY;BYDAY=2TU",
        TUESDAY,
        {"type": 3, "repeat_interval": 1, "monthly_week": 2, "monthly_week_day": 3},
    ),
    "last Friday of every tenth month": (
        "FREQ=MONTHLY;INTERVAL=10;BYDAY=-1FR",
        FRIDAY,
        {"type": 3, "repeat_interval": 10, "monthly_week": -1, "monthly_week_day": 6},
    ),
}  # fmt: skip
ENDS: dict[str, dict[str, Any]] = {
    "": {"end_times": 0},
    ";COUNT=4": {"end_times": 4},
    ";UNTIL=20270320T120000Z": {"end_date_time": "2027-03-20T12:00:00Z"},
}


def dump(rule: str, start: datetime = TUESDAY, limits: Any = repetition.MEETING) -> Any:
    return repetition.dump_rule(
        [f"RRULE:{rule}"], instant(start, "Europe/Berlin"), limits, "event.recurrence.rules"
    )


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("case", BOTH_WAYS)
def test_rules_go_there_and_back(case: str, end: str) -> None:
    rule, start, body = BOTH_WAYS[case]
    assert dump(rule + end, start) == body | ENDS[end]
    found = Repetition(**body, **ENDS[end])
    line = repetition.parse_rule(found, instant(start, "Europe/Berlin"))
    assert sorted(str(line).removeprefix("RRULE:").split(";")) == sorted((rule + end).split(";"))


@pytest.mark.parametrize("case", BOTH_WAYS)
def test_both_engines_plan_the_same(case: str) -> None:
    """P23, P42: Zoom's object, expanded as Zoom does, yields what the rule yields."""
    rule, start, _ = BOTH_WAYS[case]
    body = dump(f"{rule};COUNT=12", start)
    theirs = plan.planned(body, start, "Europe/Berlin")
    ours = recurrence.occurrences(
        [f"RRULE:{rule};COUNT=12"],
        instant(start, "Europe/Berlin"),
        start,
        start.replace(year=2060),
        limit=50,
    )
    assert theirs == [when.astimezone(UTC) for when in ours if isinstance(when, datetime)]
    assert len(theirs) == 12


# Another way to say what Zoom can say.
REWRITTEN: dict[str, tuple[str, datetime, dict[str, Any]]] = {
    "P41: days of the week": (
        "FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR;COUNT=5",
        TUESDAY,
        {"type": 2, "repeat_interval": 1, "weekly_days": "2,3,4,5,6", "end_times": 5},
    ),
    "position of a weekday": (
        "FREQ=MONTHLY;BYDAY=TU;BYSETPOS=2;COUNT=5",
        TUESDAY,
        {"type": 3, "repeat_interval": 1, "monthly_week": 2, "monthly_week_day": 3, "end_times": 5},
    ),
    "weeks from Monday without a Sunday": (
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,TH;WKST=MO;COUNT=5",
        TUESDAY,
        {"type": 2, "repeat_interval": 2, "weekly_days": "3,5", "end_times": 5},
    ),
    "P34: a date is its last moment": (
        "FREQ=DAILY;UNTIL=20270312",
        TUESDAY,
        {"type": 1, "repeat_interval": 1, "end_date_time": "2027-03-12T22:59:59Z"},
    ),
}


@pytest.mark.parametrize("case", REWRITTEN)
def test_other_spellings_are_understood(case: str) -> None:
    rule, start, body = REWRITTEN[case]
    assert dump(rule, start) == body


# What Zoom cannot say, and the part that the refusal names (P45).
REFUSED: dict[str, tuple[str, datetime, str]] = {
    "years": ("FREQ=YEARLY;COUNT=3", TUESDAY, "FREQ=YEARLY"),
    "hours": ("FREQ=HOURLY;COUNT=3", TUESDAY, "FREQ=HOURLY"),
    "months by name": ("FREQ=DAILY;BYMONTH=3;COUNT=3", TUESDAY, "BYMONTH"),
    "two dates": ("FREQ=MONTHLY;BYMONTHDAY=9,10;COUNT=3", TUESDAY, "BYMONTHDAY"),
    "the last day": ("FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=3", TUESDAY, "BYMONTHDAY"),
    "the fifth Tuesday": ("FREQ=MONTHLY;BYDAY=5TU;COUNT=3", TUESDAY, "BYDAY"),
    "every Tuesday of a month": ("FREQ=MONTHLY;BYDAY=TU;COUNT=3", TUESDAY, "BYDAY"),
    "two weekdays in a month": ("FREQ=MONTHLY;BYDAY=2TU,3TU;COUNT=3", TUESDAY, "BYDAY"),
    "the last weekday": (
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;COUNT=3", TUESDAY, "BYDAY"
    ),
    "two positions": ("FREQ=MONTHLY;BYDAY=TU;BYSETPOS=2,3;COUNT=3", TUESDAY, "BYSETPOS"),
    "a position of weeks": ("FREQ=WEEKLY;BYDAY=TU,TH;BYSETPOS=1;COUNT=3", TUESDAY, "BYSETPOS"),
    "Friday the 13th": ("FREQ=MONTHLY;BYMONTHDAY=9;BYDAY=2TU;COUNT=3", TUESDAY, "BYMONTHDAY"),
    "weeks from Monday with a Sunday": (
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;COUNT=3", TUESDAY, "WKST"
    ),
    "every 100 days": ("FREQ=DAILY;INTERVAL=100;COUNT=3", TUESDAY, "INTERVAL"),
    "every 51 weeks": ("FREQ=WEEKLY;INTERVAL=51;COUNT=3", TUESDAY, "INTERVAL"),
    "every 11 months": ("FREQ=MONTHLY;INTERVAL=11;COUNT=3", TUESDAY, "INTERVAL"),
    "weekdays of every second day": ("FREQ=DAILY;INTERVAL=2;BYDAY=TU;COUNT=3", TUESDAY, "BYDAY"),
    "51 times": ("FREQ=DAILY;COUNT=51", TUESDAY, "COUNT"),
    "more than 50 times until": ("FREQ=DAILY;UNTIL=20270601T120000Z", TUESDAY, "UNTIL"),
    "times of the day": ("FREQ=DAILY;BYHOUR=9,17;COUNT=3", TUESDAY, "BYHOUR"),
    "P41: a start off its rule": ("FREQ=WEEKLY;BYDAY=MO;COUNT=3", TUESDAY, "DTSTART"),
    "a start off its week": ("FREQ=MONTHLY;BYDAY=1TU;COUNT=3", TUESDAY, "DTSTART"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_zoom_cannot_say_is_refused_by_its_part(case: str) -> None:
    rule, start, part = REFUSED[case]
    expected = refused(
        Kind.INVALID, field="event.recurrence.rules", reason="RECURRENCE_NOT_EXPRESSIBLE"
    )
    with expected as info:
        dump(rule, start)
    assert part in info.value.message


@pytest.mark.parametrize(
    "line", ["RDATE;TZID=Europe/Berlin:20270401T141000", "EXRULE:FREQ=WEEKLY;COUNT=2"]
)
def test_lines_that_zoom_has_no_place_for(line: str) -> None:
    start = instant(TUESDAY, "Europe/Berlin")
    with refused(Kind.INVALID, reason="RECURRENCE_NOT_EXPRESSIBLE"):
        repetition.dump_rule(["RRULE:FREQ=DAILY;COUNT=2", line], start, repetition.MEETING, "f")


def test_webinars_have_limits_of_their_own() -> None:
    for rule, part in (
        ("FREQ=DAILY;INTERVAL=91;COUNT=2", "INTERVAL"),
        ("FREQ=WEEKLY;INTERVAL=13;COUNT=2", "INTERVAL"),
        ("FREQ=MONTHLY;INTERVAL=4;COUNT=2", "INTERVAL"),
        ("FREQ=DAILY", "without COUNT or UNTIL"),
    ):
        with refused(Kind.INVALID) as info:
            dump(rule, TUESDAY, repetition.WEBINAR)
        assert part in info.value.message


def test_an_end_is_always_sent() -> None:
    """Trap 1: the default of end_times is one occurrence."""
    assert dump("FREQ=DAILY")["end_times"] == 0


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"type": 9},
        {"type": 2, "weekly_days": "8"},
        {"type": 2, "weekly_days": "monday"},
        {"type": 2, "weekly_days": ""},
        {"type": 3, "monthly_day": 32},
        {"type": 3, "monthly_week": 7, "monthly_week_day": 2},
    ],
)
def test_what_zoom_should_not_have_is_inexpressible(fields: dict[str, Any]) -> None:
    start = instant(TUESDAY, "Europe/Berlin")
    assert repetition.parse_rule(Repetition(**fields), start) is None


# -- zones


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        ("Asia/Kolkata", "Asia/Kolkata"),
        ("W. Europe Standard Time", "Europe/Berlin"),
        ("America/Detroit", "America/New_York"),
        ("America/Indiana/Indianapolis", "America/Montreal"),
        ("Europe/Vaduz", "Europe/Belgrade"),
        ("Pacific/Guadalcanal", "SST"),
        ("Etc/UTC", "UTC"),
    ],
)
def test_zones_are_called_as_zoom_calls_them(name: str, theirs: str) -> None:
    found = zones.dump_zone(name, "f")
    assert found == theirs or zones._offsets(found, range(0, 900, 7)) == zones._offsets(
        theirs, range(0, 900, 7)
    )


def test_a_zone_with_rules_of_its_own_is_refused() -> None:
    with refused(Kind.INVALID, field="event.start_at.time_zone"):
        zones.dump_zone("Antarctica/Troll", "event.start_at.time_zone")


def test_every_zone_of_zooms_is_known() -> None:
    unknown = [name for name in (*zones.NAMES, "SST") if not zones.parse_zone(name)]
    assert unknown == []
    assert zones.parse_zone("Mars/Olympus") == ""
