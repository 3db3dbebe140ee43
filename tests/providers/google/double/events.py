"""Events of the double: what is stored, what is shown, what a write does to it."""

import re
import uuid
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.providers.google.double import times
from tests.providers.google.double.calls import conference
from tests.providers.google.double.faults import Problem
from tests.providers.google.double.world import ADA, Calendar, Entry, Json, World

_ID = re.compile(r"[a-v0-9]{5,1024}")
_INSTANCE = re.compile(r"(.+)_(\d{8}(?:T\d{6}Z)?)")
READ_ONLY = {
    "kind", "etag", "htmlLink", "created", "updated", "creator", "organizer", "recurringEventId",
    "originalStartTime", "hangoutLink", "locked", "privateCopy",
}  # fmt: skip
_SHARED = {"summary", "description", "location", "start", "end", "recurrence", "status"}
_FAR_PAST = datetime(1900, 1, 1, tzinfo=UTC)
_FAR_FUTURE = datetime(2100, 1, 1, tzinfo=UTC)
_TYPES = {"default", "birthday", "focusTime", "outOfOffice", "workingLocation"}


# -- instances


def instance_of(calendar: Calendar, master: Entry, start: Json) -> Json:
    """A planned instance of a series."""
    data = deepcopy(master.data)
    data.pop("recurrence")
    data["id"] = f"{master.data['id']}_{times.key(start)}"
    data["recurringEventId"] = master.data["id"]
    data["originalStartTime"] = dict(start)
    data["start"] = dict(start)
    data["end"] = times.shifted_end(master.data, start, calendar.zone)
    return data


def instances(
    calendar: Calendar, master: Entry, low: datetime = _FAR_PAST, high: datetime = _FAR_FUTURE
) -> Iterator[Entry]:
    """Instances, with exceptions in the place of what they change; cancelled ones too."""
    changed = {times.key(e.data["originalStartTime"]): e for e in calendar.exceptions(_id(master))}
    for start in times.planned(master.data, calendar.zone, low, high):
        exception = changed.pop(times.key(start), None)
        yield exception or Entry(instance_of(calendar, master, start), master.seq)
    yield from changed.values()


def _id(entry: Entry) -> str:
    return str(entry.data["id"])


def find(calendar: Calendar, event_id: str) -> Entry:
    """The stored event, or the planned instance, of that id."""
    if event_id in calendar.entries:
        return calendar.entries[event_id]
    match = _INSTANCE.fullmatch(event_id)
    master = calendar.entries.get(match[1]) if match else None
    if match is None or master is None or "recurrence" not in master.data or master.cancelled:
        raise Problem(404, "notFound", "Not Found")
    when = match[2]
    parsed = datetime.strptime(when[:8], "%Y%m%d").replace(tzinfo=UTC)
    near = timedelta(days=3)
    for start in times.planned(master.data, calendar.zone, parsed - near, parsed + near):
        if times.key(start) == when:
            return Entry(instance_of(calendar, master, start), master.seq)
    raise Problem(404, "notFound", "Not Found")


def overlaps(calendar: Calendar, data: Json, low: datetime | None, high: datetime | None) -> bool:
    """timeMin is exclusive for ends, timeMax for starts."""
    if "start" not in data:
        return True
    start = times.instant(data["start"], calendar.zone)
    end = times.instant(data["end"], calendar.zone)
    return (low is None or end > low) and (high is None or start < high)


# -- showing


def shown(entry: Entry, *, stub: bool = False) -> Json:
    """An event as Google answers it; a cancelled one of a synchronization is a stub."""
    data = entry.data
    if not stub or data["status"] != "cancelled":
        return {k: v for k, v in data.items() if not k.startswith("_")}
    names = ["kind", "etag", "id", "status"]
    if "recurringEventId" in data:
        names += ["recurringEventId", "originalStartTime"]
    return {name: data[name] for name in names if name in data}


# -- writing


def insert(world: World, calendar: Calendar, body: Json, query: Json) -> Entry:
    own_id = body.get("id")
    if own_id is not None and not _ID.fullmatch(own_id):
        raise Problem(400, "invalid", "Invalid resource id value.")
    if own_id in calendar.entries:
        raise Problem(409, "duplicate", "The requested identifier already exists.")
    if "start" not in body or "end" not in body:
        raise Problem(400, "required", "Missing end time.")
    data: Json = {
        "kind": "calendar#event",
        "id": own_id or uuid.uuid4().hex[:26],
        "status": body.get("status", "confirmed"),
        "htmlLink": f"https://www.google.com/calendar/event?eid={uuid.uuid4().hex}",
        "summary": "",
        "creator": {"email": ADA, "self": calendar.id == ADA},
        "organizer": {"email": calendar.id, "self": True},
        "iCalUID": "",
        "sequence": 0,
        "eventType": "default",
        "reminders": {"useDefault": True},
    }
    data["iCalUID"] = f"{data['id']}@google.com"
    if calendar.id != ADA:
        data["creator"].pop("self")
    fill(world, calendar, data, {k: v for k, v in body.items() if k not in READ_ONLY}, query)
    check_type(calendar, data)
    if data["summary"] == "":
        del data["summary"]
    entry = world.put(calendar, data)
    mail(world, data, query, "invite")
    return entry


def fill(world: World, calendar: Calendar, data: Json, body: Json, query: Json) -> None:
    """Write the fields of `body` into `data`."""
    for name, value in body.items():
        if name in ("start", "end"):
            continue
        if name == "conferenceData":
            conference(world, data, value, query)
        elif name == "attachments":
            attachments(data, value, query)
        elif name == "attendees":
            guests(calendar, data, value)
        elif name == "extendedProperties" and value is not None:
            properties(data, value)
        elif value is None:
            data.pop(name, None)
        else:
            data[name] = deepcopy(value)
    for name in ("start", "end"):
        if name in body:
            merged = {**data.get(name, {}), **body[name]}
            clean = {k: v for k, v in merged.items() if v is not None}
            data[name] = times.stored(clean, calendar.zone, name)
    check_times(calendar, data)
    if data.get("status") not in ("confirmed", "tentative", "cancelled"):
        raise Problem(400, "invalid", "Invalid value for: status")
    reminders = data.get("reminders", {})
    if reminders.get("useDefault") and reminders.get("overrides"):
        raise Problem(400, "cannotUseDefaultRemindersAndSpecifyOverride", "Cannot use both.")
    if not reminders.get("overrides"):
        reminders.pop("overrides", None)


def check_times(calendar: Calendar, data: Json) -> None:
    start, end = data["start"], data["end"]
    if ("date" in start) != ("date" in end):
        raise Problem(400, "invalid", "Start and end times must either both be date or dateTime.")
    if times.instant(end, calendar.zone) < times.instant(start, calendar.zone) or (
        "date" in start and start["date"] == end["date"]
    ):
        raise Problem(
            400, "timeRangeEmpty", "The specified time range is empty.", domain="calendar"
        )
    if data.get("recurrence"):
        if "dateTime" in start and "timeZone" not in start:
            raise Problem(400, "required", "Missing time zone definition for start time.")
        rules, _ = times.ruleset(data, times.zone_of(data, calendar.zone))
        if next(iter(rules), None) is None:
            raise Problem(400, "invalid", "Recurrence yields nothing.")
    elif "recurrence" in data:
        del data["recurrence"]


def check_type(calendar: Calendar, data: Json) -> None:
    word = data["eventType"]
    if word not in _TYPES:
        raise Problem(400, "invalid", "Invalid value for: eventType")
    if word in ("focusTime", "outOfOffice", "workingLocation") and calendar.id != ADA:
        raise Problem(400, "eventTypeRestriction", "Only on primary calendars.", domain="calendar")
    if word in ("focusTime", "outOfOffice") and "date" in data["start"]:
        raise Problem(400, "eventTypeRestriction", "Cannot be all-day.", domain="calendar")
    if word == "workingLocation" and "workingLocationProperties" not in data:
        raise Problem(400, "eventTypeRestriction", "Missing properties.", domain="calendar")
    if word == "birthday" and ("date" not in data["start"] or "recurrence" not in data):
        raise Problem(
            400, "malformedBirthday", "Must be an annual all-day event.", domain="calendar"
        )


def guests(calendar: Calendar, data: Json, value: list[Json] | None) -> None:
    """Replace the list, with what Google adds to each guest."""
    found = []
    for each in value or []:
        if "@" not in each.get("email", ""):
            raise Problem(400, "invalid", "Invalid attendee email.")
        guest = {k: v for k, v in each.items() if v not in (None, False, "")}
        own = guest["email"].lower() == calendar.id.lower()
        organizer = guest["email"].lower() == data["organizer"]["email"].lower()
        guest.setdefault("responseStatus", "accepted" if organizer else "needsAction")
        guest.pop("self", None)
        guest.pop("organizer", None)
        if own:
            guest["self"] = True
        if organizer:
            guest["organizer"] = True
        found.append(guest)
    if found:
        data["attendees"] = found
    else:
        data.pop("attendees", None)


def properties(data: Json, value: Json) -> None:
    """Merged key by key; null forgets. Keys longer than 44 characters are lost in silence."""
    kept = data.setdefault("extendedProperties", {})
    for where in ("private", "shared"):
        there = kept.setdefault(where, {})
        for name, text in (value.get(where) or {}).items():
            if text is None:
                there.pop(name, None)
            elif len(name) <= 44:
                there[name] = text[:1024]
        if not there:
            del kept[where]
    if not kept:
        del data["extendedProperties"]


def attachments(data: Json, value: list[Json] | None, query: Json) -> None:
    if query.get("supportsAttachments") != "true":
        return
    if len(value or []) > 25:
        raise Problem(400, "tooManyAttachments", "Too many attachments.", domain="calendar")
    found = []
    for each in value or []:
        if not each.get("fileUrl"):
            raise Problem(400, "required", "Missing attachment file url.")
        found.append({**each, "iconLink": "https://example.com/icon.png"})
    data["attachments"] = found
    if not found:
        del data["attachments"]


def mail(world: World, data: Json, query: Json, what: str) -> None:
    """Note what Google would have sent."""
    mode = query.get("sendUpdates") or ("all" if query.get("sendNotifications") == "true" else "")
    to = [g["email"] for g in data.get("attendees", []) if not g.get("self")]
    if mode in ("all", "externalOnly") and to:
        world.mails.append({"what": what, "id": data["id"], "to": to, "mode": mode})


def change(
    world: World, calendar: Calendar, entry: Entry, body: Json, query: Json, *, whole: bool = False
) -> Entry:
    """PATCH, or PUT when `whole`."""
    data = deepcopy(entry.data)
    body = {k: v for k, v in body.items() if k not in READ_ONLY and k != "id"}
    if body.get("attendeesOmitted"):
        own = body.get("attendees", [])
        for sent in own:
            for guest in data.get("attendees", []):
                if guest["email"].lower() == sent.get("email", "").lower():
                    guest |= {k: v for k, v in sent.items() if k in ("responseStatus", "comment")}
        body = {k: v for k, v in body.items() if k not in ("attendees", "attendeesOmitted")}
    organizes = data["organizer"].get("self") or data.get("guestsCanModify")
    if not organizes and _SHARED & set(body):
        raise Problem(
            403, "forbiddenForNonOrganizer", "Shared properties are the organizer's.",
            domain="calendar",
        )  # fmt: skip
    if whole:
        kept = READ_ONLY | {"id", "iCalUID", "sequence", "status", "eventType"}
        data = {k: v for k, v in data.items() if k in kept or k.startswith("_")}
        if "start" not in body or "end" not in body:
            raise Problem(400, "required", "Missing end time.")
    gone = entry.cancelled and body.get("status", "cancelled") == "cancelled"
    fill(world, calendar, data, body, query)
    if {"start", "end", "recurrence", "location", "summary"} & set(body):
        data["sequence"] = data.get("sequence", 0) + 1
    found = world.put(calendar, data)
    if "recurrence" in data:
        forget_exceptions(world, calendar, found)
    elif "recurrence" in entry.data:
        for exception in list(calendar.exceptions(data["id"])):
            del calendar.entries[exception.data["id"]]
    if not gone:
        mail(world, data, query, "cancel" if data["status"] == "cancelled" else "update")
    return found


def forget_exceptions(world: World, calendar: Calendar, master: Entry) -> None:
    """Exceptions whose planned start is none of the series' any more are dropped."""
    for exception in list(calendar.exceptions(master.data["id"])):
        start = exception.data["originalStartTime"]
        at = times.instant(start, calendar.zone)
        near = timedelta(days=2)
        there = times.planned(master.data, calendar.zone, at - near, at + near)
        if times.key(start) not in {times.key(each) for each in there}:
            del calendar.entries[exception.data["id"]]


def delete(world: World, calendar: Calendar, event_id: str, query: Json) -> None:
    entry = find(calendar, event_id)
    if entry.cancelled:
        raise Problem(410, "deleted", "Resource has been deleted")
    data = deepcopy(entry.data)
    data["status"] = "cancelled"
    world.put(calendar, data)
    for exception in list(calendar.exceptions(event_id)):
        del calendar.entries[exception.data["id"]]
    mail(world, data, query, "cancel")


def copy_from(organizer: str, calendar: Calendar, data: Json) -> Json:
    """An invitation of somebody else's as it lies in a guest's calendar."""
    found = deepcopy(data)
    found["organizer"] = {"email": organizer}
    found["creator"] = {"email": organizer}
    guests(calendar, found, found.get("attendees"))
    return found


def any_text(data: Json) -> str:
    texts: list[Any] = [data.get(n, "") for n in ("summary", "description", "location")]
    texts += [g["email"] + g.get("displayName", "") for g in data.get("attendees", [])]
    return " ".join(texts).lower()
