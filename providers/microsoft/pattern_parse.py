"""Graph's `patternedRecurrence` to RFC 5545 lines. Pure. The way there is `patterns`."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from providers.core import recurrence, times, timezones
from providers.microsoft.patterns import DAYS, INDEXES, clips
from providers.microsoft.wire import PatternedRecurrence, RecurrencePattern, RecurrenceRange
from ucal.v1 import types_pb2

_WORDS = dict(zip(DAYS, ("MO", "TU", "WE", "TH", "FR", "SA", "SU"), strict=True))
_NUMBERS = {word: number for number, word in INDEXES.items()}
_LAST_SECOND = time(23, 59, 59)


class InexpressibleError(Exception):
    """The pattern says what RFC 5545 cannot, or nothing that is known here."""


def fill(
    target: types_pb2.Recurrence,
    found: PatternedRecurrence,
    start: types_pb2.EventTime,
    zone: str,
    cancelled: Sequence[str] = (),
) -> None:
    """A series' recurrence into an empty `target`; `inexpressible` where there are no words.

    Args:
        start: of the series, filled already.
        zone: IANA name, in which the series is planned.
        cancelled: `cancelledOccurrences`, ids that end with a day.
    """
    try:
        lines = [_rule(found, start, zone)]
    except (InexpressibleError, ValueError):
        target.inexpressible = True
        return
    days = sorted({day for each in cancelled if (day := day_of_id(each)) is not None})
    if days:
        lines.append(_exdate(days, start, zone))
    recurrence.fill(target, lines, start)


def day_of_id(occurrence_id: str) -> date | None:
    """The day at the end of an occurrence's id, "OID.AAMk….2026-12-08"."""
    try:
        return date.fromisoformat(occurrence_id[-10:])
    except ValueError:
        return None


def _exdate(days: Sequence[date], start: types_pb2.EventTime, zone: str) -> str:
    wall = times.local(start)
    if not isinstance(wall, datetime):
        return "EXDATE;VALUE=DATE:" + ",".join(f"{day:%Y%m%d}" for day in days)
    clock = f"{wall:%H%M%S}"
    if zone == "UTC":
        return "EXDATE:" + ",".join(f"{day:%Y%m%d}T{clock}Z" for day in days)
    return f"EXDATE;TZID={zone}:" + ",".join(f"{day:%Y%m%d}T{clock}" for day in days)


def _rule(found: PatternedRecurrence, start: types_pb2.EventTime, zone: str) -> str:
    if found.pattern is None:
        raise InexpressibleError
    if _clips(found, start):
        raise InexpressibleError
    parts = _pattern(found.pattern, start)
    if (found.pattern.interval or 1) > 1:
        parts.insert(1, f"INTERVAL={found.pattern.interval}")
    parts += _range(found.range or RecurrenceRange(), start, zone)
    return "RRULE:" + ";".join(parts)


def _pattern(found: RecurrencePattern, start: types_pb2.EventTime) -> list[str]:
    kind = found.type
    if kind == "daily":
        return ["FREQ=DAILY"]
    if kind == "weekly":
        return ["FREQ=WEEKLY", *_weekly(found, start)]
    if kind == "absoluteMonthly" and found.dayOfMonth:
        # Outlook's 31st is the last day of every month, which the RFC has other words for.
        day = -1 if found.dayOfMonth == 31 else found.dayOfMonth
        return ["FREQ=MONTHLY", f"BYMONTHDAY={day}"]
    if kind == "absoluteYearly" and found.dayOfMonth and found.month:
        return ["FREQ=YEARLY", f"BYMONTH={found.month}", f"BYMONTHDAY={found.dayOfMonth}"]
    if kind == "relativeMonthly":
        return ["FREQ=MONTHLY", *_relative(found)]
    if kind == "relativeYearly" and found.month:
        return ["FREQ=YEARLY", f"BYMONTH={found.month}", *_relative(found)]
    raise InexpressibleError


def _clips(found: PatternedRecurrence, start: types_pb2.EventTime) -> bool:
    """Whether Outlook moves occurrences to the last day of a short month; no plain rule does."""
    pattern, limits = found.pattern, found.range or RecurrenceRange()
    if pattern is None or pattern.type not in {"absoluteMonthly", "absoluteYearly"}:
        return False
    yearly = pattern.type == "absoluteYearly"
    if not yearly and pattern.dayOfMonth == 31:
        return False
    local = times.local(start)
    return clips(
        pattern.dayOfMonth or 0,
        (pattern.interval or 1) * (12 if yearly else 1),
        local.date() if isinstance(local, datetime) else local,
        count=(limits.numberOfOccurrences or 0) if limits.type == "numbered" else 0,
        last=(limits.endDate or "") if limits.type == "endDate" else "",
    )


def _weekly(found: RecurrencePattern, start: types_pb2.EventTime) -> list[str]:
    days = _days(found)
    if not days:
        raise InexpressibleError
    local = times.local(start)
    own = _WORDS[DAYS[local.weekday()]]
    # The start's own weekday goes without saying, as RFC 5545 has it.
    parts = [] if days == [own] else ["BYDAY=" + ",".join(days)]
    week = _WORDS.get(found.firstDayOfWeek or "sunday", "SU")
    return parts if week == "MO" else [*parts, f"WKST={week}"]


def _days(found: RecurrencePattern) -> list[str]:
    there = {each.lower() for each in found.daysOfWeek or ()}
    if not there <= _WORDS.keys():
        raise InexpressibleError
    return [word for day, word in _WORDS.items() if day in there]


def _relative(found: RecurrencePattern) -> list[str]:
    days = _days(found)
    number = _NUMBERS.get(found.index or "first")
    if not days or number is None:
        raise InexpressibleError
    if len(days) == 7 and number == -1:
        return ["BYMONTHDAY=-1"]
    if len(days) == 1:
        return [f"BYDAY={number}{days[0]}"]
    return ["BYDAY=" + ",".join(days), f"BYSETPOS={number}"]


def _range(found: RecurrenceRange, start: types_pb2.EventTime, zone: str) -> list[str]:
    if found.type == "numbered" and found.numberOfOccurrences:
        return [f"COUNT={found.numberOfOccurrences}"]
    if found.type != "endDate" or not found.endDate:
        return []
    last = date.fromisoformat(found.endDate)
    if start.WhichOneof("value") == "date":
        return [f"UNTIL={last:%Y%m%d}"]
    end = datetime.combine(last, _LAST_SECOND, tzinfo=timezones.zone(zone)).astimezone(UTC)
    return [f"UNTIL={end:%Y%m%dT%H%M%SZ}"]


def ends_before(found: PatternedRecurrence | None, when: datetime) -> bool:
    """Whether a series is certainly over a day before `when`, told from its range alone."""
    limits = found.range if found is not None else None
    if limits is None or limits.type != "endDate" or not limits.endDate:
        return False
    try:
        last = date.fromisoformat(limits.endDate)
    except ValueError:
        return False
    return last < when.date() - timedelta(days=2)
