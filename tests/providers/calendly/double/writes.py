"""Calendly's writes: booking, canceling, event types, links that are used once."""

import re
import secrets
import uuid
from datetime import UTC, datetime
from typing import Any

from tests.providers.calendly.double.reads import Answer, Ids, one, paged
from tests.providers.calendly.double.world import API, HOST, Json, Refusal, World, moment

INVALID = "The supplied parameters are invalid."
KINDS = {
    "ask_invitee", "custom", "google_conference", "gotomeeting_conference", "inbound_call",
    "microsoft_teams_conference", "outbound_call", "physical", "webex_conference",
    "zoom_conference",
}  # fmt: skip
# How a place of a type is called in an event.
READ_KINDS = {"zoom_conference": "zoom", "gotomeeting_conference": "gotomeeting"}
WRITABLE = {
    "name", "active", "description", "duration", "duration_options", "color", "locale", "locations",
}  # fmt: skip


def refuse(*parameters: str) -> Refusal:
    return Refusal(400, "Invalid Argument", INVALID, *parameters)


def book(world: World, ids: Ids, query: Json, body: Any) -> Answer:
    if world.free_plan:
        message = "Please upgrade your Calendly account to Standard"
        raise Refusal(403, "Permission Denied", message)
    kind = world.types.get(body["event_type"])
    if kind is None:
        return one(None)
    invitee = body["invitee"]
    start = moment(body["start_time"])
    wrong = []
    if "@" not in invitee.get("email", ""):
        wrong.append("invitee.email")
    if not (invitee.get("name") or invitee.get("first_name")):
        wrong.append("invitee.name")
    if start < datetime.now(UTC):
        wrong.append("start_time")
    asked = {q["name"]: q for q in kind["custom_questions"]}
    answers = body.get("questions_and_answers", [])
    if any(a["question"] not in asked for a in answers):
        wrong.append("questions_and_answers")
    required = {name for name, q in asked.items() if q["required"]}
    if required - {a["question"] for a in answers if a["answer"]}:
        wrong.append("questions_and_answers")
    if len(body.get("event_guests", [])) > 10:
        wrong.append("event_guests")
    wrong += _wrong_place(kind, body.get("location"))
    if wrong:
        raise refuse(*wrong)
    if not any(at == start for at, _ in world.slots(kind, start, start.replace(second=1))):
        raise Refusal(409, "Conflict", "The event is no longer available at this time.")
    made = world.add_event(
        kind,
        start,
        invitee["email"],
        name=invitee.get("name"),
        timezone=invitee["timezone"],
        questions_and_answers=[
            {"question": a["question"], "answer": a["answer"], "position": n}
            for n, a in enumerate(answers)
        ],
    )
    event = world.events[made["event"]]
    event["location"] = _place(body.get("location"))
    now = world.now()
    event["event_guests"] = [
        {"email": email, "created_at": now, "updated_at": now}
        for email in body.get("event_guests", [])
    ]
    return 201, {"resource": made}


def _wrong_place(kind: Json, place: Json | None) -> list[str]:
    if place is None:
        return ["location"] if kind["locations"] else []
    offered = [p for p in kind["locations"] if p["kind"] == place["kind"]]
    if not offered:
        return ["location.kind"]
    text = place.get("location")
    if place["kind"] == "physical" and text not in {p["location"] for p in offered}:
        return ["location.location"]
    if place["kind"] in ("ask_invitee", "outbound_call", "custom") and not text:
        return ["location.location"]
    return []


def _place(place: Json | None) -> Json | None:
    if place is None:
        return None
    kind = READ_KINDS.get(place["kind"], place["kind"])
    if not place["kind"].endswith("_conference"):
        return {"type": kind, "location": place.get("location")}
    data: Json | None = None
    if kind == "zoom":
        data = {
            "id": 91234567890,
            "password": "123456",
            "extra": None,
            "settings": {
                "global_dial_in_numbers": [
                    {"number": "+49 30 1234567", "country": "DE", "type": "toll"}
                ]
            },
        }
    url = "https://zoom.us/j/91234567890" if kind == "zoom" else "https://calls.example.com/1"
    found: Json = {"type": kind, "status": "pushed", "join_url": url}
    return found if kind == "google_conference" else {**found, "data": data}


def cancel(world: World, ids: Ids, query: Json, body: Any) -> Answer:
    event = world.events.get(f"{API}/scheduled_events/{ids[0]}")
    if event is None:
        return one(None)
    return 201, {"resource": world.cancel(event, (body or {}).get("reason", ""))}


def _check_type(body: Json) -> None:
    wrong = []
    if not 1 <= body.get("duration", 30) <= 720:
        wrong.append("duration")
    if len(body.get("duration_options") or []) > 4:
        wrong.append("duration_options")
    if "color" in body and not re.fullmatch(r"#[a-f\d]{6}", body["color"]):
        wrong.append("color")
    if any(place["kind"] not in KINDS for place in body.get("locations", [])):
        wrong.append("locations")
    if wrong:
        raise refuse(*wrong)


def _fill_type(kind: Json, body: Json) -> None:
    """Unknown keys are dropped without an error, as was seen in 2026."""
    for name in WRITABLE & body.keys():
        kind["description_plain" if name == "description" else name] = body[name]
    kind["description_html"] = f"<p>{kind['description_plain']}</p>"


def create_type(world: World, ids: Ids, query: Json, body: Any) -> Answer:
    if body.get("owner") != HOST or not body.get("name"):
        raise refuse("owner" if body.get("owner") != HOST else "name")
    _check_type(body)
    made = world.add_type(body["name"], active=False)
    # A new type comes out inactive at times, even when it was asked to be active: here always.
    _fill_type(made, {**body, "active": False})
    return 201, {"resource": made}


def update_type(world: World, ids: Ids, query: Json, body: Any) -> Answer:
    kind = world.types.get(f"{API}/event_types/{ids[0]}")
    if kind is None:
        return one(None)
    if kind["kind"] != "solo" or kind["pooling_type"]:
        raise Refusal(403, "Permission Denied", "Only solo event types can be updated")
    _check_type(body)
    _fill_type(kind, body)
    kind["updated_at"] = world.now()
    return one(kind)


def create_one_off(world: World, ids: Ids, query: Json, body: Any) -> Answer:
    missing = {"name", "host", "duration", "date_setting"} - body.keys()
    if missing or len(body["name"]) > 55:
        raise refuse(*(missing or {"name"}))
    made = world.add_type(body["name"], duration=body["duration"], type="AdhocEventType")
    made["locations"] = [body["location"]] if "location" in body else []
    return 201, {"resource": made}


def _booking_link(world: World, uri: str) -> Json:
    if uri not in world.types:
        one(None)
    return {
        "booking_url": f"https://calendly.com/d/{secrets.token_hex(4)}/{uri[-4:]}",
        "owner": uri,
        "owner_type": "EventType",
    }


def create_scheduling_link(world: World, ids: Ids, query: Json, body: Any) -> Answer:
    if body.get("max_event_count") != 1 or body.get("owner_type") != "EventType":
        raise refuse("max_event_count")
    return 201, {"resource": _booking_link(world, body["owner"])}


def create_share(world: World, ids: Ids, query: Json, body: Any) -> Answer:
    link = _booking_link(world, body["event_type"])
    override = {key: value for key, value in body.items() if key != "event_type"}
    return 201, {"resource": {"scheduling_links": [link], "share_override": override}}


def create_hook(world: World, ids: Ids, query: Json, body: Any) -> Answer:
    if world.free_plan:
        message = "Please upgrade your Calendly account to Standard"
        raise Refusal(403, "Permission Denied", message)
    if not body["url"].startswith("https://") or not body["events"]:
        raise refuse("url")
    if any(hook["callback_url"] == body["url"] for hook in world.hooks.values()):
        raise Refusal(409, "Already Exists", "Hook with this url already exists")
    now = world.now()
    uri = f"{API}/webhook_subscriptions/{uuid.uuid4()}"
    world.keys[uri] = body.get("signing_key", "")
    world.hooks[uri] = {
        "uri": uri,
        "callback_url": body["url"],
        "created_at": now,
        "updated_at": now,
        "retry_started_at": None,
        "state": "active",
        "events": body["events"],
        "scope": body["scope"],
        "organization": body["organization"],
        "user": body["user"],
        "group": None,
        "creator": HOST,
    }
    return 201, {"resource": world.hooks[uri]}


def list_hooks(world: World, ids: Ids, query: Json, body: Any) -> Answer:
    return paged("webhook_subscriptions", list(world.hooks.values()), query)


def delete_hook(world: World, ids: Ids, query: Json, body: Any) -> Answer:
    if world.hooks.pop(f"{API}/webhook_subscriptions/{ids[0]}", None) is None:
        return one(None)
    return 204, None


ROUTES = (
    ("POST", "/webhook_subscriptions", create_hook),
    ("GET", "/webhook_subscriptions", list_hooks),
    ("DELETE", "/webhook_subscriptions/*", delete_hook),
    ("POST", "/invitees", book),
    ("POST", "/scheduled_events/*/cancellation", cancel),
    ("POST", "/event_types", create_type),
    ("PATCH", "/event_types/*", update_type),
    ("POST", "/one_off_event_types", create_one_off),
    ("POST", "/scheduling_links", create_scheduling_link),
    ("POST", "/shares", create_share),
)
