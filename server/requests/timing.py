"""Checks of when something takes place: times, ends, zones, recurrence, people.

What is written here has passed protovalidate; these are the rules that need the whole message.
"""

import datetime as dt
import re
from typing import Any

from google.type import datetime_pb2

from providers.core import recurrence, times, timezones
from providers.core.errors import ProviderError
from server.requests.exchange import Exchange
from ucal.v1 import types_pb2

_EMAIL = re.compile(r"[^\s@<>\x00-\x1f]{1,256}@[^\s@<>\x00-\x1f]{1,255}")
_FIRST_SECOND = -62135596800
_LAST_SECOND = 253402300799


def event_time(value: types_pb2.EventTime, path: str) -> None:
    """`value` is one of the three forms, whole, with a zone that exists.

    Raises:
        ProviderError: INVALID, naming the part.
    """
    form = value.WhichOneof("value")
    if form is None:
        raise ProviderError.invalid(path, "set timestamp, date or floating")
    if form == "timestamp":
        stamp = value.timestamp
        if not (_FIRST_SECOND <= stamp.seconds <= _LAST_SECOND and 0 <= stamp.nanos < 10**9):
            raise ProviderError.invalid(f"{path}.timestamp", "is not within the years 1 to 9999")
    elif form == "date":
        _date(value, path)
    else:
        _floating(value.floating, path)
        if value.time_zone:
            raise ProviderError.invalid(f"{path}.time_zone", "excludes floating")
    if value.time_zone and timezones.zone_or_none(value.time_zone) is None:
        raise ProviderError.invalid(
            f"{path}.time_zone", 'is no IANA time zone; "Europe/Berlin" is one'
        )


def _date(value: types_pb2.EventTime, path: str) -> None:
    try:
        dt.date(value.date.year, value.date.month, value.date.day)
    except ValueError:
        raise ProviderError.invalid(f"{path}.date", "is no whole date") from None


def _floating(value: datetime_pb2.DateTime, path: str) -> None:
    if value.WhichOneof("time_offset"):
        raise ProviderError.invalid(f"{path}.floating", "has no offset and no zone")
    try:
        dt.date(value.year, value.month, value.day)
        dt.time(value.hours, value.minutes, value.seconds)
    except ValueError:
        raise ProviderError.invalid(f"{path}.floating", "is no whole date and time") from None


def span(resource: Any, name: str) -> None:
    """Start and end are of one form, and the end is not before the start (all-day: after it)."""
    if not (resource.HasField("start_at") and resource.HasField("end_at")):
        return
    start, end = resource.start_at, resource.end_at
    form = start.WhichOneof("value")
    path = f"{name}.end_at"
    if end.WhichOneof("value") != form:
        raise ProviderError.invalid(path, f"must be a {form}, as {name}.start_at is")
    first, last = times.instant(start), times.instant(end)
    if form == "date" and last <= first:
        raise ProviderError.invalid(
            path, "is exclusive: an all-day event of one day ends on the next date"
        )
    if last < first:
        raise ProviderError.invalid(path, f"is before {name}.start_at")


def when(resource: Any, name: str) -> None:
    """Every time in `resource`, an event or a webinar, and how it repeats."""
    for field in ("start_at", "end_at"):
        if resource.HasField(field):
            event_time(getattr(resource, field), f"{name}.{field}")
    span(resource, name)
    if resource.HasField("recurrence"):
        _recurrence(resource, f"{name}.recurrence")


def _recurrence(resource: Any, path: str) -> None:
    """Turn the structured form into lines, and hold the lines against RFC 5545."""
    found: types_pb2.Recurrence = resource.recurrence
    start: types_pb2.EventTime = resource.start_at
    timed = start.WhichOneof("value") == "timestamp"
    if found.rules and found.HasField("rule"):
        raise ProviderError.invalid(f"{path}.rule", "excludes rules: send one of them")
    for field in ("included", "excluded"):
        for index, value in enumerate(getattr(found, field)):
            event_time(value, f"{path}.{field}[{index}]")
    if not found.rules:
        found.rules.extend(recurrence.lines(found, start))
    found.ClearField("rule")
    found.ClearField("included")
    found.ClearField("excluded")
    if not found.rules:
        return
    if timed and not start.time_zone:
        raise ProviderError.invalid(
            path.replace("recurrence", "start_at.time_zone"),
            "is required on a recurring event: an offset alone drifts over DST",
        )
    recurrence.validate(found.rules, start, f"{path}.rules")


def of_create(request: Any, exchange: Exchange) -> None:
    """Times of a new event or webinar."""
    name = exchange.operation.resource
    resource = getattr(request, name)
    if not resource.HasField("start_at"):
        raise ProviderError.invalid(f"{name}.start_at", "is required")
    ends = resource.HasField("end_at") or getattr(resource, "link_id", "")
    if not ends:
        raise ProviderError.invalid(f"{name}.end_at", "is required")
    when(resource, name)
    people(resource, name)


def of_update(request: Any, exchange: Exchange) -> None:
    """Times that an update writes."""
    name = exchange.operation.resource
    resource = getattr(request, name)
    for path in request.update_mask.paths:
        if path in {"start_at", "end_at"} and not resource.HasField(path):
            raise ProviderError.invalid(f"{name}.{path}", "cannot be cleared")
    when(resource, name)
    people(resource, name)
    for index, attendee in enumerate(getattr(request, "add_attendees", ())):
        address(attendee.email, f"add_attendees[{index}].email")


def people(resource: Any, name: str) -> None:
    """Every attendee has an address, and no address comes twice."""
    seen: set[str] = set()
    for index, attendee in enumerate(getattr(resource, "attendees", ())):
        path = f"{name}.attendees[{index}].email"
        address(attendee.email, path)
        if attendee.email.lower() in seen:
            raise ProviderError.invalid(path, "is there twice")
        seen.add(attendee.email.lower())
    reminders = resource.reminders if "reminders" in resource.DESCRIPTOR.fields_by_name else None
    if reminders is not None and reminders.use_default and reminders.overrides:
        raise ProviderError.invalid(f"{name}.reminders.overrides", "excludes use_default")


def address(email: str, path: str) -> None:
    """`email` looks like an address, with nothing in it that could break out of a header."""
    if not _EMAIL.fullmatch(email):
        raise ProviderError.invalid(path, "is no e-mail address")
