"""What takes place in an iCalendar file: the kit's parts put together as a CalDAV provider does."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo

from providers.core import ical, recurrence, rrule, times, timezones, vtimezone
from providers.core.errors import ProviderError
from providers.core.recurrence import Planned
from ucal.v1 import types_pb2

LIMIT = 100_000


class Calendar:
    """A file."""

    def __init__(self, text: bytes) -> None:
        try:
            self.document = ical.read(text)
        except ProviderError:  # events without a VCALENDAR around them
            found = ical.components(ical.unfold(text))
            self.document = ical.Document(ical.Component("VCALENDAR", parts=found))
        self.events = [event for event in self.document.events if event.first("DTSTART")]

    def zone(self, tzid: str) -> tzinfo:
        if tzid in self.document.zones:
            custom = vtimezone.read_zone(self.document.zones[tzid])
            if custom is not None:
                return custom
        return timezones.zone(tzid)

    def read(self, line: ical.Line) -> Planned:
        found = rrule.parse_value(line[2].partition("/")[0])
        tzid = ical.param(line, "TZID")
        if tzid and isinstance(found, datetime) and found.tzinfo is None:
            return found.replace(tzinfo=self.zone(tzid))
        return found

    def occurrences(self, low: datetime, high: datetime) -> Iterator[tuple[str, Planned, Planned]]:
        """(UID, start, end) of all that takes place in [low, high)."""
        moved = {
            (event.text("UID"), key(self.slot(event, line)))
            for event in self.events
            if (line := event.first("RECURRENCE-ID"))
        }
        for event in self.events:
            uid = event.text("UID")
            start, length = self.span(event)
            if event.first("RECURRENCE-ID"):
                yield uid, start, later(start, length)
                continue
            for planned in self.expand(event, start, low - length - timedelta(days=1), high):
                if (uid, key(planned)) not in moved:
                    yield uid, planned, later(planned, self.length(event, planned, length))

    def slot(self, event: ical.Component, line: ical.Line) -> Planned:
        """RECURRENCE-ID in the form of the series' start: Exchange writes midnight for a day."""
        found = self.read(line)
        for other in self.events:
            start = other.first("DTSTART")
            if start and other.text("UID") == event.text("UID") and not other.first(line[0]):
                dated = not isinstance(self.read(start), datetime)
                return found.date() if dated and isinstance(found, datetime) else found
        return found

    def span(self, event: ical.Component) -> tuple[Planned, timedelta]:
        line, end = event.first("DTSTART"), event.first("DTEND")
        assert line is not None
        start = self.read(line)
        if end is not None:
            last = self.read(end)
            if isinstance(start, datetime) and isinstance(last, datetime) and not last.tzinfo:
                last = last.replace(tzinfo=start.tzinfo)
            return start, max(timedelta(), instant(last) - instant(start))
        if event.first("DURATION") is not None:
            return start, duration(event.text("DURATION"))
        return start, timedelta(days=0 if isinstance(start, datetime) else 1)

    def length(self, event: ical.Component, planned: Planned, length: timedelta) -> timedelta:
        """The length of an instance: a period in RDATE has its own."""
        for line in event.every("RDATE"):
            for word in line[2].split(","):
                head, slash, tail = word.partition("/")
                begin = self.read((line[0], line[1], head))
                if slash and key(begin) == key(planned):
                    if tail.startswith("P"):
                        return duration(tail)
                    return instant(self.read((line[0], line[1], tail))) - instant(begin)
        return length

    def expand(
        self, event: ical.Component, start: Planned, low: datetime, high: datetime
    ) -> list[Planned]:
        target = types_pb2.EventTime()
        times.set_planned(target, start)
        zone = start.tzinfo if isinstance(start, datetime) else None
        rules = [
            f"{name}{params}:{value}"
            for name, params, value in event.every("RRULE", "EXRULE", "RDATE", "EXDATE")
        ]
        return recurrence.occurrences(rules, target, low, high, limit=LIMIT, zone=zone)


def instant(when: Planned) -> datetime:
    """`when` in UTC, dates and floating times too."""
    if not isinstance(when, datetime):
        return datetime(when.year, when.month, when.day, tzinfo=UTC)
    return when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)


def later(start: Planned, length: timedelta) -> Planned:
    if isinstance(start, datetime) and start.tzinfo:
        return start.astimezone(UTC) + length
    return start + length


def key(when: Planned) -> str:
    """RFC 5545 text, instants in UTC."""
    return rrule.format_value(when)


def written(when: Planned) -> str:
    """As expected-occurrences.json writes it."""
    if not isinstance(when, datetime):
        return when.isoformat()
    if when.tzinfo is None:
        return when.isoformat()
    return when.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def duration(text: str) -> timedelta:
    match = re.fullmatch(
        r"([+-])?P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", text.strip()
    )
    assert match, text
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups()[1:])
    return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)


def within(start: Planned, end: Planned, low: datetime, high: datetime) -> bool:
    first, last = instant(start), instant(end)
    return first < high and (last > low or (first == last and first >= low))


def day(text: str) -> datetime:
    found = date.fromisoformat(text)
    return datetime(found.year, found.month, found.day, tzinfo=UTC)
