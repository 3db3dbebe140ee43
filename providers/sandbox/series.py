"""Writing a series: as a whole, or from one instance on by splitting it."""

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TypeAlias

from providers.core import recurrence, times, timezones
from providers.core.errors import Kind, ProviderError
from providers.sandbox.agenda import Agenda
from providers.sandbox.entries import Entry, Instance, Series
from providers.sandbox.planned import Planned, key_of, planned_at
from providers.sandbox.world import World
from ucal.v1 import event_pb2, types_pb2


def moved(when: types_pb2.EventTime, by: timedelta) -> None:
    """Move `when` by so much of wall time: 9:00 and a day is 9:00, also when clocks change."""
    shifted = times.local(when) + by
    if isinstance(shifted, datetime) and when.WhichOneof("value") == "timestamp":
        zone = timezones.zone(when.time_zone or "UTC")
        times.set_instant(when, shifted.replace(tzinfo=zone), when.time_zone)
    else:
        times.set_planned(when, shifted)


def distance(before: types_pb2.EventTime, after: types_pb2.EventTime) -> timedelta | None:
    """How far wall time was moved; None when the form of the time changed."""
    if before.WhichOneof("value") != after.WhichOneof("value"):
        return None
    one, other = times.local(before), times.local(after)
    if isinstance(one, datetime) and isinstance(other, datetime):
        return other - one
    return timedelta(days=other.toordinal() - one.toordinal())


def move_with_instance(
    event: event_pb2.Event, instance: event_pb2.Event, asked: event_pb2.Event
) -> None:
    """Move the series `event` as `asked` moves its `instance`, and give it the same length."""
    by = distance(instance.start_at, asked.start_at)
    if by is None:
        raise ProviderError.invalid(
            "event.start_at", "to change the form of a series' time, address the series itself"
        )
    length = distance(asked.start_at, asked.end_at)
    if length is None:
        raise ProviderError.invalid("event.end_at", "must have the form of event.start_at")
    zone = asked.start_at.time_zone or event.start_at.time_zone
    if zone != event.start_at.time_zone:
        event.start_at.time_zone = zone
        by = distance(_in_zone(instance.start_at, zone), asked.start_at) or timedelta(0)
    moved(event.start_at, by)
    event.end_at.CopyFrom(event.start_at)
    moved(event.end_at, length)
    if asked.end_at.time_zone:
        event.end_at.time_zone = asked.end_at.time_zone


def _in_zone(when: types_pb2.EventTime, zone: str) -> types_pb2.EventTime:
    copy = types_pb2.EventTime()
    copy.CopyFrom(when)
    copy.time_zone = zone
    return copy


Plan: TypeAlias = list[tuple[str, event_pb2.Event]]
"""Exceptions to save, under the keys of their slots."""


def plan(
    exceptions: Iterable[Entry], before: types_pb2.EventTime, event: event_pb2.Event, zone: str
) -> tuple[Plan, bool]:
    """What becomes of exceptions when their series, which began at `before`, becomes `event`.

    They move along with the start (P39). With another rule or zone an exception stays only where
    the new rule still has its slot. The second value tells whether any got lost that had more to
    say than that the instance was canceled.
    """
    trial = Agenda(zone)
    trial.put(event)
    series = trial.series.get(event.id)
    by = distance(before, event.start_at)
    kept: Plan = []
    lost = False
    for entry in exceptions:
        carried = _carry(trial, series, entry, by) if series and by is not None else None
        if carried is not None:
            kept.append(carried)
        else:
            lost |= not entry.canceled
    return kept, lost


def _carry(
    trial: Agenda, series: Series, entry: Entry, by: timedelta
) -> tuple[str, event_pb2.Event] | None:
    """An exception under the slot that its own has become; None when there is no such slot."""
    event = entry.event()
    unmoved = event.start_at == event.original_start_at
    moved(event.original_start_at, by)
    planned = planned_at(event.original_start_at)
    key = key_of(planned)
    if not trial.yields(series, planned):
        return None
    if unmoved:
        moved(event.start_at, by)
        moved(event.end_at, by)
    event.id = f"{series.id}_{key}"
    event.recurring_event_id = series.id
    return key, event


def shift_dates(event: event_pb2.Event, before: event_pb2.Event) -> None:
    """Move EXDATE and RDATE along with the start when the rules are those of `before` (P39)."""
    rules = list(event.recurrence.rules)
    by = distance(before.start_at, event.start_at)
    if not by or rules != list(before.recurrence.rules):
        return
    shifted = recurrence.shift(rules, event.start_at, by)
    del event.recurrence.rules[:]
    event.recurrence.rules.extend(shifted)


def is_first(series: Series, instance: Instance) -> bool:
    """Whether nothing of the series comes before `instance`."""
    return key_of(planned_at(series.start)) == instance.key


def tail(series: Series, instance: Instance) -> tuple[event_pb2.Event, list[str]]:
    """A new series that begins with `instance`, unsaved, and the rules of what is left of the old.

    The call goes along, so that the link in the invitations still works (P46).
    """
    event = series.entry.event()
    first, rest = recurrence.split(list(series.rules), series.start, instance.planned)
    event.id = uuid.uuid4().hex
    event.ical_uid = f"{event.id}@sandbox.example"
    event.ClearField("created_at")
    times.set_planned(event.start_at, instance.planned, series.start.time_zone)
    event.end_at.CopyFrom(event.start_at)
    ends: Planned = instance.planned
    if isinstance(ends, datetime) and ends.tzinfo is not None:
        ends = times.instant(event.start_at)
    times.set_planned(event.end_at, ends + series.length, series.end_zone)
    event.recurrence.Clear()
    recurrence.fill(event.recurrence, rest, event.start_at)
    return event, first


def shorten(world: World, series: Series, rules: list[str], at: Planned) -> event_pb2.Event:
    """Let a series end before `at`; exceptions from there on are dropped."""
    event = series.entry.event()
    for key in later(series, at):
        world.drop_exception(event.calendar_id, series.id, key)
    event.recurrence.Clear()
    recurrence.fill(event.recurrence, rules, event.start_at)
    event.sequence += 1
    return world.save_event(event)


def later(series: Series, at: Planned) -> list[str]:
    """Keys of the exceptions planned at or after `at`; keys of one form sort by time."""
    return sorted(key for key in series.exceptions if key >= key_of(at))


def incomplete(first_id: str, second_id: str) -> ProviderError:
    """The error of a split of which the second half failed and could not be undone."""
    return ProviderError(
        Kind.CONFLICT,
        "the new series was made, the old one was not shortened: delete one of both or shorten "
        "the old one",
        reason="SPLIT_INCOMPLETE",
        metadata={"recurring_event_id": first_id, "new_event_id": second_id},
    )
