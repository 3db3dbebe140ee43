"""RFC 5545 rules to patternedRecurrence and back: the whole table, and what is refused (P45)."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest

from providers.core import recurrence
from providers.core.errors import Kind, ProviderError
from providers.microsoft import pattern_parse, patterns
from providers.microsoft.wire import PatternedRecurrence
from tests.providers.microsoft.desk import day, instant
from tests.providers.microsoft.double import plan
from ucal.v1 import types_pb2

BERLIN = ZoneInfo("Europe/Berlin")
ALL_DAYS = list(patterns.DAYS)


def _start(text: str) -> types_pb2.EventTime:
    return instant(datetime.fromisoformat(text).replace(tzinfo=BERLIN), "Europe/Berlin")


def _dump(rule: str, start: types_pb2.EventTime) -> patterns.Plan:
    return patterns.dump([f"RRULE:{rule}"], start, "event.recurrence")


# rule, start, pattern without interval, what is read back where it is spelled otherwise
TABLE = [
    ("FREQ=DAILY;INTERVAL=3", "2026-12-01T09:00", {"type": "daily"}, ""),
    (
        "FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR",
        "2026-12-01T09:00",
        {"type": "weekly", "daysOfWeek": ALL_DAYS[:5], "firstDayOfWeek": "monday"},
        "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
    ),
    (
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=SU",
        "2026-12-01T09:00",
        {"type": "weekly", "daysOfWeek": ["tuesday", "sunday"], "firstDayOfWeek": "sunday"},
        "",
    ),
    (
        "FREQ=WEEKLY",
        "2026-12-01T09:00",
        {"type": "weekly", "daysOfWeek": ["tuesday"], "firstDayOfWeek": "monday"},
        "",
    ),
    (
        "FREQ=MONTHLY;BYMONTHDAY=15",
        "2026-12-15T09:00",
        {"type": "absoluteMonthly", "dayOfMonth": 15},
        "",
    ),
    (
        "FREQ=MONTHLY",
        "2026-12-01T09:00",
        {"type": "absoluteMonthly", "dayOfMonth": 1},
        "FREQ=MONTHLY;BYMONTHDAY=1",
    ),
    (
        "FREQ=MONTHLY;BYMONTHDAY=-1",
        "2026-12-31T09:00",
        {"type": "relativeMonthly", "daysOfWeek": ALL_DAYS, "index": "last"},
        "",
    ),
    (
        "FREQ=MONTHLY;BYDAY=2TU",
        "2026-12-08T09:00",
        {"type": "relativeMonthly", "daysOfWeek": ["tuesday"], "index": "second"},
        "",
    ),
    (
        "FREQ=MONTHLY;BYDAY=TU;BYSETPOS=2",
        "2026-12-08T09:00",
        {"type": "relativeMonthly", "daysOfWeek": ["tuesday"], "index": "second"},
        "FREQ=MONTHLY;BYDAY=2TU",
    ),
    (
        "FREQ=MONTHLY;BYDAY=-1FR",
        "2026-12-25T09:00",
        {"type": "relativeMonthly", "daysOfWeek": ["friday"], "index": "last"},
        "",
    ),
    (
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
        "2026-12-31T09:00",
        {"type": "relativeMonthly", "daysOfWeek": ALL_DAYS[:5], "index": "last"},
        "",
    ),
    (
        "FREQ=YEARLY",
        "2026-12-01T09:00",
        {"type": "absoluteYearly", "month": 12, "dayOfMonth": 1},
        "FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=1",
    ),
    (
        "FREQ=YEARLY;BYMONTH=3;BYDAY=2SU",
        "2027-03-14T09:00",
        {"type": "relativeYearly", "month": 3, "daysOfWeek": ["sunday"], "index": "second"},
        "",
    ),
]


@pytest.mark.parametrize(("rule", "start", "pattern", "back"), TABLE, ids=[r[0] for r in TABLE])
@pytest.mark.parametrize("end", ["", ";COUNT=9", ";UNTIL=20290301T080000Z"])
def test_the_table_both_ways(rule: str, start: str, pattern: dict, back: str, end: str) -> None:
    """P42 too: a series that ends after N has N instances, at Graph as in the RFC."""
    begin = _start(start)
    made = _dump(rule + end, begin)
    found = dict(made.body["pattern"])
    interval = found.pop("interval")
    assert found == pattern
    full = plan.check(made.body, date.fromisoformat(start[:10]))
    far = date(2040, 1, 1)
    ours = recurrence.occurrences(
        [f"RRULE:{rule}{end}"], begin, datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2040, 1, 1, tzinfo=UTC), limit=40,
    )  # fmt: skip
    theirs = [d for d, _ in zip(plan.days(full, far), range(40), strict=False)]
    assert [o.date() for o in ours] == theirs[: len(ours)]
    if end:
        assert len(ours) == len(theirs)
    read = types_pb2.Recurrence()
    pattern_parse.fill(read, msgspec.convert(full, PatternedRecurrence), begin, "Europe/Berlin")
    (line,) = read.rules
    parts = set(line.removeprefix("RRULE:").split(";"))
    wanted = set((back or rule).split(";"))
    if interval > 1 and f"INTERVAL={interval}" not in wanted:
        wanted.add(f"INTERVAL={interval}")
    assert {p for p in parts if not p.startswith(("COUNT", "UNTIL"))} == wanted
    again = recurrence.occurrences(
        read.rules, begin, datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2040, 1, 1, tzinfo=UTC), limit=40,
    )  # fmt: skip
    assert again == ours


REFUSED = [
    ("FREQ=HOURLY", "FREQ=HOURLY"),
    ("FREQ=DAILY;BYHOUR=9,12", "BYHOUR"),
    ("FREQ=DAILY;INTERVAL=2;BYDAY=TU", "BYDAY"),
    ("FREQ=DAILY;INTERVAL=1000", "INTERVAL"),
    ("FREQ=WEEKLY;INTERVAL=100", "INTERVAL"),
    ("FREQ=YEARLY;BYWEEKNO=49", "BYWEEKNO"),
    ("FREQ=YEARLY;BYYEARDAY=335", "BYYEARDAY"),
    ("FREQ=MONTHLY;BYMONTHDAY=1,15", "BYMONTHDAY"),
    ("FREQ=MONTHLY;BYMONTHDAY=-2", "BYMONTHDAY"),
    ("FREQ=MONTHLY;BYDAY=1TU,3TU", "BYDAY"),
    ("FREQ=MONTHLY;BYDAY=TU", "BYDAY"),
    ("FREQ=MONTHLY;BYDAY=TU;BYSETPOS=1,3", "BYSETPOS"),
    ("FREQ=MONTHLY;BYDAY=5TU", "BYDAY"),
    ("FREQ=MONTHLY;BYDAY=-2TU", "BYDAY"),
    ("FREQ=MONTHLY;BYDAY=TU;BYMONTHDAY=1", "BYDAY and BYMONTHDAY"),
    ("FREQ=MONTHLY;BYMONTH=12;BYMONTHDAY=1", "BYMONTH"),
    ("FREQ=YEARLY;BYMONTH=6,12;BYMONTHDAY=1", "BYMONTH"),
    ("FREQ=YEARLY;BYDAY=1TU", "BYMONTH"),
    ("FREQ=YEARLY;BYMONTHDAY=1", "BYMONTH"),
    ("FREQ=DAILY;COUNT=1000", "COUNT"),
    ("FREQ=WEEKLY;BYDAY=WE", "the start"),
    ("FREQ=MONTHLY;BYMONTHDAY=2", "the start"),
]


@pytest.mark.parametrize(("rule", "part"), REFUSED, ids=[r[0] for r in REFUSED])
def test_what_outlook_cannot_say_is_refused_by_name(rule: str, part: str) -> None:
    """P45: never a single event, never a simpler rule; P41: nor a start off its own rule."""
    with pytest.raises(ProviderError) as caught:
        _dump(rule, _start("2026-12-01T09:00"))
    assert caught.value.kind is Kind.INVALID
    assert part in caught.value.message
    assert caught.value.violations[0][0].startswith("event.recurrence.rules")


@pytest.mark.parametrize("line", ["RDATE:20261203T080000Z", "EXRULE:FREQ=DAILY;INTERVAL=2",
                                  "RRULE:FREQ=DAILY"])  # fmt: skip
def test_lines_beside_the_rule_that_outlook_has_no_place_for(line: str) -> None:
    start = _start("2026-12-01T09:00")
    with pytest.raises(ProviderError) as caught:
        patterns.dump(["RRULE:FREQ=WEEKLY", line], start, "event.recurrence")
    assert caught.value.violations[0][0] == "event.recurrence.rules[1]"


@pytest.mark.parametrize(
    ("rule", "start", "fits"),
    [
        ("FREQ=MONTHLY;BYMONTHDAY=31", "2026-12-31T09:00", False),
        ("FREQ=MONTHLY;BYMONTHDAY=31;COUNT=2", "2026-12-31T09:00", True),
        ("FREQ=MONTHLY;BYMONTHDAY=30;UNTIL=20270131T000000Z", "2026-12-30T09:00", True),
        ("FREQ=MONTHLY;BYMONTHDAY=30;COUNT=3", "2026-12-30T09:00", False),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "2028-02-29T09:00", False),
        ("FREQ=YEARLY;INTERVAL=4;BYMONTH=2;BYMONTHDAY=29;COUNT=5", "2028-02-29T09:00", True),
    ],
)
def test_days_that_short_months_lack(rule: str, start: str, fits: bool) -> None:
    """Outlook clips them to the last day, the RFC leaves the month out."""
    begin = _start(start)
    if not fits:
        with pytest.raises(ProviderError, match="too short"):
            _dump(rule, begin)
        return
    full = plan.check(_dump(rule, begin).body, date.fromisoformat(start[:10]))
    low, high = datetime(2026, 1, 1, tzinfo=UTC), datetime(2080, 1, 1, tzinfo=UTC)
    ours = recurrence.occurrences([f"RRULE:{rule}"], begin, low, high, limit=40)
    assert [o.date() for o in ours] == list(plan.days(full, date(2080, 1, 1)))
    read = types_pb2.Recurrence()
    pattern_parse.fill(read, msgspec.convert(full, PatternedRecurrence), begin, "Europe/Berlin")
    assert recurrence.occurrences(read.rules, begin, low, high, limit=40) == ours


def test_outlooks_31st_is_the_last_day_and_its_30th_has_no_words() -> None:
    for number, expected in ((31, ["RRULE:FREQ=MONTHLY;BYMONTHDAY=-1"]), (30, [])):
        body = {
            "pattern": {"type": "absoluteMonthly", "interval": 1, "dayOfMonth": number},
            "range": {"type": "noEnd", "startDate": f"2026-12-{number}"},
        }
        read = types_pb2.Recurrence()
        start = _start(f"2026-12-{number}T09:00")
        pattern_parse.fill(read, msgspec.convert(body, PatternedRecurrence), start, "Europe/Berlin")
        assert list(read.rules) == expected
        assert read.inexpressible is not bool(expected)


def test_the_first_day_of_the_week_is_always_said() -> None:
    """Graph's default is Sunday, the RFC's is Monday: every other week they differ."""
    body = _dump("FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,TU", _start("2026-12-01T09:00")).body
    assert body["pattern"]["firstDayOfWeek"] == "monday"
    silent = {
        "pattern": {"type": "weekly", "interval": 2, "daysOfWeek": ["tuesday", "sunday"]},
        "range": {"type": "noEnd", "startDate": "2026-12-01"},
    }
    read = types_pb2.Recurrence()
    pattern_parse.fill(
        read, msgspec.convert(silent, PatternedRecurrence), _start("2026-12-01T09:00"), "UTC"
    )
    assert "WKST=SU" in read.rules[0]


def test_until_is_the_last_slot_in_the_zone_of_the_series() -> None:
    """P33, P34: an UNTIL before the hour of the slot takes the day with it."""
    start = _start("2026-12-01T09:00")
    for until, last in (
        ("20261205T080000Z", "2026-12-05"),
        ("20261205T075959Z", "2026-12-04"),
        ("20261205", "2026-12-05"),
    ):
        limits = _dump(f"FREQ=DAILY;UNTIL={until}", start).body["range"]
        assert (limits["type"], limits["endDate"]) == ("endDate", last)


def test_exdates_are_days_in_the_zone_of_the_series() -> None:
    start = _start("2026-12-01T00:30")
    lines = ["RRULE:FREQ=DAILY;COUNT=5", "EXDATE:20261202T233000Z"]
    assert patterns.dump(lines, start, "event.recurrence").skipped == [date(2026, 12, 3)]
    whole = patterns.dump(
        ["RRULE:FREQ=DAILY;COUNT=5", "EXDATE;VALUE=DATE:20261203"], day(date(2026, 12, 1)), "x"
    )
    assert whole.skipped == [date(2026, 12, 3)]


def test_a_moved_series_takes_its_weekdays_along() -> None:
    body = _dump("FREQ=WEEKLY;BYDAY=TU,SU;UNTIL=20270101T080000Z", _start("2026-12-01T09:00")).body
    moved = patterns.moved(body, timedelta(days=1), "event.start_at")
    assert moved["pattern"]["daysOfWeek"] == ["monday", "wednesday"]
    assert moved["range"]["startDate"] == "2026-12-02"
    assert moved["range"]["endDate"] == "2027-01-02"
    monthly = _dump("FREQ=MONTHLY;BYMONTHDAY=1", _start("2026-12-01T09:00")).body
    with pytest.raises(ProviderError) as caught:
        patterns.moved(monthly, timedelta(days=1), "event.start_at")
    assert caught.value.kind is Kind.INVALID


@pytest.mark.parametrize(
    "pattern",
    [
        {"type": "hourly"},
        {"type": "weekly", "daysOfWeek": ["someday"]},
        {"type": "weekly", "daysOfWeek": []},
        {"type": "relativeMonthly", "daysOfWeek": ["monday"], "index": "fifth"},
        {"type": "absoluteYearly", "dayOfMonth": 1},
        None,
    ],
)
def test_patterns_nobody_knows_are_inexpressible(pattern: dict | None) -> None:
    body = {"pattern": pattern, "range": {"type": "noEnd", "startDate": "2026-12-01"}}
    read = types_pb2.Recurrence()
    pattern_parse.fill(
        read, msgspec.convert(body, PatternedRecurrence), _start("2026-12-01T09:00"), "UTC"
    )
    assert read.inexpressible
    assert not read.rules
