"""Changing a single event, or one instance of a series, in memory. Pure; series are in `series`.

What is written is decided on `Event` messages; the lines are then touched field by field, so that
all else that clients and servers keep there stays.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from providers.caldav import people
from providers.caldav.dumping import (
    SIGNIFICANT,
    Losses,
    Target,
    time_line,
    touch,
    write_event,
)  # fmt: skip
from providers.caldav.objects import Object, slot_line
from providers.caldav.parsing import RULES, Context, fill_event
from providers.caldav.planned import planned_at
from providers.core import fields
from providers.core.errors import ProviderError
from providers.core.ical import Component
from ucal.v1 import event_pb2, types_pb2


@dataclass(slots=True)
class Wish:
    """What a caller wants of an event.

    Attributes:
        paths: of the update mask, `calendar_id` left out.
        raises_sequence: the account is the one that calls the event.
    """

    event: event_pb2.Event
    paths: Sequence[str]
    add: Sequence[types_pb2.Attendee]
    remove: Sequence[str]
    losses: Losses
    address: str
    now: datetime
    raises_sequence: bool = True

    @property
    def names(self) -> list[str]:
        """Top-level fields that are written."""
        more = {"attendees"} if self.add or self.remove else frozenset[str]()
        return sorted(fields.roots(self.paths) | more)

    def apply(self, event: event_pb2.Event, skip: frozenset[str] = frozenset()) -> None:
        """Write what is wanted into `event`, but for the fields in `skip`."""
        paths = [path for path in self.paths if path.partition(".")[0] not in skip]
        fields.apply(event, self.event, paths)
        if self.add or self.remove:
            people.change(event, self.add, self.remove)


def copy_of(event: event_pb2.Event) -> event_pb2.Event:
    """An independent copy."""
    found = event_pb2.Event()
    found.CopyFrom(event)
    return found


def read_component(component: Component, context: Context) -> event_pb2.Event:
    """What a component says, without ids."""
    event = event_pb2.Event()
    fill_event(event, component, context)
    return event


def write(
    found: Object,
    component: Component,
    change: tuple[event_pb2.Event, event_pb2.Event],
    names: Sequence[str],
    wish: Wish,
) -> None:
    """Write the named fields of a `change` from one event to another, and note the time of it."""
    before, event = change
    target = Target(found.document, component, wish.losses, wish.address, before)
    write_event(target, event, names)
    significant = wish.raises_sequence and bool(SIGNIFICANT & set(names))
    touch(component, wish.now, significant=significant)


# -- single events and lone instances


def edit_single(found: Object, wish: Wish) -> None:
    """Change an event that does not recur; it may become a series by that."""
    component = found.master or next(iter(found.overrides.values()))
    before = read_component(component, found.context)
    event = copy_of(before)
    wish.apply(event)
    write(found, component, (before, event), wish.names, wish)


# -- one instance


def edit_instance(found: Object, instance: event_pb2.Event, key: str, wish: Wish) -> None:
    """Change one instance of a series, which `instance` describes as it is.

    Raises:
        ProviderError: INVALID.
    """
    if "recurrence" in wish.names:
        raise ProviderError.invalid("event.recurrence", "an instance has none of its own")
    component = override_of(found, instance, key)
    event = copy_of(instance)
    wish.apply(event)
    write(found, component, (instance, event), wish.names, wish)


def override_of(found: Object, instance: event_pb2.Event, key: str) -> Component:
    """The component of an instance; made after the master when there is none yet.

    There is one for each RECURRENCE-ID, never two (P36).
    """
    known = found.overrides.get(key)
    if known is not None or found.master is None:
        return known or next(iter(found.overrides.values()))
    ranged = max((each for each in found.ranged if each <= key), default="")
    component = found.overrides.get(ranged, found.master).copy()
    component.drop(*RULES, "DURATION")
    planned = planned_at(instance.original_start_at)
    start, end = planned_at(instance.start_at), planned_at(instance.end_at)
    if start == planned:
        component.put_all(["DTSTART"], [slot_line(found, "DTSTART", start)])
        component.put_all(["DTEND"], [slot_line(found, "DTEND", end)])
    else:
        document = found.document
        component.put_all(["DTSTART"], [time_line(document, "DTSTART", instance.start_at)])
        component.put_all(["DTEND"], [time_line(document, "DTEND", instance.end_at)])
    component.put_all(["RECURRENCE-ID"], [slot_line(found, "RECURRENCE-ID", planned)])
    found.document.root.parts.append(component)
    found.overrides[key] = component
    return component


def exclude_instance(found: Object, instance: event_pb2.Event, key: str, wish: Wish) -> None:
    """Take one instance out of a series: EXDATE, and no exception for it any more (P38)."""
    drop_overrides(found, [key])
    if found.master is None:
        return
    line = slot_line(found, "EXDATE", planned_at(instance.original_start_at))
    excluded = [*found.master.every(*RULES), line]
    found.master.put_all(RULES, excluded)
    touch(found.master, wish.now, significant=wish.raises_sequence)


def drop_overrides(found: Object, keys: Sequence[str]) -> None:
    """Remove exceptions."""
    gone = [found.overrides.pop(key) for key in keys if key in found.overrides]
    parts = found.document.root.parts
    found.document.root.parts = [p for p in parts if not any(p is each for each in gone)]
