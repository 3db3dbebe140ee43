"""Exceptions of a series, carried over a write that makes Exchange forget them.

A PATCH of a series' start or recurrence drops every changed and every cancelled instance
(learn.microsoft.com/graph/api/event-update). They are read before, and made again after (P39, P48).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from providers.core import timezones
from providers.core.errors import Kind, ProviderError
from providers.core.wire import decode
from providers.microsoft import event_times, instances, pattern_parse, writing
from providers.microsoft.api import Api, event_path
from providers.microsoft.wire import Event

MAX_CARRIED = 50
"""Exceptions that are made again; each costs a request."""
# Fields of an instance that may differ from those of its series.
_CARRIED = (
    "subject",
    "body",
    "location",
    "attendees",
    "showAs",
    "sensitivity",
    "categories",
    "isReminderOn",
    "reminderMinutesBeforeStart",
)
# Seen to stop a single exception from being made again, and nothing else.
_PASSING = frozenset({Kind.INVALID, Kind.NOT_FOUND, Kind.CONFLICT})


@dataclass(slots=True)
class Exceptions:
    """What differs from its series, by planned day in the zone of the series.

    Attributes:
        changed: bodies that make a planned instance the changed one.
        cancelled: days that do not take place.
        raw: the series as it came.
    """

    changed: dict[date, dict[str, Any]] = field(default_factory=dict)
    cancelled: list[date] = field(default_factory=list)
    raw: dict[str, Any] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.changed or self.cancelled)

    def before(self, day: date) -> "Exceptions":
        """Those planned before `day`."""
        return Exceptions(
            {at: body for at, body in self.changed.items() if at < day},
            [at for at in self.cancelled if at < day],
        )

    def since(self, day: date) -> "Exceptions":
        """Those planned on `day` and later."""
        return Exceptions(
            {at: body for at, body in self.changed.items() if at >= day},
            [at for at in self.cancelled if at >= day],
        )

    def moved(self, by: timedelta) -> "Exceptions":
        """The same, planned so many days later."""
        days = timedelta(days=by.days)
        return Exceptions(
            {at + days: body for at, body in self.changed.items()},
            [at + days for at in self.cancelled],
        )

    def without(self, written: set[str]) -> "Exceptions":
        """The same, where a write has the last word on the fields `written`."""
        changed = {
            at: {name: value for name, value in body.items() if name not in written}
            for at, body in self.changed.items()
        }
        return Exceptions({at: body for at, body in changed.items() if body}, self.cancelled)


async def exceptions_of(api: Api, calendar_id: str, master: Event) -> Exceptions:
    """All exceptions of a series, which was read alone and tells what was cancelled."""
    path = event_path(api, calendar_id, master.id)
    reply = await api.send("GET", path, resource=("event", master.id))
    raw = decode(reply, dict[str, Any])
    zone = timezones.zone(event_times.zone_name(master, "")[0])
    found = Exceptions(raw=raw)
    for each in await instances.exception_replies(api, calendar_id, master.id):
        item = decode(each, dict[str, Any])
        day = instances.planned_day(decode(each, Event), zone)
        if day is not None:
            found.changed[day] = difference(item, raw)
    days = (pattern_parse.day_of_id(each) for each in master.cancelledOccurrences or ())
    found.cancelled = sorted({day for day in days if day is not None})
    return found


def difference(item: Mapping[str, Any], master: Mapping[str, Any]) -> dict[str, Any]:
    """What makes of a planned instance the changed one. A time that people chose stays."""
    body = {
        name: item[name]
        for name in _CARRIED
        if name in item and item[name] != master.get(name) and not _only_replies(name, item, master)
    }
    planned, start = item.get("originalStart"), item.get("start") or {}
    if planned and start.get("dateTime"):
        begins = event_times.instant_of(f"{start['dateTime']}Z")
        length = _length(item) != _length(master)
        if length or event_times.instant_of(planned) != begins:
            body |= {"start": item["start"], "end": item["end"]}
    return body


def _only_replies(name: str, item: Mapping[str, Any], master: Mapping[str, Any]) -> bool:
    """Whether two lists of guests differ by replies alone: nobody is to be invited again."""
    if name != "attendees":
        return False
    here, there = (
        [(each.get("emailAddress"), each.get("type")) for each in event.get(name) or ()]
        for event in (item, master)
    )
    return here == there


def _length(item: Mapping[str, Any]) -> timedelta:
    end, start = (
        event_times.instant_of(f"{(item.get(name) or {}).get('dateTime', '1970-01-01')}Z")
        for name in ("end", "start")
    )
    return end - start


async def restore(api: Api, calendar_id: str, master: Event, found: Exceptions) -> bool:
    """Make exceptions again.

    Args:
        master: the series as it is now.

    Returns:
        Whether all of them are there.
    """
    if not found:
        return True
    zone = event_times.zone_name(master, "")[0]
    days = sorted({*found.changed, *found.cancelled})
    whole = len(days) <= MAX_CARRIED
    days = days[:MAX_CARRIED]
    there = await instances.on_days(api, calendar_id, master.id, days, zone)
    for day in days:
        instance = there.get(day)
        if instance is None:
            whole = whole and day in found.cancelled
            continue
        whole = await _restore_one(api, calendar_id, instance.id, found, day) and whole
    return whole


async def _restore_one(
    api: Api, calendar_id: str, instance_id: str, found: Exceptions, day: date
) -> bool:
    try:
        if day in found.cancelled:
            await writing.remove(api, calendar_id, instance_id)
        else:
            await writing.patch(api, calendar_id, instance_id, found.changed[day])
    except ProviderError as error:
        if error.kind not in _PASSING:
            raise
        return False
    return True
