"""Mailboxes, calendars and what is in them; what changed when; who was written to."""

import base64
import itertools
import uuid
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tests.providers.microsoft.double import clocks, plan
from tests.providers.microsoft.double.problems import missing

Json = dict[str, Any]
ADA = "ada@contoso.com"
BEN = "ben@contoso.com"
ROOM = "room1@contoso.com"
NEVER = "0001-01-01T00:00:00Z"
# How far a series without an end is looked at.
FAR = timedelta(days=1_830)


def opaque(text: str) -> str:
    """An id in Exchange's alphabet."""
    return base64.urlsafe_b64encode(text.encode()).decode()


@dataclass
class Item:
    """A single event or a series.

    Attributes:
        data: its properties, times left out.
        start: wall time in `zone`.
        zone: Windows name.
        changed: instances that differ, by planned day: their own properties.
        cancelled: planned days that do not take place.
        version: counts changes.
        copies: the same meeting in other mailboxes.
    """

    id: str
    data: Json
    start: datetime
    end: datetime
    zone: str
    changed: dict[date, Json] = field(default_factory=dict)
    cancelled: set[date] = field(default_factory=set)
    version: int = 1

    @property
    def series(self) -> bool:
        return bool(self.data.get("recurrence"))

    @property
    def first(self) -> datetime:
        return clocks.instant(self.start, self.zone)

    @property
    def last(self) -> datetime:
        return clocks.instant(self.end, self.zone)

    def planned(self, day: date) -> tuple[datetime, datetime]:
        """Instants between which the instance of a day is planned."""
        by = timedelta(days=(day - self.start.date()).days)
        return (
            clocks.instant(self.start + by, self.zone),
            clocks.instant(self.end + by, self.zone),
        )

    def days(self, until: datetime) -> list[date]:
        """Days that take place, planned up to `until`."""
        if not self.series:
            return []
        last = (until + timedelta(days=2)).date()
        return [d for d in plan.days(self.data["recurrence"], last) if d not in self.cancelled]

    def instance_id(self, day: date) -> str:
        return opaque(f"{self.id}|{day.isoformat()}")


@dataclass
class Calendar:
    """A calendar.

    Attributes:
        log: (number, id, was removed) of each change.
    """

    id: str
    data: Json
    items: dict[str, Item] = field(default_factory=dict)
    log: list[tuple[int, str, bool]] = field(default_factory=list)


class Mailbox:
    """One person's, or room's."""

    def __init__(self, world: "World", address: str, name: str) -> None:
        self.world = world
        self.address = address
        self.name = name
        self.id = str(uuid.uuid5(uuid.NAMESPACE_DNS, address))
        self.zone = "W. Europe Standard Time"
        self.calendars: dict[str, Calendar] = {}
        self.default = self.add_calendar("Calendar", is_default=True)

    def add_calendar(self, name: str, *, is_default: bool = False, **data: Any) -> Calendar:
        own_id = opaque(f"calendar {self.address} {len(self.calendars)} {uuid.uuid4().hex[:6]}")
        teams = ["teamsForBusiness"]
        found = Calendar(
            own_id,
            {
                "id": own_id,
                "name": name,
                "color": "auto",
                "hexColor": "",
                "isDefaultCalendar": is_default,
                "changeKey": self.world.key(),
                "canShare": True,
                "canViewPrivateItems": True,
                "canEdit": True,
                "allowedOnlineMeetingProviders": teams,
                "defaultOnlineMeetingProvider": teams[0],
                "isTallyingResponses": is_default,
                "isRemovable": not is_default,
                "owner": {"name": self.name, "address": self.address},
                **data,
            },
        )
        self.calendars[own_id] = found
        return found

    def find(self, event_id: str) -> tuple[Calendar, Item, date | None]:
        """Where an event is; the day of an instance.

        Raises:
            Problem: 404.
        """
        for calendar in self.calendars.values():
            if event_id in calendar.items:
                return calendar, calendar.items[event_id], None
        master_id, _, day = _unopaque(event_id).partition("|")
        for calendar in self.calendars.values():
            item = calendar.items.get(master_id)
            if item is None or not day or not item.series:
                continue
            when = date.fromisoformat(day)
            if when in item.days(clocks.instant(datetime.combine(when, item.start.time()), "UTC")):
                return calendar, item, when
        raise missing()


def _unopaque(text: str) -> str:
    try:
        return base64.urlsafe_b64decode(text.encode()).decode()
    except (ValueError, UnicodeError):
        return ""


class World:
    """Everybody."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self.mails: list[tuple[str, str, str]] = []
        self.windows_zones = [name for name in clocks.win_tz if name not in clocks.NEWER]
        self.iana_refused: set[str] = set()
        self.refuses_repeats = False
        self.meetings: dict[str, tuple[str, str]] = {}
        self.mailboxes = {
            address: Mailbox(self, address, name)
            for address, name in ((ADA, "Ada"), (BEN, "Ben"), (ROOM, "Room 1"))
        }

    def number(self) -> int:
        return next(self._numbers)

    def key(self) -> str:
        return base64.b64encode(f"key{self.number():012d}".encode()).decode()

    def now(self) -> datetime:
        return datetime.now(UTC)

    def mailbox(self, name: str) -> Mailbox:
        """By address or object id.

        Raises:
            Problem: 404.
        """
        for found in self.mailboxes.values():
            if name.lower() in (found.address, found.id):
                return found
        raise missing()

    def touch(self, calendar: Calendar, item: Item, *, removed: bool = False) -> None:
        """Note a change."""
        item.version += 1
        item.data["changeKey"] = self.key()
        item.data["lastModifiedDateTime"] = clocks.stamp(self.now())
        calendar.log.append((self.number(), item.id, removed))

    def mail(self, what: str, item: Item, guests: list[Json] | None = None) -> None:
        """Write to the guests of a meeting."""
        for guest in item.data["attendees"] if guests is None else guests:
            self.mails.append((what, item.id, guest["emailAddress"]["address"]))
