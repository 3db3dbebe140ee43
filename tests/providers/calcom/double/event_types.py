"""Event types and private links of the double."""

import uuid
from datetime import UTC, datetime
from typing import Any

from tests.providers.calcom.double.world import Json, Problem, World, instant, iso

_DEFAULT_FIELDS = [
    {"type": "name", "slug": "name", "required": True, "isDefault": True, "label": "your_name"},
    {"type": "email", "slug": "email", "required": True, "isDefault": True, "label": "email"},
    {"type": "textarea", "slug": "notes", "required": False, "isDefault": True, "label": "notes"},
]
_WRITABLE = (
    "title", "slug", "description", "lengthInMinutes", "lengthInMinutesOptions", "locations",
    "minimumBookingNotice", "beforeEventBuffer", "afterEventBuffer", "seats", "hidden", "color",
    "confirmationPolicy", "recurrence",
)  # fmt: skip
_REQUIRED = ("title", "slug", "lengthInMinutes")


def create(world: World, body: Json) -> Json:
    """POST /v2/event-types."""
    for name in _REQUIRED:
        if name not in body:
            raise Problem(400, f"{name} property is wrong,{name} should not be null")
    number = 2520000 + next(world.serial)
    kind: Json = {
        "id": number,
        "ownerId": 1500001,
        "description": "",
        "locations": [{"type": "integration", "integration": "cal-video"}],
        "bookingFields": [dict(field) for field in _DEFAULT_FIELDS],
        "recurrence": None,
        "metadata": {},
        "seats": {"disabled": True},
        "confirmationPolicy": {"disabled": True},
        "minimumBookingNotice": 120,
        "beforeEventBuffer": 0,
        "afterEventBuffer": 0,
        "slotInterval": None,
        "scheduleId": 678493,
        "price": 0,
        "currency": "usd",
        "hidden": False,
        "disableGuests": False,
        "lockTimeZoneToggleOnBookingPage": False,
        "forwardParamsSuccessRedirect": True,
        "successRedirectUrl": None,
        "isInstantEvent": False,
        "bookingRequiresAuthentication": False,
        "users": [],
    }
    _take(world, kind, body)
    world.types[number] = kind
    return kind


def _take(world: World, kind: Json, body: Json) -> None:
    others = {other["slug"] for other in world.types.values() if other["id"] != kind["id"]}
    if body.get("slug") in others:
        raise Problem(400, "User already has an event type with this slug.")
    for name in ("price", "currency"):
        if name in body:
            raise Problem(400, f"property {name} should not exist")
    options = body.get("lengthInMinutesOptions", kind.get("lengthInMinutesOptions"))
    length = body.get("lengthInMinutes", kind.get("lengthInMinutes"))
    if options and length not in options:
        raise Problem(400, "lengthInMinutesOptions property is wrong,must hold lengthInMinutes")
    kind.update({name: body[name] for name in _WRITABLE if name in body})
    if options == []:
        kind.pop("lengthInMinutesOptions", None)
    if "bookingFields" in body:
        own = [{**field, "isDefault": False} for field in body["bookingFields"]]
        kind["bookingFields"] = [dict(field) for field in _DEFAULT_FIELDS] + own
    kind["bookingUrl"] = f"https://cal.com/hostexample/{kind['slug']}"


def find(world: World, number: str) -> Json:
    """The event type of this number."""
    if not number.isdecimal() or int(number) not in world.types:
        raise Problem(404, f"Event type with id {number} not found.")
    return world.types[int(number)]


def update(world: World, number: str, body: Json) -> Json:
    """PATCH /v2/event-types/{id}."""
    kind = find(world, number)
    _take(world, kind, body)
    return kind


def delete(world: World, number: str) -> Json:
    """DELETE /v2/event-types/{id}."""
    kind = find(world, number)
    del world.types[kind["id"]]
    world.private.pop(kind["id"], None)
    return {name: kind[name] for name in ("id", "lengthInMinutes", "slug", "title")}


# -- private links


def private_links(world: World, number: str) -> list[Json]:
    """GET …/private-links."""
    kind = find(world, number)
    return [_shown(link) for link in world.private.get(kind["id"], {}).values()]


def create_private(world: World, number: str, body: Json) -> Json:
    """POST …/private-links."""
    kind = find(world, number)
    name = uuid.uuid4().hex[:12]
    link: Json = {
        "linkId": name,
        "eventTypeId": kind["id"],
        "bookingUrl": f"https://cal.com/d/{name}/{kind['slug']}",
    }
    _limit(link, body or {"maxUsageCount": 1})
    world.private.setdefault(kind["id"], {})[name] = link
    return _shown(link)


def change_private(world: World, number: str, name: str, body: Json) -> Json:
    """PATCH …/private-links/{linkId}."""
    link = _find_private(world, number, name)
    _limit(link, body)
    return _shown(link)


def delete_private(world: World, number: str, name: str) -> Json:
    """DELETE …/private-links/{linkId}."""
    link = _find_private(world, number, name)
    del world.private[link["eventTypeId"]][name]
    return {"linkId": name, "message": "Private link deleted successfully"}


def _find_private(world: World, number: str, name: str) -> Json:
    kind = find(world, number)
    try:
        return world.private.get(kind["id"], {})[name]
    except KeyError:
        raise Problem(404, f"Private link with id {name} not found.") from None


def _limit(link: Json, body: Json) -> None:
    if "expiresAt" in body:
        link["expiresAt"] = iso(instant(body["expiresAt"]))
        link.pop("maxUsageCount", None)
        link.pop("usageCount", None)
    if "maxUsageCount" in body:
        link["maxUsageCount"] = body["maxUsageCount"]
        link.setdefault("usageCount", 0)
        link.pop("expiresAt", None)


def _shown(link: Json) -> Json:
    used_up = link.get("usageCount", 0) >= link.get("maxUsageCount", 1_000_000)
    late = "expiresAt" in link and instant(link["expiresAt"]) <= datetime.now(UTC)
    found: dict[str, Any] = {**link, "isExpired": used_up or late}
    return found
