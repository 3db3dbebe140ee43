"""A calendar object: a single event, or a series with its exceptions (RFC 4791 section 4.1). Pure.

One resource holds one UID: the master and a component for each instance that differs. A resource
without a master, as one is invited to a single instance, stands for that instance.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta, tzinfo

from providers.caldav.collections import Collection
from providers.caldav.parsing import Context, Draft, fill_event, fill_recurrence
from providers.caldav.paths import EventId
from providers.caldav.planned import Planned, key_of, like
from providers.caldav.resources import Blob
from providers.caldav.values import dump_wall, parse_duration
from providers.caldav.zones import Zone, Zones
from providers.core import timezones
from providers.core.ical import Component, Document, Line, param, read
from providers.core.ical_write import quote
from providers.core.raw import fill_raw
from providers.core.times import set_planned
from ucal.v1 import event_pb2


@dataclass(slots=True)
class Frame:
    """What the events of one answer have in common.

    Attributes:
        connection_id, addresses: of the account.
        raw: fill `raw`.
    """

    connection_id: str
    calendar: Collection
    addresses: frozenset[str] = frozenset()
    raw: bool = False

    @property
    def zone(self) -> tzinfo:
        """Zone in which whole days and floating times of the calendar are read."""
        return timezones.zone(self.calendar.zone or "UTC")


@dataclass(slots=True)
class Object:
    """A calendar object, taken apart as far as everybody needs it.

    Attributes:
        text: as the server sent it.
        master: None when only single instances of a series are here.
        overrides: components with a RECURRENCE-ID, by key, in order.
        ranged: keys of those that reach all later instances (RANGE=THISANDFUTURE).
    """

    frame: Frame
    name: str
    etag: str
    text: str | bytes
    document: Document
    context: Context
    master: Component | None = None
    overrides: dict[str, Component] = field(default_factory=dict)
    ranged: list[str] = field(default_factory=list)

    @property
    def id(self) -> EventId:
        """What the object's id is made of."""
        return EventId(self.frame.calendar.path, self.name)

    @property
    def recurs(self) -> bool:
        """It is a series."""
        if self.master is None:
            return False
        for line in self.master.lines:
            if line[0] in {"RRULE", "RDATE"}:
                start = self.master.first("DTSTART")
                return start is not None and self.context.zones.read(start)[0] is not None
        return False

    def event(self, event: event_pb2.Event) -> Draft:
        """Write the master, or the single event, or the first of the lone instances."""
        component = self.master or next(iter(self.overrides.values()))
        draft = fill_event(event, component, self.context)
        self.label(event, f"{self.frame.calendar.path}|{self.name}")
        if self.master is None:
            event.is_exception = True
            self._place(event, next(iter(self.overrides)), component)
        elif draft.rules:
            fill_recurrence(event, draft)
        return draft

    def label(self, event: event_pb2.Event, id: str) -> None:
        """Write ids and version."""
        event.connection_id = self.frame.connection_id
        event.id = id
        event.calendar_id = self.frame.calendar.path
        event.etag = self.etag
        if self.frame.raw:
            text = self.text if isinstance(self.text, str) else self.text.decode(errors="replace")
            fill_raw(event.raw, {"ics": text}, self.frame.calendar.path + self.name)

    def override(self, event: event_pb2.Event, key: str) -> Draft:
        """Write the exception `key`."""
        component = self.overrides[key]
        draft = fill_event(event, component, self.context)
        event.is_exception = True
        self.label(event, str(EventId(self.frame.calendar.path, self.name, key)))
        event.recurring_event_id = str(self.id)
        self._place(event, key, component)
        return draft

    def _place(self, event: event_pb2.Event, key: str, component: Component) -> None:
        """Write when the instance was planned, in the zone of its start."""
        line = component.first("RECURRENCE-ID")
        value, zone = self.context.zones.read(line) if line else (None, Zone("", None))
        if value is not None:
            set_planned(event.original_start_at, value, event.start_at.time_zone or zone.name)


def open_object(blob: Blob, frame: Frame) -> Object | None:
    """Read a resource; None when it holds no event.

    Raises:
        ProviderError: PROVIDER_FAULT when it is no iCalendar.
    """
    document = read(blob.data)
    context = Context(Zones(document.zones, frame.calendar.zone), frame.addresses)
    found = Object(frame, blob.name, blob.etag, blob.data, document, context)
    master_zone: Line | None = None
    for component in document.root.parts:
        if component.name != "VEVENT":
            continue
        line = component.first("RECURRENCE-ID")
        if line is None:
            found.master = found.master or component
            continue
        master_zone = line
        value, _ = context.zones.read(line)
        if value is not None:
            key = key_of(value)
            found.overrides[key] = component
            if param(line, "RANGE").upper() == "THISANDFUTURE":
                found.ranged.append(key)
    if master_zone is not None and found.master is not None:
        _align(found)
    return found if found.master is not None or found.overrides else None


def _align(found: Object) -> None:
    """Name exceptions by the slot of the master that they mean, when their form differs (P35).

    A date stands for the instance of that day; a time without a zone is in the master's.
    """
    start = found.master.first("DTSTART") if found.master else None
    if start is None:
        return
    begins, _ = found.context.zones.read(start)
    if begins is None:
        return
    aligned: dict[str, Component] = {}
    for key, component in found.overrides.items():
        line = component.first("RECURRENCE-ID")
        value = found.context.zones.read(line)[0] if line else None
        aligned[key_of(like(value, begins)) if value is not None else key] = component
    if aligned.keys() != found.overrides.keys():
        places = dict(zip(found.overrides, aligned, strict=False))
        found.ranged = [places.get(key, key) for key in found.ranged]
        found.overrides = aligned


def slot_line(found: Object, name: str, planned: Planned) -> Line:
    """A property that names `planned` as the series' DTSTART would: same form, same TZID (P35)."""
    start = found.master.first("DTSTART") if found.master else None
    if start is None:
        return (name, "", dump_wall(planned))
    begins, zone = found.context.zones.read(start)
    planned = planned if begins is None else like(planned, begins)
    if not isinstance(planned, datetime):
        return (name, ";VALUE=DATE", dump_wall(planned))
    tzid = param(start, "TZID")
    if planned.tzinfo is None or not tzid or zone.rules is None:
        return (name, "", dump_wall(planned.astimezone(UTC) if planned.tzinfo else planned))
    wall = planned.astimezone(zone.rules).replace(tzinfo=None)
    return (name, f";TZID={quote(tzid)}", dump_wall(wall))


def periods(rules: list[Line], zones: Zones, start: Planned) -> dict[str, timedelta]:
    """Lengths of the instances that RDATE gives as periods, by key (RFC 5545 section 3.8.5.2)."""
    found: dict[str, timedelta] = {}
    for line in rules:
        if line[0] != "RDATE" or "/" not in line[2]:
            continue
        for text in line[2].split(","):
            first, _, second = text.strip().partition("/")
            begin, _ = zones.read_value(first, line)
            if not isinstance(begin, datetime):
                continue
            if second.upper().startswith("P"):
                length = parse_duration(second)
            else:
                end, _ = zones.read_value(second, line)
                length = end - begin if isinstance(end, datetime) and _same(end, begin) else None
            if length is not None and length >= timedelta(0):
                found[key_of(like(begin, start))] = length
    return found


def _same(one: datetime, other: datetime) -> bool:
    return (one.tzinfo is None) == (other.tzinfo is None)


def instant_of(value: Planned, zone: tzinfo) -> datetime:
    """When it is, UTC; whole days and floating times are read in `zone`."""
    if not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if value.tzinfo is None:
        value = value.replace(tzinfo=zone)
    return value.astimezone(UTC)
