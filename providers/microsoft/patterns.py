"""RFC 5545 rules to Graph's `patternedRecurrence`, for what it can say. Pure.

learn.microsoft.com/graph/api/resources/{recurrencepattern,recurrencerange}. Outlook plans one rule
of whole days; what it cannot say is refused by name (P45), never simplified. The way back is
`pattern_parse`.
"""

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from providers.core import recurrence, recurrence_lines, rrule, times, timezones
from providers.core.errors import ProviderError
from providers.core.rrule import Frequency, Rule
from ucal.v1 import types_pb2

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
INDEXES = {1: "first", 2: "second", 3: "third", 4: "fourth", -1: "last"}
# Limits of Exchange ([MS-OXOCAL] 2.2.1.44, EWS schema).
MAX_COUNT = 999
MAX_INTERVAL = {Frequency.DAILY: 999}
_MAX_INTERVAL = 99
_WHOLE_DAYS = ("by_hour", "by_minute", "by_second", "by_week_no", "by_year_day")
_NAMES = {
    "by_hour": "BYHOUR",
    "by_minute": "BYMINUTE",
    "by_second": "BYSECOND",
    "by_week_no": "BYWEEKNO",
    "by_year_day": "BYYEARDAY",
}
_DAY = timedelta(days=1)
_FOREVER = date.max


@dataclass(frozen=True, slots=True)
class Plan:
    """A series as Graph takes it.

    Attributes:
        body: patternedRecurrence.
        skipped: days, in the zone of the series, whose occurrences are to be cancelled.
    """

    body: dict[str, Any]
    skipped: list[date]


def dump(rules: Sequence[str], start: types_pb2.EventTime, path: str, zone: str = "") -> Plan:
    """The lines of a series as Graph takes them.

    Args:
        rules: checked RFC 5545 lines.
        path: of the recurrence in the request, "event.recurrence".
        zone: name to write for the zone of the series; absent: the start's.

    Raises:
        ProviderError: INVALID, naming the part that Outlook cannot keep.
    """
    found: Rule | None = None
    where = f"{path}.rules"
    for index, text in enumerate(rules):
        line = recurrence_lines.read_line(text)
        where = f"{path}.rules[{index}]"
        if line.name in {"RDATE", "EXRULE"}:
            raise _no(where, f"{line.name} cannot be kept")
        if line.name != "RRULE":
            continue
        if found is not None:
            raise _no(where, "a second RRULE cannot be kept")
        found = rrule.parse(line.value)
    if found is None:
        raise _no(f"{path}.rules", "a series needs an RRULE")
    first = _day(start)
    pattern = _pattern(found, first, where)
    limits = _range(found, start, first, where)
    limits["recurrenceTimeZone"] = zone or start.time_zone or "UTC"
    _check_start(pattern, first, path)
    _check_clipping(found, pattern, first, limits, where)
    return Plan({"pattern": pattern, "range": limits}, _skipped(rules, start))


def _no(path: str, text: str) -> ProviderError:
    return ProviderError.invalid(path, f"in Outlook {text}")


def _day(start: types_pb2.EventTime) -> date:
    """Day of the start in its own zone."""
    local = times.local(start)
    return local.date() if isinstance(local, datetime) else local


def _skipped(rules: Sequence[str], start: types_pb2.EventTime) -> list[date]:
    found = types_pb2.Recurrence()
    recurrence.fill(found, rules, start)
    days = set()
    for each in found.excluded:
        if each.WhichOneof("value") == "timestamp" and not each.time_zone:
            each.time_zone = start.time_zone
        days.add(_day(each))
    return sorted(days)


# -- pattern


def _pattern(rule: Rule, first: date, path: str) -> dict[str, Any]:
    for field in _WHOLE_DAYS:
        if getattr(rule, field):
            raise _no(path, f"{_NAMES[field]} cannot be kept")
    if rule.others:
        raise _no(path, f"{rule.others[0][0]} cannot be kept")
    if rule.frequency not in _BY_FREQUENCY:
        raise _no(path, f"FREQ={rule.frequency.name} cannot be kept")
    if rule.interval > MAX_INTERVAL.get(rule.frequency, _MAX_INTERVAL):
        raise _no(path, f"INTERVAL={rule.interval} is too high")
    pattern = _BY_FREQUENCY[rule.frequency](rule, first, path)
    return {"interval": rule.interval, **pattern}


def _daily(rule: Rule, first: date, path: str) -> dict[str, Any]:
    _only(rule, path, "by_day")
    if not rule.by_day:
        return {"type": "daily"}
    if rule.interval != 1:
        raise _no(path, "BYDAY beside FREQ=DAILY with an INTERVAL cannot be kept")
    return _weekly(rule, first, path)


def _weekly(rule: Rule, first: date, path: str) -> dict[str, Any]:
    _only(rule, path, "by_day")
    if any(number for number, _ in rule.by_day):
        raise _no(path, "a numbered BYDAY in a week cannot be kept")
    days = sorted({day for _, day in rule.by_day}) or [first.weekday()]
    # RFC 5545 weeks begin on Monday unless told otherwise, Graph's on Sunday.
    return {
        "type": "weekly",
        "daysOfWeek": [DAYS[day] for day in days],
        "firstDayOfWeek": DAYS[rule.week_start],
    }


def _monthly(rule: Rule, first: date, path: str) -> dict[str, Any]:
    _only(rule, path, "by_day", "by_month_day", "by_set_position")
    if rule.by_day and rule.by_month_day:
        raise _no(path, "BYDAY and BYMONTHDAY together cannot be kept")
    if rule.by_day:
        return {"type": "relativeMonthly", **_relative(rule, path)}
    if rule.by_set_position:
        raise _no(path, "BYSETPOS without BYDAY cannot be kept")
    day = _month_day(rule, first, path)
    if day == -1:
        return {"type": "relativeMonthly", "daysOfWeek": list(DAYS), "index": "last"}
    return {"type": "absoluteMonthly", "dayOfMonth": day}


def _yearly(rule: Rule, first: date, path: str) -> dict[str, Any]:
    _only(rule, path, "by_day", "by_month_day", "by_set_position", "by_month")
    if len(rule.by_month) > 1:
        raise _no(path, "several BYMONTH cannot be kept")
    if rule.by_day and rule.by_month_day:
        raise _no(path, "BYDAY and BYMONTHDAY together cannot be kept")
    month = rule.by_month[0] if rule.by_month else first.month
    if rule.by_day:
        if not rule.by_month:
            raise _no(path, "FREQ=YEARLY;BYDAY without BYMONTH cannot be kept")
        return {"type": "relativeYearly", "month": month, **_relative(rule, path)}
    if rule.by_set_position:
        raise _no(path, "BYSETPOS without BYDAY cannot be kept")
    if rule.by_month_day and not rule.by_month:
        raise _no(path, "FREQ=YEARLY;BYMONTHDAY without BYMONTH cannot be kept")
    day = _month_day(rule, first, path)
    if day == -1:
        last = {"daysOfWeek": list(DAYS), "index": "last"}
        return {"type": "relativeYearly", "month": month, **last}
    return {"type": "absoluteYearly", "month": month, "dayOfMonth": day}


_BY_FREQUENCY = {
    Frequency.DAILY: _daily,
    Frequency.WEEKLY: _weekly,
    Frequency.MONTHLY: _monthly,
    Frequency.YEARLY: _yearly,
}
_PARTS = {
    "by_day": "BYDAY",
    "by_month_day": "BYMONTHDAY",
    "by_month": "BYMONTH",
    "by_set_position": "BYSETPOS",
}


def _only(rule: Rule, path: str, *allowed: str) -> None:
    for field, name in _PARTS.items():
        if field not in allowed and getattr(rule, field):
            raise _no(path, f"{name} beside FREQ={rule.frequency.name} cannot be kept")


def _month_day(rule: Rule, first: date, path: str) -> int:
    days = rule.by_month_day or (first.day,)
    if len(days) > 1:
        raise _no(path, "several BYMONTHDAY cannot be kept")
    if days[0] < -1:
        raise _no(path, f"BYMONTHDAY={days[0]} cannot be kept")
    return days[0]


def _relative(rule: Rule, path: str) -> dict[str, Any]:
    """Which of some weekdays of a month: all numbered alike, or counted by BYSETPOS."""
    numbers = {number for number, _ in rule.by_day}
    days = sorted({day for _, day in rule.by_day})
    if len(rule.by_set_position) > 1:
        raise _no(path, "several BYSETPOS cannot be kept")
    if rule.by_set_position and numbers != {0}:
        raise _no(path, "BYSETPOS beside a numbered BYDAY cannot be kept")
    if len(numbers) > 1:
        raise _no(path, "differently numbered BYDAY cannot be kept")
    number = rule.by_set_position[0] if rule.by_set_position else numbers.pop()
    if not number:
        raise _no(path, "BYDAY without a number or BYSETPOS cannot be kept")
    if len(days) > 1 and not rule.by_set_position:
        raise _no(path, "several numbered BYDAY cannot be kept")
    if number not in INDEXES:
        raise _no(path, f"{'BYSETPOS' if rule.by_set_position else 'BYDAY'} {number} "
                        "cannot be kept")  # fmt: skip
    return {"daysOfWeek": [DAYS[day] for day in days], "index": INDEXES[number]}


# -- range


def _range(rule: Rule, start: types_pb2.EventTime, first: date, path: str) -> dict[str, Any]:
    found: dict[str, Any] = {"startDate": first.isoformat()}
    if rule.count:
        if rule.count > MAX_COUNT:
            raise _no(path, f"COUNT={rule.count} is too high")
        return {**found, "type": "numbered", "numberOfOccurrences": rule.count}
    if rule.until is None:
        return {**found, "type": "noEnd"}
    last = _last_day(rule.until, start)
    if last < first:
        raise _no(path, "UNTIL lies before the start")
    return {**found, "type": "endDate", "endDate": last.isoformat()}


def _last_day(until: date | datetime, start: types_pb2.EventTime) -> date:
    """Day of the last slot that UNTIL, which is inclusive, leaves (P33, P34)."""
    if not isinstance(until, datetime):
        return until
    wall = times.local(start)
    if not isinstance(wall, datetime):
        return until.date()
    if until.tzinfo is not None:
        zone = timezones.zone(start.time_zone or "UTC")
        until = until.astimezone(UTC).astimezone(zone).replace(tzinfo=None)
    return until.date() if until.time() >= wall.time().replace(microsecond=0) else (
        until.date() - _DAY
    )  # fmt: skip


# -- what would come out otherwise than the RFC says


def _check_start(pattern: dict[str, Any], first: date, path: str) -> None:
    """The first occurrence is the start itself: Outlook would move it to the next slot (P41)."""
    if not _fits(pattern, first):
        raise _no(f"{path}.rules", "the start must be one of the days of its own rule")


def _fits(pattern: dict[str, Any], day: date) -> bool:
    kind = pattern["type"]
    if kind == "daily":
        return True
    if kind == "weekly":
        return DAYS[day.weekday()] in pattern["daysOfWeek"]
    if pattern.get("month", day.month) != day.month:
        return False
    if kind in {"absoluteMonthly", "absoluteYearly"}:
        return bool(day.day == pattern["dayOfMonth"])
    length = calendar.monthrange(day.year, day.month)[1]
    days = [
        each
        for each in range(1, length + 1)
        if DAYS[date(day.year, day.month, each).weekday()] in pattern["daysOfWeek"]
    ]
    number = next(key for key, word in INDEXES.items() if word == pattern["index"])
    at = number - 1 if number > 0 else number
    return days[at] == day.day


def _check_clipping(
    rule: Rule, pattern: dict[str, Any], first: date, limits: dict[str, Any], path: str
) -> None:
    day = pattern.get("dayOfMonth", 0)
    step = rule.interval * (12 if "month" in pattern else 1)
    count = limits.get("numberOfOccurrences", 0)
    if clips(day, step, first, count=count, last=limits.get("endDate", "")):
        raise _no(path, f"BYMONTHDAY={day} would be moved in months that are too short")


def clips(day: int, step: int, first: date, *, count: int = 0, last: str = "") -> bool:
    """Whether a series on a day of the month meets a month that is too short for it.

    Outlook moves such an occurrence to the last day of the month, the RFC leaves it out.

    Args:
        step: months from one occurrence to the next.
        first: day of the start.
        count: occurrences; 0: see `last`.
        last: day of the end, ISO 8601; "": there is none.
    """
    if day <= 28:
        return False
    end = date.fromisoformat(last) if last else _FOREVER
    month = first.year * 12 + first.month - 1
    for _ in range(count or MAX_COUNT):
        year, number = divmod(month, 12)
        if not date.min.year <= year < date.max.year or date(year, number + 1, 1) > end:
            return False
        if calendar.monthrange(year, number + 1)[1] < day:
            return True
        month += step
    return False


def moved(body: dict[str, Any], by: timedelta, path: str) -> dict[str, Any]:
    """A patternedRecurrence whose start moves by so many whole days.

    Raises:
        ProviderError: INVALID when the days of its rule would have to be others.
    """
    days = by.days
    pattern, limits = dict(body["pattern"]), dict(body["range"])
    for name in ("startDate", "endDate"):
        if limits.get(name) and not (name == "endDate" and limits.get("type") != "endDate"):
            day = date.fromisoformat(limits[name]) + timedelta(days=days)
            limits[name] = day.isoformat()
    if days and pattern.get("type") == "weekly":
        turned = sorted((DAYS.index(each) + days) % 7 for each in pattern["daysOfWeek"])
        pattern["daysOfWeek"] = [DAYS[each] for each in turned]
    elif days and pattern.get("type") != "daily":
        raise _no(path, "the start is not moved to another day without a new recurrence")
    return {"pattern": pattern, "range": limits}
