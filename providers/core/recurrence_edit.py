"""Cutting a series in two, and moving its dates along when its start moves."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from providers.core import expansion, recurrence_lines, rrule
from providers.core.errors import Kind, ProviderError
from providers.core.expansion import Budget, TooCostly
from providers.core.recurrence_lines import Anchor, Line, Planned
from providers.core.rrule import Frequency, Rule, RuleError
from providers.core.times import in_zone
from ucal.v1 import types_pb2

_STEPS = 40_000
_SECOND = timedelta(seconds=1)
_DAY = timedelta(days=1)


def split(
    rules: Sequence[str], start: types_pb2.EventTime, at: Planned
) -> tuple[list[str], list[str]]:
    """Cut a series before its instance `at`: the lines of what is left of it, and of the rest.

    The first part ends with UNTIL, which excludes COUNT; the rest begins at `at` and has COUNT
    less what came before (P48). Each keeps the dates on its side. The first is empty when nothing
    comes before `at`.

    Args:
        at: planned start of the instance, in the form of the series.

    Raises:
        ProviderError: INVALID, for lines that cannot be read; PRECONDITION RECURRENCE_TOO_COSTLY.
    """
    anchor = recurrence_lines.anchor(start)
    cut = recurrence_lines.settle(at, anchor, anchor.zone)
    first: list[str] = []
    rest: list[str] = []
    for index, text in enumerate(rules):
        try:
            line = recurrence_lines.read_line(text)
            before, after = _split_line(line, anchor, cut)
        except RuleError as error:
            raise ProviderError.invalid(f"recurrence.rules[{index}]", str(error)) from None
        except TooCostly:
            raise ProviderError(
                Kind.PRECONDITION,
                "the recurrence rule takes too many steps to be split",
                reason="RECURRENCE_TOO_COSTLY",
            ) from None
        first += before
        rest += after
    if not _before(anchor.planned, cut):
        return [], rest
    return first, rest


def _split_line(line: Line, start: Anchor, cut: Planned) -> tuple[list[str], list[str]]:
    if line.name in {"RDATE", "EXDATE"}:
        return _split_dates(line, start, cut)
    rule = rrule.parse(line.value)
    last = cut - (_DAY if start.form == "date" else _SECOND)
    ends = in_zone(last, UTC) if isinstance(last, datetime) and start.timed else last
    until = recurrence_lines.until_wall(rule, start)
    if until is not None and until < _wall(cut, start):
        return [_text(line, rule)], []
    left = 0
    if rule.count:
        left = rule.count - expansion.ahead(rule, start.wall, _wall(cut, start), Budget(_STEPS))
        if left <= 0:
            return [_text(line, rule)], []
    rest = replace(_pinned(rule, start.wall, _wall(cut, start)), count=left)
    return [_text(line, replace(rule, count=0, until=ends))], [_text(line, rest)]


def _pinned(rule: Rule, start: datetime, cut: datetime) -> Rule:
    """The rule with what it took from `start` written down where a start at `cut` would change it.

    Raises:
        ProviderError: PRECONDITION, when it counts periods and `cut` is in none of them.
    """
    day = datetime.combine(cut.date(), time())
    end = day + _DAY - _SECOND
    found = list(expansion.between(rule, start, day, end, Budget(_STEPS)))
    if cut in found:
        return rule
    if rule.frequency > Frequency.DAILY or (rule.interval > 1 and not found):
        raise ProviderError(
            Kind.PRECONDITION,
            "the series cannot be split at an instance that its rule does not yield",
            reason="SPLIT_NOT_POSSIBLE",
        )
    if start.time() != cut.time():
        seconds = (start.second,) if start.second != cut.second else ()
        rule = replace(
            rule,
            by_hour=rule.by_hour or (start.hour,),
            by_minute=rule.by_minute or (start.minute,),
            by_second=rule.by_second or seconds,
        )
    if rule.by_day or rule.by_month_day or rule.by_year_day or rule.by_week_no:
        return rule
    if rule.frequency == Frequency.WEEKLY:
        return replace(rule, by_day=((0, start.weekday()),))
    if rule.frequency == Frequency.DAILY:
        return rule
    months = rule.by_month or ((start.month,) if rule.frequency == Frequency.YEARLY else ())
    return replace(rule, by_month=months, by_month_day=(start.day,))


def _split_dates(line: Line, start: Anchor, cut: Planned) -> tuple[list[str], list[str]]:
    zone = recurrence_lines.zone_of(line) or start.zone
    first: list[str] = []
    rest: list[str] = []
    words = line.value.split(",")
    for word, value in zip(words, recurrence_lines.read_values(line), strict=True):
        settled = recurrence_lines.settle(value, start, zone)
        if _before(settled, cut):
            first.append(word)
        elif settled != cut or line.name == "EXDATE":
            rest.append(word)
    made = (_rewritten(line, ",".join(part)) if part else "" for part in (first, rest))
    before, after = made
    return [before] if before else [], [after] if after else []


def shift(rules: Iterable[str], start: types_pb2.EventTime, by: timedelta) -> list[str]:
    """Move EXDATE, RDATE and UNTIL by so much of wall time, as the start of their series was (P39).

    What the rule itself says of days and hours stays: a move that takes the start off its rule
    wants another rule.

    Args:
        start: of the series, for its form and zone; before or after the move.

    Raises:
        ProviderError: INVALID, for lines that cannot be read, or dates that leave the calendar.
    """
    anchor = recurrence_lines.anchor(start)
    found: list[str] = []
    for index, text in enumerate(rules):
        try:
            found.append(_shift_line(recurrence_lines.read_line(text), anchor, by))
        except RuleError as error:
            raise ProviderError.invalid(f"recurrence.rules[{index}]", str(error)) from None
        except OverflowError:
            raise ProviderError.invalid(
                f"recurrence.rules[{index}]", "would leave the years 1 to 9999"
            ) from None
    return found


def _shift_line(line: Line, start: Anchor, by: timedelta) -> str:
    if line.name in {"RDATE", "EXDATE"}:
        return _shift_dates(line, start, by)
    rule = rrule.parse(line.value)
    if rule.until is None:
        return _text(line, rule)
    try:
        until = _shifted(rule.until, start, by)
    except OverflowError:  # the year 9999 stands for "for ever"
        until = rule.until
    return _text(line, replace(rule, until=until))


def _shift_dates(line: Line, start: Anchor, by: timedelta) -> str:
    recurrence_lines.read_values(line)
    words: list[str] = []
    for word in line.value.split(","):
        head, slash, tail = word.strip().partition("/")
        head = rrule.format_value(_shifted(rrule.parse_value(head), start, by))
        if slash and not tail.startswith("P"):
            tail = rrule.format_value(_shifted(_value(tail), start, by))
        words.append(head + slash + tail)
    return _rewritten(line, ",".join(words))


def _value(text: str) -> Planned:
    try:
        return rrule.parse_value(text)
    except ValueError:
        raise RuleError("RDATE holds a period that is none") from None


def _shifted(value: Planned, start: Anchor, by: timedelta) -> Planned:
    """`value` moved by wall time; one in UTC is moved on the clocks of the series' zone."""
    if not isinstance(value, datetime):
        return value + timedelta(days=by.days)
    if value.tzinfo is None:
        return value + by
    wall = in_zone(value, start.zone).replace(tzinfo=None) + by
    return wall.replace(tzinfo=start.zone).astimezone(UTC)


def _rewritten(line: Line, value: str) -> str:
    params = "".join(f";{name}={_quoted(text)}" for name, text in line.params.items())
    return f"{line.name}{params}:{value}"


def _quoted(text: str) -> str:
    return f'"{text}"' if any(mark in text for mark in ";:,") else text


def _text(line: Line, rule: Rule) -> str:
    return f"{line.name}:{rrule.dump(rule)}"


def _wall(planned: Planned, start: Anchor) -> datetime:
    """The wall time that a planned start was reckoned from."""
    if not isinstance(planned, datetime):
        return datetime(planned.year, planned.month, planned.day)  # noqa: DTZ001 - a wall time
    return in_zone(planned, start.zone).replace(tzinfo=None) if planned.tzinfo else planned


def _before(one: Planned, other: Planned) -> bool:
    """Whether `one` is earlier; both are of one form."""
    if isinstance(one, datetime) and isinstance(other, datetime):
        if one.tzinfo is not None and other.tzinfo is not None:
            return in_zone(one, UTC) < in_zone(other, UTC)
        return one < other
    return one < other
