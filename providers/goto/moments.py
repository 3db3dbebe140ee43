"""Times as GoTo writes and reads them."""

import re
from datetime import UTC, datetime

from providers.core import times
from providers.core.errors import Kind, ProviderError
from ucal.v1 import types_pb2

# "2026-12-01T09:00:00.+0000": a dot without digits, an offset without colon (meetings, 2026-11).
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d*)?(Z|[+-]\d\d:?\d\d)")


def moment(text: str) -> datetime:
    """A time of GoTo's, aware, UTC, to the second.

    Raises:
        ProviderError: PROVIDER_FAULT, when it is none.
    """
    found = _MOMENT.fullmatch(text)
    if found is None:
        raise ProviderError(Kind.PROVIDER_FAULT, "GoTo sent a time that cannot be read")
    offset = found[3].replace(":", "")
    zone = "+00:00" if offset == "Z" else f"{offset[:3]}:{offset[3:]}"
    return times.in_zone(times.parse_rfc3339(found[1] + zone), UTC)


def moment_or_none(text: str | None) -> datetime | None:
    """`moment`, where the field may be absent or empty."""
    return moment(text) if text else None


def spell(when: datetime) -> str:
    """`when` as requests want it: UTC, to the second, "2026-12-01T09:00:00Z"."""
    return times.format_rfc3339(when.replace(microsecond=0))


def instant(when: types_pb2.EventTime, field: str) -> datetime:
    """The instant of `when`, cut to the second, which is all that GoTo keeps.

    Raises:
        ProviderError: INVALID, for dates and for wall times without a zone.
    """
    form = when.WhichOneof("value")
    if form == "date":
        raise ProviderError.invalid(field, "GoTo has no all-day meetings: give a time")
    if form == "floating" and not when.time_zone:
        raise ProviderError.invalid(field, "GoTo has no times without a zone: give one")
    if form is None:
        raise ProviderError.invalid(field, "is required by GoTo")
    return times.instant(when).replace(microsecond=0)


def coerced(sent: types_pb2.EventTime, zone: str = "") -> bool:
    """Whether GoTo keeps `sent` in another form, when `zone` is all that it keeps of zones."""
    if sent.WhichOneof("value") != "timestamp" or sent.timestamp.nanos:
        return True
    return sent.time_zone not in ("", "UTC", zone)
