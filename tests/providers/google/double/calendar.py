"""Calendars of the double: calendars, calendarList, colors."""

import uuid
from typing import Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from tests.providers.google.double import lists
from tests.providers.google.double.faults import Problem
from tests.providers.google.double.world import ADA, Json

_WRITABLE = ("summary", "description", "location", "timeZone")


def _checked(body: Json) -> Json:
    try:
        ZoneInfo(body.get("timeZone") or "UTC")
    except (KeyError, ValueError):
        raise Problem(400, "invalid", "Invalid time zone definition.") from None
    return body


def _entry(google: Any, id: str) -> Any:
    found = google.world.list.get(ADA if id == "primary" else id)
    if found is None or found.deleted:
        raise Problem(404, "notFound", "Not Found")
    return found


def _touch(google: Any, calendar: Any) -> None:
    """A change of the calendar is a change of its entry in the list."""
    google.world.stamp(calendar.data)
    entry = google.world.list.get(calendar.id)
    if entry is not None:
        entry.seq = google.world.stamp(entry.data)
    google.changed("/calendar/v3/users/me/calendarList")


def _list(google: Any, match: Any, query: Json, body: Any, headers: Any) -> Any:
    return lists.list_calendars(google.world, query)


def _get_entry(google: Any, match: Any, query: Json, body: Any, headers: Any) -> Any:
    return google.world.shown(_entry(google, unquote(match[1])))


def _patch_entry(google: Any, match: Any, query: Json, body: Any, headers: Any) -> Any:
    entry = _entry(google, unquote(match[1]))
    if {"backgroundColor", "foregroundColor"} & set(body) and query.get("colorRgbFormat") != "true":
        raise Problem(400, "invalid", "colorRgbFormat is required.")
    for name in ("backgroundColor", "foregroundColor", "colorId", "hidden", "selected"):
        if name in body:
            entry.data[name] = body[name]
    if "summaryOverride" in body:
        entry.data["summaryOverride"] = body["summaryOverride"]
    entry.seq = google.world.stamp(entry.data)
    google.changed("/calendar/v3/users/me/calendarList")
    return google.world.shown(entry)


def _insert_entry(google: Any, match: Any, query: Json, body: Any, headers: Any) -> Any:
    calendar = google.world.calendar(body["id"], "freeBusyReader")
    return google.world.shown(google.world.enlist(calendar))


def _delete_entry(google: Any, match: Any, query: Json, body: Any, headers: Any) -> Any:
    entry = _entry(google, unquote(match[1]))
    if entry.data.get("primary"):
        raise Problem(403, "cannotRemovePrimary", "Cannot be removed.", domain="calendar")
    entry.deleted = True
    entry.seq = google.world.stamp(entry.data)
    google.changed("/calendar/v3/users/me/calendarList")
    return 204, None


def _get(google: Any, match: Any, query: Json, body: Any, headers: Any) -> Any:
    return google.world.calendar(unquote(match[1])).data


def _insert(google: Any, match: Any, query: Json, body: Any, headers: Any) -> Any:
    if not (body or {}).get("summary"):
        raise Problem(400, "required", "Missing title.")
    own_id = f"c_{uuid.uuid4().hex}@group.calendar.google.com"
    fields = {k: v for k, v in _checked(body).items() if k in _WRITABLE and v}
    fields.setdefault("timeZone", google.world.calendars[ADA].zone)
    made = google.world.add_calendar(
        own_id, fields.pop("summary"), fields.pop("timeZone"), ADA, **fields
    )
    google.changed("/calendar/v3/users/me/calendarList")
    return made.data


def _write(google: Any, match: Any, query: Json, body: Any, headers: Any) -> Any:
    calendar = google.world.calendar(unquote(match[1]), "writer")
    if "summary" in body and not body["summary"]:
        raise Problem(400, "required", "Missing title.")
    for name in _WRITABLE:
        if name in _checked(body):
            if body[name] is None:
                calendar.data.pop(name, None)
            else:
                calendar.data[name] = body[name]
    _touch(google, calendar)
    return calendar.data


def _delete(google: Any, match: Any, query: Json, body: Any, headers: Any) -> Any:
    calendar = google.world.calendar(unquote(match[1]), "owner")
    if calendar.id == ADA:
        raise Problem(403, "cannotDeletePrimary", "The primary cannot be deleted.")
    del google.world.calendars[calendar.id]
    entry = google.world.list.get(calendar.id)
    if entry is not None:
        entry.deleted = True
        entry.seq = google.world.stamp(entry.data)
    google.changed("/calendar/v3/users/me/calendarList")
    return 204, None


def _clear(google: Any, match: Any, query: Json, body: Any, headers: Any) -> Any:
    google.world.calendar(unquote(match[1]), "owner").entries.clear()
    return 204, None


def _colors(google: Any, match: Any, query: Json, body: Any, headers: Any) -> Any:
    color = {"background": "#a4bdfc", "foreground": "#1d1d1d"}
    return {
        "kind": "calendar#colors",
        "updated": "2012-02-14T00:00:00.000Z",
        "calendar": {str(n): color for n in range(1, 25)},
        "event": {str(n): color for n in range(1, 12)},
    }


def _settings(google: Any, match: Any, query: Json, body: Any, headers: Any) -> Any:
    items = [
        {"kind": "calendar#setting", "etag": '"0"', "id": "timezone", "value": "Europe/Berlin"}
    ]
    return {
        "kind": "calendar#settings",
        "etag": '"0"',
        "items": items,
        "nextSyncToken": "0",
    }


_MY = "/calendar/v3/users/me/calendarList"
_CAL = "/calendar/v3/calendars"
ROUTES = [
    ("GET", _MY, _list),
    ("POST", _MY, _insert_entry),
    ("GET", rf"{_MY}/([^/]+)", _get_entry),
    ("PATCH", rf"{_MY}/([^/]+)", _patch_entry),
    ("DELETE", rf"{_MY}/([^/]+)", _delete_entry),
    ("POST", _CAL, _insert),
    ("GET", rf"{_CAL}/([^/]+)", _get),
    ("PATCH", rf"{_CAL}/([^/]+)", _write),
    ("PUT", rf"{_CAL}/([^/]+)", _write),
    ("DELETE", rf"{_CAL}/([^/]+)", _delete),
    ("POST", rf"{_CAL}/([^/]+)/clear", _clear),
    ("GET", "/calendar/v3/colors", _colors),
    ("GET", "/calendar/v3/users/me/settings", _settings),
]
