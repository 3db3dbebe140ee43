"""Names of time zones: the IANA zone behind every spelling that calendars use, and Windows' names.

The zones themselves come from the tzdata package, whatever the operating system has: its copy may
be years old. Custom zones that a calendar carries along (VTIMEZONE) are `vtimezone`'s business.
"""

import re
import unicodedata
import zoneinfo
from datetime import datetime, timedelta
from functools import cache, lru_cache
from importlib import resources
from zoneinfo import ZoneInfo

from providers.core.errors import ProviderError
from providers.core.windows_labels import LABELS
from providers.core.windows_zones import ZONES

# Without this, zoneinfo prefers the operating system's files to those of the tzdata package.
zoneinfo.reset_tzpath(to=())
ZoneInfo.clear_cache()

MAX_NAME = 256
"""Characters of the longest name that is looked at."""

_NOT_PLACES = frozenset({"Factory", "localtime", "posixrules"})
_UTC_NAMES = frozenset({"z", "utc", "gmt", "utc+0", "gmt+0", "tzone://microsoft/utc"})
# An offset in brackets and cities, as Windows and Kerio show zones to people.
_LABEL = re.compile(r"\((?:utc|gmt)(?:\s*([+\-\u2212\u2013])\s*(\d{1,2})[:.]?(\d{2})?)?\)\s*(.*)")
_SPACES = re.compile(r"[\s_]+")


def zone(name: str, field: str = "time_zone") -> ZoneInfo:
    """The rules of a zone, by any name that `iana_name` knows.

    Raises:
        ProviderError: INVALID, naming `field`, when there is no such zone.
    """
    found = zone_or_none(name)
    if found is None:
        raise ProviderError.invalid(field, 'is no IANA time zone; "Europe/Berlin" is one')
    return found


def zone_or_none(name: str) -> ZoneInfo | None:
    """The rules of the zone with exactly this IANA name, or one that `iana_name` reads; or None."""
    if len(name) > MAX_NAME:
        return None
    return _zone(name)


@lru_cache(maxsize=2048)
def _zone(name: str) -> ZoneInfo | None:
    known = iana_name(name)
    return ZoneInfo(known) if known else None


def iana_name(name: str) -> str | None:
    """The IANA zone that a calendar means by `name`; None when it cannot be told.

    Reads IANA names in any case, also behind a vendor's prefix ("/mozilla.org/20050126_1/Europe/
    Berlin"), Windows names ("W. Europe Standard Time"), and what Windows shows to people ("(UTC+
    01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna", with or without the part in brackets).
    A bare offset is no zone: it does not say when clocks change.
    """
    if len(name) > MAX_NAME:
        return None
    return _iana_name(name)


@lru_cache(maxsize=2048)
def _iana_name(name: str) -> str | None:
    if _iana().get(name.lower()) == name:
        return name
    lowered = _plain(name)
    if lowered in _UTC_NAMES:
        return "UTC"
    return _iana().get(lowered) or _of_windows(lowered) or _of_label(lowered) or _of_suffix(lowered)


def windows_name(iana: str) -> str | None:
    """The Windows name of an IANA zone (CLDR windowsZones); None for the few that have none.

    A mailbox on an older system lacks the names in `windows_zones.NEWER`.
    """
    known = iana_name(iana)
    return _windows_by_iana().get(known) if known else None


def _of_windows(lowered: str) -> str | None:
    found = _windows().get(_squeezed(lowered))
    return found.split(maxsplit=1)[0] if found else None


def _of_label(lowered: str) -> str | None:
    """The zone of a text that Windows or Kerio shows to people; the offset must not contradict."""
    bracketed = _LABEL.fullmatch(lowered)
    text = bracketed[4] if bracketed else lowered
    if bracketed and text == "coordinated universal time":
        return "UTC"
    windows = _labels().get(_squeezed(text))
    if windows:
        return ZONES[windows].split(maxsplit=1)[0]
    if bracketed is None:
        return _of_cities(text, None) if "," in text else None
    sign = 1 if bracketed[1] == "+" else -1
    hours, minutes = int(bracketed[2] or 0), int(bracketed[3] or 0)
    return _of_cities(text, sign * timedelta(hours=hours, minutes=minutes))


def _of_cities(text: str, offset: timedelta | None) -> str | None:
    """The zone of the first city in the list that has one of its own, if it has that offset."""
    for city in re.split(r"[,/;]", text):
        found = _cities().get(_squeezed(city))
        if found and (offset is None or offset in _offsets(found)):
            return found
    return None


def _offsets(name: str) -> set[timedelta | None]:
    """Offsets of a zone in the middle of winter and of summer."""
    zone = ZoneInfo(name)
    return {datetime(2026, month, 15, tzinfo=zone).utcoffset() for month in (1, 7)}


def _of_suffix(lowered: str) -> str | None:
    """The zone behind a vendor's prefix: the longest tail of the path that is a name."""
    parts = lowered.split("/")
    if len(parts) < 2:
        return None
    for length in (3, 2):
        found = _iana().get("/".join(parts[-length:]))
        if found and len(parts) > length:
            return found
    return None


def _plain(name: str) -> str:
    """In lower case, without quotes, accents, controls, and backslashes of an escaped TEXT."""
    text = unicodedata.normalize("NFKD", name).replace("\\", "").lower()
    return "".join(
        char for char in text if char.isprintable() and not unicodedata.combining(char)
    ).strip(" \"'")


def _squeezed(text: str) -> str:
    return _SPACES.sub(" ", text).strip()


@cache
def _iana() -> dict[str, str]:
    """Every IANA name, links too, by its lower-case form."""
    listing = resources.files("tzdata").joinpath("zones").read_text(encoding="ascii")
    names = (line.strip() for line in listing.splitlines())
    return {name.lower(): name for name in names if name and name not in _NOT_PLACES}


@cache
def _windows() -> dict[str, str]:
    return {name.lower(): zones for name, zones in ZONES.items()}


@cache
def _windows_by_iana() -> dict[str, str]:
    return {iana: name for name, zones in ZONES.items() for iana in zones.split()}


@cache
def _labels() -> dict[str, str]:
    return {label.lower(): name for label, name in LABELS.items()}


@cache
def _cities() -> dict[str, str]:
    """IANA zones by their last part, "berlin"; names that stand for several zones are left out."""
    found: dict[str, str] = {}
    for name in _windows_by_iana():
        area, _, city = name.rpartition("/")
        if area and not area.startswith(("Etc", "US", "Canada", "Mexico", "Brazil", "Chile")):
            found.setdefault(city.replace("_", " ").lower(), name)
    return found
