"""What callers may write as a recurrence: RFC 5545 lines, exact and bounded.

Lines that come from providers are not checked here; `recurrence_lines` reads them leniently.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from providers.core import expansion, recurrence_lines, rrule, timezones
from providers.core.errors import ProviderError
from providers.core.expansion import Budget, TooCostly
from providers.core.recurrence_lines import MAX_DATES, MAX_LINES, Anchor, Line, Planned
from providers.core.rrule import Frequency, Rule, RuleError
from ucal.v1 import types_pb2

MAX_RULES = 5
"""The most RRULE and EXRULE lines of one series."""
MAX_PER_DAY = 288
"""The most times a day that a rule may yield: every five minutes."""
_SEARCH_STEPS = 2_000
_FORMS = {"timestamp": "DATE-TIME", "floating": "DATE-TIME", "date": "DATE"}


def validate(
    rules: Sequence[str], start: types_pb2.EventTime, field: str = "event.recurrence.rules"
) -> None:
    """Hold the lines of a series against RFC 5545, its start, and bounds of our own.

    Raises:
        ProviderError: INVALID, naming the line as `field[index]`.
    """
    if len(rules) > MAX_LINES:
        raise ProviderError.invalid(field, f"holds more than {MAX_LINES} lines")
    anchor = recurrence_lines.anchor(start)
    seen_rules = dates = 0
    for index, text in enumerate(rules):
        try:
            line = recurrence_lines.read_line(text)
            if line.name in {"RRULE", "EXRULE"}:
                seen_rules += 1
                _check_rule(line, anchor)
            else:
                dates += _check_dates(line, anchor)
            if seen_rules > MAX_RULES:
                raise RuleError(f"there are more than {MAX_RULES} rules")
            if dates > MAX_DATES:
                raise RuleError(f"there are more than {MAX_DATES} dates")
        except RuleError as error:
            raise ProviderError.invalid(f"{field}[{index}]", str(error)) from None


def _check_rule(line: Line, start: Anchor) -> None:
    if line.params:
        raise RuleError(f"{line.name} takes no parameters")
    rule = rrule.parse(line.value)
    rrule.check(rule)
    _check_density(rule)
    _check_until(rule, start)
    if start.form == "date" and (rule.by_hour or rule.by_minute or rule.by_second):
        raise RuleError("BYHOUR, BYMINUTE and BYSECOND are not for a series of dates")
    if start.form == "date" and rule.frequency > Frequency.DAILY:
        raise RuleError("FREQ is DAILY or slower in a series of dates")
    _check_possible(rule, start)


def _check_density(rule: Rule) -> None:
    hours = len(rule.by_hour) or (24 if rule.frequency == Frequency.HOURLY else 1)
    minutes, seconds = max(1, len(rule.by_minute)), max(1, len(rule.by_second))
    if hours * minutes * seconds > MAX_PER_DAY:
        raise RuleError(f"yields more than {MAX_PER_DAY} times a day")


def _check_until(rule: Rule, start: Anchor) -> None:
    until = rule.until
    if until is None:
        return
    if start.form == "date" and isinstance(until, datetime):
        raise RuleError("UNTIL of a series of dates is a date, 20301231")
    if start.timed and not (isinstance(until, datetime) and until.tzinfo is UTC):
        raise RuleError("UNTIL of a timed series is in UTC, 20301231T235959Z")
    if start.form == "floating" and (not isinstance(until, datetime) or until.tzinfo is not None):
        raise RuleError("UNTIL of a floating series is a time without zone, 20301231T235959")
    last = recurrence_lines.until_wall(rule, start)
    if last is not None and last < start.wall.replace(microsecond=0):
        raise RuleError("UNTIL is before the start of the series")


def _check_possible(rule: Rule, start: Anchor) -> None:
    """The rule yields something within a few centuries, COUNT and UNTIL aside."""
    endless = replace(rule, count=0, until=None)
    found = expansion.between(
        endless, start.wall, start.wall, expansion.LATEST, Budget(_SEARCH_STEPS)
    )
    try:
        if next(found, None) is None:
            raise RuleError("yields no date at all")
    except TooCostly:
        raise RuleError("yields no date within centuries") from None


def _check_dates(line: Line, start: Anchor) -> int:
    """Check an RDATE or EXDATE line and count its dates."""
    unknown = line.params.keys() - {"TZID", "VALUE"}
    if unknown:
        raise RuleError(f"{line.name} takes the parameters TZID and VALUE")
    if "TZID" in line.params:
        _check_tzid(line, start)
    values = recurrence_lines.read_values(line)
    form = _FORMS[start.form]
    named = line.params.get("VALUE", "").upper()
    if named == "PERIOD" and line.name == "RDATE":
        raise RuleError("RDATE of periods cannot be written: give dates and times")
    if named and named != form:
        raise RuleError(f"VALUE is {form}, as the start of the series is")
    if form == "DATE" and named != "DATE":
        raise RuleError("VALUE=DATE is missing")
    for value in values:
        _check_form(value, line, start)
    return len(values)


def _check_tzid(line: Line, start: Anchor) -> None:
    if not start.timed:
        raise RuleError("TZID is for a timed series")
    if timezones.iana_name(line.params["TZID"]) is None:
        raise RuleError("TZID is no IANA time zone")


def _check_form(value: Planned, line: Line, start: Anchor) -> None:
    if (start.form == "date") == isinstance(value, datetime):
        raise RuleError(f"{line.name} holds a value that is no {_FORMS[start.form]}")
    utc = isinstance(value, datetime) and value.tzinfo is not None
    if start.form == "floating" and utc:
        raise RuleError(f"{line.name} of a floating series holds no UTC time")
    if start.timed and utc == ("TZID" in line.params):
        raise RuleError(f"{line.name} of a timed series is in UTC, or has a TZID")
