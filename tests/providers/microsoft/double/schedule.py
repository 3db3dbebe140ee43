"""getSchedule: the busy time of several people, problems of single ones inside a success."""

from datetime import timedelta

from tests.providers.microsoft.double import clocks, views
from tests.providers.microsoft.double.problems import Problem
from tests.providers.microsoft.double.world import Json, World

_DIGITS = {"free": "0", "tentative": "1", "busy": "2", "oof": "3", "workingElsewhere": "4"}


def answer(world: World, body: Json) -> Json:
    """POST …/calendar/getSchedule."""
    names = body.get("schedules") or body.get("Schedules") or []
    if not names or len(names) > 20:
        raise Problem(400, "ErrorInvalidParameter", "1 to 20 schedules")
    low, high = (
        clocks.instant(*clocks.read(body.get(name) or body.get(name[0].upper() + name[1:]), name))
        for name in ("startTime", "endTime")
    )
    if not timedelta() < high - low < timedelta(days=42):
        raise Problem(400, "ErrorInvalidTimeRange", "less than 42 days")
    interval = body.get("availabilityViewInterval") or body.get("AvailabilityViewInterval") or 30
    if not 5 <= interval <= 1440:
        raise Problem(400, "ErrorInvalidParameter", "interval")
    return {"value": [_one(world, name, low, high, interval) for name in names]}


def _one(world: World, name: str, low, high, interval: int) -> Json:
    if name.lower() not in world.mailboxes:
        error = {"message": "Unable to resolve e-mail address", "responseCode":
                 "ErrorMailRecipientNotFound"}  # fmt: skip
        return {"scheduleId": name, "availabilityView": "", "scheduleItems": [], "error": error}
    box = world.mailboxes[name.lower()]
    items = [i for i in box.default.items.values() if not i.data["isCancelled"]]
    query = {"startDateTime": low.isoformat(), "endDateTime": high.isoformat()}
    found, slots = [], ["0"] * -(-int((high - low).total_seconds()) // (interval * 60))
    for event in views.view(box, items, query, "UTC"):
        start, end = (clocks.instant(*clocks.read(event[x], x)) for x in ("start", "end"))
        if end <= low:
            continue
        found.append({"isPrivate": event["sensitivity"] == "private", "status": event["showAs"],
                      "subject": event["subject"], "location": "", "start": event["start"],
                      "end": event["end"]})  # fmt: skip
        digit = _DIGITS[event["showAs"]]
        step = timedelta(minutes=interval)
        for number in range(len(slots)):
            if start < low + (number + 1) * step and end > low + number * step:
                slots[number] = max(slots[number], digit)
    hours = {"daysOfWeek": ["monday"], "startTime": "08:00:00.0000000", "endTime":
             "17:00:00.0000000", "timeZone": {"name": box.zone}}  # fmt: skip
    return {"scheduleId": name, "availabilityView": "".join(slots), "scheduleItems": found,
            "workingHours": hours}  # fmt: skip
