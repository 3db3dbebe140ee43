"""Names of zones that a mailbox understands when an event is written.

Graph takes IANA names for most zones and keeps Windows' ones. In November 2026 British Columbia,
Alberta and Manitoba stopped changing clocks: Windows has new zones for them, and a mailbox that
does not list those still puts the old zone's winter behind the same IANA name.
"""

from collections.abc import Iterable
from typing import Any

from providers.core import timezones
from providers.core.errors import Kind, ProviderError
from providers.core.windows_zones import NEWER
from providers.core.wire import decode
from providers.microsoft.api import Api
from providers.microsoft.wire import TimeZoneNames
from ucal.v1 import event_pb2

NOT_SUPPORTED = "TIME_ZONE_NOT_SUPPORTED"


async def word_for(api: Api, zone: str, *, recurring: bool) -> str:
    """The name to write for an IANA zone.

    Returns:
        "UTC" for a single event in a zone that the mailbox would get wrong.

    Raises:
        ProviderError: PRECONDITION for a series in such a zone.
    """
    windows = timezones.windows_name(zone)
    if windows is None or windows not in NEWER:
        return zone
    reply = await api.send("GET", f"{api.me}/outlook/supportedTimeZones")
    if any(each.alias == windows for each in decode(reply, TimeZoneNames).value):
        return windows
    if recurring:
        raise ProviderError(
            Kind.PRECONDITION,
            "the mailbox does not know yet that this zone no longer changes clocks: a series would "
            "be an hour off in winter",
            reason=NOT_SUPPORTED,
            violations=[("event.start_at.time_zone", "is too new for the mailbox")],
        )
    return "UTC"


def to_windows(body: dict[str, Any]) -> dict[str, Any] | None:
    """A body with Windows' names for its zones; None when nothing is gained by that."""
    changed = dict(body)
    for name in ("start", "end"):
        if name in body:
            changed[name] = _renamed(body[name], "timeZone")
    repeats = body.get("recurrence")
    if repeats:
        limits = _renamed(repeats["range"], "recurrenceTimeZone")
        changed["recurrence"] = {**repeats, "range": limits}
    return None if changed == body else changed


def _renamed(found: dict[str, Any], name: str) -> dict[str, Any]:
    windows = timezones.windows_name(found.get(name, ""))
    return {**found, name: windows} if windows else found


def survives(zone: str) -> bool:
    """Whether a zone comes back under its own name when Exchange keeps Windows' one."""
    windows = timezones.windows_name(zone)
    return windows is not None and timezones.iana_name(windows) == timezones.iana_name(zone)


def changed_times(asked: event_pb2.Event, kept: event_pb2.Event) -> Iterable[str]:
    """Fields whose zone came back under another name, or as UTC."""
    for name in ("start_at", "end_at"):
        wanted, found = getattr(asked, name), getattr(kept, name)
        if wanted.WhichOneof("value") != "timestamp" or not wanted.time_zone:
            continue
        if timezones.iana_name(wanted.time_zone) != timezones.iana_name(found.time_zone):
            yield name
