"""Registrants, panelists, forms, polls of webinars; and the token endpoint."""

import secrets
from typing import Any
from urllib.parse import parse_qsl

from tests.providers.zoom.double.plan import now, stamp
from tests.providers.zoom.double.problems import Json, Problem, invalid


def form(raw: bytes) -> Json:
    return dict(parse_qsl(raw.decode()))


def _registrants(ask: Any) -> Any:
    data = ask.world.find("webinar", ask.parts[0])
    if data["settings"]["approval_type"] == 2:
        raise Problem(400, 3000, "Registration has not been enabled for this webinar.")
    status = ask.query.get("status", "approved")
    found = [r for r in ask.world.registrants.get(data["id"], []) if r["status"] == status]
    return ask.zoom.pages.cut("registrants", found, ask.query, f"{data['id']} {status}")


def _register(ask: Any) -> Any:
    data = ask.world.find("webinar", ask.parts[0])
    approval = data["settings"]["approval_type"]
    if approval == 2:
        raise Problem(400, 404, "Registration has not been enabled for this webinar.")
    if "@" not in ask.body.get("email", "") or not ask.body.get("first_name"):
        raise invalid("email", "Invalid field.")
    listed = ask.world.registrants.setdefault(data["id"], [])
    seats = data["settings"].get("registrants_restrict_number", 0)
    if seats and len(listed) >= seats:
        raise Problem(400, 3043, "Webinar has reached maximum attendee capacity.")
    own_id = secrets.token_urlsafe(16)
    registrant = {**ask.body, "id": own_id, "create_time": stamp(now())}
    registrant["status"] = "approved" if approval == 0 else "pending"
    if approval == 0:
        registrant["join_url"] = f"https://example.zoom.us/w/{data['id']}?tk={own_id}"
    listed.append(registrant)
    answer = {
        "id": data["id"],
        "registrant_id": own_id,
        "topic": data["topic"],
        "start_time": data.get("start_time", ""),
    }
    if "join_url" in registrant:
        answer["join_url"] = registrant["join_url"]
    return 201, answer


def _of(ask: Any, own_id: str) -> Json:
    data = ask.world.find("webinar", ask.parts[0])
    for found in ask.world.registrants.get(data["id"], []):
        if found["id"] == own_id:
            registrant: Json = found
            return registrant
    raise Problem(404, 3079, "The registrant does not exist.")


def _approve(ask: Any) -> Any:
    actions = {"approve": "approved", "deny": "denied"}
    for each in ask.body["registrants"]:
        registrant = _of(ask, each["id"])
        if ask.body["action"] == "cancel":
            ask.world.registrants[int(ask.parts[0])].remove(registrant)
            continue
        registrant["status"] = actions[ask.body["action"]]
        if registrant["status"] == "approved":
            registrant["join_url"] = f"https://example.zoom.us/w/1?tk={registrant['id']}"
    return 204, None


def _questions(ask: Any) -> Any:
    data = ask.world.find("webinar", ask.parts[0])
    return ask.world.questions.get(data["id"], {"questions": [], "custom_questions": []})


def _ask_questions(ask: Any) -> Any:
    data = ask.world.find("webinar", ask.parts[0])
    if data["settings"]["approval_type"] == 2:
        raise Problem(400, 3000, "Registration has not been enabled for this webinar.")
    ask.world.questions[data["id"]] = ask.body
    return 204, None


def _panelists(ask: Any) -> Any:
    data = ask.world.find("webinar", ask.parts[0])
    found = ask.world.panelists.get(data["id"], [])
    return {"total_records": len(found), "panelists": found}


def _invite(ask: Any) -> Any:
    data = ask.world.find("webinar", ask.parts[0])
    if len(ask.body["panelists"]) > 30:
        raise invalid("panelists", "At most 30.")
    listed = ask.world.panelists.setdefault(data["id"], [])
    for each in ask.body["panelists"]:
        own_id = secrets.token_urlsafe(12)
        link = f"https://example.zoom.us/w/{data['id']}?tk={own_id}"
        listed.append({**each, "id": own_id, "join_url": link})
    return 201, {"id": str(data["id"]), "updated_at": stamp(now())}


def _uninvite(ask: Any) -> Any:
    data = ask.world.find("webinar", ask.parts[0])
    listed = ask.world.panelists.get(data["id"], [])
    kept = [each for each in listed if each["id"] != ask.parts[1]]
    if len(kept) == len(listed):
        raise Problem(400, 300, "Invalid panelist id.")
    ask.world.panelists[data["id"]] = kept
    return 204, None


def _polls(ask: Any) -> Any:
    data = ask.world.find("webinar", ask.parts[0])
    found = ask.world.polls.get(data["id"], [])
    return {"total_records": len(found), "polls": found}


def _tracking(ask: Any) -> Any:
    data = ask.world.find("webinar", ask.parts[0])
    found = ask.world.tracking.get(data["id"], [])
    return {"total_records": len(found), "tracking_sources": found}


def _token(ask: Any) -> Any:
    """A refresh token dies at its first use; its body says little (forum reports, 2021-2026)."""
    grant = ask.body.get("grant_type")
    answer = {"token_type": "bearer", "expires_in": 3599, "api_url": "https://api-eu.zoom.us"}
    if grant == "account_credentials":
        return {**answer, "access_token": "account-access-token", "scope": "user:read:user:admin"}
    if grant == "refresh_token" and ask.body.get("refresh_token") == ask.zoom.refresh_token:
        ask.zoom.refresh_token = secrets.token_urlsafe(16)
        return {
            **answer,
            "access_token": "dana-access-token",
            "refresh_token": ask.zoom.refresh_token,
            "scope": "meeting:read:meeting meeting:write:meeting",
        }
    return 401, {"reason": "Invalid Token!", "error": "invalid_request"}


_WEBINAR = "/v2/webinars/([^/]+)"
ROUTES: list[Any] = [
    ("POST", "/oauth/token", _token),
    ("GET", f"{_WEBINAR}/registrants", _registrants),
    ("POST", f"{_WEBINAR}/registrants", _register),
    ("PUT", f"{_WEBINAR}/registrants/status", _approve),
    ("GET", f"{_WEBINAR}/registrants/questions", _questions),
    ("PATCH", f"{_WEBINAR}/registrants/questions", _ask_questions),
    ("GET", f"{_WEBINAR}/registrants/([^/]+)", lambda ask: _of(ask, ask.parts[1])),
    ("GET", f"{_WEBINAR}/panelists", _panelists),
    ("POST", f"{_WEBINAR}/panelists", _invite),
    ("DELETE", f"{_WEBINAR}/panelists/([^/]+)", _uninvite),
    ("GET", f"{_WEBINAR}/polls", _polls),
    ("GET", f"{_WEBINAR}/tracking_sources", _tracking),
]
