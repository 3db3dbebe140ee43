"""Rounds of changes: /events/delta without a window, /calendarView/delta with a fixed one."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime

from tests.providers.microsoft.double import views
from tests.providers.microsoft.double.problems import Problem
from tests.providers.microsoft.double.world import Calendar, Json, Mailbox

_FORBIDDEN = ("$select", "$filter", "$expand", "$orderby", "$search")


@dataclass
class Round:
    """Where a link goes on.

    Attributes:
        since: number of the last change that is known; -1: a first round.
        bounds: of a view; None without a window.
        rest: what is still to be told in this round.
        until: number up to which this round tells.
    """

    calendar: Calendar
    since: int
    bounds: tuple[datetime, datetime] | None
    rest: list[Json] | None = None
    until: int = 0


@dataclass
class Deltas:
    """Links that live."""

    rounds: dict[str, Round] = field(default_factory=dict)

    def expire(self) -> None:
        self.rounds.clear()

    def page(
        self, box: Mailbox, calendar: Calendar, query: Json, zone: str, size: int, *, view: bool
    ) -> tuple[list[Json], str, str]:
        """One page: items, $skiptoken, $deltatoken."""
        if any(name in query for name in _FORBIDDEN):
            raise Problem(400, "ErrorInvalidRequest", "not supported in a change request")
        token = query.get("$skiptoken") or query.get("$deltatoken")
        if token:
            found = self.rounds.get(token)
            if found is None:
                raise Problem(410, "SyncStateNotFound", "The sync state generation is not found")
        else:
            found = Round(calendar, -1, views.window(query) if view else None)
        if found.rest is None:
            until = box.world.number()
            rest = _everything(box, found, zone) if found.since < 0 else _changes(box, found, zone)
            found = Round(calendar, found.since, found.bounds, rest, until)
        items, rest = (found.rest or [])[:size], (found.rest or [])[size:]
        fresh = uuid.uuid4().hex
        if rest:
            self.rounds[fresh] = Round(calendar, found.since, found.bounds, rest, found.until)
            return items, fresh, ""
        self.rounds[fresh] = Round(calendar, found.until, found.bounds)
        return items, "", fresh


def _of_item(box: Mailbox, calendar: Calendar, own_id: str, entry: Round, zone: str) -> list[Json]:
    item = calendar.items[own_id]
    if entry.bounds is None:
        found = [views.shown(box, item, None, zone)]
        found += [views.shown(box, item, day, zone) for day in sorted(item.changed)]
    else:
        found = [views.shown(box, item, day, zone) for _, day in views.in_view(item, *entry.bounds)]
        if item.series and found:
            found.insert(0, views.shown(box, item, None, zone))
    return [views.finish(box, item, each, {}, zone, alone=False) for each in found]


def _everything(box: Mailbox, entry: Round, zone: str) -> list[Json]:
    return [
        each
        for own_id in entry.calendar.items
        for each in _of_item(box, entry.calendar, own_id, entry, zone)
    ]


def _changes(box: Mailbox, entry: Round, zone: str) -> list[Json]:
    """An entry per change, so that one id may come several times.

    A cancelled occurrence has no entry of its own. What lies outside a window is told as removed,
    whether or not it was ever inside.
    """
    found: list[Json] = []
    for number, own_id, _ in entry.calendar.log:
        if number <= entry.since:
            continue
        inside = []
        if own_id in entry.calendar.items:
            inside = _of_item(box, entry.calendar, own_id, entry, zone)
        found += inside or [{"id": own_id, "@removed": {"reason": "deleted"}}]
    return found
