"""Rules of IANA zones as VTIMEZONE text."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo


def vtimezone_text(zone: str, year: int) -> str:
    """Observances of `zone` from `year` on, as explicit onsets."""
    rules = ZoneInfo(zone)
    out = ["BEGIN:VTIMEZONE", f"TZID:{zone}"]
    at = datetime(year - 1, 1, 1, tzinfo=UTC)
    before = at.astimezone(rules).utcoffset()
    out += _part("STANDARD", before, before, datetime(1970, 1, 1), "STD")
    end = datetime(year + 12, 1, 1, tzinfo=UTC)
    while at < end:
        now = at.astimezone(rules)
        if now.utcoffset() != before:
            out += _part(
                "DAYLIGHT" if now.dst() else "STANDARD",
                before,
                now.utcoffset(),
                (at + before).replace(tzinfo=None),
                now.tzname(),
            )
            before = now.utcoffset()
        at += timedelta(hours=1)
    return "\n".join([*out, "END:VTIMEZONE"])


def _part(kind, before, after, at, name):
    return [
        f"BEGIN:{kind}",
        f"DTSTART:{at:%Y%m%dT%H%M%S}",
        f"TZOFFSETFROM:{_off(before)}",
        f"TZOFFSETTO:{_off(after)}",
        f"TZNAME:{name}",
        f"END:{kind}",
    ]


def _off(delta):
    minutes = int(delta.total_seconds() // 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{abs(minutes) % 60:02}"
