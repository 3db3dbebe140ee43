"""Days of a patternedRecurrence, as Outlook reckons them; nothing here is shared with the adapter.

learn.microsoft.com/graph/api/resources/recurrencepattern. Days of a month that a month lacks are
moved to its last day.
"""

import calendar
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from tests.providers.microsoft.double.problems import Problem

Json = dict[str, Any]
NAMES = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_INDEX = {"first": 0, "second": 1, "third": 2, "fourth": 3, "last": -1}
_NEEDS = {
    "daily": (),
    "weekly": ("daysOfWeek",),
    "absoluteMonthly": ("dayOfMonth",),
    "relativeMonthly": ("daysOfWeek",),
    "absoluteYearly": ("dayOfMonth", "month"),
    "relativeYearly": ("daysOfWeek", "month"),
}


def check(recurrence: Json, first: date) -> Json:
    """The recurrence with Graph's defaults filled in.

    Raises:
        Problem: 400.
    """
    pattern, limits = recurrence.get("pattern"), recurrence.get("range")
    if not isinstance(pattern, dict) or not isinstance(limits, dict):
        raise _bad("pattern and range are required")
    kind = pattern.get("type")
    if kind not in _NEEDS or any(not pattern.get(name) for name in _NEEDS[kind]):
        raise _bad("pattern")
    interval = pattern.get("interval", 1)
    if not 1 <= interval <= (999 if kind == "daily" else 99):
        raise _bad("interval")
    if limits.get("startDate") != first.isoformat():
        raise _bad("startDate must be the date of start")
    if limits.get("type") == "numbered" and not 1 <= limits.get("numberOfOccurrences", 0) <= 999:
        raise _bad("numberOfOccurrences")
    if limits.get("type") == "endDate" and limits.get("endDate", "") < first.isoformat():
        raise _bad("endDate")
    if limits.get("type") not in ("numbered", "endDate", "noEnd"):
        raise _bad("range")
    full = {
        "type": kind,
        "interval": interval,
        "month": pattern.get("month", 0),
        "dayOfMonth": pattern.get("dayOfMonth", 0),
        "daysOfWeek": pattern.get("daysOfWeek", []),
        "firstDayOfWeek": pattern.get("firstDayOfWeek", "sunday"),
        "index": pattern.get("index", "first"),
    }
    if kind in ("daily", "absoluteMonthly", "absoluteYearly"):
        full.pop("daysOfWeek")
    return {
        "pattern": full,
        "range": {
            "type": limits["type"],
            "startDate": limits["startDate"],
            "endDate": limits.get("endDate") or "0001-01-01",
            "recurrenceTimeZone": limits.get("recurrenceTimeZone") or "",
            "numberOfOccurrences": limits.get("numberOfOccurrences", 0),
        },
    }


def _bad(text: str) -> Problem:
    return Problem(400, "ErrorCalendarInvalidRecurrence", text)


def days(recurrence: Json, until: date) -> Iterator[date]:
    """Planned days up to `until`."""
    limits = recurrence["range"]
    first = date.fromisoformat(limits["startDate"])
    last = until
    if limits["type"] == "endDate":
        last = min(last, date.fromisoformat(limits["endDate"]))
    count = limits["numberOfOccurrences"] if limits["type"] == "numbered" else 10_000
    for number, day in enumerate(_walk(recurrence["pattern"], first)):
        if number >= count or day > last:
            return
        yield day


def _walk(pattern: Json, first: date) -> Iterator[date]:
    found = {
        "daily": _daily,
        "weekly": _weekly,
        "absoluteMonthly": _monthly,
        "relativeMonthly": _monthly,
        "absoluteYearly": _yearly,
        "relativeYearly": _yearly,
    }[pattern["type"]](pattern, first)
    return (day for day in found if day >= first)


def _daily(pattern: Json, first: date) -> Iterator[date]:
    while True:
        yield first
        first += timedelta(days=pattern["interval"])


def _weekly(pattern: Json, first: date) -> Iterator[date]:
    begin = NAMES.index(pattern["firstDayOfWeek"])
    week = first - timedelta(days=(first.weekday() - begin) % 7)
    wanted = sorted((NAMES.index(day.lower()) - begin) % 7 for day in pattern["daysOfWeek"])
    while True:
        for offset in wanted:
            yield week + timedelta(days=offset)
        week += timedelta(weeks=pattern["interval"])


def _in_month(pattern: Json, year: int, month: int) -> date:
    length = calendar.monthrange(year, month)[1]
    if pattern["type"].startswith("absolute"):
        return date(year, month, min(pattern["dayOfMonth"], length))
    names = [day.lower() for day in pattern["daysOfWeek"]]
    all_days = [date(year, month, day) for day in range(1, length + 1)]
    fitting = [day for day in all_days if NAMES[day.weekday()] in names]
    return fitting[_INDEX[pattern["index"]]]


def _monthly(pattern: Json, first: date) -> Iterator[date]:
    month = first.year * 12 + first.month - 1
    while True:
        yield _in_month(pattern, month // 12, month % 12 + 1)
        month += pattern["interval"]


def _yearly(pattern: Json, first: date) -> Iterator[date]:
    year = first.year
    while True:
        yield _in_month(pattern, year, pattern["month"])
        year += pattern["interval"]
