"""Times of events between Google's `EventDateTime` and the contract's `EventTime`.

Google keeps no floating times. Its end dates are exclusive, as the contract's are.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from providers.core import times, timezones
from providers.core.errors import Kind, ProviderError
from providers.google.wire import EventDateTime
from ucal.v1 import types_pb2

# Seconds since the epoch of dates, seconds of clocks ("T09:00:00"), and offset and nanoseconds of
# what follows ("+01:00", ".731Z"), as they were read before: pages repeat them by the thousand.
_DAYS: dict[str, int] = {}
_CLOCKS: dict[str, int] = {}
_TAILS: dict[str, tuple[int, int]] = {}
_MAX_REMEMBERED = 10_000


def parse_stamp(target: Timestamp, text: str) -> None:
    """An RFC 3339 time of Google's into an empty Timestamp.

    Raises:
        ProviderError: PROVIDER_FAULT when it is none.
    """
    try:
        offset, nanos = _TAILS[text[19:]]
        target.seconds = _DAYS[text[:10]] + _CLOCKS[text[10:19]] - offset
    except KeyError:
        _parse_new(target, text)
        return
    if nanos:
        target.nanos = nanos


def _parse_new(target: Timestamp, text: str) -> None:
    """The same for a time of which a part was not seen before."""
    when = times.parse_rfc3339(text)
    times.timestamp(target, when)
    plain = when.replace(tzinfo=UTC)
    midnight = plain.replace(hour=0, minute=0, second=0, microsecond=0)
    if not text.startswith(f"{plain:%Y-%m-%dT%H:%M:%S}") or plain.year < 1000:
        return
    for known in (_DAYS, _CLOCKS, _TAILS):
        if len(known) >= _MAX_REMEMBERED:
            known.clear()
    _DAYS[text[:10]] = int(midnight.timestamp())
    _CLOCKS[text[10:19]] = (plain - midnight).seconds
    shift = when.utcoffset() or timedelta()
    _TAILS[text[19:]] = shift // timedelta(seconds=1), plain.microsecond * 1000


def parse_time(target: types_pb2.EventTime, found: EventDateTime) -> None:
    """`found` into an empty `target`, which stays so when Google told no time.

    Raises:
        ProviderError: PROVIDER_FAULT when a time is none.
    """
    text = found.dateTime
    if text is not None:
        if found.timeZone:
            target.time_zone = found.timeZone
            if len(text) == 19:
                text = _with_offset(text, found.timeZone)
        parse_stamp(target.timestamp, text)
    elif found.date is not None:
        try:
            day = date.fromisoformat(found.date)
        except ValueError:
            raise _fault() from None
        target.date.year = day.year
        target.date.month = day.month
        target.date.day = day.day


def complete_days(start: types_pb2.EventTime, end: types_pb2.EventTime) -> None:
    """Let an all-day event that ends nowhere, or where it starts, last for one day (P28)."""
    first = times.date_of(start.date)
    if end.WhichOneof("value") == "date" and times.date_of(end.date) > first:
        return
    try:
        times.set_date(end, first + timedelta(days=1))
    except OverflowError:
        raise _fault() from None


def _with_offset(text: str, zone: str) -> str:
    """A wall time beside its zone, as Google takes it and has been seen to answer it."""
    try:
        wall = datetime.fromisoformat(text)
    except ValueError:
        raise _fault() from None
    return wall.replace(tzinfo=timezones.zone_or_none(zone) or UTC).isoformat()


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
