"""Planned starts of instances (RFC 5545 RECURRENCE-ID), and their part in ids. Pure."""

from datetime import UTC, date, datetime
from typing import TypeAlias

from providers.core import times
from ucal.v1 import types_pb2

Planned: TypeAlias = datetime | date
"""An aware or a floating date-time, or a date."""


def key_of(planned: Planned) -> str:
    """The last part of an instance's id: RFC 5545 DATE, DATE-TIME in UTC, or floating DATE-TIME."""
    if not isinstance(planned, datetime):
        return f"{planned.year:04}{planned:%m%d}"
    if planned.tzinfo is None:
        return f"{planned.year:04}{planned:%m%dT%H%M%S}"
    planned = planned.astimezone(UTC)
    return f"{planned.year:04}{planned:%m%dT%H%M%SZ}"


def planned_of(key: str) -> Planned | None:
    """The inverse of `key_of`; None for what is no key."""
    digits = key[:8] + key[9:15]
    if not (digits.isascii() and digits.isdigit() and len(key) in {8, 15, 16}):
        return None
    try:
        day = date(int(key[:4]), int(key[4:6]), int(key[6:8]))
        if len(key) == 8:
            return day
        if key[8] != "T" or key[15:] not in {"", "Z"}:
            return None
        wall = datetime(
            day.year, day.month, day.day, int(key[9:11]), int(key[11:13]), int(key[13:15]),
            tzinfo=UTC if key[15:] else None,
        )  # fmt: skip
    except ValueError:
        return None
    return wall


def planned_at(when: types_pb2.EventTime) -> Planned:
    """A planned start as callers write it."""
    if when.WhichOneof("value") == "timestamp":
        return times.instant(when)
    return times.local(when)


def like(value: Planned, start: Planned) -> Planned:
    """`value` in the form of `start`: a date, a floating time, or an instant."""
    if not isinstance(start, datetime):
        return value.date() if isinstance(value, datetime) else value
    if not isinstance(value, datetime):
        return datetime.combine(value, start.timetz())
    if start.tzinfo is None:
        return value.replace(tzinfo=None)
    return value if value.tzinfo else value.replace(tzinfo=start.tzinfo)
