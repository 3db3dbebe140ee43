"""Moving a series in time: its start, its exceptions, the slots that they stand for (P39). Pure.

Distances are of wall time: 9:00 and a day is 9:00, also when clocks change in between.
"""

from datetime import date, datetime, timedelta
from typing import cast

from providers.core import recurrence, times, timezones
from providers.core.errors import ProviderError
from ucal.v1 import event_pb2, types_pb2


def wall(when: types_pb2.EventTime) -> date | datetime:
    """`when` as people read it off a clock in its own zone, without the zone."""
    return times.local(when)


def move(when: types_pb2.EventTime, by: timedelta) -> None:
    """Move `when` by so much of wall time."""
    shifted = times.local(when) + by
    if when.WhichOneof("value") == "timestamp":
        zone = timezones.zone(when.time_zone or "UTC")
        aware = cast("datetime", shifted).replace(tzinfo=zone)
        times.set_instant(when, aware, when.time_zone)
    else:
        times.set_planned(when, shifted, when.time_zone)


def distance(before: types_pb2.EventTime, after: types_pb2.EventTime) -> timedelta | None:
    """How far wall time was moved; None when the form of the time changed."""
    if before.WhichOneof("value") != after.WhichOneof("value"):
        return None
    one, other = wall(before), wall(after)
    if isinstance(one, datetime) and isinstance(other, datetime):
        return other - one
    return timedelta(days=(other - one).days)


def move_with_instance(
    event: event_pb2.Event, instance: event_pb2.Event, asked: event_pb2.Event
) -> None:
    """Move the series `event` as `asked` moves its `instance`, and give it the same length.

    Raises:
        ProviderError: INVALID when `asked` has times of another form.
    """
    by = distance(instance.start_at, asked.start_at)
    length = distance(asked.start_at, asked.end_at)
    if by is None:
        raise ProviderError.invalid(
            "event.start_at", "to change the form of a series' time, address the series itself"
        )
    if length is None:
        raise ProviderError.invalid("event.end_at", "must have the form of event.start_at")
    zone = asked.start_at.time_zone or event.start_at.time_zone
    if zone != event.start_at.time_zone:
        seen = types_pb2.EventTime()
        seen.CopyFrom(instance.start_at)
        seen.time_zone = event.start_at.time_zone = zone
        by = distance(seen, asked.start_at) or timedelta(0)
    move(event.start_at, by)
    end_zone = asked.end_at.time_zone or event.end_at.time_zone
    event.end_at.CopyFrom(event.start_at)
    move(event.end_at, length)
    if end_zone and event.end_at.HasField("timestamp"):
        event.end_at.time_zone = end_zone


def shift_dates(event: event_pb2.Event, before: event_pb2.Event) -> None:
    """Move EXDATE and RDATE along with the start when the rules are those of `before` (P39)."""
    rules = list(event.recurrence.rules)
    by = distance(before.start_at, event.start_at)
    old, new = before.start_at.time_zone, event.start_at.time_zone
    if by is None or rules != list(before.recurrence.rules) or not (by or old != new):
        return
    shifted = recurrence.shift(rules, before.start_at, by) if by else rules
    if old != new and new and event.start_at.HasField("timestamp"):
        shifted = [_in_zone(text, old, new) for text in shifted]
    del event.recurrence.rules[:]
    event.recurrence.rules.extend(shifted)


def _in_zone(text: str, old: str, new: str) -> str:
    """The same wall times of an EXDATE or RDATE line, in another zone."""
    head, colon, value = text.partition(":")
    if not head.upper().startswith(("EXDATE", "RDATE")):
        return text
    if old not in {"", "UTC"}:
        return head.replace(f";TZID={old}", f";TZID={new}") + colon + value
    return f"{head};TZID={new}:{value.replace('Z', '')}"
