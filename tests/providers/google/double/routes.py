"""The double's routes: what Calendar does for each method and path, and the other APIs' tables."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from tests.providers.google.double import calendar as calendars
from tests.providers.google.double import directory, lists, tokens, workspace
from tests.providers.google.double import events as ev
from tests.providers.google.double import meet as meetings
from tests.providers.google.double.calls import settle_call
from tests.providers.google.double.faults import Problem
from tests.providers.google.double.world import Json

if TYPE_CHECKING:
    from tests.providers.google.double.server import Google

Handler = Callable[["Google", re.Match[str], Json, Any, Any], Any]


@dataclass(frozen=True)
class Ask:
    """What is asked of one event, or of all."""

    id: str
    query: Json
    body: Any
    headers: Any


def _event_route(handler: Callable[["Google", Any, Ask], Any], role: str) -> Handler:
    def handle(google: "Google", match: re.Match[str], query: Json, body: Any, headers: Any) -> Any:
        calendar = google.world.calendar(unquote(match[1]), role)
        event_id = unquote(match[2]) if match.lastindex == 2 else ""
        before = next(google.world.log)
        found = handler(google, calendar, Ask(event_id, query, body, headers))
        if role == "writer" and next(google.world.log) > before + 1:
            google.changed(f"/calendar/v3/calendars/{calendar.id}/events")
        return found

    return handle


def _if_match(entry: Any, headers: Any) -> None:
    wanted = headers.get("if-match")
    if wanted and wanted not in ("*", entry.data["etag"]):
        raise Problem(
            412,
            "conditionNotMet",
            "Precondition Failed",
            locationType="header",
            location="If-Match",
        )


def _get_event(google: "Google", calendar: Any, ask: Ask) -> Any:
    entry = ev.find(calendar, ask.id)
    settle_call(google.world, calendar, entry)
    return ev.shown(ev.find(calendar, ask.id))


def _instances(google: "Google", calendar: Any, ask: Ask) -> Any:
    return lists.list_instances(google.world, calendar, ask.id, ask.query)


def _insert(google: "Google", calendar: Any, ask: Ask) -> Any:
    return ev.shown(ev.insert(google.world, calendar, ask.body or {}, ask.query))


def _import(google: "Google", calendar: Any, ask: Ask) -> Any:
    if not (ask.body or {}).get("iCalUID"):
        raise Problem(400, "required", "Missing iCalUID.")
    entry = ev.insert(google.world, calendar, ask.body, ask.query)
    entry.data["iCalUID"] = ask.body["iCalUID"]
    return ev.shown(entry)


def _patch(google: "Google", calendar: Any, ask: Ask) -> Any:
    entry = ev.find(calendar, ask.id)
    _if_match(entry, ask.headers)
    return ev.shown(ev.change(google.world, calendar, entry, ask.body or {}, ask.query))


def _put(google: "Google", calendar: Any, ask: Ask) -> Any:
    entry = ev.find(calendar, ask.id)
    _if_match(entry, ask.headers)
    return ev.shown(ev.change(google.world, calendar, entry, ask.body or {}, ask.query, whole=True))


def _delete(google: "Google", calendar: Any, ask: Ask) -> Any:
    _if_match(ev.find(calendar, ask.id), ask.headers)
    ev.delete(google.world, calendar, ask.id, ask.query)
    return 204, None


def _move(google: "Google", calendar: Any, ask: Ask) -> Any:
    target = google.world.calendar(ask.query.get("destination", ""), "writer")
    entry = ev.find(calendar, ask.id)
    if entry.data["eventType"] != "default" or entry.master:
        raise Problem(400, "cannotChangeOrganizer", "Cannot be moved.", domain="calendar")
    if target is calendar:
        raise Problem(400, "invalid", "Invalid destination.")
    data = dict(entry.data)
    for each in [entry, *calendar.exceptions(ask.id)]:
        calendar.entries.pop(each.data["id"])
    gone = {
        "kind": "calendar#event",
        "id": ask.id,
        "status": "cancelled",
        "iCalUID": data["iCalUID"],
    }
    tomb = google.world.put(calendar, {**data, **gone})
    tomb.data.pop("recurrence", None)
    data["organizer"] = {"email": target.id, "self": True}
    return ev.shown(google.world.put(target, data))


def _quick_add(google: "Google", calendar: Any, ask: Ask) -> Any:
    now = datetime.now(UTC).replace(microsecond=0).isoformat()
    made = {"summary": ask.query["text"], "start": {"dateTime": now}, "end": {"dateTime": now}}
    return ev.shown(ev.insert(google.world, calendar, made, ask.query))


def _watch(google: "Google", calendar: Any, ask: Ask) -> Any:
    if not calendar.pushes:
        raise Problem(400, "pushNotSupportedForRequestedResource", "Push is not supported.")
    return google.open_channel(f"/calendar/v3/calendars/{calendar.id}/events", ask.body or {})


def _watch_list(google: "Google", match: Any, query: Json, body: Any, headers: Any) -> Any:
    return google.open_channel("/calendar/v3/users/me/calendarList", body or {})


def _stop(google: "Google", match: Any, query: Json, body: Any, headers: Any) -> Any:
    channel = google.channels.get((body or {}).get("id", ""))
    if channel is None or channel["resourceId"] != body.get("resourceId"):
        raise Problem(404, "notFound", "Channel not found.")
    del google.channels[body["id"]]
    return 204, None


def _route(method: str, pattern: str, handler: Handler) -> tuple[str, re.Pattern[str], Handler]:
    return method, re.compile(pattern), handler


_CAL = r"/calendar/v3/calendars/([^/]+)"
_EVENT = rf"{_CAL}/events/([^/]+)"
ROUTES: list[tuple[str, re.Pattern[str], Handler]] = [
    _route(
        "GET",
        rf"{_CAL}/events",
        _event_route(lambda g, c, ask: lists.list_events(g.world, c, ask.query), "reader"),
    ),
    _route("POST", rf"{_CAL}/events", _event_route(_insert, "writer")),
    _route("POST", rf"{_CAL}/events/import", _event_route(_import, "writer")),
    _route("POST", rf"{_CAL}/events/quickAdd", _event_route(_quick_add, "writer")),
    _route("POST", rf"{_CAL}/events/watch", _event_route(_watch, "reader")),
    _route(
        "GET",
        rf"{_EVENT}/instances",
        _event_route(
            lambda g, c, ask: lists.list_instances(g.world, c, ask.id, ask.query), "reader"
        ),
    ),
    _route("POST", rf"{_EVENT}/move", _event_route(_move, "writer")),
    _route("GET", _EVENT, _event_route(_get_event, "reader")),
    _route("PATCH", _EVENT, _event_route(_patch, "writer")),
    _route("PUT", _EVENT, _event_route(_put, "writer")),
    _route("DELETE", _EVENT, _event_route(_delete, "writer")),
    _route("POST", "/calendar/v3/users/me/calendarList/watch", _watch_list),
    _route("POST", "/calendar/v3/channels/stop", _stop),
    _route(
        "POST",
        "/calendar/v3/freeBusy",
        lambda g, m, q, b, h: lists.free_busy(g.world, b),
    ),
    *(_route(*row) for row in calendars.ROUTES),
    *(_route(*row) for row in directory.ROUTES),
    *(_route(*row) for row in meetings.ROUTES),
    *(_route(*row) for row in tokens.ROUTES),
    *(_route(*row) for row in workspace.ROUTES),
]
