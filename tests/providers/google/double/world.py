"""What the double holds: accounts' calendars and events, versions, a log of what changed."""

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.providers.google.double.faults import Problem
from tests.providers.google.double.times import now_text

Json = dict[str, Any]
ADA = "ada@example.com"
BOB = "bob@example.com"
DEFAULTS = {
    "transparency": "opaque",
    "visibility": "default",
    "guestsCanModify": False,
    "guestsCanInviteOthers": True,
    "guestsCanSeeOtherGuests": True,
    "anyoneCanAddSelf": False,
    "attendeesOmitted": False,
}


class Clock:
    """Microseconds that never stand still."""

    def __init__(self) -> None:
        self._last = 0

    def tick(self) -> int:
        self._last = max(self._last + 1000, int(time.time() * 1e6) // 1000 * 1000)
        return self._last


@dataclass
class Entry:
    """An event, a series, or an exception, as it is stored.

    Attributes:
        seq: position in the log of changes.
    """

    data: Json
    seq: int

    @property
    def cancelled(self) -> bool:
        return bool(self.data["status"] == "cancelled")

    @property
    def master(self) -> str:
        return str(self.data.get("recurringEventId", ""))


@dataclass
class Calendar:
    """A calendar with its events.

    Attributes:
        zone: IANA name.
        role: what Ada may do with it.
        entries: by event id.
        generation: sync tokens of an earlier one are dead.
    """

    id: str
    data: Json
    owner: str
    role: str = "owner"
    entries: dict[str, Entry] = field(default_factory=dict)
    generation: int = 1
    pushes: bool = True

    @property
    def zone(self) -> str:
        return str(self.data["timeZone"])

    def exceptions(self, master: str) -> Iterator[Entry]:
        return (entry for entry in self.entries.values() if entry.master == master)


@dataclass
class ListEntry:
    """A calendar in Ada's list."""

    data: Json
    seq: int
    deleted: bool = False


class World:
    """Everything behind one Google."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.log = itertools.count(1)
        self.calendars: dict[str, Calendar] = {}
        self.list: dict[str, ListEntry] = {}
        self.list_generation = 1
        self.mails: list[Json] = []
        self.meet_allowed = True
        self.pending_reads = 0
        self.page_cut: int | None = None
        self.add_calendar(ADA, "Ada", "Europe/Berlin", ADA, primary=True)
        self.add_calendar(BOB, "Bob", "America/New_York", BOB, role="freeBusyReader", listed=False)

    # -- versions

    def stamp(self, data: Json) -> int:
        """Give `data` a new version, and tell its place in the log."""
        micros = self.clock.tick()
        data["etag"] = f'"{micros * 2 // 1000}000"'
        if data.get("kind") == "calendar#event":
            data["updated"] = now_text(micros)
            data.setdefault("created", now_text(micros // 1_000_000 * 1_000_000))
        return next(self.log)

    # -- calendars

    def add_calendar(
        self,
        id: str,
        summary: str,
        zone: str,
        owner: str,
        *,
        role: str = "owner",
        primary: bool = False,
        listed: bool = True,
        **more: Any,
    ) -> Calendar:
        data = {"kind": "calendar#calendar", "id": id, "summary": summary, "timeZone": zone, **more}
        self.stamp(data)
        found = self.calendars[id] = Calendar(id, data, owner, role)
        if listed:
            self.enlist(found, primary=primary)
        return found

    def enlist(self, calendar: Calendar, *, primary: bool = False) -> ListEntry:
        data: Json = {
            "kind": "calendar#calendarListEntry",
            "id": calendar.id,
            "colorId": "14",
            "backgroundColor": "#9fe1e7",
            "foregroundColor": "#000000",
            "selected": True,
            "accessRole": calendar.role,
            "defaultReminders": [{"method": "popup", "minutes": 10}] if primary else [],
        }
        if primary:
            data["primary"] = True
        entry = self.list[calendar.id] = ListEntry(data, 0)
        entry.seq = self.stamp(data)
        return entry

    def shown(self, entry: ListEntry) -> Json:
        """An entry of the list with what it takes from the calendar itself."""
        if entry.deleted:
            return {
                "kind": "calendar#calendarListEntry",
                "etag": entry.data["etag"],
                "id": entry.data["id"],
                "deleted": True,
            }
        calendar = self.calendars[entry.data["id"]]
        types = ["hangoutsMeet"] if self.meet_allowed else []
        taken = ("summary", "description", "location", "timeZone")
        return {
            **entry.data,
            **{name: calendar.data[name] for name in taken if name in calendar.data},
            "conferenceProperties": {"allowedConferenceSolutionTypes": types},
        }

    def calendar(self, id: str, role: str = "reader") -> Calendar:
        """A calendar that Ada may use as `role`."""
        found = self.calendars.get(ADA if id == "primary" else id)
        if found is None:
            raise Problem(404, "notFound", "Not Found")
        order = ("none", "freeBusyReader", "reader", "writer", "owner")
        if order.index(found.role) < order.index(role):
            if found.role in ("none", "freeBusyReader"):
                raise Problem(404, "notFound", "Not Found")
            raise Problem(403, "requiredAccessLevel", "You need to have writer access.")
        return found

    # -- events

    def put(self, calendar: Calendar, data: Json) -> Entry:
        """Store an event under a new version."""
        for name, value in DEFAULTS.items():
            if data.get(name) == value:
                del data[name]
        seq = self.stamp(data)
        entry = calendar.entries[data["id"]] = Entry(data, seq)
        return entry
