"""Calendly's reads: envelopes, pages, filters, windows."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.providers.calendly.double.world import (
    API,
    HOST,
    ORGANIZATION,
    Json,
    Refusal,
    World,
    moment,
    stamp,
)

Answer = tuple[int, Json | None]
Ids = tuple[str, ...]
WEEK = timedelta(days=7)


def one(found: Json | None) -> Answer:
    if found is None:
        raise Refusal(404, "Resource Not Found", "The server could not find the resource")
    return 200, {"resource": found}


def paged(path: str, items: list[Json], query: Json) -> Answer:
    """A page; the token is a place in the order, as stable as Calendly's."""
    count = int(query.get("count", 20))
    if not 1 <= count <= 100:
        raise Refusal(400, "Invalid Argument", "The supplied parameters are invalid.", "count")
    begin = 0
    if token := query.get("page_token"):
        try:
            begin = int(base64.urlsafe_b64decode(token))
        except ValueError:
            raise Refusal(
                400, "Invalid Argument", "The supplied parameters are invalid.", "page_token"
            ) from None
    shown = items[begin : begin + count]
    more = begin + count < len(items)
    token = base64.urlsafe_b64encode(str(begin + count).encode()).decode() if more else None
    return 200, {
        "collection": shown,
        "pagination": {
            "count": len(shown),
            "next_page": f"{API}/{path}?count={count}&page_token={token}" if more else None,
            "previous_page": None,
            "next_page_token": token,
            "previous_page_token": None,
        },
    }


def _known_user(world: World, query: Json) -> str:
    uri: str = query.get("user", "")
    if not uri and "organization" not in query:
        raise Refusal(400, "Invalid Argument", "user or organization is required", "user")
    if uri and uri not in world.users:
        raise Refusal(400, "Invalid Argument", "The supplied parameters are invalid.", "user")
    if uri != HOST and query.get("organization") != ORGANIZATION:
        raise Refusal(403, "Permission Denied", "You do not have permission")
    return uri


def me(world: World, ids: Ids, query: Json, body: Any) -> Answer:
    return one(world.users[HOST])


def get_user(world: World, ids: Ids, query: Json, body: Any) -> Answer:
    return one(world.users.get(f"{API}/users/{ids[0]}"))


def _flag(text: str) -> bool:
    if text not in ("true", "false"):
        raise Refusal(400, "Invalid Argument", "The supplied parameters are invalid.", "active")
    return text == "true"


def list_types(world: World, ids: Ids, query: Json, body: Any) -> Answer:
    _known_user(world, query)
    found = list(world.types.values())
    if "active" in query:
        wanted = _flag(query["active"])
        found = [kind for kind in found if kind["active"] is wanted]
    name, _, way = query.get("sort", "name:asc").partition(":")
    found.sort(key=lambda kind: kind[name], reverse=way == "desc")
    return paged("event_types", found, query)


def get_type(world: World, ids: Ids, query: Json, body: Any) -> Answer:
    return one(world.types.get(f"{API}/event_types/{ids[0]}"))


def list_events(world: World, ids: Ids, query: Json, body: Any) -> Answer:
    whose = _known_user(world, query)
    found = [
        event
        for event in world.events.values()
        if not whose or whose in {m["user"] for m in event["event_memberships"]}
    ]
    if "status" in query:
        found = [e for e in found if e["status"] == query["status"]]
    if "min_start_time" in query:
        low = moment(query["min_start_time"])
        found = [e for e in found if moment(e["start_time"]) >= low]
    if "max_start_time" in query:
        high = moment(query["max_start_time"])
        found = [e for e in found if moment(e["start_time"]) <= high]
    if "invitee_email" in query:
        found = [
            e
            for e in found
            if any(i["email"] == query["invitee_email"] for i in world.invitees[e["uri"]])
        ]
    reverse = query.get("sort", "start_time:asc") == "start_time:desc"
    found.sort(key=lambda e: (e["start_time"], e["uri"]), reverse=reverse)
    return paged("scheduled_events", found, query)


def get_event(world: World, ids: Ids, query: Json, body: Any) -> Answer:
    return one(world.events.get(f"{API}/scheduled_events/{ids[0]}"))


def list_invitees(world: World, ids: Ids, query: Json, body: Any) -> Answer:
    found = world.invitees.get(f"{API}/scheduled_events/{ids[0]}")
    if found is None:
        return one(None)
    return paged(f"scheduled_events/{ids[0]}/invitees", found, query)


def get_invitee(world: World, ids: Ids, query: Json, body: Any) -> Answer:
    uri = f"{API}/scheduled_events/{ids[0]}"
    found = world.invitees.get(uri, [])
    return one(next((i for i in found if i["uri"] == f"{uri}/invitees/{ids[1]}"), None))


def _window(query: Json, *, future: bool) -> tuple[datetime, datetime]:
    low, high = moment(query["start_time"]), moment(query["end_time"])
    if high <= low or high - low > WEEK:
        raise Refusal(400, "Invalid Argument", "Date range is invalid", "end_time")
    if future and low < datetime.now(UTC):
        raise Refusal(400, "Invalid Argument", "start_time must be in the future", "start_time")
    return low, high


def available_times(world: World, ids: Ids, query: Json, body: Any) -> Answer:
    low, high = _window(query, future=True)
    kind = world.types.get(query["event_type"])
    if kind is None:
        return one(None)
    items = [
        {
            "status": "available",
            "invitees_remaining": left,
            "start_time": stamp(at).replace(".000000", ""),
            "scheduling_url": f"{kind['scheduling_url']}/{stamp(at)}",
        }
        for at, left in world.slots(kind, low, high)
    ]
    return 200, {"collection": items}


def busy_times(world: World, ids: Ids, query: Json, body: Any) -> Answer:
    low, high = _window(query, future=False)
    if query["user"] not in world.users:
        return one(None)
    if world.broken_calendar:
        message = "There is a problem accessing your calendar."
        raise Refusal(424, "External Calendar Error", message)
    items: list[Json] = [
        {
            "type": "calendly",
            "start_time": event["start_time"],
            "end_time": event["end_time"],
            "buffered_start_time": event["event_memberships"][0]["buffered_start_time"],
            "buffered_end_time": event["event_memberships"][0]["buffered_end_time"],
            "event": {"uri": event["uri"]},
        }
        for event in world.events.values()
        if event["status"] == "active" and query["user"] == event["event_memberships"][0]["user"]
    ]
    items += [
        {"type": world.external_type, "start_time": stamp(a), "end_time": stamp(b)}
        for a, b in world.external
        if query["user"] == HOST
    ]
    shown = [i for i in items if moment(i["start_time"]) < high and moment(i["end_time"]) > low]
    return 200, {"collection": sorted(shown, key=lambda i: str(i["start_time"]))}


def list_recaps(world: World, ids: Ids, query: Json, body: Any) -> Answer:
    status = query.get("status", "available")
    found = [r for r in world.recaps.values() if r["status"].lower() == status]
    if "event" in query:
        found = [r for r in found if r["event"] == query["event"]]
    if "start_time" in query:
        found = [r for r in found if moment(r["start_time"]) >= moment(query["start_time"])]
    if "end_time" in query:
        found = [r for r in found if moment(r["start_time"]) <= moment(query["end_time"])]
    return paged("meeting_recaps", found, query)


def get_recap(world: World, ids: Ids, query: Json, body: Any) -> Answer:
    return one(world.recaps.get(f"{API}/meeting_recaps/{ids[0]}"))


def get_transcript(world: World, ids: Ids, query: Json, body: Any) -> Answer:
    uri = f"{API}/meeting_recaps/{ids[0]}"
    text = world.transcripts.get(uri)
    return one({"uri": f"{uri}/transcript", "text": text} if text is not None else None)


ROUTES = (
    ("GET", "/users/me", me),
    ("GET", "/users/*", get_user),
    ("GET", "/event_types", list_types),
    ("GET", "/event_types/*", get_type),
    ("GET", "/scheduled_events", list_events),
    ("GET", "/scheduled_events/*", get_event),
    ("GET", "/scheduled_events/*/invitees", list_invitees),
    ("GET", "/scheduled_events/*/invitees/*", get_invitee),
    ("GET", "/event_type_available_times", available_times),
    ("GET", "/user_busy_times", busy_times),
    ("GET", "/meeting_recaps", list_recaps),
    ("GET", "/meeting_recaps/*", get_recap),
    ("GET", "/meeting_recaps/*/transcript", get_transcript),
)
