"""Calendars: collections of a home, and what of them goes into a `Calendar` and back. Pure."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from providers.caldav.dav import APPLE, CALDAV, CALENDARSERVER, DAV, Answer, local_name, text_of
from providers.core.raw import fill_raw
from providers.core.timezones import iana_name
from ucal.v1 import calendar_pb2

NAME = DAV + "displayname"
DESCRIPTION = CALDAV + "calendar-description"
COLOR = APPLE + "calendar-color"
ZONE = CALDAV + "calendar-timezone"
SYNC_TOKEN = DAV + "sync-token"
DEFAULT = CALDAV + "schedule-default-calendar-URL"
_TYPE = DAV + "resourcetype"
_COMPONENTS = CALDAV + "supported-calendar-component-set"
_ORDER = APPLE + "calendar-order"
_PRIVILEGES = DAV + "current-user-privilege-set"
_REPORTS = DAV + "supported-report-set"
_OWNER = DAV + "owner"
_SOURCE = CALENDARSERVER + "source"
PROPERTIES = (
    NAME, _TYPE, _COMPONENTS, DESCRIPTION, ZONE, COLOR, _ORDER, SYNC_TOKEN, _PRIVILEGES,
    _OWNER, _SOURCE, _REPORTS, DEFAULT,
)  # fmt: skip

_TZID = re.compile(r"^(?:TZID|X-WR-TIMEZONE)(?:;[^:\r\n]*)?:(.+?)\s*$", re.MULTILINE)
_HEX = re.compile(r"#([0-9A-Fa-f]{6})(?:[0-9A-Fa-f]{2})?")
_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_WRITE = frozenset({"all", "write", "write-content", "bind"})
_OWN = frozenset({"all", "write-acl"})
_READ = frozenset({"all", "read", "write"})


@dataclass(frozen=True, slots=True)
class Collection:
    """A calendar.

    Attributes:
        path: canonical.
        origin: scheme, host and port of the server that holds it.
        zone: IANA name, "" when the server tells none that is known.
        privileges: local names, empty when the server does not tell.
        subscribed: a copy of something on the web, read-only.
        order: where the user has put it among the others.
        syncs: the server has sync-collection for it.
        shown: what the server said, as text, by local name; only where `raw` is wanted.
    """

    path: str
    origin: str
    name: str
    description: str
    color: str
    zone: str
    privileges: frozenset[str]
    subscribed: bool
    order: float
    syncs: bool
    shown: tuple[tuple[str, str], ...]

    @property
    def is_writable(self) -> bool:
        """Events can be written."""
        return not self.subscribed and (not self.privileges or bool(self.privileges & _WRITE))

    @property
    def role(self) -> calendar_pb2.AccessRole.ValueType:
        """What the account may do."""
        if not self.privileges:
            return calendar_pb2.ACCESS_ROLE_UNSPECIFIED
        if self.privileges & _OWN and not self.subscribed:
            return calendar_pb2.ACCESS_ROLE_OWNER
        if self.is_writable:
            return calendar_pb2.ACCESS_ROLE_WRITER
        if self.privileges & _READ:
            return calendar_pb2.ACCESS_ROLE_READER
        return calendar_pb2.ACCESS_ROLE_FREE_BUSY_READER


def parse_collection(answer: Answer, origin: str, *, raw: bool = False) -> Collection | None:
    """The calendar that an answer of a home describes, None for what holds no events.

    Inboxes, outboxes, task lists and the home itself are such; a collection without a component
    set may hold anything (RFC 4791 section 5.2.3).
    """
    types = _names(answer, _TYPE)
    components = answer.properties.get(_COMPONENTS)
    if answer.status != 200 or "calendar" not in types or not answer.path.strip("/"):
        return None
    if components is not None:
        names = {element.get("name", "").upper() for element in components.iterchildren("*")}
        if names and "VEVENT" not in names:
            return None
    properties = answer.properties.items() if raw else ()
    shown = tuple((name.rpartition("}")[2], text_of(each)) for name, each in properties)
    return Collection(
        path=answer.path if answer.path.endswith("/") else answer.path + "/",
        origin=origin,
        name=answer.text(NAME),
        description=answer.text(DESCRIPTION),
        color=parse_color(answer.text(COLOR)),
        zone=_zone(answer.text(ZONE)),
        privileges=frozenset(_privileges(answer)),
        subscribed="subscribed" in types,
        order=_number(answer.text(_ORDER)),
        syncs=_syncs(answer),
        shown=shown,
    )


def _names(answer: Answer, name: str) -> set[str]:
    found = answer.properties.get(name)
    if found is None:
        return set()
    return {local_name(element) for element in found.iterchildren("*")}


def _privileges(answer: Answer) -> Iterable[str]:
    found = answer.properties.get(_PRIVILEGES)
    if found is None:
        return
    for privilege in found.iterchildren(DAV + "privilege"):
        for element in privilege.iterchildren("*"):
            yield local_name(element)


def _syncs(answer: Answer) -> bool:
    """Whether deltas can be had; a sync-token is said by servers that have the report."""
    reports = answer.properties.get(_REPORTS)
    if reports is not None and len(reports):
        return next(reports.iter(DAV + "sync-collection"), None) is not None
    return SYNC_TOKEN in answer.properties


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return float("inf")
    return float("inf") if math.isnan(value) else value


def _zone(text: str) -> str:
    """IANA name of a calendar-timezone property, a VCALENDAR as text; some hold only a name."""
    found = _TZID.search(text)
    name = found[1] if found else text if len(text) < 64 else ""
    return (iana_name(name) if name else None) or ""


def parse_color(text: str) -> str:
    """`#RRGGBB` of Apple's `#RRGGBBAA`; "" for names, which cannot be told apart."""
    found = _HEX.fullmatch(text.strip())
    return f"#{found[1].upper()}" if found else ""


def dump_color(color: str) -> str:
    """The inverse of `parse_color`: opaque."""
    return f"{color.upper()}FF"


def fill_calendar(
    target: calendar_pb2.Calendar,
    found: Collection,
    connection_id: str,
    *,
    is_primary: bool,
    include_raw: bool,
) -> None:
    """Write what is known of `found`."""
    target.connection_id = connection_id
    target.id = found.path
    target.name = found.name or found.path.rstrip("/").rpartition("/")[2]
    target.description = found.description
    target.timezone = found.zone
    target.is_primary = is_primary
    target.is_read_only = not found.is_writable
    target.color = found.color
    target.access_role = found.role
    if include_raw:
        fill_raw(target.raw, dict(found.shown), found.path)


def default_of(calendars: Iterable[Collection], default: str, favourite: str) -> Collection | None:
    """The primary calendar: the server's default, else `favourite` by name, else the first.

    CalDAV has no primary calendar; only scheduling servers name a default one (RFC 6638 9.2). One
    with a UUID for a name was made later, by a client, and comes after those that were there.
    """

    def rank(found: Collection) -> tuple[bool, bool, bool, bool, float, str]:
        last = found.path.rstrip("/").rpartition("/")[2]
        return (
            not found.is_writable,
            found.path != default,
            last.lower() != favourite,
            _UUID.fullmatch(last) is not None,
            found.order,
            found.path,
        )

    return min(calendars, key=rank, default=None)
