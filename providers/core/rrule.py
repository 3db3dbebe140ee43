"""RFC 5545 recurrence rules as values: read from text, written back, held against the RFC.

What dates a rule yields lives in `expansion`; content lines and the contract in `recurrence`.
"""

import enum
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import TypeAlias

MAX_LENGTH = 16384
"""Characters of the longest rule that is read."""
MAX_COUNT = 10_000
"""The highest COUNT that may be written; what providers send may be higher."""
MAX_INTERVAL = 10_000
"""The highest INTERVAL that may be written."""
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")

Day: TypeAlias = tuple[int, int]
"""A BYDAY word: which one in the period (0: every one), and the weekday, Monday 0."""


class Frequency(enum.IntEnum):
    """FREQ, from the longest period to the shortest."""

    YEARLY = 0
    MONTHLY = 1
    WEEKLY = 2
    DAILY = 3
    HOURLY = 4
    MINUTELY = 5
    SECONDLY = 6


class RuleError(ValueError):
    """A rule that is none; the text names the part and never quotes the rule."""


@dataclass(frozen=True, slots=True)
class Rule:
    """RRULE or EXRULE (RFC 5545 section 3.3.10).

    Attributes:
        until: a date, a wall time (naive) or an instant (aware, UTC), inclusive.
        count: 0 when there is none.
        week_start: weekday, Monday 0.
        others: parts that the RFC does not name, as (name, value).
    """

    frequency: Frequency
    interval: int = 1
    count: int = 0
    until: date | datetime | None = None
    by_second: tuple[int, ...] = ()
    by_minute: tuple[int, ...] = ()
    by_hour: tuple[int, ...] = ()
    by_day: tuple[Day, ...] = ()
    by_month_day: tuple[int, ...] = ()
    by_year_day: tuple[int, ...] = ()
    by_week_no: tuple[int, ...] = ()
    by_month: tuple[int, ...] = ()
    by_set_position: tuple[int, ...] = ()
    week_start: int = 0
    others: tuple[tuple[str, str], ...] = ()


# Part: field of Rule, lowest, highest, whether the negative twins are allowed too (but not 0).
_NUMBERS: dict[str, tuple[str, int, int, bool]] = {
    "BYSECOND": ("by_second", 0, 60, False),
    "BYMINUTE": ("by_minute", 0, 59, False),
    "BYHOUR": ("by_hour", 0, 23, False),
    "BYMONTHDAY": ("by_month_day", 1, 31, True),
    "BYYEARDAY": ("by_year_day", 1, 366, True),
    "BYWEEKNO": ("by_week_no", 1, 53, True),
    "BYMONTH": ("by_month", 1, 12, False),
    "BYSETPOS": ("by_set_position", 1, 366, True),
}
_DAY = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
_INTEGER = re.compile(r"[+-]?\d{1,18}")
_NAME = re.compile(r"[A-Z][A-Z0-9-]{0,63}")


@lru_cache(maxsize=4096)
def parse(text: str) -> Rule:
    """Read the value of an RRULE, "FREQ=WEEKLY;BYDAY=MO". Order and case do not matter.

    Raises:
        RuleError: it is none. Whether the parts fit together is `check`'s business.
    """
    if len(text) > MAX_LENGTH:
        raise RuleError(f"is longer than {MAX_LENGTH} characters")
    fields: dict[str, object] = {}
    others: list[tuple[str, str]] = []
    seen: set[str] = set()
    for part in filter(None, text.strip().upper().split(";")):
        name, equals, value = part.partition("=")
        if not equals or not _NAME.fullmatch(name):
            raise RuleError("holds a part that is not NAME=value")
        if name in seen:
            raise RuleError(f"{name} is there twice")
        seen.add(name)
        if name in _NUMBERS:
            field, low, high, signed = _NUMBERS[name]
            fields[field] = _numbers(name, value, low, high, signed=signed)
        elif name in _SINGLES:
            field, read = _SINGLES[name]
            fields[field] = read(value)
        else:
            others.append((name, value))
    if "frequency" not in fields:
        raise RuleError("FREQ is missing")
    return Rule(**fields, others=tuple(others))  # type: ignore[arg-type]


def _numbers(name: str, text: str, low: int, high: int, *, signed: bool) -> tuple[int, ...]:
    found: set[int] = set()
    for word in text.split(","):
        if not _INTEGER.fullmatch(word):
            raise RuleError(f"{name} is a list of numbers")
        number = int(word)
        if not low <= (abs(number) if signed else number) <= high:
            span = f"{low} to {high}" + (f" or -{high} to -{low}" if signed else "")
            raise RuleError(f"{name} is {span}")
        found.add(number)
    return tuple(sorted(found))


def _frequency(text: str) -> Frequency:
    if text not in Frequency.__members__:
        raise RuleError("FREQ is one of " + ", ".join(Frequency.__members__))
    return Frequency[text]


def _positive(name: str) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not _INTEGER.fullmatch(text) or int(text) < 1:
            raise RuleError(f"{name} is a number from 1")
        return int(text)

    return read


def _until(text: str) -> date | datetime:
    try:
        return parse_value(text)
    except ValueError:
        raise RuleError("UNTIL is a date, or a date and time") from None


def parse_by_day(text: str) -> tuple[Day, ...]:
    """The words of BYDAY.

    Raises:
        RuleError: one of them is none.
    """
    found: dict[Day, None] = {}
    for word in text.split(","):
        match = _DAY.fullmatch(word)
        if match is None:
            raise RuleError("BYDAY is a list of weekdays, MO or -1FR")
        number = int(match[1]) if match[1] else 0
        if match[1] and not 1 <= abs(number) <= 53:
            raise RuleError("a number in BYDAY is 1 to 53 or -53 to -1")
        found[number, WEEKDAYS.index(match[2])] = None
    return tuple(found)


def _weekday(text: str) -> int:
    if text not in WEEKDAYS:
        raise RuleError("WKST is a weekday")
    return WEEKDAYS.index(text)


_SINGLES: dict[str, tuple[str, Callable[[str], object]]] = {
    "FREQ": ("frequency", _frequency),
    "INTERVAL": ("interval", _positive("INTERVAL")),
    "COUNT": ("count", _positive("COUNT")),
    "UNTIL": ("until", _until),
    "BYDAY": ("by_day", parse_by_day),
    "WKST": ("week_start", _weekday),
}

_VALUE = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?")


def parse_value(text: str) -> date | datetime:
    """An RFC 5545 DATE or DATE-TIME: a date, a wall time (naive) or an instant (UTC).

    A leap second is read as the second before.

    Raises:
        ValueError: it is neither.
    """
    match = _VALUE.fullmatch(text)
    if match is None or not text.isascii():
        raise ValueError("is no DATE or DATE-TIME")
    year, month, day, hour, minute, second, utc = match.groups()
    if hour is None:
        return date(int(year), int(month), int(day))
    return datetime(
        int(year),
        int(month),
        int(day),
        int(hour),
        int(minute),
        min(int(second), 59) if second == "60" else int(second),
        tzinfo=UTC if utc else None,
    )


def format_value(value: date | datetime) -> str:
    """The inverse of `parse_value`; an aware time is written in UTC."""
    if not isinstance(value, datetime):
        return f"{value.year:04}{value.month:02}{value.day:02}"
    suffix = ""
    if value.tzinfo is not None:
        value, suffix = value.astimezone(UTC), "Z"
    return (
        f"{value.year:04}{value.month:02}{value.day:02}"
        f"T{value.hour:02}{value.minute:02}{value.second:02}{suffix}"
    )


def dump(rule: Rule) -> str:
    """The text of a rule, parts in the order of the RFC."""
    parts = [f"FREQ={rule.frequency.name}"]
    if rule.until is not None:
        parts.append(f"UNTIL={format_value(rule.until)}")
    if rule.count:
        parts.append(f"COUNT={rule.count}")
    if rule.interval != 1:
        parts.append(f"INTERVAL={rule.interval}")
    for name, (field, *_) in _NUMBERS.items():
        if name == "BYMONTHDAY" and rule.by_day:
            words = (f"{number or ''}{WEEKDAYS[day]}" for number, day in rule.by_day)
            parts.append(f"BYDAY={','.join(words)}")
        if numbers := getattr(rule, field):
            parts.append(f"{name}={','.join(map(str, numbers))}")
    if rule.week_start:
        parts.append(f"WKST={WEEKDAYS[rule.week_start]}")
    parts += (f"{name}={value}" for name, value in rule.others)
    return ";".join(parts)


def check(rule: Rule) -> None:
    """Hold a rule that somebody wants to write against the RFC, and against bounds of our own.

    Raises:
        RuleError: a part that the RFC forbids beside the others, or one out of bounds.
    """
    if rule.frequency > Frequency.HOURLY:
        raise RuleError("FREQ is HOURLY or slower: more often than that is no calendar")
    if rule.others:
        raise RuleError("holds a part that RFC 5545 does not know")
    if rule.count and rule.until is not None:
        raise RuleError("COUNT excludes UNTIL")
    if rule.count > MAX_COUNT:
        raise RuleError(f"COUNT is at most {MAX_COUNT}")
    if rule.interval > MAX_INTERVAL:
        raise RuleError(f"INTERVAL is at most {MAX_INTERVAL}")
    _check_parts(rule)


def _check_parts(rule: Rule) -> None:
    frequency = rule.frequency
    if rule.by_week_no and frequency != Frequency.YEARLY:
        raise RuleError("BYWEEKNO is for FREQ=YEARLY only")
    if rule.by_year_day and frequency in {Frequency.DAILY, Frequency.WEEKLY, Frequency.MONTHLY}:
        raise RuleError("BYYEARDAY is not for FREQ=DAILY, WEEKLY or MONTHLY")
    if rule.by_month_day and frequency == Frequency.WEEKLY:
        raise RuleError("BYMONTHDAY is not for FREQ=WEEKLY")
    if any(number for number, _ in rule.by_day):
        if frequency > Frequency.MONTHLY:
            raise RuleError("a number in BYDAY is for FREQ=MONTHLY or YEARLY only")
        if rule.by_week_no:
            raise RuleError("a number in BYDAY excludes BYWEEKNO")
    if rule.by_set_position:
        if not any((rule.by_day, rule.by_month_day, rule.by_year_day, rule.by_week_no)) and not any(
            (rule.by_month, rule.by_hour, rule.by_minute, rule.by_second)
        ):
            raise RuleError("BYSETPOS needs another BY part")
        if frequency > Frequency.DAILY:
            raise RuleError("BYSETPOS is for FREQ=DAILY or slower")
