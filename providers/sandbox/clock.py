"""Instants as whole microseconds since 1970, the form in which the sandbox sorts and compares."""

from datetime import UTC, datetime, timedelta

MICRO = timedelta(microseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PAST = -62_000_000_000_000_000  # in the year 5
FAR = 253_000_000_000_000_000  # in the year 9987


def micros(when: datetime) -> int:
    """An aware `when` as microseconds since 1970."""
    return (when - EPOCH) // MICRO


def moment(since: int) -> datetime:
    """The inverse of `micros`, UTC; what is beyond `PAST` or `FAR` is brought back."""
    return EPOCH + max(PAST, min(FAR, since)) * MICRO
