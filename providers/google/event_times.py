"""Times of events between Google's `EventDateTime` and the contract's `EventTime`.

Google keeps no floating times. Its end dates are exclusive, as the contract's are.
"""

from datetime import UTC, date, datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from providers.core import times, timezones
from providers.core.errors import Kind, ProviderError
from providers.google.wire import EventDateTime
from ucal.v1 import types_pb2


def parse_stamp(target: Timestamp, text: str) -> None:
    """An RFC 3339 time of Google's into a Timestamp.

    Raises:
        ProviderError: PROVIDER_FAULT when it is none.
    """
    when = _datetime(text)
    if when.tzinfo is None:
        raise _fault()
    target.seconds = int(when.timestamp() // 1)
    if when.microsecond:
        target.nanos = when.microsecond * 1000


def parse_time(target: types_pb2.EventTime, found: EventDateTime) -> None:
    """`found` into `target`, which stays unset when Google told no time.

    Raises:
        ProviderError: PROVIDER_FAULT when a time is none.
    """
    if found.dateTime is not None:
        when = _datetime(found.dateTime)
        if when.tzinfo is None:
            when = when.replace(tzinfo=timezones.zone_or_none(found.timeZone or "") or UTC)
        target.timestamp.seconds = int(when.timestamp() // 1)
        if found.timeZone:
            target.time_zone = found.timeZone
    elif found.date is not None:
        try:
            day = date.fromisoformat(found.date)
        except ValueError:
            raise _fault() from None
        target.date.year = day.year
        target.date.month = day.month
        target.date.day = day.day


def _datetime(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return times.parse_rfc3339(text)


def _fault() -> ProviderError:
    return ProviderError(Kind.PROVIDER_FAULT, "Google sent a time that is none")


def dump_time(when: types_pb2.EventTime, path: str, *, patch: bool = False) -> dict[str, Any]:
    """`when` as Google takes it; in a patch, with the other form's fields cleared.

    Raises:
        ProviderError: INVALID for a floating time; `path` names the field.
    """
    form = when.WhichOneof("value")
    if form == "floating":
        raise ProviderError.invalid(
            path, "Google keeps no floating times: give a timestamp and a time_zone"
        )
    if form == "date":
        day = times.date_of(when.date).isoformat()
        return {"date": day, "dateTime": None, "timeZone": None} if patch else {"date": day}
    found: dict[str, Any] = {"dateTime": times.format_rfc3339(times.datetime_of(when.timestamp))}
    if when.time_zone:
        found["timeZone"] = when.time_zone
    if patch:
        found["date"] = None
    return found


def low_bound(stamp: Timestamp) -> str:
    """A lower bound of Google's, whole seconds, not after `stamp`."""
    return times.format_rfc3339(times.datetime_of(stamp).replace(microsecond=0))


def high_bound(stamp: Timestamp) -> str:
    """An upper bound of Google's, whole seconds, not before `stamp`."""
    whole = Timestamp(seconds=stamp.seconds + (1 if stamp.nanos else 0))
    return times.format_rfc3339(times.datetime_of(whole))
