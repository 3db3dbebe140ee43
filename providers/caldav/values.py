"""Values of iCalendar properties: durations, dates, date-times (RFC 5545 section 3.3). Pure."""

from datetime import UTC, date, datetime, timedelta

from providers.caldav.planned import Planned

_UNITS = {"W": 604_800, "D": 86_400, "H": 3_600, "M": 60, "S": 1}
_LONGEST = 10**9
_DATE_TIME = (15, 16)


def parse_duration(text: str) -> timedelta | None:
    """A DURATION; None for what is none or is longer than thirty years."""
    sign = -1 if text.startswith("-") else 1
    body = text.strip().lstrip("+-").upper()
    if not body.startswith("P") or len(body) > 32:
        return None
    seconds, number = 0, ""
    for character in body[1:]:
        if character.isascii() and character.isdigit():
            number += character
        elif character in _UNITS and number:
            seconds += int(number) * _UNITS[character]
            number = ""
        elif character != "T":
            return None
    if number or seconds > _LONGEST:
        return None
    return timedelta(seconds=sign * seconds)


def parse_wall(text: str) -> Planned | None:
    """A DATE or DATE-TIME without its zone: aware only when it ends in Z. None for what is none."""
    if len(text) in _DATE_TIME and text[:8].isdigit():
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            pass  # a leap second, "z", or nonsense: looked at one by one
    try:
        year, month, day = int(text[:4]), int(text[4:6]), int(text[6:8])
        if len(text) == 8:
            return date(year, month, day)
        if text[8] not in "Tt" or len(text) < 13:
            return None
        second = min(int(text[13:15] or 0), 59)  # a leap second has no place in datetime
        return datetime(
            year, month, day, int(text[9:11]), int(text[11:13]), second,
            tzinfo=UTC if text[15:16] in {"Z", "z"} else None,
        )  # fmt: skip
    except (ValueError, IndexError):
        return None


def parse_utc(text: str) -> datetime | None:
    """A DATE-TIME in UTC; one without Z counts as UTC too."""
    found = parse_wall(text.strip())
    if not isinstance(found, datetime):
        return None
    return found.replace(tzinfo=UTC)


def dump_wall(value: Planned) -> str:
    """A DATE, a DATE-TIME in UTC with Z, or a DATE-TIME as read off a clock in its zone."""
    if not isinstance(value, datetime):
        return f"{value.year:04}{value:%m%d}"
    mark = "Z" if value.tzinfo is UTC else ""
    return f"{value.year:04}{value:%m%dT%H%M%S}{mark}"
