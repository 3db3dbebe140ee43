"""What an event is to its series, what scopes that allows, arithmetic on planned times. Pure."""

from datetime import datetime, timedelta

from providers.core import reach as core_reach
from providers.core import times, timezones
from providers.core.reach import Reach
from providers.microsoft.wire import Event
from ucal.v1 import types_pb2

_THIS = types_pb2.UPDATE_SCOPE_THIS_INSTANCE
_FOLLOWING = types_pb2.UPDATE_SCOPE_THIS_AND_FOLLOWING
_ALL = types_pb2.UPDATE_SCOPE_ALL
SCOPES = (_THIS, _FOLLOWING, _ALL)


def reach(current: Event, scope: types_pb2.UpdateScope.ValueType) -> Reach:
    """What `scope` means for the addressed event; see `providers.core.reach`."""
    return core_reach.reach(
        scope, is_instance=bool(current.seriesMasterId), is_series=current.recurrence is not None
    )


def wall(when: types_pb2.EventTime, zone: str) -> datetime:
    """Wall time in `zone`, naive; of a date its midnight."""
    if when.WhichOneof("value") == "date":
        return datetime.combine(times.date_of(when.date), datetime.min.time())
    there = times.datetime_of(when.timestamp).astimezone(timezones.zone(zone))
    return there.replace(tzinfo=None)


def moved(when: types_pb2.EventTime, by: timedelta, zone: str) -> types_pb2.EventTime:
    """`when`, moved by so much of wall time in `zone`."""
    target = types_pb2.EventTime()
    there = wall(when, zone) + by
    if when.WhichOneof("value") == "date":
        times.set_date(target, there.date(), when.time_zone)
    else:
        times.set_instant(target, there.replace(tzinfo=timezones.zone(zone)), when.time_zone)
    return target


def same_form(one: types_pb2.EventTime, other: types_pb2.EventTime) -> bool:
    """Whether both are dates, or both are instants."""
    return one.WhichOneof("value") == other.WhichOneof("value")
