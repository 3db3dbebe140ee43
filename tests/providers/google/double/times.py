"""Times as Google writes them; series are expanded by dateutil, not by the adapter's code."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dateutil import rrule

from tests.providers.google.double.faults import Problem

Json = dict[str, Any]


def now_text(micros: int) -> str:
    when = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
    return f"{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03d}Z"


def parse(text: str) -> datetime:
    """An RFC 3339 time with an offset."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Problem(400, "invalid", "Bad Request") from None
    if found.tzinfo is None:
        raise Problem(400, "badRequest", "Bad Request")
    return found


def is_all_day(event: Json) -> bool:
    return "date" in event["start"]


def zone_of(event: Json, calendar_zone: str) -> ZoneInfo:
    return ZoneInfo(event["start"].get("timeZone") or calendar_zone)


def stored(found: Json, calendar_zone: str, path: str) -> Json:
    """A time as Google keeps it: with the offset of its zone."""
    day, text, zone = found.get("date"), found.get("dateTime"), found.get("timeZone")
    if bool(day) == bool(text):
        raise Problem(400, "invalid", f"Invalid {path} time.")
    if day:
        try:
            date.fromisoformat(day)
        except ValueError:
            raise Problem(400, "invalid", f"Invalid value for: {path}") from None
        return {"date": day}
    try:
        where = ZoneInfo(zone or calendar_zone)
        when = datetime.fromisoformat(text)
    except (ValueError, KeyError):
        raise Problem(400, "invalid", f"Invalid value for: {path}") from None
    if when.tzinfo is None:
        if not zone:
            raise Problem(400, "required", f"Missing time zone definition for {path} time.")
        when = when.replace(tzinfo=where)
    shown = {"dateTime": when.astimezone(where).isoformat(timespec="seconds")}
    return shown | ({"timeZone": zone} if zone else {})


def instant(found: Json, calendar_zone: str) -> datetime:
    """When it is; a date begins at midnight of the calendar."""
    if "date" in found:
        day = date.fromisoformat(found["date"])
        return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(calendar_zone))
    return datetime.fromisoformat(found["dateTime"])


def key(found: Json) -> str:
    """How instance ids end: the planned start in UTC, or the date."""
    if "date" in found:
        return found["date"].replace("-", "")
    return f"{datetime.fromisoformat(found['dateTime']).astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _wall(found: Json, zone: ZoneInfo) -> datetime:
    if "date" in found:
        return datetime.fromisoformat(found["date"])
    return datetime.fromisoformat(found["dateTime"]).astimezone(zone).replace(tzinfo=None)


def _value(word: str, zone: ZoneInfo, tzid: str) -> datetime:
    """A DATE or DATE-TIME of RFC 5545 as wall time of the series."""
    if len(word) == 8:
        return datetime.strptime(word, "%Y%m%d")  # noqa: DTZ007 - wall time
    if word.endswith("Z"):
        when = datetime.strptime(word, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        return when.astimezone(zone).replace(tzinfo=None)
    found = datetime.strptime(word, "%Y%m%dT%H%M%S")  # noqa: DTZ007 - wall time
    if tzid:
        return found.replace(tzinfo=ZoneInfo(tzid)).astimezone(zone).replace(tzinfo=None)
    return found


def _rule(text: str, start: datetime, zone: ZoneInfo, all_day: bool) -> Any:
    parts = dict(part.split("=", 1) for part in text.split(";") if part)
    if "UNTIL" in parts:
        if not re.fullmatch(r"\d{8}" if all_day else r"\d{8}T\d{6}Z", parts["UNTIL"]):
            raise ValueError("UNTIL")
        until = _value(parts["UNTIL"], zone, "")
        parts["UNTIL"] = f"{until:%Y%m%dT%H%M%S}"
    spelled = ";".join(f"{name}={value}" for name, value in parts.items())
    return rrule.rrulestr(spelled, dtstart=start)


def ruleset(master: Json, zone: ZoneInfo) -> tuple[rrule.rruleset, datetime]:
    """The series as dateutil understands it, in wall time."""
    start = _wall(master["start"], zone)
    found = rrule.rruleset(cache=True)
    found.rdate(start)
    for line in master["recurrence"]:
        head, _, value = line.partition(":")
        name, *params = head.upper().split(";")
        raw_params = head.split(";")[1:]
        tzid = next((p.split("=", 1)[1] for p in raw_params if p.upper().startswith("TZID=")), "")
        try:
            if name == "RRULE":
                found.rrule(_rule(value, start, zone, is_all_day(master)))
            elif name == "EXRULE":
                found.exrule(_rule(value, start, zone, is_all_day(master)))
            elif name in ("EXDATE", "RDATE"):
                add = found.exdate if name == "EXDATE" else found.rdate
                for word in value.split(","):
                    add(_value(word, zone, tzid))
            else:
                raise ValueError(name)
        except (ValueError, KeyError):
            raise Problem(400, "invalid", "Invalid recurrence rule.") from None
        del params
    return found, start


def planned(master: Json, calendar_zone: str, low: datetime, high: datetime) -> Iterator[Json]:
    """Planned starts in [low, high] as Google writes them, in order."""
    zone = zone_of(master, calendar_zone)
    rules, _ = ruleset(master, zone)
    all_day = is_all_day(master)
    edges = (edge.astimezone(zone).replace(tzinfo=None) for edge in (low, high))
    first, last = edges
    for wall in rules.between(first - timedelta(days=2), last + timedelta(days=2), inc=True):
        if all_day:
            yield {"date": wall.date().isoformat()}
            continue
        when = wall.replace(tzinfo=zone).astimezone(UTC).astimezone(zone)
        yield {
            "dateTime": when.isoformat(timespec="seconds"),
            **({"timeZone": master["start"]["timeZone"]} if "timeZone" in master["start"] else {}),
        }


def shifted_end(master: Json, start: Json, calendar_zone: str) -> Json:
    """The end of the instance that begins at `start`."""
    first, last = master["start"], master["end"]
    if "date" in first:
        days = date.fromisoformat(last["date"]) - date.fromisoformat(first["date"])
        return {"date": (date.fromisoformat(start["date"]) + days).isoformat()}
    length = instant(last, calendar_zone) - instant(first, calendar_zone)
    zone = zone_of(master, calendar_zone)
    end = (datetime.fromisoformat(start["dateTime"]).astimezone(UTC) + length).astimezone(zone)
    shown = {"dateTime": end.isoformat(timespec="seconds")}
    return shown | ({"timeZone": start["timeZone"]} if "timeZone" in start else {})
