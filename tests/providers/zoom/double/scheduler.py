"""Zoom Scheduler: schedules, which others book."""

import secrets
from typing import Any

from tests.providers.zoom.double.plan import now, stamp
from tests.providers.zoom.double.problems import Json, Problem, invalid

AVAILABILITY = "x3h1u4id4liffdyszsp8kpxl80"


def _find(ask: Any) -> Json:
    found: Json | None = ask.world.schedules.get(ask.parts[0])
    if found is None or found["status"] == "cancelled":
        raise Problem(404, 404, "schedule not found")
    return found


def _check(body: Json) -> None:
    if not 15 <= body.get("duration", 30) <= 1440:
        raise invalid("duration", "Invalid field.")
    if not 1 <= body.get("capacity", 1) <= 200:
        raise invalid("capacity", "Invalid field.")


def _listed(ask: Any) -> Any:
    shown = [s for s in ask.world.schedules.values() if s["status"] != "cancelled"]
    page = ask.zoom.pages.cut("items", shown, ask.query, "schedules")
    return {"items": page["items"], "next_page_token": page["next_page_token"]}


def _created(ask: Any) -> Any:
    for name in ("availability_rules", "availability_override", "capacity"):
        if name not in ask.body:
            raise invalid(name, "Required field.")
    return 201, make(ask.world, ask.body)


def make(world: Any, body: Json) -> Json:
    _check(body)
    own_id = secrets.token_hex(13)
    slug = body.get("slug") or own_id[:8]
    made: Json = {
        "duration": 30,
        "active": True,
        "status": "confirmed",
        "secret": False,
        "cushion": 0,
        "buffer": {"before": 0, "after": 0},
        "organizer": {"email": "dana@example.com", "display_name": "Dana Host", "self": True},
        "custom_fields": [],
        **body,
        "schedule_id": own_id,
        "slug": slug,
        "scheduling_url": f"https://scheduler.zoom.us/dana/{slug}",
        "updated": stamp(now()),
    }
    world.schedules[own_id] = made
    return made


def _patched(ask: Any) -> Any:
    _check(ask.body)
    found = _find(ask)
    found |= {**ask.body, "updated": stamp(now())}
    return 204, None


def _deleted(ask: Any) -> Any:
    _find(ask)["status"] = "cancelled"
    return 204, None


def _availability(ask: Any) -> Any:
    item = {"availability_id": AVAILABILITY, "default": True, "time_zone": "Europe/Berlin"}
    return {"items": [item], "next_page_token": ""}


_ONE = "/v2/scheduler/schedules/([^/]+)"
ROUTES: list[Any] = [
    ("GET", "/v2/scheduler/schedules", _listed),
    ("POST", "/v2/scheduler/schedules", _created),
    ("GET", _ONE, _find),
    ("PATCH", _ONE, _patched),
    ("DELETE", _ONE, _deleted),
    ("GET", "/v2/scheduler/availability", _availability),
]
