"""Times of events between Graph's `dateTimeTimeZone` and the contract's `EventTime`.

Graph tells wall times beside a zone and keeps no floating ones. It is always asked for UTC; in
which zone an event is planned stands in `originalStartTimeZone`, mostly by its Windows name (P18).
An all-day event is midnight to midnight there, and any other hour in UTC (P30, P31).
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from google.protobuf.timestamp_pb2 import Timestamp

from providers.core import times, timezones
from providers.core.errors import Kind, ProviderError
from providers.microsoft.wire import DateTimeTimeZone, Event
from ucal.v1 import types_pb2

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - compared with wall times in UTC
_SECOND = timedelta(seconds=1)
_HALF_DAY = timedelta(hours=12)
_MIDNIGHT = time()
# "There is none", in .NET (P72).
_UNSET = "0001-01-01"


def _fault() -> ProviderError:
    return ProviderError(Kind.PROVIDER_FAULT, "Microsoft sent a time that is none")


def parse_stamp(target: Timestamp, text: str) -> None:
    """A time like "2026-12-01T09:00:00.1234567Z" into a Timestamp; the year 1 leaves it unset.

    Raises:
        ProviderError: PROVIDER_FAULT when it is none.
    """
    if text.startswith(_UNSET):
        return
    times.timestamp(target, instant_of(text))


def instant_of(text: str) -> datetime:
    """An aware time; one without offset is UTC, as in `virtualEvent` and `registration`.

    Raises:
        ProviderError: PROVIDER_FAULT when it is none.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return times.parse_rfc3339(text)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def moment(found: DateTimeTimeZone) -> datetime:
    """The instant of a wall time in the zone beside it (P26), aware, UTC.

    Raises:
        ProviderError: PROVIDER_FAULT when it is none, or its zone is not known.
    """
    try:
        wall = datetime.fromisoformat(found.dateTime or "")
    except ValueError:
        raise _fault() from None
    name = found.timeZone or "UTC"
    if wall.tzinfo is None and name == "UTC":
        return wall.replace(tzinfo=UTC)
    zone = wall.tzinfo or timezones.zone_or_none(name)
    if zone is None:
        raise _fault()
    try:
        return wall.replace(tzinfo=zone).astimezone(UTC)
    except OverflowError:
        raise _fault() from None


def zone_name(event: Event, fallback: str) -> tuple[str, bool]:
    """IANA name of the zone in which an event is planned, and whether it was guessed (P19).

    Args:
        fallback: zone of the mailbox, for zones that only an old desktop client knows.
    """
    word = event.originalStartTimeZone
    repeats = event.recurrence
    if repeats is not None and repeats.range is not None:
        word = repeats.range.recurrenceTimeZone or word
    known = timezones.iana_name(word) if word else None
    if known is None and word != event.originalStartTimeZone and event.originalStartTimeZone:
        known = timezones.iana_name(event.originalStartTimeZone)
    if known is not None:
        return known, False
    return fallback or "UTC", bool(word)


def is_strange(event: Event) -> bool:
    """Whether the mailbox's zone has to be asked for."""
    return zone_name(event, "")[1]


def fill_times(target: types_pb2.EventTime, found: DateTimeTimeZone, zone: str) -> None:
    """A timed start or end into `target`, planned in `zone`."""
    text = found.dateTime
    if text is None:
        raise _fault()
    if found.timeZone == "UTC":
        try:
            since = datetime.fromisoformat(text) - _EPOCH
        except (ValueError, TypeError):
            raise _fault() from None
        target.timestamp.seconds = since // _SECOND
    else:
        target.timestamp.seconds = (moment(found).replace(tzinfo=None) - _EPOCH) // _SECOND
    target.time_zone = zone


def day_of(when: datetime, zone: ZoneInfo) -> date:
    """The day that begins at `when`: at midnight in `zone`, or in UTC, or nearest to it."""
    try:
        there = when.astimezone(zone)
        if there.time() == _MIDNIGHT:
            return there.date()
        if when.time() == _MIDNIGHT:
            return when.date()
        return (there + _HALF_DAY).date()
    except OverflowError:
        return when.date()


def fill_day(target: types_pb2.EventTime, when: datetime, zone: str) -> None:
    """A start or end of an all-day event into `target`."""
    day = day_of(when, timezones.zone(zone))
    target.date.year, target.date.month, target.date.day = day.year, day.month, day.day


def dump_time(when: types_pb2.EventTime, path: str, zone: str = "") -> dict[str, str]:
    """`when` as Graph takes it.

    Args:
        zone: name to write for the zone; absent: the one that `when` names, else UTC.

    Raises:
        ProviderError: INVALID for a floating time; `path` names the field.
    """
    form = when.WhichOneof("value")
    if form == "floating":
        raise ProviderError.invalid(
            path, "Outlook keeps no floating times: give a timestamp and a time_zone"
        )
    name = zone or when.time_zone or "UTC"
    if form == "date":
        return {"dateTime": f"{times.date_of(when.date).isoformat()}T00:00:00", "timeZone": name}
    known = timezones.zone(name, path)
    wall = times.datetime_of(when.timestamp).astimezone(known).replace(tzinfo=None)
    return {"dateTime": wall.isoformat(), "timeZone": name}


def utc_text(when: datetime) -> str:
    """An instant as query parameters take it, in UTC and without an offset."""
    return when.astimezone(UTC).replace(tzinfo=None).isoformat()
