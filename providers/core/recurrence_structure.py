"""The contract's RecurrenceRule and its fellows, from RFC 5545 lines and back to them."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime

from providers.core import recurrence_lines, rrule, times
from providers.core.errors import ProviderError
from providers.core.recurrence_lines import Anchor, Planned
from providers.core.rrule import Frequency, Rule, RuleError
from ucal.v1 import types_pb2

_FREQUENCIES: dict[types_pb2.RecurrenceFrequency.ValueType, Frequency] = {
    types_pb2.RECURRENCE_FREQUENCY_DAILY: Frequency.DAILY,
    types_pb2.RECURRENCE_FREQUENCY_WEEKLY: Frequency.WEEKLY,
    types_pb2.RECURRENCE_FREQUENCY_MONTHLY: Frequency.MONTHLY,
    types_pb2.RECURRENCE_FREQUENCY_YEARLY: Frequency.YEARLY,
}
_NAMES = {frequency: name for name, frequency in _FREQUENCIES.items()}

# Field of RecurrenceRule and of Rule: lowest, highest, whether the negative twins are allowed.
_NUMBERS: dict[str, tuple[int, int, bool]] = {
    "by_month_day": (1, 31, True),
    "by_month": (1, 12, False),
    "by_set_position": (1, 366, True),
    "by_year_day": (1, 366, True),
    "by_week_no": (1, 53, True),
    "by_hour": (0, 23, False),
    "by_minute": (0, 59, False),
}


def structured(rules: Iterable[str], start: types_pb2.EventTime) -> types_pb2.RecurrenceRule | None:
    """The one RRULE of a series, parsed; None when there is none, another, or it does not fit.

    UNTIL is written in the form of the start: the last moment of a date in a timed series, the
    date of a time in a series of dates (RFC 5545 section 3.3.10 wants equal forms; P33, P34).

    Raises:
        ProviderError: INVALID, for a start in a zone that does not exist.
    """
    rule = _only(rules)
    if rule is None:
        return None
    return _fill(types_pb2.RecurrenceRule(), rule, recurrence_lines.anchor(start))


def structured_at(rules: Iterable[str], start: Anchor) -> types_pb2.RecurrenceRule | None:
    """As `structured`, of a start that was read already."""
    rule = _only(rules)
    return None if rule is None else _fill(types_pb2.RecurrenceRule(), rule, start)


def _only(rules: Iterable[str]) -> Rule | None:
    """The one rule of a series; None when there is none, or another."""
    found = [text for text in rules if text[:5].upper() in {"RRULE", "EXRUL"}]
    if len(found) != 1 or found[0][:1] not in "Rr":
        return None
    try:
        return rrule.parse(recurrence_lines.read_line(found[0]).value)
    except RuleError:
        return None


def _fill(
    target: types_pb2.RecurrenceRule, rule: Rule, start: Anchor
) -> types_pb2.RecurrenceRule | None:
    if rule.frequency not in _NAMES or rule.by_second or rule.others:
        return None
    if max(rule.interval, rule.count) >= 2**31:
        return None
    target.frequency = _NAMES[rule.frequency]
    target.interval = rule.interval
    target.count = rule.count
    if rule.until is not None and not _fill_until(target, rule, start):
        return None
    target.by_day.extend(f"{number or ''}{rrule.WEEKDAYS[day]}" for number, day in rule.by_day)
    for name in _NUMBERS:
        if numbers := getattr(rule, name):
            getattr(target, name).extend(numbers)
    if rule.week_start:
        target.week_start = rrule.WEEKDAYS[rule.week_start]
    return target


def _fill_until(target: types_pb2.RecurrenceRule, rule: Rule, start: Anchor) -> bool:
    """Write UNTIL; False for a floating series, whose last wall time is no instant."""
    if isinstance(rule.until, datetime) and rule.until.tzinfo is not None and start.timed:
        times.timestamp(target.until_at, rule.until)
        return True
    last = recurrence_lines.until_wall(rule, start)
    if last is None or start.form == "floating":
        return False
    if start.form == "date":
        day = target.until_date
        day.year, day.month, day.day = last.year, last.month, last.day
    else:
        times.timestamp(target.until_at, last.replace(microsecond=0, tzinfo=start.zone))
    return True


def line(
    rule: types_pb2.RecurrenceRule,
    start: types_pb2.EventTime,
    field: str = "event.recurrence.rule",
) -> str:
    """The RRULE line of a structured rule.

    Raises:
        ProviderError: INVALID, naming the part that is wrong. Whether the parts fit together is
            for `validate` to say.
    """
    if rule.frequency not in _FREQUENCIES:
        raise ProviderError.invalid(f"{field}.frequency", "is not set")
    if rule.interval < 0:
        raise ProviderError.invalid(f"{field}.interval", "is negative")
    if rule.count < 0:
        raise ProviderError.invalid(f"{field}.count", "is negative")
    found = Rule(
        frequency=_FREQUENCIES[rule.frequency],
        interval=rule.interval or 1,
        count=rule.count,
        until=_until(rule, recurrence_lines.anchor(start), field),
        by_day=_by_day(rule.by_day, field),
        week_start=_week_start(rule.week_start, field),
        by_month_day=_numbers(rule, "by_month_day", field),
        by_month=_numbers(rule, "by_month", field),
        by_set_position=_numbers(rule, "by_set_position", field),
        by_year_day=_numbers(rule, "by_year_day", field),
        by_week_no=_numbers(rule, "by_week_no", field),
        by_hour=_numbers(rule, "by_hour", field),
        by_minute=_numbers(rule, "by_minute", field),
    )
    return f"RRULE:{rrule.dump(found)}"


def _numbers(rule: types_pb2.RecurrenceRule, name: str, field: str) -> tuple[int, ...]:
    low, high, signed = _NUMBERS[name]
    numbers: Sequence[int] = getattr(rule, name)
    for index, number in enumerate(numbers):
        if not low <= (abs(number) if signed else number) <= high:
            span = f"{low} to {high}" + (f" or -{high} to -{low}" if signed else "")
            raise ProviderError.invalid(f"{field}.{name}[{index}]", f"is not {span}")
    return tuple(sorted(set(numbers)))


def _by_day(words: Sequence[str], field: str) -> tuple[rrule.Day, ...]:
    found: dict[rrule.Day, None] = {}
    for index, word in enumerate(words):
        try:
            found.update(dict.fromkeys(rrule.parse_by_day(word)))
        except RuleError as error:
            raise ProviderError.invalid(f"{field}.by_day[{index}]", str(error)) from None
    return tuple(found)


def _week_start(word: str, field: str) -> int:
    if word and word not in rrule.WEEKDAYS:
        raise ProviderError.invalid(f"{field}.week_start", "is no weekday, MO")
    return rrule.WEEKDAYS.index(word) if word else 0


def _until(rule: types_pb2.RecurrenceRule, start: Anchor, field: str) -> date | datetime | None:
    if rule.HasField("until_at") and rule.HasField("until_date"):
        raise ProviderError.invalid(f"{field}.until_date", "excludes until_at")
    if rule.HasField("until_date"):
        if start.form != "date":
            raise ProviderError.invalid(f"{field}.until_date", "is for a series of dates")
        try:
            return times.date_of(rule.until_date)
        except ProviderError:
            raise ProviderError.invalid(f"{field}.until_date", "is no whole date") from None
    if rule.HasField("until_at"):
        if not start.timed:
            raise ProviderError.invalid(f"{field}.until_at", "is for a timed series")
        try:
            return times.datetime_of(rule.until_at).astimezone(UTC)
        except ProviderError:
            raise ProviderError.invalid(f"{field}.until_at", "is out of range") from None
    return None


def lines(
    found: types_pb2.Recurrence, start: types_pb2.EventTime, field: str = "event.recurrence"
) -> list[str]:
    """The lines of a recurrence that is given by `rule`, `included` and `excluded`.

    Raises:
        ProviderError: INVALID, naming the part that is wrong.
    """
    result: list[str] = []
    if found.HasField("rule"):
        result.append(line(found.rule, start, f"{field}.rule"))
    anchor = recurrence_lines.anchor(start)
    for name, part in (("RDATE", "included"), ("EXDATE", "excluded")):
        values = [
            _planned(value, anchor, f"{field}.{part}[{index}]")
            for index, value in enumerate(getattr(found, part))
        ]
        if values:
            result.append(recurrence_lines.write_dates(name, values, anchor))
    return result


def _planned(value: types_pb2.EventTime, start: Anchor, field: str) -> Planned:
    if value.WhichOneof("value") != start.form:
        raise ProviderError.invalid(field, f"must be a {start.form}, as the start is")
    try:
        return recurrence_lines.anchor(value).planned
    except ProviderError:
        raise ProviderError.invalid(field, "is no date or time that exists") from None
