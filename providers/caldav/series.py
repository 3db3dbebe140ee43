"""Changing a series in memory: all of it, or from one instance on by cutting it in two. Pure."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from providers.caldav import shifting
from providers.caldav.dumping import time_line, touch
from providers.caldav.editing import (
    Wish,
    copy_of,
    drop_overrides,
    edit_single,
    read_component,
    write,
)  # fmt: skip
from providers.caldav.expanding import Pattern, pattern_of, yields
from providers.caldav.objects import Object, instant_of, slot_line
from providers.caldav.parsing import RULES
from providers.caldav.planned import Planned, key_of, planned_at
from providers.caldav.values import dump_wall
from providers.core import fields, recurrence, times, timezones
from providers.core.errors import ProviderError
from providers.core.ical import Component, Document, Line
from ucal.v1 import event_pb2, types_pb2

_TIMES = frozenset({"start_at", "end_at"})
_CANCELED = event_pb2.EVENT_STATUS_CANCELED


async def edit_all(found: Object, wish: Wish, instance: event_pb2.Event | None) -> None:
    """Change a whole series. With `instance`, times that are wanted are those of the instance:
    the series moves by as much.
    """
    if found.master is None:
        edit_single(found, wish)
        return
    before = event_pb2.Event()
    found.event(before)
    old = pattern_of(found)
    event = _wanted(before, wish, instance)
    names = wish.names
    if _TIMES & set(names) and before.recurrence.rules and "recurrence" not in names:
        names = [*names, "recurrence"]
    _check_rules(event, before, wish)
    others = [name for name in names if name not in {*_TIMES, "recurrence"}]
    for component in found.overrides.values():
        _follow(found, component, (before, event), others, wish)
    write(found, found.master, (before, event), names, wish)
    await _carry_all(found, old, before.start_at, wish)


def _wanted(
    before: event_pb2.Event, wish: Wish, instance: event_pb2.Event | None
) -> event_pb2.Event:
    """The series as it is to be."""
    event = copy_of(before)
    if instance is not None and _TIMES & set(wish.names):
        asked = copy_of(instance)
        times_only = [path for path in wish.paths if path.partition(".")[0] in _TIMES]
        fields.apply(asked, wish.event, times_only)
        wish.apply(event, skip=_TIMES)
        shifting.move_with_instance(event, instance, asked)
    else:
        wish.apply(event)
    shifting.shift_dates(event, before)
    return event


def _check_rules(event: event_pb2.Event, before: event_pb2.Event, wish: Wish) -> None:
    """The rules fit the start, whichever of both is written.

    Raises:
        ProviderError: INVALID.
    """
    rules = list(event.recurrence.rules)
    start = event.start_at
    if not rules:
        return
    if start.HasField("timestamp") and not start.time_zone:
        raise ProviderError.invalid("event.start_at.time_zone", "is required beside recurrence")
    same_form = start.WhichOneof("value") == before.start_at.WhichOneof("value")
    if "recurrence" in wish.names or not same_form:
        recurrence.validate(rules, start, "event.recurrence.rules")


def _follow(
    found: Object,
    component: Component,
    change: tuple[event_pb2.Event, event_pb2.Event],
    names: Sequence[str],
    wish: Wish,
) -> None:
    """Let an exception follow its series in the fields in which it did not differ from it."""
    before, event = change
    own = read_component(component, found.context)
    same = [name for name in names if getattr(own, name) == getattr(before, name)]
    if not same:
        return
    after = copy_of(own)
    fields.apply(after, event, same)
    write(found, component, (own, after), same, wish)


# -- exceptions of a series that moves


async def _carry_all(
    found: Object, old: Pattern, old_start: types_pb2.EventTime, wish: Wish
) -> None:
    """Let exceptions go along with a series that has been written anew (P39).

    With another rule or form of time, an exception stays only where the series still has its slot;
    what is lost, unless it was a cancellation, is told.
    """
    if not found.overrides:
        return
    new = pattern_of(found)
    by = shifting.distance(old_start, new.start)
    if new.start == old_start and new.rules == old.rules and new.length == old.length:
        return
    carried: dict[str, Component] = {}
    for key, component in list(found.overrides.items()):
        move = None if by is None else _Move(found, old, new, old_start.time_zone, by)
        new_key = await move.carry(component) if move is not None else None
        if new_key is None:
            if read_component(component, found.context).status != _CANCELED:
                wish.losses.add("recurrence")
            drop_overrides(found, [key])
        else:
            carried[new_key] = component
    found.overrides = carried


@dataclass(slots=True)
class _Move:
    """A series that moves, with what its exceptions need to go along."""

    found: Object
    old: Pattern
    new: Pattern
    old_zone: str
    by: timedelta

    async def carry(self, component: Component) -> str | None:
        """Move an exception to the slot that its own has become; its key, None without a slot."""
        slot = self._slot(component)
        if slot is None:
            return None
        moved = self._moved(slot)
        planned = planned_at(moved)
        there = await yields(self.found, self.new, planned)
        if not there and await yields(self.found, self.old, planned_at(slot)):
            return None
        own = read_component(component, self.found.context)
        component.put_all(["RECURRENCE-ID"], [slot_line(self.found, "RECURRENCE-ID", planned)])
        if instant_of(planned_at(own.start_at), self.found.frame.zone) == instant_of(
            planned_at(slot), self.found.frame.zone
        ):
            self._move_times(component, own, moved)
        return key_of(planned)

    def _slot(self, component: Component) -> types_pb2.EventTime | None:
        line = component.first("RECURRENCE-ID")
        value = self.found.context.zones.read(line)[0] if line else None
        if value is None:
            return None
        slot = types_pb2.EventTime()
        times.set_planned(slot, value, self.old_zone)
        return slot if slot.WhichOneof("value") == self.old.start.WhichOneof("value") else None

    def _moved(self, slot: types_pb2.EventTime) -> types_pb2.EventTime:
        """`slot`, as far away in wall time as the start has moved, in the series' new zone."""
        wall = times.local(slot) + self.by
        moved = types_pb2.EventTime()
        if slot.HasField("timestamp"):
            zone = self.new.start.time_zone
            aware = cast("datetime", wall).replace(tzinfo=timezones.zone(zone or "UTC"))
            times.set_instant(moved, aware, zone)
        else:
            times.set_planned(moved, wall)
        return moved

    def _move_times(
        self, component: Component, own: event_pb2.Event, start: types_pb2.EventTime
    ) -> None:
        """An exception at its own slot stays there, and takes the new length if it had the old."""
        length = planned_at(own.end_at) - planned_at(own.start_at)
        length = self.new.length if length == self.old.length else length
        end = types_pb2.EventTime()
        times.set_planned(end, planned_at(start) + length, own.end_at.time_zone)
        document = self.found.document
        component.put_all(["DTSTART"], [time_line(document, "DTSTART", start)])
        component.put_all(["DTEND", "DURATION"], [time_line(document, "DTEND", end)])


# -- cutting a series in two


async def is_first(found: Object, pattern: Pattern, planned: Planned) -> bool:
    """Whether nothing of the series comes before `planned`."""
    at = instant_of(planned, found.frame.zone)
    first = instant_of(planned_at(pattern.start), found.frame.zone)
    key = key_of(planned)
    if any(each < key for each in found.overrides):
        return False
    begin = min(first, at) - timedelta(days=1)
    return all(key_of(each) >= key for each in await pattern.planned(begin, at))


def later_keys(found: Object, planned: Planned) -> list[str]:
    """Keys of the exceptions planned at or after `planned`; keys of one form sort by time."""
    first = key_of(planned)
    return sorted(key for key in found.overrides if key >= first)


def cut(pattern: Pattern, planned: Planned) -> tuple[list[str], list[str]]:
    """Rules of the series before `planned`, and of the one from there on."""
    return recurrence.split(pattern.rules, pattern.start, planned)


def tail_of(
    found: Object, instance: event_pb2.Event, planned: Planned, rules: Sequence[str], wish: Wish
) -> Object:
    """A new series that begins with `instance` as planned, with the exceptions from there on."""
    if found.master is None:
        raise ProviderError.not_found("event", str(found.id))
    uid = str(uuid.uuid4()).upper()
    master = found.master.copy()
    root = Component("VCALENDAR", list(found.document.root.lines), [master])
    document = Document(root, dict(found.document.zones))
    tail = Object(found.frame, f"{uid}.ics", "", "", document, found.context, master)
    start, end = _planned_span(found, instance, planned)
    master.put_all(["DTSTART"], [time_line(document, "DTSTART", start)])
    master.put_all(["DTEND", "DURATION"], [time_line(document, "DTEND", end)])
    master.put_all(RULES, [rule_line(text) for text in rules])
    for key in later_keys(found, planned):
        tail.overrides[key] = found.overrides[key].copy()
        root.parts.append(tail.overrides[key])
    stamp = dump_wall(wish.now.replace(microsecond=0))
    for component in root.parts:
        component.put("UID", uid)
        component.put("CREATED", stamp)
        component.put("SEQUENCE", "0")
    return tail


def _planned_span(
    found: Object, instance: event_pb2.Event, planned: Planned
) -> tuple[types_pb2.EventTime, types_pb2.EventTime]:
    """Start and end of the instance before anybody moved it."""
    pattern = pattern_of(found)
    start, end = types_pb2.EventTime(), types_pb2.EventTime()
    start.CopyFrom(instance.original_start_at)
    start.time_zone = pattern.start.time_zone
    times.set_planned(end, planned + pattern.length, pattern.shared.end_at.time_zone)
    return start, end


def shorten(found: Object, rules: Sequence[str], planned: Planned, wish: Wish) -> None:
    """Let a series end before `planned`."""
    if found.master is None:
        return
    drop_overrides(found, later_keys(found, planned))
    found.master.put_all(RULES, [rule_line(text) for text in rules])
    touch(found.master, wish.now, significant=wish.raises_sequence)


def rule_line(text: str) -> Line:
    """A content line of a recurrence, taken apart."""
    head, _, value = text.strip().partition(":")
    name, semicolon, params = head.partition(";")
    return (name.upper(), semicolon + params, value)
