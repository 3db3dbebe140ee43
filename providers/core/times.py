"""Points in time between Python and the contract: EventTime, Timestamp, windows, RFC 3339.

Every `datetime` that stands for an instant is aware; naive ones are wall times (floating). What a
zone is called lives in `timezones`, what repeats in `recurrence`.
"""

from datetime import UTC, date, datetime, time, timedelta, tzinfo

from google.protobuf.timestamp_pb2 import Timestamp
from google.type import date_pb2

from providers.core import timezones
from providers.core.errors import Kind, ProviderError
from ucal.v1 import types_pb2

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - wall time, see _of_floating
_FIRST_SECOND = -62135596800
_LAST_SECOND = 253402300799
_DAY = timedelta(days=1)


def parse_rfc3339(text: str) -> datetime:
    """An RFC 3339 date-time from a provider, aware; digits beyond microseconds are cut.

    Raises:
        ProviderError: PROVIDER_FAULT, when it is none or has no offset.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = _parse_rare(text)
    if found.tzinfo is None:
        raise _no_time()
    return found


def _parse_rare(text: str) -> datetime:
    """Lower-case "z", and leap seconds, which are read as the second before."""
    try:
        return datetime.fromisoformat(text.upper().replace(":60", ":59"))
    except ValueError:
        raise _no_time() from None


def _no_time() -> ProviderError:
    return ProviderError(Kind.PROVIDER_FAULT, "the provider sent a time that is not RFC 3339")


def format_rfc3339(when: datetime) -> str:
    """`when` in UTC, "2030-01-31T09:00:00Z", with a fraction when it has one.

    Raises:
        ValueError: `when` is naive.
    """
    if when.tzinfo is None:
        raise ValueError("a wall time is no instant")
    return f"{in_zone(when, UTC).replace(tzinfo=None).isoformat()}Z"


def in_zone(when: datetime, zone: tzinfo) -> datetime:
    """`when`, which is aware, on the clocks of `zone`; at the ends of the calendar its last moment.

    UNTIL=99991231T235959Z is common, and is the year 10000 in Tokyo, which Python does not know.
    """
    try:
        return when.astimezone(zone)
    except OverflowError:
        end = datetime.max if when.year > 5000 else datetime.min  # noqa: DTZ901 - gets its zone
        return end.replace(tzinfo=zone)


def timestamp(target: Timestamp, when: datetime) -> None:
    """Write an instant.

    Raises:
        ValueError: `when` is naive.
    """
    if when.tzinfo is None:
        raise ValueError("a wall time is no instant")
    since = when - EPOCH
    target.seconds = since.days * 86400 + since.seconds
    target.nanos = since.microseconds * 1000


def datetime_of(stamp: Timestamp) -> datetime:
    """A Timestamp as an aware datetime in UTC, cut to microseconds.

    Raises:
        ProviderError: INVALID, when it is not within the years 1 to 9999.
    """
    if not _FIRST_SECOND <= stamp.seconds <= _LAST_SECOND:
        raise ProviderError.invalid("timestamp", "is not within the years 1 to 9999")
    return EPOCH + timedelta(seconds=stamp.seconds, microseconds=stamp.nanos // 1000)


def set_instant(target: types_pb2.EventTime, when: datetime, zone: str = "") -> None:
    """Write an instant, and the IANA zone in which it is planned."""
    timestamp(target.timestamp, when)
    target.time_zone = zone


def set_date(target: types_pb2.EventTime, day: date, zone: str = "") -> None:
    """Write a whole day."""
    target.date.year, target.date.month, target.date.day = day.year, day.month, day.day
    target.time_zone = zone


def set_floating(target: types_pb2.EventTime, wall: datetime) -> None:
    """Write a wall time that has no zone.

    Raises:
        ValueError: `wall` is aware.
    """
    if wall.tzinfo is not None:
        raise ValueError("an instant is no wall time")
    target.ClearField("time_zone")
    found = target.floating
    found.year, found.month, found.day = wall.year, wall.month, wall.day
    found.hours, found.minutes, found.seconds = wall.hour, wall.minute, wall.second
    found.nanos = wall.microsecond * 1000


def set_planned(target: types_pb2.EventTime, planned: date | datetime, zone: str = "") -> None:
    """Write what `recurrence.occurrences` returns: an aware or naive date-time, or a date."""
    if not isinstance(planned, datetime):
        set_date(target, planned)
    elif planned.tzinfo is None:
        set_floating(target, planned)
    else:
        set_instant(target, planned, zone)


def instant(when: types_pb2.EventTime, default_zone: str = "UTC") -> datetime:
    """When it is, aware, UTC.

    A date is its first moment, a floating time is read, in its own zone or else `default_zone`;
    where clocks jump over it, with the offset before the jump (RFC 5545 section 3.3.5).

    Raises:
        ProviderError: INVALID, for an unknown zone, or a date that does not exist.
    """
    if when.WhichOneof("value") == "timestamp":
        return datetime_of(when.timestamp)
    found = local(when)
    if not isinstance(found, datetime):
        found = datetime.combine(found, time())
    return in_zone(found.replace(tzinfo=timezones.zone(when.time_zone or default_zone)), UTC)


def local(when: types_pb2.EventTime) -> date | datetime:
    """The date, or the naive wall time in its own zone (UTC when it has none), as RFC 5545 says it.

    Raises:
        ProviderError: INVALID, for an unknown zone, or a date that does not exist.
    """
    form = when.WhichOneof("value")
    if form == "date":
        return date_of(when.date)
    if form == "floating":
        return _of_floating(when)
    found = datetime_of(when.timestamp)
    if when.time_zone:
        found = in_zone(found, timezones.zone(when.time_zone))
    return found.replace(tzinfo=None)


def date_of(day: date_pb2.Date) -> date:
    """A google.type.Date that is whole.

    Raises:
        ProviderError: INVALID, for a date that does not exist.
    """
    try:
        return date(day.year, day.month, day.day)
    except ValueError:
        raise ProviderError.invalid("date", "is no whole date") from None


def _of_floating(when: types_pb2.EventTime) -> datetime:
    found = when.floating
    try:
        day = _NAIVE_EPOCH.replace(found.year, found.month, found.day)
        return day.replace(
            hour=found.hours,
            minute=found.minutes,
            second=found.seconds,
            microsecond=found.nanos // 1000,
        )
    except ValueError:
        raise ProviderError.invalid("floating", "is no whole date and time") from None


def bounds(window: types_pb2.TimeRange) -> tuple[datetime | None, datetime | None]:
    """Start (inclusive) and end (exclusive) of a window, aware, UTC; None where it is open."""
    start = datetime_of(window.start_at) if window.HasField("start_at") else None
    end = datetime_of(window.end_at) if window.HasField("end_at") else None
    return start, end


def overlaps(
    start: types_pb2.EventTime,
    end: types_pb2.EventTime,
    window: types_pb2.TimeRange,
    default_zone: str = "UTC",
) -> bool:
    """Whether any part of [start, end) lies in the window; dates and floating times are read there.

    What takes no time lies in the window when its start does (RFC 4791 section 9.9). Without an
    end, a date takes a day and a time takes none.
    """
    first = instant(start, default_zone)
    last = instant(end, default_zone) if end.WhichOneof("value") else first
    if start.WhichOneof("value") == "date" and not end.WhichOneof("value"):
        following = types_pb2.EventTime(time_zone=start.time_zone)
        set_date(following, date_of(start.date) + _DAY, start.time_zone)
        last = instant(following, default_zone)
    low, high = bounds(window)
    if high is not None and first >= high:
        return False
    return low is None or last > low or first >= low
