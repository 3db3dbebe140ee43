"""Lists of the double: filters, pages, synchronization."""

import base64
import hashlib
import json
from datetime import UTC, datetime
from typing import Any

from tests.providers.google.double import events, times
from tests.providers.google.double.faults import Problem
from tests.providers.google.double.world import Calendar, Entry, Json, World

# With a sync token they are refused (events.list, parameter syncToken).
FORBIDDEN = (
    "iCalUID", "orderBy", "privateExtendedProperty", "q", "sharedExtendedProperty", "timeMin",
    "timeMax", "updatedMin",
)  # fmt: skip
# These make a list whose end has no sync token.
_NO_SYNC = tuple(name for name in FORBIDDEN if name not in ("timeMin", "timeMax"))
_LOOSE = {"pageToken", "fields", "prettyPrint", "quotaUser", "maxResults", "alt", "key"}


def _seal(value: Json) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


def _open(token: str, what: str) -> Json:
    try:
        found: Json = json.loads(base64.urlsafe_b64decode(token))
    except ValueError:
        raise Problem(400, "invalid", f"Invalid {what} value.", location=what) from None
    return found


def _same(query: Json, *more: str) -> str:
    """All parameters that have to stay as they were."""
    kept = sorted((k, v) for k, v in query.items() if k not in _LOOSE | set(more))
    return hashlib.sha256(json.dumps(kept).encode()).hexdigest()[:16]


def size_of(query: Json, default: int, largest: int) -> int:
    try:
        found = int(query.get("maxResults", default))
    except ValueError:
        raise Problem(400, "invalidParameter", "Invalid integer value.") from None
    if found < 1:
        raise Problem(400, "invalidParameter", "Values must be within the range: [1, 2500]")
    return min(found, largest)


def page(
    world: World, items: list[Any], query: Json, size: int, scope: str
) -> tuple[list[Any], str]:
    """One page, and the token of the next. It may be empty before the last one."""
    at = 0
    if "pageToken" in query:
        token = _open(query["pageToken"], "pageToken")
        if token.get("scope") != _same(query, "syncToken") + scope:
            raise Problem(400, "invalid", "Invalid page token value.", location="pageToken")
        at = token["at"]
    if world.page_cut is not None and at < len(items):
        size, world.page_cut = world.page_cut, None
    end = at + size
    if end >= len(items):
        return items[at:], ""
    return items[at:end], _seal({"at": end, "scope": _same(query, "syncToken") + scope})


def list_events(world: World, calendar: Calendar, query: Json) -> Json:
    """events.list."""
    expanded = query.get("singleEvents") == "true"
    since = 0
    if "syncToken" in query:
        since = _check_sync(calendar, query)
    if query.get("orderBy") == "startTime" and not expanded:
        raise Problem(400, "invalid", "orderBy startTime requires singleEvents.")
    low, high = (times.parse(query[n]) if n in query else None for n in ("timeMin", "timeMax"))
    if low and high and high <= low:
        raise Problem(
            400, "timeRangeEmpty", "The specified time range is empty.", domain="calendar"
        )
    found = list(_candidates(calendar, expanded, low, high))
    sync = "syncToken" in query
    deleted = query.get("showDeleted") == "true" or sync or "updatedMin" in query
    found = [e for e in found if _wanted(calendar, e, query, deleted) and e.seq > since]
    if expanded and query.get("orderBy") == "startTime":
        found.sort(key=lambda e: (times.instant(e.data["start"], calendar.zone), e.data["id"]))
    if query.get("orderBy") == "updated" or sync:
        found.sort(key=lambda e: e.seq)
    size = size_of(query, 250, 2500)
    items, token = page(world, found, query, size, f"{calendar.id}{since}")
    answer: Json = {
        "kind": "calendar#events",
        "etag": calendar.data["etag"],
        "summary": calendar.data["summary"],
        "updated": times.now_text(world.clock.tick()),
        "timeZone": calendar.zone,
        "accessRole": calendar.role,
        "defaultReminders": [],
        "items": [events.shown(e, stub=sync or e.cancelled) for e in items],
    }
    if token:
        answer["nextPageToken"] = token
    elif not any(name in query for name in _NO_SYNC):
        answer["nextSyncToken"] = _seal(
            {"seq": next(world.log), "g": calendar.generation, "same": _same(query, "syncToken")}
        )
    return answer


def _check_sync(calendar: Calendar, query: Json) -> int:
    bad = [name for name in FORBIDDEN if name in query]
    if bad:
        raise Problem(
            400, "invalid", "Sync token cannot be used with other query restrictions.",
            locationType="parameter", location=bad[0],
        )  # fmt: skip
    if query.get("showDeleted") == "false":
        raise Problem(400, "invalid", "showDeleted=false cannot be used with syncToken.")
    token = _open(query["syncToken"], "syncToken")
    if token.get("g") != calendar.generation:
        raise Problem(
            410, "fullSyncRequired", "Sync token is no longer valid, a full sync is required.",
            domain="calendar", locationType="parameter", location="syncToken",
        )  # fmt: skip
    if token["same"] != _same(query, "syncToken"):
        raise Problem(400, "invalid", "Parameters differ from those of the initial request.")
    return int(token["seq"])


def _candidates(
    calendar: Calendar, expanded: bool, low: datetime | None, high: datetime | None
) -> Any:
    for entry in list(calendar.entries.values()):
        if "recurrence" not in entry.data:
            inside = events.overlaps(calendar, entry.data, low, high)
            if inside and not (expanded and entry.master):
                yield entry
            continue
        near = (
            (low or datetime(1990, 1, 1, tzinfo=UTC)),
            (high or datetime(2060, 1, 1, tzinfo=UTC)),
        )
        if entry.cancelled:
            if not expanded:
                yield entry
        elif expanded:
            for each in events.instances(calendar, entry, *near):
                if events.overlaps(calendar, each.data, low, high):
                    yield each
        elif low is None and high is None:
            yield entry
        else:
            there = events.instances(calendar, entry, *near)
            if any(events.overlaps(calendar, each.data, low, high) for each in there):
                yield entry


def _wanted(calendar: Calendar, entry: Entry, query: Json, deleted: bool) -> bool:
    data = entry.data
    if entry.cancelled and not deleted:
        # Cancelled exceptions of series that live come all the same, unless expanded.
        return bool(entry.master) and query.get("singleEvents") != "true"
    if "q" in query and query["q"].lower() not in events.any_text(data):
        return False
    if "iCalUID" in query and data.get("iCalUID") != query["iCalUID"]:
        return False
    if "updatedMin" in query and times.parse(data["updated"]) < times.parse(query["updatedMin"]):
        return False
    types = query.get("eventTypes")
    if types:
        wanted = types if isinstance(types, list) else [types]
        return data["eventType"] in wanted
    for where in ("private", "shared"):
        pair = query.get(f"{where}ExtendedProperty")
        if pair:
            name, _, value = pair.partition("=")
            if data.get("extendedProperties", {}).get(where, {}).get(name) != value:
                return False
    return True


def list_instances(world: World, calendar: Calendar, event_id: str, query: Json) -> Json:
    """events.instances."""
    master = calendar.entries.get(event_id)
    if master is None or master.cancelled:
        raise Problem(404, "notFound", "Not Found")
    low, high = (times.parse(query[n]) if n in query else None for n in ("timeMin", "timeMax"))
    found: list[Entry] = []
    if "recurrence" in master.data:
        near = (low or datetime(1990, 1, 1, tzinfo=UTC), high or datetime(2060, 1, 1, tzinfo=UTC))
        found = list(events.instances(calendar, master, *near))
    found = [e for e in found if events.overlaps(calendar, e.data, low, high)]
    if query.get("showDeleted") != "true":
        found = [e for e in found if not e.cancelled]
    if "originalStart" in query:
        found = [e for e in found if _planned_at(calendar, e, query["originalStart"])]
    found.sort(key=lambda e: (times.instant(e.data["start"], calendar.zone), e.data["id"]))
    items, token = page(world, found, query, size_of(query, 250, 2500), event_id)
    answer: Json = {
        "kind": "calendar#events",
        "etag": calendar.data["etag"],
        "summary": calendar.data["summary"],
        "updated": times.now_text(world.clock.tick()),
        "timeZone": calendar.zone,
        "accessRole": calendar.role,
        "defaultReminders": [],
        "items": [events.shown(e) for e in items],
    }
    if token:
        answer["nextPageToken"] = token
    return answer


def _planned_at(calendar: Calendar, entry: Entry, text: str) -> bool:
    start = entry.data["originalStartTime"]
    if "date" in start:
        return bool(start["date"] == text)
    return times.instant(start, calendar.zone) == times.parse(text)


def list_calendars(world: World, query: Json) -> Json:
    """calendarList.list."""
    since = 0
    if "syncToken" in query:
        if "minAccessRole" in query:
            raise Problem(400, "invalid", "minAccessRole cannot be used with syncToken.")
        token = _open(query["syncToken"], "syncToken")
        if token.get("g") != world.list_generation:
            raise Problem(
                410, "fullSyncRequired", "Sync token is no longer valid.", domain="calendar"
            )
        since = token["seq"]
    sync = "syncToken" in query
    found = [
        e
        for e in world.list.values()
        if e.seq > since
        and (sync or not e.deleted)
        and (sync or not e.data.get("hidden") or query.get("showHidden") == "true")
    ]
    items, token_text = page(world, found, query, size_of(query, 100, 250), f"list{since}")
    answer: Json = {
        "kind": "calendar#calendarList",
        "etag": '"p33c"',
        "items": [world.shown(e) for e in items],
    }
    if token_text:
        answer["nextPageToken"] = token_text
    else:
        answer["nextSyncToken"] = _seal({"seq": next(world.log), "g": world.list_generation})
    return answer


def free_busy(world: World, body: Json) -> Json:
    """freebusy.query."""
    low, high = times.parse(body["timeMin"]), times.parse(body["timeMax"])
    if high <= low:
        raise Problem(
            400, "timeRangeEmpty", "The specified time range is empty.", domain="calendar"
        )
    if (high - low).days > 92:
        raise Problem(
            400, "timeRangeTooLong", "The requested time range is too long.", domain="calendar"
        )
    calendars: Json = {}
    items = body.get("items", [])
    for index, item in enumerate(items):
        if index >= (body.get("calendarExpansionMax") or 50):
            calendars[item["id"]] = {"errors": [_too_many()], "busy": []}
            continue
        try:
            calendar = world.calendar(item["id"], "freeBusyReader")
        except Problem:
            error = {"domain": "global", "reason": "notFound"}
            calendars[item["id"]] = {"errors": [error], "busy": []}
            continue
        calendars[item["id"]] = {"busy": list(_busy(calendar, low, high))}
    return {
        "kind": "calendar#freeBusy",
        "timeMin": body["timeMin"],
        "timeMax": body["timeMax"],
        "calendars": calendars,
        "groups": {},
    }


def _too_many() -> Json:
    return {"domain": "global", "reason": "tooManyCalendarsRequested"}


def _busy(calendar: Calendar, low: datetime, high: datetime) -> Any:
    spans = []
    for entry in _candidates(calendar, True, low, high):
        data = entry.data
        own = next((g for g in data.get("attendees", []) if g.get("self")), {})
        free = data.get("transparency") == "transparent" or data["eventType"] == "workingLocation"
        if entry.cancelled or free or own.get("responseStatus") == "declined":
            continue
        start, end = (times.instant(data[n], calendar.zone) for n in ("start", "end"))
        spans.append((max(start, low), min(end, high)))
    for start, end in sorted(spans):
        shown = (f"{each.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" for each in (start, end))
        yield dict(zip(("start", "end"), shown, strict=True))
