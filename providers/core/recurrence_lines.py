"""RRULE, EXRULE, RDATE and EXDATE lines, read against the start of their series, and written.

The rules themselves are `rrule`'s; what a series of lines yields is `recurrence`'s.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, tzinfo
from typing import NamedTuple, TypeAlias

from providers.core import rrule, times, timezones
from providers.core.rrule import Rule, RuleError
from ucal.v1 import types_pb2

Planned: TypeAlias = date | datetime
"""A start: a date, a floating (naive) or an aware date-time; all of one series are of one form."""

MAX_LINES = 500
MAX_DATES = 5000
"""The most dates that RDATE and EXDATE lines of one series may hold together."""

_LINE = re.compile(
    r"(RRULE|EXRULE|RDATE|EXDATE)((?:;[A-Z0-9-]+=(?:\"[^\"]*\"|[^\";:,]*))*):(.*)", re.IGNORECASE
)
_PARAM = re.compile(r";([A-Za-z0-9-]+)=(?:\"([^\"]*)\"|([^\";:,]*))")


class Line(NamedTuple):
    """A content line: name and parameter names in upper case, the value as it stands."""

    name: str
    params: dict[str, str]
    value: str


@dataclass(frozen=True, slots=True)
class Anchor:
    """The start of a series in the form in which rules are reckoned.

    Attributes:
        form: field of EventTime that is set.
        zone: of a timed series: where it is planned. Else where the window is read.
        wall: naive; midnight of a date.
        planned: the start in its own form.
        named: IANA name of the zone as the contract has it, "" when there is none.
    """

    form: str
    zone: tzinfo
    wall: datetime
    planned: Planned
    named: str

    @property
    def timed(self) -> bool:
        """Whether the series begins at an instant."""
        return self.form == "timestamp"


@dataclass(slots=True)
class Lines:
    """What the lines of a series say.

    Attributes:
        excluded_days: dates in EXDATE of a timed series: nothing of those days takes place.
    """

    rules: list[Rule] = field(default_factory=list)
    exrules: list[Rule] = field(default_factory=list)
    included: list[Planned] = field(default_factory=list)
    excluded: list[Planned] = field(default_factory=list)
    excluded_days: set[date] = field(default_factory=set)


def anchor(start: types_pb2.EventTime, zone: tzinfo | None = None) -> Anchor:
    """Read a start. `zone` overrides the zone that it names.

    Raises:
        ProviderError: INVALID, for a zone or a date that does not exist.
    """
    form = start.WhichOneof("value") or "timestamp"
    if zone is None:
        zone = timezones.zone(start.time_zone) if start.time_zone else UTC
    if form != "timestamp":
        planned = times.local(start)
        wall = planned if isinstance(planned, datetime) else datetime.combine(planned, time())
        return Anchor(form, zone, wall, planned, start.time_zone)
    aware = times.in_zone(times.datetime_of(start.timestamp), zone)
    wall = aware.replace(tzinfo=None, fold=0)
    return Anchor(form, zone, wall, aware, start.time_zone)


def read_line(text: str) -> Line:
    """Take a line apart.

    Raises:
        RuleError: it is no line of a recurrence.
    """
    if len(text) > rrule.MAX_LENGTH:
        raise RuleError(f"is longer than {rrule.MAX_LENGTH} characters")
    match = _LINE.fullmatch(text)
    if match is None:
        raise RuleError("is no RRULE, RDATE, EXDATE or EXRULE line of RFC 5545")
    found = _PARAM.findall(match[2])
    params = {name.upper(): quoted or plain for name, quoted, plain in found}
    return Line(match[1].upper(), params, match[3])


def read(texts: Iterable[str], start: Anchor) -> Lines:
    """Read the lines of a series as leniently as providers write them.

    A time without zone is one of the series' zone; a time in a series of dates is its date; a date
    in a timed series is that day at the time of the start (RDATE), or the whole day (EXDATE).

    Raises:
        RuleError: a line that cannot be understood; the text names its number.
    """
    found = Lines()
    for index, text in enumerate(texts):
        try:
            _read_into(found, read_line(text), start)
        except RuleError as error:
            raise RuleError(f"line {index}: {error}") from None
    return found


def _read_into(found: Lines, line: Line, start: Anchor) -> None:
    if line.name == "RRULE":
        found.rules.append(rrule.parse(line.value))
    elif line.name == "EXRULE":
        found.exrules.append(rrule.parse(line.value))
    else:
        values = read_values(line)
        if line.name == "EXDATE" and start.timed:
            found.excluded_days.update(v for v in values if not isinstance(v, datetime))
            values = [value for value in values if isinstance(value, datetime)]
        zone = zone_of(line) or start.zone
        target = found.included if line.name == "RDATE" else found.excluded
        target.extend(settle(value, start, zone) for value in values)


def read_values(line: Line) -> list[Planned]:
    """The dates and times of an RDATE or EXDATE as they stand there; of a period its start.

    Raises:
        RuleError: one of them is none.
    """
    words = line.value.split(",")
    if len(words) > MAX_DATES:
        raise RuleError(f"holds more than {MAX_DATES} dates")
    try:
        return [rrule.parse_value(word.strip().partition("/")[0]) for word in words]
    except ValueError:
        raise RuleError(f"{line.name} is a list of dates, or of dates and times") from None


def zone_of(line: Line) -> tzinfo | None:
    """The zone that TZID names; None when it names none that is known."""
    return timezones.zone_or_none(line.params["TZID"]) if "TZID" in line.params else None


def settle(value: Planned, start: Anchor, zone: tzinfo) -> Planned:
    """`value`, read in `zone` where it has none, in the form of the series that `start` begins."""
    if start.form == "date":
        return value.date() if isinstance(value, datetime) else value
    if not isinstance(value, datetime):
        value = datetime.combine(value, start.wall.time())
    if not start.timed:
        return value.replace(tzinfo=None)
    if value.tzinfo is None:
        value = value.replace(tzinfo=zone)
    return times.in_zone(times.in_zone(value, UTC), start.zone)


def until_wall(rule: Rule, start: Anchor) -> datetime | None:
    """The last wall time that UNTIL lets pass; None without one. It need not have the start's form.

    A date lets its whole day pass (P34); a wall time is one of the series' own zone (P33).
    """
    until = rule.until
    if until is None:
        return None
    if not isinstance(until, datetime):
        return datetime.combine(until, time() if start.form == "date" else time.max)
    if until.tzinfo is not None:
        until = times.in_zone(until, start.zone if start.timed else UTC)
        until = until.replace(tzinfo=None, fold=0)
    return datetime.combine(until, time()) if start.form == "date" else until


def write_dates(name: str, values: Sequence[Planned], start: Anchor) -> str:
    """An RDATE or EXDATE line in the form in which the start of the series is written."""
    if not start.timed:
        words = ",".join(rrule.format_value(value) for value in values)
        return f"{name};VALUE=DATE:{words}" if start.form == "date" else f"{name}:{words}"
    if start.named in {"", "UTC", "Etc/UTC"}:
        return f"{name}:{','.join(rrule.format_value(value) for value in values)}"
    walls = (
        times.in_zone(value, start.zone).replace(tzinfo=None)
        for value in values
        if isinstance(value, datetime)
    )
    return f"{name};TZID={start.named}:{','.join(rrule.format_value(wall) for wall in walls)}"
