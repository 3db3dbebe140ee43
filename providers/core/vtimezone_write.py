"""VTIMEZONEs made from IANA zones (RFC 5545 section 3.6.5), for servers that want them.

The rules for good come from the POSIX text at the end of a zone's file (RFC 9636 section 3.3); what
does not follow them is written date by date.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from importlib import resources

from providers.core import rrule, timezones
from providers.core.day_numbers import month_start
from providers.core.rrule import WEEKDAYS

YEARS = 20
"""Years that are written date by date where a zone has no rule for good."""

_DAY = timedelta(days=1)
_SPAN = timedelta(days=6)
_SECOND = timedelta(seconds=1)
_POSIX_NAME = r"(?:[A-Za-z]{3,}|<[A-Za-z0-9+-]+>)"
_POSIX_DAY = r",M(\d+)\.(\d)\.(\d)(?:/(-?\d+(?::\d+){0,2}))?"
_POSIX = re.compile(rf"{_POSIX_NAME}[^,A-Za-z<]+{_POSIX_NAME}[^,]*{_POSIX_DAY}{_POSIX_DAY}")


@dataclass(frozen=True, slots=True)
class _Change:
    """A change of clocks: when (UTC), and the offsets on both sides."""

    when: datetime
    before: timedelta
    after: timedelta
    name: str
    kind: str

    @property
    def wall(self) -> datetime:
        """On the clocks before it."""
        return self.when.replace(tzinfo=None) + self.before

    @property
    def shape(self) -> tuple[str, timedelta, timedelta, str]:
        """What it has in common with others of its kind."""
        return self.kind, self.before, self.after, self.name


@dataclass(frozen=True, slots=True)
class _Yearly:
    """A day of each year: the weekday in days [first, last] of a month, at a time of day."""

    month: int
    weekday: int
    first: int
    last: int
    time: timedelta

    @property
    def within_month(self) -> bool:
        """Whether BYMONTHDAY can tell it: Egypt's last Thursday of October ends in November."""
        return self.first >= 1 and self.last <= _size(self.month)

    def in_year(self, year: int) -> datetime:
        """When it is in a year, as wall time."""
        begin = month_start(year * 12 + self.month - 1)
        ordinal = begin + self.first - 1
        ordinal += (self.weekday + 1 - ordinal) % 7
        day = date.fromordinal(ordinal)
        return datetime(day.year, day.month, day.day) + self.time  # noqa: DTZ001 - a wall time

    def rule(self) -> str:
        """It as an RRULE."""
        day = WEEKDAYS[self.weekday]
        head = f"FREQ=YEARLY;BYMONTH={self.month};BYDAY="
        if self.last == _size(self.month) and self.month != 2:
            return f"{head}-1{day}"
        if self.first % 7 == 1:
            return f"{head}{self.first // 7 + 1}{day}"
        days = ",".join(str(number) for number in range(self.first, self.last + 1))
        return f"FREQ=YEARLY;BYMONTH={self.month};BYMONTHDAY={days};BYDAY={day}"


@lru_cache(maxsize=512)
def vtimezone_text(zone: str, first_year: int) -> str:
    r"""A VTIMEZONE that is right from `first_year` on, lines unfolded, "\n" at their ends.

    A zone whose changes follow no rule (Morocco's) is right for `YEARS` years.

    Args:
        zone: IANA name; it becomes the TZID.

    Raises:
        ProviderError: INVALID, when there is no such zone.
    """
    rules = timezones.zone(zone)
    changes = list(_changes(rules, first_year, first_year + YEARS))
    begins = datetime(first_year, 1, 1, tzinfo=UTC).astimezone(rules)
    offset = begins.utcoffset() or timedelta()
    kind = "DAYLIGHT" if (begins.dst() or timedelta()) > timedelta() else "STANDARD"
    initial = _Change(
        datetime(1970, 1, 1, tzinfo=UTC) - offset, offset, offset, begins.tzname() or zone, kind
    )
    out = ["BEGIN:VTIMEZONE", f"TZID:{zone}", *_observance([initial])]
    for found, rule in _grouped(changes, _for_good(zone), first_year):
        out += _observance(found, rule)
    out.append("END:VTIMEZONE")
    return "\n".join(out) + "\n"


def _observance(changes: list[_Change], rule: str = "") -> Iterator[str]:
    first = changes[0]
    yield f"BEGIN:{first.kind}"
    yield f"DTSTART:{rrule.format_value(first.wall)}"
    yield f"TZOFFSETFROM:{_offset(first.before)}"
    yield f"TZOFFSETTO:{_offset(first.after)}"
    yield f"TZNAME:{first.name}"
    if rule:
        yield f"RRULE:{rule}"
    elif len(changes) > 1:
        yield f"RDATE:{','.join(rrule.format_value(change.wall) for change in changes[1:])}"
    yield f"END:{first.kind}"


def _offset(offset: timedelta) -> str:
    seconds = abs(offset) // _SECOND
    sign = "-" if offset < timedelta() else "+"
    text = f"{sign}{seconds // 3600:02}{seconds // 60 % 60:02}"
    return f"{text}{seconds % 60:02}" if seconds % 60 else text


def _grouped(
    changes: list[_Change], for_good: list[_Yearly], first_year: int
) -> Iterator[tuple[list[_Change], str]]:
    """Changes that one observance tells, and its rule; those that follow no rule come first."""
    ruled = _first_ruled(changes, for_good, first_year)
    singles: dict[tuple[str, timedelta, timedelta, str], list[_Change]] = {}
    endless: dict[tuple[str, timedelta, timedelta, str], tuple[list[_Change], str]] = {}
    for change in changes:
        if change.wall.year < ruled:
            singles.setdefault(change.shape, []).append(change)
            continue
        yearly = next(day for day in for_good if day.in_year(change.wall.year) == change.wall)
        endless.setdefault(change.shape, ([], yearly.rule()))[0].append(change)
    yield from ((found, "") for found in singles.values())
    yield from endless.values()


def _first_ruled(changes: list[_Change], for_good: list[_Yearly], first_year: int) -> int:
    """The year from which on all changes follow the rules for good."""
    if not for_good:
        return first_year + YEARS + 1
    for year in range(first_year + YEARS, first_year - 1, -1):
        expected = sorted(day.in_year(year) for day in for_good)
        if [change.wall for change in changes if change.wall.year == year] != expected:
            return year + 1
    return first_year


def _changes(zone: tzinfo, first_year: int, last_year: int) -> Iterator[_Change]:
    """Changes of a zone's clocks in those years, in order."""
    low = datetime(first_year, 1, 1, tzinfo=UTC) - _SPAN
    end = datetime(min(last_year, 9990) + 1, 1, 1, tzinfo=UTC)
    while low < end:
        high = low + _SPAN  # no zone changes and goes back within that
        if _state(zone, low) != _state(zone, high):
            change = _change(zone, low, high)
            if first_year <= change.wall.year <= last_year and change.before != change.after:
                yield change
        low = high


def _state(zone: tzinfo, when: datetime) -> tuple[timedelta, str]:
    local = when.astimezone(zone)
    return local.utcoffset() or timedelta(), local.tzname() or ""


def _change(zone: tzinfo, low: datetime, high: datetime) -> _Change:
    """The change between two moments, found by halving."""
    state = _state(zone, low)
    while high - low > _SECOND:
        middle = low + (high - low) // _SECOND // 2 * _SECOND
        if _state(zone, middle) == state:
            low = middle
        else:
            high = middle
    before, after = low.astimezone(zone), high.astimezone(zone)
    saved, saved_before = after.dst() or timedelta(), before.dst() or timedelta()
    # Ireland's summer time is its standard time, and winter the exception: say it as others do.
    daylight = saved > timedelta() or (saved_before < timedelta() and saved == timedelta())
    return _Change(
        when=high,
        before=before.utcoffset() or timedelta(),
        after=after.utcoffset() or timedelta(),
        name=after.tzname() or "",
        kind="DAYLIGHT" if daylight else "STANDARD",
    )


def _for_good(zone: str) -> list[_Yearly]:
    """The days on which a zone's clocks change for good; none when they do not, or by no rule."""
    known = timezones.iana_name(zone) or zone
    file = resources.files("tzdata").joinpath("zoneinfo", *known.split("/"))
    footer = file.read_bytes().rstrip(b"\n").rpartition(b"\n")[2].decode("ascii", "replace")
    match = _POSIX.fullmatch(footer)
    if match is None:
        return []
    words = match.groups()
    found = [_yearly(*words[:4]), _yearly(*words[4:])]
    return found if all(day.within_month for day in found) else []


def _size(month: int) -> int:
    """Days of a month, in a leap year."""
    return month_start(24000 + month) - month_start(24000 + month - 1)


def _yearly(month: str, week: str, weekday: str, clock: str | None) -> _Yearly:
    """A day of a POSIX rule; a time outside of the day belongs to a neighbour of it."""
    index = int(month)
    first = _size(index) - 6 if week == "5" else int(week) * 7 - 6
    hours, minutes, seconds = ([*(clock or "2").split(":"), "0", "0"])[:3]
    sign = -1 if hours.startswith("-") else 1
    time = timedelta(hours=int(hours), minutes=sign * int(minutes), seconds=sign * int(seconds))
    days, time = divmod(time, _DAY)
    return _Yearly(index, (int(weekday) - 1 + days) % 7, first + days, first + 6 + days, time)
