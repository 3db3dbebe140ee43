"""What an event is to its series, what scopes that allows, arithmetic on planned times. Pure."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TypeAlias

from providers.core import reach as core_reach
from providers.core import recurrence_lines, rrule, times, timezones
from providers.core.reach import Reach
from providers.core.rrule import RuleError
from providers.google.event_times import parse_time
from providers.google.wire import Event, EventDateTime
from ucal.v1 import types_pb2

Planned: TypeAlias = date | datetime

_THIS = types_pb2.UPDATE_SCOPE_THIS_INSTANCE
_FOLLOWING = types_pb2.UPDATE_SCOPE_THIS_AND_FOLLOWING
_ALL = types_pb2.UPDATE_SCOPE_ALL
SCOPES = (_THIS, _FOLLOWING, _ALL)


def reach(current: Event, scope: types_pb2.UpdateScope.ValueType) -> Reach:
    """What `scope` means for the addressed event; see `providers.core.reach`."""
    return core_reach.reach(
        scope, is_instance=bool(current.recurringEventId), is_series=bool(current.recurrence)
    )


def utc_until(line: str, start: types_pb2.EventTime) -> str:
    """An RRULE line with UNTIL as Google wants it: in UTC, or a date for whole days (P33).

    Other lines, and those that cannot be read, stay as they are.
    """
    if not line.upper().startswith("RRULE:"):
        return line
    try:
        rule = rrule.parse(line[6:])
    except RuleError:
        return line
    wall = recurrence_lines.until_wall(rule, recurrence_lines.anchor(start))
    if wall is None:
        return line
    until: Planned = wall.date()
    if start.WhichOneof("value") == "timestamp":
        zone = timezones.zone_or_none(start.time_zone) or UTC
        until = wall.replace(microsecond=0, tzinfo=zone).astimezone(UTC)
    if until == rule.until:
        return line
    return f"RRULE:{rrule.dump(replace(rule, until=until))}"


def event_time(found: EventDateTime | None) -> types_pb2.EventTime:
    """A time of Google's as the contract has it; unset when there is none."""
    target = types_pb2.EventTime()
    if found is not None:
        parse_time(target, found)
    return target


def planned(when: types_pb2.EventTime) -> Planned:
    """A planned start in the form in which core's recurrence reckons: a date, or an aware time."""
    if when.WhichOneof("value") == "date":
        return times.date_of(when.date)
    return times.datetime_of(when.timestamp)


def moment(when: types_pb2.EventTime) -> datetime:
    """What puts planned starts of one series in order: aware; a date is its midnight in UTC."""
    return times.instant(when)


def wall(when: types_pb2.EventTime, zone: str) -> datetime:
    """Wall time in `zone`, naive; of a date its midnight."""
    if when.WhichOneof("value") == "date":
        return datetime.combine(times.date_of(when.date), datetime.min.time())
    there = times.datetime_of(when.timestamp).astimezone(timezones.zone_or_none(zone) or UTC)
    return there.replace(tzinfo=None)


def moved(when: types_pb2.EventTime, by: timedelta, zone: str) -> types_pb2.EventTime:
    """`when`, moved by so much of wall time in `zone`."""
    target = types_pb2.EventTime()
    there = wall(when, zone) + by
    if when.WhichOneof("value") == "date":
        times.set_date(target, there.date(), when.time_zone)
    else:
        aware = there.replace(tzinfo=timezones.zone_or_none(zone) or UTC)
        times.set_instant(target, aware.astimezone(UTC), when.time_zone)
    return target


def same_form(one: types_pb2.EventTime, other: types_pb2.EventTime) -> bool:
    """Whether both are dates, or both are instants."""
    return one.WhichOneof("value") == other.WhichOneof("value")
