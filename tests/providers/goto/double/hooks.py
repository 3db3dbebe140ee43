"""GoTo Webinar's webhooks in the double: what is made, switched on, subscribed to, and sent."""

import base64
import hashlib
import hmac
import json
import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tests.providers.goto.double.world import Json, Problem, World, plain

if TYPE_CHECKING:
    from tests.providers.goto.double.server import Answer, GoTo, Handler

_EVENTS = {
    "registrant.added",
    "registrant.joined",
    "webinar.created",
    "webinar.changed",
    "survey.submitted",
}


@dataclass
class Letter:
    """A delivery as it is sent."""

    url: str
    headers: dict[str, str]
    body: bytes


def signature(secret: str, sent: str, body: bytes) -> str:
    made = hmac.new(secret.encode(), digestmod=hashlib.sha256)
    made.update(sent.encode())
    made.update(b":")
    made.update(body)
    return base64.b64encode(made.digest()).decode()


def letters(
    world: World, event: str, webinar: Json, when: datetime | None = None, **fields: Any
) -> list[Letter]:
    """What is sent of `event`, to whom webhook and subscription are active."""
    now = when or datetime.now(UTC)
    body = {
        "eventName": event,
        "eventVersion": "1.0.0",
        "product": "g2w",
        "eventKey": str(uuid.uuid4()),
        "webinarKey": webinar["key"],
        "webinarTitle": webinar["subject"],
        "timestamp": plain(now),
        **fields,
    }
    text = json.dumps(body).encode()
    sent = str(int(now.timestamp() * 1000))
    headers = {"content-type": "application/json"}
    if world.secret:
        headers["X-Webhook-Signature-Timestamp"] = sent
        headers["X-Webhook-Signature"] = signature(world.secret, sent, text)
    return [
        Letter(user["callbackUrl"], headers, text)
        for user in world.users.values()
        if user["userSubscriptionState"] == "ACTIVE"
        and (hook := world.hooks.get(user["webhookKey"])) is not None
        and (hook["eventName"], hook["state"]) == (event, "ACTIVE")
    ]


def _secret(goto: "GoTo", match: re.Match[str], query: Json, body: Any) -> "Answer":
    """A new one takes the place of the one before, for everybody."""
    goto.world.secret = str(uuid.uuid4())
    now = plain(datetime.now(UTC))
    return 200, {"id": goto.world.number(60), "value": goto.world.secret, "validFrom": now}


def _product(query: Json) -> None:
    if query.get("product") != "g2w":
        raise Problem(400, "InvalidRequest", "product")


def _hooks(goto: "GoTo", match: re.Match[str], query: Json, body: Any) -> "Answer":
    _product(query)
    return 200, {"_embedded": {"webhooks": list(goto.world.hooks.values())}}


def _hook(goto: "GoTo", match: re.Match[str], query: Json, body: Any) -> "Answer":
    made = []
    for each in body:
        if each["eventName"] not in _EVENTS or each["eventVersion"] != "1.0.0":
            raise Problem(400, "InvalidRequest", "eventName")
        hook = {
            **each,
            "webhookKey": str(uuid.uuid4()),
            "state": "INACTIVE",
            "createTime": plain(datetime.now(UTC)),
        }
        goto.world.hooks[hook["webhookKey"]] = hook
        made.append(dict(hook))
    return 200, {"_embedded": {"webhooks": made}}


def _known(goto: "GoTo", each: Json) -> Json:
    found = goto.world.hooks.get(each["webhookKey"])
    if found is None or goto.world.unready:
        goto.world.unready = max(0, goto.world.unready - 1)
        raise Problem(404, "NOT_FOUND", "webhook")
    return found


def _change(goto: "GoTo", match: re.Match[str], query: Json, body: Any) -> "Answer":
    found = [_known(goto, each) for each in body]
    for hook, each in zip(found, body, strict=True):
        hook.update({name: each[name] for name in ("callbackUrl", "state") if name in each})
    return 204, None


def _remove(goto: "GoTo", match: re.Match[str], query: Json, body: Any) -> "Answer":
    for key in body:
        if goto.world.hooks.pop(key, None) is None:
            raise Problem(404, "NOT_FOUND", "webhook")
    return 202, None


def _users(goto: "GoTo", match: re.Match[str], query: Json, body: Any) -> "Answer":
    _product(query)
    return 200, {"_embedded": {"userSubscriptions": list(goto.world.users.values())}}


def _subscribe(goto: "GoTo", match: re.Match[str], query: Json, body: Any) -> "Answer":
    made = []
    for each in body:
        hook = _known(goto, each)
        if any(user["webhookKey"] == each["webhookKey"] for user in goto.world.users.values()):
            raise Problem(409, "ALREADY_EXISTS", "one for each user")
        state = each.get("userSubscriptionState", "INACTIVE")
        user = {
            "callbackUrl": each.get("callbackUrl", hook["callbackUrl"]),
            "eventName": hook["eventName"],
            "eventVersion": "1.0.0",
            "product": "g2w",
            "webhookKey": each["webhookKey"],
            "userSubscriptionKey": str(uuid.uuid4()),
            "userSubscriptionState": state,
            "activationState": "ACTIVE" if state == hook["state"] == "ACTIVE" else "INACTIVE",
            "createTime": plain(datetime.now(UTC)),
        }
        goto.world.users[user["userSubscriptionKey"]] = user
        made.append(dict(user))
    return 200, {"_embedded": {"userSubscriptions": made}}


def _resubscribe(goto: "GoTo", match: re.Match[str], query: Json, body: Any) -> "Answer":
    for each in body:
        user = goto.world.users.get(each["userSubscriptionKey"])
        if user is None:
            raise Problem(404, "NOT_FOUND", "subscription")
        user["userSubscriptionState"] = each["userSubscriptionState"]
    return 204, None


def _unsubscribe(goto: "GoTo", match: re.Match[str], query: Json, body: Any) -> "Answer":
    for key in body:
        if goto.world.users.pop(key, None) is None:
            raise Problem(404, "NOT_FOUND", "subscription")
    return 202, None


_ROOT = "/G2W/rest/v2"
ROUTES: "tuple[tuple[str, re.Pattern[str], Handler], ...]" = (
    ("POST", re.compile(f"{_ROOT}/webhooks/secretkey"), _secret),
    ("GET", re.compile(f"{_ROOT}/webhooks"), _hooks),
    ("POST", re.compile(f"{_ROOT}/webhooks"), _hook),
    ("PUT", re.compile(f"{_ROOT}/webhooks"), _change),
    ("DELETE", re.compile(f"{_ROOT}/webhooks"), _remove),
    ("GET", re.compile(f"{_ROOT}/userSubscriptions"), _users),
    ("POST", re.compile(f"{_ROOT}/userSubscriptions"), _subscribe),
    ("PUT", re.compile(f"{_ROOT}/userSubscriptions"), _resubscribe),
    ("DELETE", re.compile(f"{_ROOT}/userSubscriptions"), _unsubscribe),
)
