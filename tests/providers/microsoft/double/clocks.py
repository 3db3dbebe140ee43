"""Zones and wall times as Exchange keeps them: Windows names, seven digits, no offset."""

import zoneinfo
from datetime import UTC, datetime
from typing import Any

from providers.core.windows_zones import ZONES
from tests.providers.microsoft.double.problems import Problem

Json = dict[str, Any]
win_tz = {name: zones.split()[0] for name, zones in ZONES.items()}
tz_win = {iana: name for name, zones in ZONES.items() for iana in zones.split()}
# What a mailbox on an older system does not list yet.
NEWER = {"British Columbia Standard Time", "Alberta Standard Time", "Manitoba Standard Time"}


def zone(name: str) -> zoneinfo.ZoneInfo:
    """The rules behind a Windows or IANA name.

    Raises:
        Problem: 400 TimeZoneNotSupportedException.
    """
    if name in win_tz:
        return zoneinfo.ZoneInfo(win_tz[name])
    if name in ("", "tzone://Microsoft/Utc"):
        return zoneinfo.ZoneInfo("UTC")
    if name in ("tzone://Microsoft/Custom", "Customized Time Zone"):
        return zoneinfo.ZoneInfo("Asia/Kolkata")
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise Problem(
            400, "TimeZoneNotSupportedException", "A valid TimeZone value must be specified."
        ) from None


def windows(name: str) -> str:
    """The name under which Exchange keeps a zone."""
    if name in win_tz or name.startswith(("tzone://", "Customized")):
        return name
    return tz_win.get(name, "UTC") if name not in ("", "UTC") else "UTC"


def read(value: Any, word: str) -> tuple[datetime, str]:
    """A dateTimeTimeZone as wall time and the name of its zone.

    Raises:
        Problem: 400.
    """
    if not isinstance(value, dict) or not isinstance(value.get("dateTime"), str):
        raise Problem(400, "ErrorPropertyValidationFailure", f"{word} is required")
    try:
        found = datetime.fromisoformat(value["dateTime"])
    except ValueError:
        raise Problem(400, "RequestBodyRead", f"{word} is no time") from None
    name = value.get("timeZone") or "UTC"
    rules = zone(name)
    if found.tzinfo is not None:
        found = found.astimezone(rules).replace(tzinfo=None)
    return found, windows(name)


def instant(wall: datetime, name: str) -> datetime:
    return wall.replace(tzinfo=zone(name)).astimezone(UTC)


def shown(when: datetime, name: str) -> Json:
    """An instant in the zone of a Prefer header."""
    wall = when.astimezone(zone(name)).replace(tzinfo=None)
    return {"dateTime": f"{wall:%Y-%m-%dT%H:%M:%S}.{wall.microsecond:06d}0", "timeZone": name}


def stamp(when: datetime) -> str:
    return f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}0Z"


def parse(text: str) -> datetime:
    """A bound of a window; no offset means UTC."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Problem(400, "ErrorInvalidParameter", "no time") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
