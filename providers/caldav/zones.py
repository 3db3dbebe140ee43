"""The zones of one calendar object: what its TZIDs mean (RFC 5545 section 3.2.19). Pure.

A TZID is any text. In order: an IANA name in any spelling, the VTIMEZONE that the object carries
along (P19), the calendar's own zone, which is a guess and is marked as one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from functools import lru_cache

from providers.caldav.planned import Planned, like
from providers.caldav.values import dump_wall, parse_wall
from providers.core import timezones, vtimezone
from providers.core.ical import Line, param


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone.

    Attributes:
        name: IANA name; "" for a VTIMEZONE that is like no IANA zone, and beside dates.
        rules: those of the VTIMEZONE where it rules. None for dates and floating times.
        inferred: the name was guessed.
    """

    name: str
    rules: tzinfo | None
    inferred: bool = False


UNZONED = Zone("", None)
IN_UTC = Zone("UTC", UTC)


# Years in which a VTIMEZONE has to agree with an IANA zone to be called by its name.
_YEARS = 5


@lru_cache(maxsize=256)
def _custom(text: str, year: int) -> Zone | None:
    """The zone of a VTIMEZONE, None when it makes no sense; `year` is the present one."""
    rules = vtimezone.read_zone(text)
    if rules is None:
        return None
    name = vtimezone.iana_like(rules, year - 1, year + _YEARS)
    return Zone(name or "", rules, inferred=True)


def _tzid(line: Line) -> str:
    """TZID; nearly always it is the only parameter and not quoted."""
    params = line[1]
    if params.startswith(";TZID=") and params.count(";") == 1 and '"' not in params:
        return params[6:]
    return param(line, "TZID")


@dataclass(slots=True)
class Zones:
    """What the TZIDs of one calendar object mean.

    Attributes:
        texts: VTIMEZONEs by TZID.
        default: IANA name of the calendar's zone, "" when it has none.
    """

    texts: Mapping[str, str] = field(default_factory=dict)
    default: str = ""
    _known: dict[str, Zone] = field(default_factory=dict)

    def of(self, tzid: str) -> Zone:
        """The zone that `tzid` names here."""
        found = self._known.get(tzid)
        if found is None:
            found = self._known[tzid] = self._resolve(tzid)
        return found

    def _resolve(self, tzid: str) -> Zone:
        name = timezones.iana_name(tzid)
        if name is not None:
            return Zone(name, timezones.zone(name))
        text = self.texts.get(tzid)
        custom = _custom(text, datetime.now(UTC).year) if text else None
        if custom is not None:
            return custom
        name = self.default or "UTC"
        return Zone(name, timezones.zone(name), inferred=True)

    def read(self, line: Line) -> tuple[Planned | None, Zone]:
        """A DATE or DATE-TIME property: its value, aware unless it floats, and its zone."""
        return self.read_value(line[2], line)

    def read_value(self, text: str, line: Line) -> tuple[Planned | None, Zone]:
        """One value of a property that may hold several, with the parameters of the property."""
        value = parse_wall(text)
        if not isinstance(value, datetime):
            return value, UNZONED
        tzid = _tzid(line) if line[1] else ""
        if not tzid:
            return value, IN_UTC if value.tzinfo else UNZONED
        zone = self.of(tzid)
        if value.tzinfo is None:
            return value.replace(tzinfo=zone.rules), zone
        return value, zone

    def rule_text(self, line: Line, start: Planned | None, zone: Zone) -> str:
        """A line of the recurrence as everybody can read it; "" when nothing of it is left.

        Dates and times are written in the form of `start`: what other programs mix up is matched
        by day, as they mean it.
        """
        name = line[0]
        if name in {"RRULE", "EXRULE"}:
            return f"{name}:{line[2].strip()}"
        values = []
        for text in line[2].split(","):
            value, _ = self.read_value(text.strip().partition("/")[0], line)
            if value is not None and start is not None:
                values.append(like(value, start))
        if not values:
            return ""
        return f"{name}{_form(start, zone)}:{','.join(dump(value, zone) for value in values)}"


def _form(start: Planned | None, zone: Zone) -> str:
    if not isinstance(start, datetime):
        return ";VALUE=DATE"
    return f";TZID={zone.name}" if zone.name and zone.name != "UTC" else ""


def dump(value: Planned, zone: Zone) -> str:
    """`value` as it stands in a property: in `zone` when that has a name, else in UTC."""
    if not isinstance(value, datetime) or value.tzinfo is None:
        return dump_wall(value)
    if zone.name and zone.name != "UTC" and zone.rules is not None:
        return dump_wall(value.astimezone(zone.rules).replace(tzinfo=None))
    return dump_wall(value.astimezone(UTC))
