"""Workspace Events of the double: subscriptions, and what Cloud Pub/Sub brings of them.

developers.google.com/workspace/events, discovery document workspaceevents:v1 of 2026-10-04.
"""

import asyncio
import base64
import json
import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import ClientSession

from tests.providers.google.double.faults import NewProblem
from tests.providers.google.double.meet import invalid, missing, page, readable, text_of
from tests.providers.google.double.world import Json

USER = "110987654321"
_TARGET = re.compile(
    r"//cloudidentity\.googleapis\.com/users/\d+|//meet\.googleapis\.com/spaces/.+"
)
_MEET = "google.workspace.meet."
_TYPES = {
    f"{_MEET}{resource}.v2.{what}"
    for resource, things in {
        "conference": ("started", "ended"),
        "participant": ("joined", "left"),
        "recording": ("started", "ended", "fileGenerated"),
        "transcript": ("started", "ended", "fileGenerated"),
    }.items()
    for what in things
}
_FILTER = re.compile(r'event_types:"([^"]+)"(?: AND target_resource="([^"]+)")?')
_KEYS = {"conference": "conferenceRecord", "participant": "participantSession"}
_LONGEST = 7 * 86_400.0


class Workspace:
    """Subscriptions, and the operator's push subscription in Cloud Pub/Sub.

    Attributes:
        endpoint: where Pub/Sub pushes to; "" while nobody has set it up.
        topic_allowed: whether Meet may publish to topics.
        reactivated: whether what suspends subscriptions has been mended.
    """

    def __init__(self) -> None:
        self.subscriptions: dict[str, Json] = {}
        self.operations: dict[str, Json] = {}
        self.endpoint = ""
        self.topic_allowed = True
        self.reactivated = True
        self.slow = 0
        self.broken = False
        self.statuses: list[int] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def alive(self) -> dict[str, Json]:
        """Those that have not ended."""
        now = datetime.now(UTC)
        for name, each in list(self.subscriptions.items()):
            if datetime.fromisoformat(each["expireTime"]) <= now:
                del self.subscriptions[name]
        return self.subscriptions

    # -- what tests do

    def happened(self, kind: str, name: str) -> None:
        """Tell the subscriptions to events of type `kind` of it."""
        for each in list(self.alive().values()):
            if kind in each["eventTypes"] and each["state"] == "ACTIVE":
                self.publish(pushed(kind, name, subscription=each["name"]))

    def suspend(self, name: str) -> None:
        """As when the topic can no longer be published to; it is told once more."""
        self.subscriptions[name] |= {
            "state": "SUSPENDED", "suspensionReason": "ENDPOINT_PERMISSION_DENIED",
        }  # fmt: skip
        self.tell(name, "suspended")

    def tell(self, name: str, what: str) -> None:
        """A lifecycle event of the subscription."""
        kind = f"google.workspace.events.subscription.v1.{what}"
        self.publish(pushed(kind, name, subscription=name))

    def publish(self, body: bytes) -> None:
        """Push to the operator's endpoint."""
        if self.endpoint:
            task = asyncio.get_running_loop().create_task(self._push(body))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _push(self, body: bytes) -> None:
        headers = {"content-type": "application/json", "user-agent": "CloudPubSub-Google"}
        async with (
            ClientSession() as session,
            session.post(self.endpoint, data=body, headers=headers) as reply,
        ):
            self.statuses.append(reply.status)

    async def delivered(self) -> list[int]:
        """Wait for what is under way; the statuses that all was answered with."""
        await asyncio.gather(*self._tasks)
        return self.statuses

    # -- operations

    def operation(self, subscription: Json) -> Json:
        """A long-running operation, as good as done unless `slow` says otherwise."""
        kind = "type.googleapis.com/google.apps.events.subscriptions.v1.Subscription"
        done: Json = {
            "name": f"operations/{uuid.uuid4().hex}",
            "done": True,
            "response": {"@type": kind, **subscription},
        }
        if self.broken:
            done["error"] = {"code": 9, "message": "The topic cannot be published to."}
            del done["response"]
        self.operations[done["name"]] = done
        return done if not self.slow else {"name": done["name"]}


def pushed(
    kind: str, name: str, key: str = "", subscription: str = "subscriptions/meet-spaces-123"
) -> bytes:
    """The body of a Pub/Sub push that tells of `name`."""
    resource = kind.removeprefix(_MEET).partition(".")[0]
    key = key or _KEYS.get(resource, "subscription" if "events.subscription" in kind else resource)
    data = base64.b64encode(json.dumps({key: {"name": name}}).encode()).decode()
    attributes = {
        "ce-id": uuid.uuid4().hex[:8],
        "ce-source": f"//workspaceevents.googleapis.com/{subscription}",
        "ce-specversion": "1.0",
        "ce-subject": "//meet.googleapis.com/spaces/jQCFfuBOdN5z",
        "ce-time": text_of(datetime.now(UTC), 3),
        "ce-type": kind,
        "content-type": "application/json",
    }
    message = {"attributes": attributes, "data": data, "messageId": "11223344"}
    return json.dumps({"message": message, "subscription": "projects/p/subscriptions/s"}).encode()


def _workspace(google: Any) -> Workspace:
    readable(google)
    found: Workspace = google.workspace
    return found


def _end(ttl: str) -> str:
    seconds = float(ttl.removesuffix("s") or 0) or _LONGEST
    return text_of(datetime.now(UTC) + timedelta(seconds=min(seconds, _LONGEST)), 6)


def _subscribe(google: Any, match: Any, query: Json, body: Json, headers: Any) -> Any:
    found = _workspace(google)
    for name in ("targetResource", "eventTypes", "notificationEndpoint"):
        if not body.get(name):
            raise invalid(f"{name} is required.")
    target, types = body["targetResource"], set(body["eventTypes"])
    if not _TARGET.fullmatch(target) or not types <= _TYPES:
        raise invalid("Unsupported event type or target resource.")
    if not re.fullmatch(
        r"projects/[^/]+/topics/[^/]+", body["notificationEndpoint"]["pubsubTopic"]
    ):
        raise invalid("notificationEndpoint.")
    if not found.topic_allowed:
        raise NewProblem(403, "", "Permission denied on the topic.", domain="PERMISSION_DENIED")
    if any(each["targetResource"] == target for each in found.alive().values()):
        raise NewProblem(409, "", "Subscription already exists.", domain="ALREADY_EXISTS")
    name = f"subscriptions/meet-{uuid.uuid4().hex[:12]}"
    made = {
        "name": name,
        "uid": uuid.uuid4().hex,
        "targetResource": target,
        "eventTypes": body["eventTypes"],
        "notificationEndpoint": body["notificationEndpoint"],
        "payloadOptions": body.get("payloadOptions", {}),
        "state": "ACTIVE",
        "expireTime": _end(body.get("ttl", "")),
        "etag": uuid.uuid4().hex,
    }
    if not found.broken:
        found.subscriptions[name] = made
    return found.operation(made)


def _subscription(google: Any, name: str) -> Json:
    found = _workspace(google).alive().get(name)
    if found is None:
        raise missing()
    return found


def _list(google: Any, match: Any, query: Json, body: Any, headers: Any) -> Any:
    wanted = _FILTER.fullmatch(query.get("filter", ""))
    if wanted is None:
        raise invalid("filter.")
    found = [
        each
        for each in _workspace(google).alive().values()
        if wanted[1] in each["eventTypes"] and wanted[2] in (None, each["targetResource"])
    ]
    return page(found, "subscriptions", query, 50, 100)


def _get(google: Any, match: Any, query: Json, body: Any, headers: Any) -> Any:
    return _subscription(google, match[1])


def _patch(google: Any, match: Any, query: Json, body: Json, headers: Any) -> Any:
    found = _subscription(google, match[1])
    if query.get("updateMask") != "ttl":
        raise invalid("updateMask.")
    if found["state"] != "ACTIVE":
        raise NewProblem(400, "", "Suspended.", domain="FAILED_PRECONDITION")
    found["expireTime"] = _end(body.get("ttl", ""))
    return _workspace(google).operation(found)


def _reactivate(google: Any, match: Any, query: Json, body: Any, headers: Any) -> Any:
    found = _subscription(google, match[1])
    if not _workspace(google).reactivated:
        raise NewProblem(400, "", "Still suspended.", domain="FAILED_PRECONDITION")
    found["state"] = "ACTIVE"
    found.pop("suspensionReason", None)
    return _workspace(google).operation(found)


def _delete(google: Any, match: Any, query: Json, body: Any, headers: Any) -> Any:
    found = _workspace(google).subscriptions.pop(match[1], None)
    if found is None and query.get("allowMissing") != "true":
        raise missing()
    return _workspace(google).operation(found or {})


def _operation(google: Any, match: Any, query: Json, body: Any, headers: Any) -> Any:
    found = _workspace(google)
    done = found.operations[match[1]]
    found.slow = max(found.slow - 1, 0)
    return done if not found.slow else {"name": done["name"]}


def _userinfo(google: Any, match: Any, query: Json, body: Any, headers: Any) -> Any:
    return {"id": USER}


_SUB = r"/v1/(subscriptions/[^/:]+)"
ROUTES: list[tuple[str, str, Any]] = [
    ("GET", "/oauth2/v2/userinfo", _userinfo),
    ("POST", "/v1/subscriptions", _subscribe),
    ("GET", "/v1/subscriptions", _list),
    ("GET", r"/v1/(operations/[^/:]+)", _operation),
    ("GET", _SUB, _get),
    ("PATCH", _SUB, _patch),
    ("POST", rf"{_SUB}:reactivate", _reactivate),
    ("DELETE", _SUB, _delete),
]
