"""Time zones that a calendar carries along (VTIMEZONE, RFC 5545 section 3.6.5), as tzinfo.

A VTIMEZONE rules where its TZID is no name that `timezones` knows (P19). `iana_like` finds the IANA
zone that it describes, if there is one. Writing VTIMEZONEs is `vtimezone_write`'s business.
"""

import bisect
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache

from providers.core import expansion, ical, recurrence_lines, rrule, timezones
from providers.core.errors import ProviderError
from providers.core.expansion import Budget, TooCostly
from providers.core.rrule import Rule, RuleError
from providers.core.windows_zones import ZONES

MAX_OBSERVANCES = 500
MAX_TRANSITIONS = 5000
_STEPS = 20_000
_EARLY = datetime(1900, 1, 1)  # noqa: DTZ001 - a wall time
_AHEAD = 2050  # the last year that is reckoned at first
_LAST_YEAR = 2450  # and when a later one is asked for
_OFFSET = re.compile(r"([+-])(\d\d)(\d\d)(\d\d)?")
_SPAN = timedelta(days=6)

# Zones that stand for many places are tried first: a rule alone does not tell which place is meant.
_FIRST = (
    *("UTC", "Europe/London", "Europe/Berlin", "Europe/Kyiv", "Europe/Moscow"),
    *("America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"),
    *("America/Halifax", "America/Sao_Paulo", "Asia/Kolkata", "Asia/Shanghai", "Asia/Tokyo"),
    *("Australia/Sydney", "Pacific/Auckland"),
)


@dataclass(frozen=True, slots=True)
class Observance:
    """STANDARD or DAYLIGHT: offsets before and after each of its onsets.

    Attributes:
        start: first onset, on the clocks before it.
        dates: further onsets, likewise.
    """

    start: datetime
    before: timedelta
    after: timedelta
    name: str
    rule: Rule | None
    dates: tuple[datetime, ...]

    def onsets(self, last: datetime) -> Iterator[datetime]:
        """Onsets up to `last`, in no order, naive UTC.

        Raises:
            TooCostly: the rule takes too many steps.
        """
        walls = [self.start, *self.dates]
        if self.rule is not None:
            high = last
            if isinstance(until := self.rule.until, datetime):
                naive = until.replace(tzinfo=None)
                high = min(last, naive + self.before if until.tzinfo else naive)
            elif until is not None:
                high = min(last, datetime(until.year, until.month, until.day, 23, 59))  # noqa: DTZ001
            rule = replace(self.rule, until=None)
            low = max(self.start, _EARLY)
            for wall in expansion.between(rule, self.start, low, high, Budget(_STEPS)):
                walls.append(wall)
                if len(walls) > MAX_TRANSITIONS:
                    raise TooCostly
        return (wall - self.before for wall in walls if wall <= last)


class CustomZone(tzinfo):
    """The rules of a VTIMEZONE. Before its first onset, the offset before that one holds.

    Rules that begin in 1601, as Outlook's do, are kept from 1900 on.

    Raises:
        TooCostly: clocks change more often than any clock does.
    """

    def __init__(self, tzid: str, observances: Iterable[Observance]) -> None:
        self.tzid = tzid
        self.observances = tuple(observances)
        self._until_year = 0
        self._extend(_AHEAD)
        if len(self._onsets) > MAX_TRANSITIONS // 8:  # so that later years will never be too many
            raise TooCostly

    def _extend(self, year: int) -> None:
        """Reckon all onsets up to the end of a year.

        Raises:
            TooCostly: they are too many.
        """
        last = datetime(year, 12, 31, 23, 59, 59)  # noqa: DTZ001 - naive UTC
        found = {
            onset: observance
            for observance in self.observances
            for onset in observance.onsets(last)
        }
        if len(found) > MAX_TRANSITIONS:
            raise TooCostly
        self._onsets = sorted(found)
        self._after = [found[onset].after for onset in self._onsets]
        self._names = [found[onset].name for onset in self._onsets]
        self._first = found[self._onsets[0]].before
        before = [self._first, *self._after[:-1]]
        spans = list(zip(self._onsets, before, self._after, strict=True))
        # A wall time in a gap or an overlap belongs to the time before it, unless folded (PEP 495).
        self._walls = (
            [onset + max(one, other) for onset, one, other in spans],
            [onset + min(one, other) for onset, one, other in spans],
        )
        self._until_year = year

    def _place(self, wall: datetime) -> int:
        """How many onsets come before a wall time."""
        walls = self._walls[wall.fold]
        return bisect.bisect_right(walls, self._known(wall.replace(tzinfo=None, fold=0)))

    def _known(self, when: datetime) -> datetime:
        """`when`, or a time with the same day of the year and the week of which onsets are known.

        The calendar repeats after 400 years, and rules with it.
        """
        if when.year < self._until_year:
            return when
        if self._until_year < _LAST_YEAR:
            self._extend(_LAST_YEAR)
        if when.year < _LAST_YEAR:
            return when
        return when.replace(year=when.year - ((when.year - _LAST_YEAR) // 400 + 1) * 400)

    def utcoffset(self, when: datetime | None) -> timedelta:
        """Offset of a wall time; the one before a gap, the first of an overlap unless folded."""
        if when is None:
            return self._first
        place = self._place(when)
        return self._after[place - 1] if place else self._first

    def dst(self, when: datetime | None) -> timedelta | None:
        """Not known: a VTIMEZONE tells offsets."""
        return None

    def tzname(self, when: datetime | None) -> str:
        """TZNAME, or the TZID."""
        place = self._place(when) if when is not None else 0
        return (self._names[place - 1] if place else "") or self.tzid

    def fromutc(self, when: datetime) -> datetime:
        """Wall time of an instant given as a UTC time that wears this zone."""
        naive = when.replace(tzinfo=None)
        known = self._known(naive)
        place = bisect.bisect_right(self._onsets, known)
        if not place:
            return (naive + self._first).replace(tzinfo=self)
        offset = self._after[place - 1]
        before = self._after[place - 2] if place > 1 else self._first
        repeated = known - self._onsets[place - 1] < before - offset
        return (naive + offset).replace(tzinfo=self, fold=int(repeated))

    def changes(self, low: datetime, high: datetime) -> list[datetime]:
        """Onsets in [low, high), naive UTC."""
        return [onset for onset in self._onsets if low <= onset < high]

    def __repr__(self) -> str:
        return "CustomZone()"


def read_zone(text: str) -> CustomZone | None:
    """The zone that the text of a VTIMEZONE describes; None when it makes no sense."""
    return _read_zone(text) if len(text) <= 256 * 1024 else None


@lru_cache(maxsize=256)
def _read_zone(text: str) -> CustomZone | None:
    try:
        found = ical.components(ical.unfold(text))
        zone = next(part for part in found if part.name == "VTIMEZONE")
        observances = [_observance(part) for part in zone.parts[:MAX_OBSERVANCES]]
        return CustomZone(zone.text("TZID"), observances)
    except (ProviderError, StopIteration, RuleError, TooCostly, IndexError, OverflowError):
        return None


def _observance(part: ical.Component) -> Observance:
    """STANDARD or DAYLIGHT.

    Raises:
        RuleError: something in it cannot be read.
    """
    line = part.first("RRULE")
    start = _wall(part.text("DTSTART"))
    return Observance(
        start=start,
        before=_offset(part.text("TZOFFSETFROM")),
        after=_offset(part.text("TZOFFSETTO")),
        name=part.text("TZNAME"),
        rule=rrule.parse(line[2]) if line else None,
        dates=tuple(_dates(part)),
    )


def _dates(part: ical.Component) -> Iterator[datetime]:
    for line in part.every("RDATE"):
        for value in recurrence_lines.read_values(recurrence_lines.Line("RDATE", {}, line[2])):
            yield _naive(value)


def _wall(text: str) -> datetime:
    try:
        return _naive(rrule.parse_value(text.strip()))
    except ValueError:
        raise RuleError("DTSTART of a time zone is none") from None


def _naive(value: recurrence_lines.Planned) -> datetime:
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    return datetime(value.year, value.month, value.day)  # noqa: DTZ001 - a wall time


def _offset(text: str) -> timedelta:
    match = _OFFSET.fullmatch(text.strip())
    if match is None:
        raise RuleError("is no UTC offset")
    size = timedelta(hours=int(match[2]), minutes=int(match[3]), seconds=int(match[4] or 0))
    if size >= timedelta(days=1):
        raise RuleError("is no UTC offset")
    return -size if match[1] == "-" else size


def iana_like(zone: CustomZone, first_year: int, last_year: int) -> str | None:
    """The IANA zone whose clocks show the same as `zone` in those years; None when none does.

    The name that TZID hints at wins; else a zone that stands for many places.
    """
    low = datetime(first_year, 1, 1, tzinfo=UTC)
    high = datetime(last_year + 1, 1, 1, tzinfo=UTC)
    probes = [low + step * (high - low) / 8 for step in range(8)]
    hinted = timezones.iana_name(zone.tzid)
    others = (iana for zones in ZONES.values() for iana in zones.split()[:1])
    names = dict.fromkeys([*([hinted] if hinted else []), *_FIRST, *others])
    for name in names:
        other = timezones.zone(name)
        if _agree(zone, other, probes) and _agree(zone, other, _moments(zone, low, high)):
            return name
    return None


def _agree(one: tzinfo, other: tzinfo, moments: Iterable[datetime]) -> bool:
    return all(
        when.astimezone(one).utcoffset() == when.astimezone(other).utcoffset() for when in moments
    )


def _moments(zone: CustomZone, low: datetime, high: datetime) -> Iterator[datetime]:
    """Every six days, and both sides of each change."""
    for onset in zone.changes(low.replace(tzinfo=None), high.replace(tzinfo=None)):
        yield onset.replace(tzinfo=UTC)
        yield onset.replace(tzinfo=UTC) - timedelta(seconds=1)
    while low < high:
        yield low
        low += _SPAN
