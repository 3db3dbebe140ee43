"""When occurrences of Zoom's series take place. An engine of its own, by dateutil."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from dateutil import rrule

from tests.providers.zoom.double.problems import invalid

Json = dict[str, Any]
MOST = 50
_DAYS = (rrule.SU, rrule.MO, rrule.TU, rrule.WE, rrule.TH, rrule.FR, rrule.SA)


def planned(repetition: Json, start: datetime, zone: str) -> list[datetime]:
    """Starts in UTC; wall time is kept."""
    wall = start.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    rules: Json = {
        "dtstart": wall,
        "interval": repetition.get("repeat_interval", 1),
        "wkst": rrule.SU,
    }
    kind = repetition.get("type")
    if kind == 1:
        rules["freq"] = rrule.DAILY
    elif kind == 2:
        rules["freq"] = rrule.WEEKLY
        words = str(repetition.get("weekly_days", "1")).split(",")
        rules["byweekday"] = [_DAYS[int(word) - 1] for word in words]
    elif kind == 3:
        rules["freq"] = rrule.MONTHLY
        if "monthly_week" in repetition:
            day = _DAYS[repetition["monthly_week_day"] - 1]
            rules["byweekday"] = day(repetition["monthly_week"])
        else:
            rules["bymonthday"] = repetition.get("monthly_day", 1)
    else:
        raise invalid("recurrence.type", "Invalid field.")
    if end := repetition.get("end_date_time"):
        last = datetime.fromisoformat(end).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        rules["until"] = last
    else:
        # Its default is one, whatever people expect.
        count = repetition.get("end_times", 1)
        if count > 60:
            raise invalid("recurrence.end_times", "Invalid field.")
        rules["count"] = count or MOST
    walls = list(rrule.rrule(**rules))[:MOST]
    return [each.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) for each in walls]


def occurrences(data: Json) -> list[Json]:
    """Fresh ones: edits and deletions of before are gone."""
    start = parse(data["start_time"])
    return [
        {
            "occurrence_id": str(round(when.timestamp() * 1000)),
            "start_time": stamp(when),
            "duration": data["duration"],
            "status": "available",
        }
        for when in planned(data["recurrence"], start, data["timezone"])
    ]


def parse(text: str) -> datetime:
    return datetime.fromisoformat(text)


def stamp(when: datetime) -> str:
    return f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def requested(text: str, zone: str) -> datetime:
    """`start_time` of a request: with Z in UTC, without in `timezone`."""
    when = datetime.fromisoformat(text)
    return when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=ZoneInfo(zone))


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
