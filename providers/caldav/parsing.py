"""VEVENT to `Event`: one pass over the lines, one small reader for each property. Pure.

Properties are those of RFC 5545 and 7986, with what Apple, Google and Microsoft write beside them.
What has no reader is left where it is; `raw` shows it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from google.protobuf.timestamp_pb2 import Timestamp

from providers.caldav import alarms, colors, links, people
from providers.caldav.planned import Planned
from providers.caldav.values import parse_duration
from providers.caldav.zones import UNZONED, Zone, Zones
from providers.core import recurrence
from providers.core.ical import Component, Line, param, split, unescape
from providers.core.times import EPOCH, set_planned, timestamp
from ucal.v1 import event_pb2, types_pb2

STATUS: Mapping[str, event_pb2.EventStatus.ValueType] = {
    "CONFIRMED": event_pb2.EVENT_STATUS_CONFIRMED,
    "TENTATIVE": event_pb2.EVENT_STATUS_TENTATIVE,
    "CANCELLED": event_pb2.EVENT_STATUS_CANCELED,
}
VISIBILITY: Mapping[str, event_pb2.EventVisibility.ValueType] = {
    "PUBLIC": event_pb2.EVENT_VISIBILITY_PUBLIC,
    "PRIVATE": event_pb2.EVENT_VISIBILITY_PRIVATE,
    "CONFIDENTIAL": event_pb2.EVENT_VISIBILITY_CONFIDENTIAL,
}
# X-MICROSOFT-CDO-BUSYSTATUS (MS-OXCICAL 2.1.3.1.1.20.31), which says more than TRANSP.
SHOW_AS: Mapping[str, event_pb2.ShowAs.ValueType] = {
    "FREE": event_pb2.SHOW_AS_FREE,
    "BUSY": event_pb2.SHOW_AS_BUSY,
    "TENTATIVE": event_pb2.SHOW_AS_TENTATIVE,
    "OOF": event_pb2.SHOW_AS_OUT_OF_OFFICE,
    "WORKINGELSEWHERE": event_pb2.SHOW_AS_WORKING_ELSEWHERE,
}
RULES = ("RRULE", "EXRULE", "RDATE", "EXDATE")
METADATA = "X-UCAL-METADATA"
KEY = "X-UCAL-KEY"
CALLS = ("CONFERENCE", "X-GOOGLE-CONFERENCE", "X-MICROSOFT-SKYPETEAMSMEETINGURL",
         "X-MICROSOFT-ONLINEMEETINGCONFLINK", "URL")  # fmt: skip
_INT32 = 2**31 - 1


@dataclass(slots=True)
class Context:
    """What the lines of one calendar object are read with.

    Attributes:
        addresses: of the account, lower case.
    """

    zones: Zones
    addresses: frozenset[str] = frozenset()


@dataclass(slots=True)
class Draft:
    """An event while its lines are read.

    Attributes:
        start, until: when it begins and ends; None when it does not say.
    """

    event: event_pb2.Event
    context: Context
    start: Planned | None = None
    until: Planned | None = None
    zone: Zone | None = None
    end: Line | None = None
    duration: timedelta | None = None
    calls: list[Line] = field(default_factory=list)
    rules: list[Line] = field(default_factory=list)


Reader: TypeAlias = Callable[[Draft, Line], None]


def fill_event(event: event_pb2.Event, component: Component, context: Context) -> Draft:
    """Write what `component` says into `event`, but for ids, versions and recurrence."""
    draft = Draft(event, context)
    event.status = event_pb2.EVENT_STATUS_CONFIRMED
    event.visibility = event_pb2.EVENT_VISIBILITY_DEFAULT
    event.show_as = event_pb2.SHOW_AS_BUSY
    event.type = event_pb2.EVENT_TYPE_DEFAULT
    for line in component.lines:
        reader = READERS.get(line[0])
        if reader is not None:
            reader(draft, line)
    _finish_times(draft)
    people.finish(event)
    _finish_conference(draft)
    event.reminders.SetInParent()
    for part in component.parts:
        if part.name == "VALARM":
            alarms.fill(event.reminders, part, draft.start)
    return draft


# -- times


def _start(draft: Draft, line: Line) -> None:
    value, zone = draft.context.zones.read(line)
    if value is None:
        return
    draft.start, draft.zone = value, zone
    _put(draft.event.start_at, value, zone.name)
    if zone.inferred:
        draft.event.is_timezone_inferred = True


def _put(target: types_pb2.EventTime, value: Planned, zone: str) -> None:
    """`times.set_planned`, by the shortest way for instants: a list has two of them an event."""
    if isinstance(value, datetime) and value.tzinfo is not None and not value.microsecond:
        since = value - EPOCH
        target.timestamp.seconds = since.days * 86_400 + since.seconds
        target.time_zone = zone
    else:
        set_planned(target, value, zone)


def _end(draft: Draft, line: Line) -> None:
    draft.end = line


def _duration(draft: Draft, line: Line) -> None:
    draft.duration = parse_duration(line[2])


def _finish_times(draft: Draft) -> None:
    """Give the event an end (RFC 5545 section 3.6.1), of the start's form and not before it.

    A whole day without one, or with one that is its start, lasts a day (P28).
    """
    event, start = draft.event, draft.start
    if start is None:
        return
    if not isinstance(start, datetime):
        event.is_all_day = True
    end, zone = draft.context.zones.read(draft.end) if draft.end else (None, UNZONED)
    if isinstance(end, datetime) and isinstance(start, datetime) and start.tzinfo is not None:
        # Without a TZID of its own the end is where the start is: Mozilla wrote it so.
        zone = zone if end.tzinfo else draft.zone or UNZONED
        end = end if end.tzinfo else end.replace(tzinfo=start.tzinfo)
    if end is None or not _alike(end, start):
        length = draft.duration if draft.duration and draft.duration > timedelta(0) else None
        end = later(start, length or _usual(start))
        zone = draft.zone or UNZONED
    elif end < start or (event.is_all_day and end == start):
        end = later(start, _usual(start))
        zone = draft.zone or UNZONED
    draft.until = end
    _put(event.end_at, end, zone.name)


def _alike(one: Planned, other: Planned) -> bool:
    if isinstance(one, datetime) and isinstance(other, datetime):
        return (one.tzinfo is None) == (other.tzinfo is None)
    return isinstance(one, datetime) == isinstance(other, datetime)


def _usual(start: Planned) -> timedelta:
    return timedelta(0) if isinstance(start, datetime) else timedelta(days=1)


def later(start: Planned, length: timedelta) -> Planned:
    """`start` and so much real time, in the start's zone; whole days for dates."""
    if not isinstance(start, datetime):
        return start + timedelta(days=max(1, length.days))
    if start.tzinfo is None:
        return start + length
    return (start.astimezone(UTC) + length).astimezone(start.tzinfo)


def _moment(target: Timestamp, draft: Draft, line: Line) -> None:
    value, _ = draft.context.zones.read(line)
    if isinstance(value, datetime):
        timestamp(target, value if value.tzinfo else value.replace(tzinfo=UTC))


def _created(draft: Draft, line: Line) -> None:
    _moment(draft.event.created_at, draft, line)


def _modified(draft: Draft, line: Line) -> None:
    _moment(draft.event.updated_at, draft, line)


def _stamp(draft: Draft, line: Line) -> None:
    """DTSTAMP is the last revision where there is no METHOD (RFC 5545 section 3.8.7.2)."""
    if not draft.event.HasField("updated_at"):
        _moment(draft.event.updated_at, draft, line)


# -- words


def _subject(draft: Draft, line: Line) -> None:
    draft.event.subject = unescape(line[2])


def _description(draft: Draft, line: Line) -> None:
    draft.event.description = unescape(line[2])


def _location(draft: Draft, line: Line) -> None:
    draft.event.location = unescape(line[2])


def _uid(draft: Draft, line: Line) -> None:
    draft.event.ical_uid = line[2]


def _status(draft: Draft, line: Line) -> None:
    draft.event.status = STATUS.get(line[2].upper(), event_pb2.EVENT_STATUS_CONFIRMED)


def _class(draft: Draft, line: Line) -> None:
    # An x-name or iana-token that is not known counts as PRIVATE (RFC 5545 section 3.8.1.3).
    draft.event.visibility = VISIBILITY.get(line[2].upper(), event_pb2.EVENT_VISIBILITY_PRIVATE)


def _transp(draft: Draft, line: Line) -> None:
    if line[2].upper() == "TRANSPARENT":
        draft.event.show_as = event_pb2.SHOW_AS_FREE


def _busy_status(draft: Draft, line: Line) -> None:
    found = SHOW_AS.get(line[2].strip().upper())
    if found is not None and draft.event.show_as != event_pb2.SHOW_AS_FREE:
        draft.event.show_as = found


def _sequence(draft: Draft, line: Line) -> None:
    text = line[2].strip()
    if text.isascii() and text.isdigit() and len(text) < 11:
        draft.event.sequence = min(int(text), _INT32)


def _color(draft: Draft, line: Line) -> None:
    draft.event.color = colors.parse(line[2])


def _categories(draft: Draft, line: Line) -> None:
    draft.event.categories.extend(name for name in split(line[2]) if name.strip())


def _metadata(draft: Draft, line: Line) -> None:
    key = param(line, KEY)
    if key:
        draft.event.metadata[key] = unescape(line[2])


def _attach(draft: Draft, line: Line) -> None:
    """A link; of a file inside the event only name and type are told."""
    found = draft.event.attachments.add()
    if param(line, "VALUE").upper() != "BINARY":
        found.url = line[2]
    found.name = (
        param(line, "FILENAME") or param(line, "X-FILENAME") or param(line, "X-APPLE-FILENAME")
    )
    found.mime_type = param(line, "FMTTYPE")
    found.id = param(line, "MANAGED-ID")
    size = param(line, "SIZE")
    if size.isascii() and size.isdigit() and len(size) < 16:
        found.size_bytes = int(size)


def _rule(draft: Draft, line: Line) -> None:
    draft.rules.append(line)


def _call(draft: Draft, line: Line) -> None:
    draft.calls.append(line)


def _attendee(draft: Draft, line: Line) -> None:
    people.fill_attendee(draft.event, line, draft.context.addresses)


def _organizer(draft: Draft, line: Line) -> None:
    people.fill_person(draft.event.organizer, line)


READERS: Mapping[str, Reader] = {
    "ATTACH": _attach,
    "ATTENDEE": _attendee,
    "CATEGORIES": _categories,
    "CLASS": _class,
    "COLOR": _color,
    "CREATED": _created,
    "DESCRIPTION": _description,
    "DTEND": _end,
    "DTSTAMP": _stamp,
    "DTSTART": _start,
    "DURATION": _duration,
    "LAST-MODIFIED": _modified,
    "LOCATION": _location,
    "ORGANIZER": _organizer,
    "SEQUENCE": _sequence,
    "STATUS": _status,
    "SUMMARY": _subject,
    "TRANSP": _transp,
    "UID": _uid,
    "X-MICROSOFT-CDO-BUSYSTATUS": _busy_status,
    METADATA: _metadata,
    **dict.fromkeys(RULES, _rule),
    **dict.fromkeys(CALLS, _call),
}


# -- conference


def _finish_conference(draft: Draft) -> None:
    """The call, from the property that says it most plainly, else a known link in a text."""
    event = draft.event
    url = ""
    by_name = {line[0]: line for line in reversed(draft.calls)}
    for line in draft.calls:
        if line[0] != "CONFERENCE":
            continue
        if line[2].lower().startswith("tel:"):
            event.conference.phones.add(number=line[2][4:], label=param(line, "LABEL"))
        elif not url:
            url = line[2]
    for name in CALLS[1:4]:
        if not url and name in by_name:
            url = unescape(by_name[name][2]).strip()
    if not url and "URL" in by_name and links.product(by_name["URL"][2]):
        url = by_name["URL"][2]
    url = url or links.find(event.location) or links.find(event.description)
    if url:
        links.fill(event.conference, url)
    elif event.conference.phones:
        event.conference.kind = types_pb2.CONFERENCE_KIND_PHONE
        event.conference.state = types_pb2.CONFERENCE_STATE_READY
    event.has_conference = event.HasField("conference")


# -- recurrence


def fill_recurrence(event: event_pb2.Event, draft: Draft) -> None:
    """Set `recurrence` from the lines that were read, in zones that everybody knows."""
    zone = draft.zone or UNZONED
    lines = [
        draft.context.zones.rule_text(line, draft.start, zone)
        for line in sorted(draft.rules, key=_rank)
    ]
    recurrence.fill(event.recurrence, [line for line in lines if line], event.start_at)


def _rank(line: Line) -> int:
    """Rules before dates: servers give lines in orders of their own."""
    return RULES.index(line[0])
