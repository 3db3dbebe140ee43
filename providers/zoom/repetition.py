"""Zoom's `recurrence` object and RFC 5545 rules, in both directions.

Zoom knows days, weeks on weekdays, and months on one date or one weekday of one week
(developers.zoom.us/docs/api, operation meetingCreate). What it cannot say is refused by the name of
the part that is too much (P45), never rounded. Occurrences are `occurrences`' business.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import NoReturn

from providers.core import recurrence, times, timezones
from providers.core.errors import ProviderError
from providers.core.recurrence_lines import read_line
from providers.core.rrule import WEEKDAYS, Frequency, Rule, RuleError, parse
from providers.zoom.wire import Repetition
from ucal.v1 import types_pb2

MAX_OCCURRENCES = 50
_DAILY, _WEEKLY, _MONTHLY = 1, 2, 3
# 1 is Sunday at Zoom, 0 is Monday here.
_TO_ZOOM = {day: (day + 1) % 7 + 1 for day in range(7)}
_FROM_ZOOM = {number: day for day, number in _TO_ZOOM.items()}
_WEEKS = frozenset({-1, 1, 2, 3, 4})
_WORKDAYS = (0, 1, 2, 3, 4)
_NEVER = ("by_month", "by_year_day", "by_week_no", "by_hour", "by_minute", "by_second")
_PARTS = {
    "by_month": "BYMONTH",
    "by_year_day": "BYYEARDAY",
    "by_week_no": "BYWEEKNO",
    "by_hour": "BYHOUR",
    "by_minute": "BYMINUTE",
    "by_second": "BYSECOND",
}
_FAR = timedelta(days=40 * 366)


@dataclass(frozen=True, slots=True)
class Limits:
    """Longest intervals, which differ between meetings and webinars.

    Attributes:
        endless: a series may go on for ever.
    """

    days: int
    weeks: int
    months: int
    endless: bool


MEETING = Limits(days=99, weeks=50, months=10, endless=True)
WEBINAR = Limits(days=90, weeks=12, months=3, endless=False)


# -- reading


def parse_rule(found: Repetition, start: types_pb2.EventTime) -> str | None:
    """The RRULE line of what Zoom has; None for what it should not have.

    The weekday, or the day of the month, of the start is not said again, as in RFC 5545.
    """
    parts = _parse_pattern(found, times.local(start))
    if parts is None:
        return None
    interval = found.repeat_interval or 1
    if interval > 1:
        parts.insert(1, f"INTERVAL={interval}")
    # Answers may hold the default of end_times beside an end that was set.
    if found.end_date_time:
        until = times.parse_rfc3339(found.end_date_time)
        parts.append(f"UNTIL={times.in_zone(until, UTC):%Y%m%dT%H%M%SZ}")
    elif found.end_times:
        parts.append(f"COUNT={found.end_times}")
    return f"RRULE:{';'.join(parts)}"


def _parse_pattern(found: Repetition, first: date) -> list[str] | None:
    if found.type == _DAILY:
        return ["FREQ=DAILY"]
    if found.type == _WEEKLY:
        days = _parse_days(found.weekly_days or "")
        if days is None:
            return None
        if days == WEEKDAYS[first.weekday()]:
            return ["FREQ=WEEKLY"]
        # RFC 5545's weeks begin on Monday, Zoom's on Sunday; it matters from two weeks on.
        start = ["WKST=SU"] if (found.repeat_interval or 1) > 1 else []
        return ["FREQ=WEEKLY", f"BYDAY={days}", *start]
    if found.type != _MONTHLY:
        return None
    if found.monthly_week in _WEEKS and found.monthly_week_day in _FROM_ZOOM:
        day = WEEKDAYS[_FROM_ZOOM[found.monthly_week_day]]
        return ["FREQ=MONTHLY", f"BYDAY={found.monthly_week}{day}"]
    if found.monthly_day and found.monthly_day == first.day:
        return ["FREQ=MONTHLY"]
    if found.monthly_day and 1 <= found.monthly_day <= 31:
        return ["FREQ=MONTHLY", f"BYMONTHDAY={found.monthly_day}"]
    return None


def _parse_days(text: str) -> str | None:
    """Weekdays of `weekly_days`: "2,4" is "MO,WE"."""
    numbers = [word.strip() for word in text.split(",")]
    if not numbers or not all(word.isdecimal() and int(word) in _FROM_ZOOM for word in numbers):
        return None
    days = sorted({_FROM_ZOOM[int(word)] for word in numbers})
    return ",".join(WEEKDAYS[day] for day in days)


# -- writing


def dump_rule(
    rules: list[str], start: types_pb2.EventTime, limits: Limits, field: str
) -> dict[str, int | str]:
    """The `recurrence` object behind `rules`.

    Args:
        rules: RFC 5545 lines that the server has checked; EXDATE lines are left to the caller.
        start: of the series, an instant in a zone.
        field: path of the lines in the request, for errors.

    Raises:
        ProviderError: INVALID with reason RECURRENCE_NOT_EXPRESSIBLE, naming the part.
    """
    lines = [read_line(text) for text in rules]
    for line in lines:
        if line.name in ("RDATE", "EXRULE"):
            _refuse(field, line.name, "Zoom knows no such dates")
    found = [line for line in lines if line.name == "RRULE"]
    if len(found) != 1:
        _refuse(field, "RRULE", "Zoom takes exactly one")
    try:
        rule = parse(found[0].value)
    except RuleError as error:
        raise ProviderError.invalid(field, str(error)) from None
    return _Dump(rule, start, limits, field).run([text for text in rules if text[:1] in "Rr"])


def _refuse(field: str, part: str, why: str) -> NoReturn:
    raise ProviderError.invalid(
        field, f"{part} cannot be expressed in Zoom: {why}", reason="RECURRENCE_NOT_EXPRESSIBLE"
    )


class _Dump:
    """One rule on its way to Zoom."""

    def __init__(self, rule: Rule, start: types_pb2.EventTime, limits: Limits, field: str) -> None:
        self.rule = rule
        self.limits = limits
        self.field = field
        self.start = start
        zone = timezones.zone(start.time_zone)
        self.first = times.in_zone(times.instant(start), zone)

    def run(self, rules: list[str]) -> dict[str, int | str]:
        """The object."""
        rule = self.rule
        for name in _NEVER:
            if getattr(rule, name):
                _refuse(self.field, _PARTS[name], "it repeats by days, weeks and months alone")
        if rule.others:
            _refuse(self.field, rule.others[0][0], "it knows no such part")
        pattern = {
            Frequency.DAILY: self._daily,
            Frequency.WEEKLY: self._weekly,
            Frequency.MONTHLY: self._monthly,
        }.get(rule.frequency)
        if pattern is None:
            _refuse(
                self.field, f"FREQ={rule.frequency.name}", "it repeats by days, weeks or months"
            )
        return pattern() | self._end(rules)

    def _interval(self, most: int) -> int:
        if self.rule.interval > most:
            _refuse(self.field, "INTERVAL", f"{most} is the longest")
        return self.rule.interval

    def _daily(self) -> dict[str, int | str]:
        rule = self.rule
        self._no_position()
        if rule.by_month_day:
            _refuse(self.field, "BYMONTHDAY", "days repeat without further conditions")
        if not rule.by_day:
            return {"type": _DAILY, "repeat_interval": self._interval(self.limits.days)}
        days = self._plain_days()
        if rule.interval > 1:
            _refuse(self.field, "BYDAY", "with INTERVAL it goes with weeks only")
        return self._week(days)

    def _weekly(self) -> dict[str, int | str]:
        self._no_position()
        if self.rule.by_month_day:
            _refuse(self.field, "BYMONTHDAY", "it goes with months only")
        days = self._plain_days() or (self.first.weekday(),)
        monday, sunday = 0, 6
        harmless = len(days) == 1 or self.rule.week_start == sunday
        harmless = harmless or (self.rule.week_start == monday and sunday not in days)
        if self.rule.interval > 1 and not harmless:
            _refuse(self.field, "WKST", "its weeks begin on Sunday")
        return self._week(days)

    def _week(self, days: tuple[int, ...]) -> dict[str, int | str]:
        self._begins_on(self.first.weekday() in days)
        return {
            "type": _WEEKLY,
            "repeat_interval": self._interval(self.limits.weeks),
            "weekly_days": ",".join(str(n) for n in sorted(_TO_ZOOM[day] for day in days)),
        }

    def _monthly(self) -> dict[str, int | str]:
        rule = self.rule
        base: dict[str, int | str] = {
            "type": _MONTHLY,
            "repeat_interval": self._interval(self.limits.months),
        }
        if not rule.by_day:
            self._no_position()
            days = rule.by_month_day or (self.first.day,)
            if len(days) > 1 or days[0] < 1:
                _refuse(self.field, "BYMONTHDAY", "it takes one day, counted from the first")
            self._begins_on(self.first.day == days[0])
            return base | {"monthly_day": days[0]}
        if rule.by_month_day:
            _refuse(self.field, "BYMONTHDAY", "it takes a date or a weekday, not both")
        week, day = self._week_of_month()
        last = (self.first + timedelta(days=7)).month != self.first.month
        number = (self.first.day - 1) // 7 + 1
        fits = self.first.weekday() == day and (last if week == -1 else number == week)
        self._begins_on(fits)
        return base | {"monthly_week": week, "monthly_week_day": _TO_ZOOM[day]}

    def _week_of_month(self) -> tuple[int, int]:
        """Which weekday of which week: BYDAY=2TU, or BYDAY=TU;BYSETPOS=2."""
        if len(self.rule.by_day) > 1:
            _refuse(self.field, "BYDAY", "it takes one weekday in a month")
        week, day = self.rule.by_day[0]
        positions = self.rule.by_set_position
        if week and positions:
            _refuse(self.field, "BYSETPOS", "it takes one way of counting")
        if not week:
            if len(positions) != 1:
                part = "BYSETPOS" if positions else "BYDAY"
                _refuse(self.field, part, "it takes one weekday of one week in a month")
            week = positions[0]
        if week not in _WEEKS:
            part = "BYSETPOS" if positions else "BYDAY"
            _refuse(self.field, part, "it takes the first to the fourth, or the last")
        return week, day

    def _plain_days(self) -> tuple[int, ...]:
        if any(number for number, _ in self.rule.by_day):
            _refuse(self.field, "BYDAY", "numbers go with months only")
        return tuple(sorted({day for _, day in self.rule.by_day}))

    def _no_position(self) -> None:
        if self.rule.by_set_position:
            _refuse(self.field, "BYSETPOS", "it goes with one weekday in a month only")

    def _begins_on(self, fits: bool) -> None:
        if not fits:
            _refuse(self.field, "DTSTART", "the start must be a day that the rule yields")

    def _end(self, rules: list[str]) -> dict[str, int | str]:
        rule = self.rule
        if rule.count:
            if rule.count > MAX_OCCURRENCES:
                _refuse(self.field, "COUNT", f"a series holds {MAX_OCCURRENCES} occurrences")
            return {"end_times": rule.count}
        if rule.until is None:
            if not self.limits.endless:
                _refuse(self.field, "RRULE without COUNT or UNTIL", "webinars have an end")
            # The default is 1, which would leave one occurrence of an endless series.
            return {"end_times": 0}
        last = self._last()
        within = recurrence.occurrences(
            rules,
            self.start,
            times.in_zone(self.first, UTC),
            min(last + timedelta(seconds=1), self.first + _FAR),
            limit=MAX_OCCURRENCES + 1,
        )
        if len(within) > MAX_OCCURRENCES:
            _refuse(self.field, "UNTIL", f"a series holds {MAX_OCCURRENCES} occurrences")
        return {"end_date_time": f"{times.in_zone(last, UTC):%Y-%m-%dT%H:%M:%SZ}"}

    def _last(self) -> datetime:
        """UNTIL as an instant; a date is its last second in the zone of the series (P34)."""
        until, zone = self.rule.until, self.first.tzinfo
        if isinstance(until, datetime):
            return until if until.tzinfo else until.replace(tzinfo=zone)
        day = until or self.first.date()
        return datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=zone)
