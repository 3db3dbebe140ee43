"""Dialpad's webhooks and call event subscriptions in the double, and what is sent to them.

The body of a delivery is made by joserfc, as any library of JSON Web Tokens makes it.
"""

import json
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from joserfc import jws
from joserfc.jwk import OctKey

from tests.providers.dialpad.double.world import Json, Problem, World

if TYPE_CHECKING:
    from tests.providers.dialpad.double.server import Dialpad, Handler

_STATES = {"hangup", "recording", "admin_recording", "call_transcription", "connected", "all"}


@dataclass
class Letter:
    """A delivery as it is sent."""

    url: str
    body: bytes


def token(secret: str, payload: Json, alg: str = "HS256") -> bytes:
    text = json.dumps(payload).encode()
    key = OctKey.import_key(secret)
    return jws.serialize_compact({"alg": alg, "typ": "JWT"}, text, key, algorithms=[alg]).encode()


def letters(world: World, state: str, when: float | None = None) -> list[Letter]:
    """A call of the user came into `state`: what is sent, to whom that was promised."""
    happened = int((when or time.time()) * 1000)
    world.last += 1
    payload = {
        "call_id": world.last,
        "state": state,
        "direction": "inbound",
        "event_timestamp": happened,
        "target": {"id": int(world.me or 1), "type": "user", "email": "dana@example.com"},
    }
    found = []
    for call in world.calls.values():
        if call["enabled"] and state in call["call_states"]:
            hook = world.hooks[call["webhook"]["id"]]
            secret = hook["signature"]["secret"]
            found.append(Letter(hook["hook_url"], token(secret, payload)))
    return found


def _hooks(dialpad: "Dialpad", match: re.Match[str], query: Json, body: Any) -> Json:
    return dialpad.pages("items", list(dialpad.world.hooks.values()), query)


def _hook(dialpad: "Dialpad", match: re.Match[str], query: Json, body: Any) -> Json:
    if not str(body.get("hook_url", "")).startswith(("http:", "https:")) or not body.get("secret"):
        raise Problem(400, "hook_url, secret")
    dialpad.world.last += 1
    signature = {"algo": "HS256", "secret": body["secret"], "type": "jwt"}
    own_id = str(dialpad.world.last)
    found = {"id": own_id, "hook_url": body["hook_url"], "signature": signature}
    dialpad.world.hooks[own_id] = found
    return found


def _of(found: dict[str, Json], own_id: str) -> Json:
    if own_id not in found:
        raise Problem(404, "no such thing")
    return found[own_id]


def _change_hook(dialpad: "Dialpad", match: re.Match[str], query: Json, body: Any) -> Json:
    found = _of(dialpad.world.hooks, match[1])
    found["hook_url"] = body.get("hook_url", found["hook_url"])
    if "secret" in body:
        found["signature"] = {"algo": "HS256", "secret": body["secret"], "type": "jwt"}
    return found


def _delete_hook(dialpad: "Dialpad", match: re.Match[str], query: Json, body: Any) -> Json:
    found = _of(dialpad.world.hooks, match[1])
    del dialpad.world.hooks[match[1]]
    return found


def _calls(dialpad: "Dialpad", match: re.Match[str], query: Json, body: Any) -> Json:
    found = [
        call
        for call in dialpad.world.calls.values()
        if query.get("target_id") in (None, str(call.get("target_id")))
    ]
    return dialpad.pages("items", found, query)


def _call(dialpad: "Dialpad", match: re.Match[str], query: Json, body: Any) -> Json:
    hook = dialpad.world.hooks.get(str(body.get("endpoint_id")))
    if hook is None or set(body["call_states"]) - _STATES:
        raise Problem(400, "endpoint_id, call_states")
    dialpad.world.last += 1
    own_id = str(dialpad.world.last)
    found = {
        "id": own_id,
        "call_states": body["call_states"],
        "enabled": body.get("enabled", True),
        "group_calls_only": False,
        "webhook": hook,
        **{name: body[name] for name in ("target_type", "target_id") if name in body},
    }
    dialpad.world.calls[own_id] = found
    return found


def _change_call(dialpad: "Dialpad", match: re.Match[str], query: Json, body: Any) -> Json:
    found = _of(dialpad.world.calls, match[1])
    found.update({name: body[name] for name in ("call_states", "enabled") if name in body})
    return found


def _delete_call(dialpad: "Dialpad", match: re.Match[str], query: Json, body: Any) -> Json:
    found = _of(dialpad.world.calls, match[1])
    del dialpad.world.calls[match[1]]
    return found


_ROOT = "/api/v2"
ROUTES: "tuple[tuple[str, re.Pattern[str], Handler], ...]" = (
    ("GET", re.compile(f"{_ROOT}/webhooks"), _hooks),
    ("POST", re.compile(f"{_ROOT}/webhooks"), _hook),
    ("PATCH", re.compile(rf"{_ROOT}/webhooks/(\d+)"), _change_hook),
    ("DELETE", re.compile(rf"{_ROOT}/webhooks/(\d+)"), _delete_hook),
    ("GET", re.compile(f"{_ROOT}/subscriptions/call"), _calls),
    ("POST", re.compile(f"{_ROOT}/subscriptions/call"), _call),
    ("PATCH", re.compile(rf"{_ROOT}/subscriptions/call/(\d+)"), _change_call),
    ("DELETE", re.compile(rf"{_ROOT}/subscriptions/call/(\d+)"), _delete_call),
)
