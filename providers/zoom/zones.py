"""Zones as Zoom names them: a list of its own, partly of old spellings.

developers.zoom.us/docs/api/references/abbreviations (Timezones), read in November 2026.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from providers.core import timezones
from providers.core.errors import ProviderError

# Names that Zoom takes, by area; those of the last line have none.
_NAMES: dict[str, str] = {
    "Pacific": "Midway Pago_Pago Honolulu Port_Moresby Noumea Fiji Auckland Apia",
    "America": (
        "Anchorage Vancouver Los_Angeles Tijuana Edmonton Denver Phoenix Mazatlan Winnipeg Regina "
        "Chicago Mexico_City Guatemala El_Salvador Managua Costa_Rica Tegucigalpa Montreal "
        "New_York Indianapolis Panama Bogota Lima Halifax Puerto_Rico Caracas Santiago St_Johns "
        "Montevideo Araguaina Argentina/Buenos_Aires Godthab Sao_Paulo"
    ),
    "Canada": "Atlantic",
    "Atlantic": "Azores Cape_Verde Reykjavik",
    "Etc": "Greenwich",
    "Europe": (
        "Belgrade Dublin London Lisbon Oslo Copenhagen Brussels Berlin Helsinki Amsterdam Rome "
        "Stockholm Vienna Luxembourg Paris Zurich Madrid Warsaw Prague Budapest Sofia Istanbul "
        "Athens Bucharest Kiev Moscow"
    ),
    "Africa": (
        "Casablanca Nouakchott Bangui Algiers Tunis Harare Nairobi Tripoli Cairo Johannesburg "
        "Khartoum Djibouti Mogadishu"
    ),
    "Asia": (
        "Nicosia Beirut Damascus Jerusalem Amman Baghdad Kuwait Riyadh Bahrain Qatar Aden Tehran "
        "Dubai Muscat Baku Kabul Yekaterinburg Tashkent Calcutta Kolkata Kathmandu Novosibirsk "
        "Almaty Dacca Dhaka Krasnoyarsk Bangkok Saigon Jakarta Irkutsk Shanghai Hong_Kong Taipei "
        "Kuala_Lumpur Singapore Yakutsk Seoul Tokyo Vladivostok Magadan Kamchatka"
    ),
    "Australia": "Perth Darwin Adelaide Brisbane Sydney Hobart",
}
NAMES: tuple[str, ...] = (
    *(f"{area}/{name}" for area, names in _NAMES.items() for name in names.split()),
    "UTC",
    "CET",
)
# What Zoom calls zones that IANA does not know by that name.
_OWN = {"SST": "Pacific/Guadalcanal"}
_OWN_BY_IANA = {iana: name for name, iana in _OWN.items()}
_KNOWN = frozenset(NAMES)
_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
# Two zones with the same offsets at noon of every day of six years have the same rules.
_DAYS = range(6 * 366)
_SPARSE = range(0, 6 * 366, 30)


def parse_zone(name: str | None) -> str:
    """The IANA name of a zone of Zoom's; "" for one that cannot be told."""
    if not name:
        return ""
    return _OWN.get(name) or timezones.iana_name(name) or ""


def dump_zone(name: str, field: str) -> str:
    """What Zoom calls a zone: by its own name, else by that of one with the same rules.

    Raises:
        ProviderError: INVALID in `field`, for a zone whose rules none of Zoom's zones has.
    """
    iana = timezones.iana_name(name)
    found = (iana if iana in _KNOWN else _OWN_BY_IANA.get(iana) or _twin(iana)) if iana else None
    if not found:
        raise ProviderError.invalid(
            field, "Zoom has no zone with these rules: name another, or plan it in UTC"
        )
    return found


@lru_cache(maxsize=512)
def _twin(iana: str) -> str | None:
    """A zone of Zoom's with the same rules, of the same continent if there is one."""
    sparse = _offsets(iana, _SPARSE)
    area = iana.partition("/")[0]
    for name in sorted(NAMES, key=lambda each: each.partition("/")[0] != area):
        if _offsets(name, _SPARSE) == sparse and _offsets(name, _DAYS) == _offsets(iana, _DAYS):
            return name
    return None


@lru_cache(maxsize=256)
def _offsets(name: str, days: range) -> tuple[timedelta | None, ...]:
    zone = timezones.zone(name)
    return tuple((_BEGIN + timedelta(days=day)).astimezone(zone).utcoffset() for day in days)
