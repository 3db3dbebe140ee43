"""Planned starts of instances (RFC 5545 RECURRENCE-ID), and the part that they play in ids."""

from datetime import UTC, date, datetime
from typing import TypeAlias

from providers.core import times
from providers.sandbox.clock import moment
from ucal.v1 import types_pb2

Planned: TypeAlias = datetime | date
"""An aware or a floating date-time, or a date."""


def key_of(planned: Planned) -> str:
    """The last part of an instance's id: RFC 5545 DATE, DATE-TIME in UTC, or floating DATE-TIME."""
    if not isinstance(planned, datetime):
        return f"{planned:%Y%m%d}"
    if planned.tzinfo is None:
        return f"{planned:%Y%m%dT%H%M%S}"
    return f"{planned.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def planned_of(key: str) -> Planned | None:
    """The inverse of `key_of`; None for what is no key."""
    try:
        if len(key) == 8:
            return datetime.strptime(key, "%Y%m%d").replace(tzinfo=UTC).date()
        if len(key) == 16:
            return datetime.strptime(key, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        if len(key) == 15:
            return datetime.strptime(key + "+0000", "%Y%m%dT%H%M%S%z").replace(tzinfo=None)
    except ValueError:
        pass
    return None


def planned_at(when: types_pb2.EventTime) -> Planned:
    """A planned start as callers write it."""
    if when.WhichOneof("value") == "timestamp":
        return moment(when.timestamp.ToMicroseconds())
    return times.local(when)
