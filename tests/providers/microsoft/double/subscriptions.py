"""Subscriptions: the handshake, renewal, removal, and what is told to them.

learn.microsoft.com/graph/api/subscription-*, .../change-notifications-delivery-webhooks and
.../change-notifications-lifecycle-events.
"""

import asyncio
import re
import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from aiohttp import ClientError, ClientSession, ClientTimeout

from tests.providers.microsoft.double import clocks
from tests.providers.microsoft.double.problems import Problem, missing, unknown_path
from tests.providers.microsoft.double.world import ADA, Json, Mailbox

if TYPE_CHECKING:
    from tests.providers.microsoft.double.routes import Answer, Asked, Found
    from tests.providers.microsoft.double.server import Graph

# Resource: longest life in minutes, changes that it tells.
_RESOURCES: Mapping[re.Pattern[str], tuple[int, frozenset[str]]] = {
    re.compile(r"(?:me|users/([^/]+))/events"): (
        10_080, frozenset({"created", "updated", "deleted"})),
    re.compile(r"(?:me|users/([^/]+))/calendars/([^/]+)/events"): (
        10_080, frozenset({"created", "updated", "deleted"})),
    re.compile(r"users/([^/]+)/onlineMeetings/getAll(?:Recordings|Transcripts)"): (
        4_320, frozenset({"created"})),
}  # fmt: skip
_SHORTEST = timedelta(minutes=45)


class Subscriptions:
    """What apps have subscribed to.

    Attributes:
        table: by id.
        patience: seconds that a handshake may take.
        quota: how many there can be.
        refused: resources that are not pushed to this app, by their last word.
        statuses: how deliveries were answered.
        done: what was done, "created" or "renewed", and to which.
    """

    def __init__(self, graph: "Graph") -> None:
        self.graph = graph
        self.table: dict[str, Json] = {}
        self.patience = 10.0
        self.quota = 1_000
        self.refused: dict[str, Problem] = {}
        self.statuses: list[int] = []
        self.done: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()

    # -- what tests ask of it

    def changed(self, event_id: str = "AAMk", change: str = "updated") -> None:
        """Tell every subscription to events of a change."""
        for each in list(self.alive().values()):
            if each["resource"].endswith("events") and change in each["changeType"]:
                self._post(each["notificationUrl"], self.item(each, event_id, change))

    def ready(self, word: str = "Recordings") -> None:
        """Tell every subscription to recordings, or transcripts, of a new one."""
        for each in list(self.alive().values()):
            if each["resource"].endswith(f"getAll{word}"):
                self._post(each["notificationUrl"], self.item(each, uuid.uuid4().hex, "created"))

    def tell(self, own_id: str, lifecycle: str) -> None:
        """Tell of the subscription itself; one that is removed is gone."""
        each = self.table[own_id]
        if lifecycle == "subscriptionRemoved":
            del self.table[own_id]
        told = {name: each[name] for name in ("clientState",)} | {
            "subscriptionId": own_id,
            "subscriptionExpirationDateTime": each["expirationDateTime"],
            "tenantId": "84bd8158-6d4d-4958-8b9f-9d6445542f95",
            "lifecycleEvent": lifecycle,
        }
        self._post(each["lifecycleNotificationUrl"], told)

    def item(self, each: Json, object_id: str, change: str) -> Json:
        """One change as it is told (resources/changenotification)."""
        box = self.graph.world.mailboxes[ADA]
        path = f"Users/{box.id}/Events/{object_id}"
        data: Json = {"@odata.type": "#Microsoft.Graph.Event", "@odata.id": path, "id": object_id}
        if change != "deleted":
            data["@odata.etag"] = f'W/"{self.graph.world.key()}"'
        return {
            "subscriptionId": each["id"],
            "subscriptionExpirationDateTime": each["expirationDateTime"],
            "changeType": change,
            "resource": path,
            "resourceData": data,
            "clientState": each.get("clientState"),
            "tenantId": "84bd8158-6d4d-4958-8b9f-9d6445542f95",
        }

    def alive(self) -> dict[str, Json]:
        """Those that have not ended."""
        now = self.graph.world.now()
        for own_id, each in list(self.table.items()):
            if clocks.parse(each["expirationDateTime"]) <= now:
                del self.table[own_id]
        return self.table

    async def delivered(self) -> list[int]:
        """Wait for deliveries under way; the statuses that all were answered with."""
        await asyncio.gather(*self._tasks)
        return self.statuses

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # -- telling

    def _post(self, url: str, *items: Json) -> None:
        task = asyncio.get_running_loop().create_task(self._deliver(url, {"value": list(items)}))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, url: str, body: Json) -> None:
        async with (
            ClientSession(timeout=ClientTimeout(10)) as session,
            session.post(_reachable(url), json=body) as reply,
        ):
            self.statuses.append(reply.status)

    # -- answering

    def answer(self, asked: "Asked", rest: list[str]) -> "Found":
        """/subscriptions and below."""
        from tests.providers.microsoft.double.routes import Answer

        table, method = self.alive(), asked.method
        if not rest and method == "GET":
            return asked.page([_shown(each) for each in table.values()], default=2)
        if not rest:
            return self._create(asked)
        if rest[0] not in table:
            raise missing()
        if rest[1:] == ["reauthorize"]:
            return Answer(204)
        if method == "DELETE":
            del table[rest[0]]
            return Answer(204)
        if method == "PATCH":
            each = table[rest[0]]
            each["expirationDateTime"] = self._end(each["resource"], asked.body)
            self.done.put_nowait(("renewed", rest[0]))
        return Answer(200, _shown(table[rest[0]]))

    def _end(self, resource: str, body: Json) -> str:
        """When a subscription ends that is asked for with `body`."""
        longest, _ = _rules(resource)
        now = self.graph.world.now()
        wanted = clocks.parse(body["expirationDateTime"])
        if wanted - now > timedelta(minutes=longest):
            raise Problem(400, "ExtensionError", f"can only be {longest} minutes in the future")
        return clocks.stamp(max(wanted, now + _SHORTEST))

    def _check(self, asked: "Asked", body: Json) -> None:
        for name in ("changeType", "notificationUrl", "resource", "expirationDateTime"):
            if not body.get(name):
                raise Problem(400, "InvalidRequest", name)
        if not body["notificationUrl"].startswith("https://"):
            raise Problem(400, "InvalidRequest", "Expected a HTTPS notification url")
        if len(body.get("clientState") or "") > 128:
            raise Problem(400, "InvalidRequest", "clientState")
        word = body["resource"].rpartition("/")[2]
        if word in self.refused:
            raise self.refused[word]
        longest, changes = _rules(body["resource"])
        if not set(body["changeType"].split(",")) <= changes:
            raise Problem(400, "InvalidRequest", "changeType")
        life = clocks.parse(body["expirationDateTime"]) - self.graph.world.now()
        if longest < 10_080 and life > timedelta(hours=1) and not body["lifecycleNotificationUrl"]:
            raise Problem(400, "InvalidRequest", "lifecycleNotificationUrl is required")
        _calendar_of(asked, body["resource"])
        if len(self.table) >= self.quota:
            raise Problem(403, "ExtensionError", "Subscription request quota exceeded")
        for known in self.alive().values():
            same = ("resource", "changeType")
            if all(known[name] == body[name] for name in same):
                raise Problem(409, "Conflict", "Subscription already exists for the combination")

    async def _create(self, asked: "Asked") -> "Answer":
        from tests.providers.microsoft.double.routes import Answer

        body = asked.body
        self._check(asked, body)
        end = self._end(body["resource"], body)
        for name in ("notificationUrl", "lifecycleNotificationUrl"):
            if body.get(name):
                await self._handshake(body[name])
        own_id = str(uuid.uuid4())
        made = {"applicationId": "app", "creatorId": "ada", "lifecycleNotificationUrl": None,
                "latestSupportedTlsVersion": "v1_2", **body, "expirationDateTime": end,
                "id": own_id}  # fmt: skip
        self.table[own_id] = made
        self.done.put_nowait(("created", own_id))
        return Answer(201, _shown(made))

    async def _handshake(self, url: str) -> None:
        token = f"Validation: Testing client application reachability & more {uuid.uuid4()}"
        target = f"{_reachable(url)}{'&' if '?' in url else '?'}validationToken={quote(token)}"
        failed = Problem(400, "ValidationError", "Subscription validation request failed.")
        try:
            async with ClientSession(timeout=ClientTimeout(self.patience)) as session:
                kind = {"Content-Type": "text/plain; charset=utf-8"}
                async with session.post(target, headers=kind) as reply:
                    text = await reply.text()
                    plain = reply.headers.get("Content-Type", "").startswith("text/plain")
        except (TimeoutError, ClientError):
            raise failed from None
        if reply.status != 200 or text != token or not plain:
            raise failed


def _reachable(url: str) -> str:
    """What stands in front of the ingress ends TLS; here nothing does."""
    return url.replace("https:", "http:", 1)


def _shown(each: Json) -> Json:
    """As it is told: the clientState stays secret."""
    return {name: value for name, value in each.items() if name != "clientState"}


def _rules(resource: str) -> tuple[int, frozenset[str]]:
    for pattern, rules in _RESOURCES.items():
        if pattern.fullmatch(resource.lstrip("/")):
            return rules
    raise Problem(400, "ExtensionError", "Unsupported resource")


def _calendar_of(asked: "Asked", resource: str) -> None:
    """The mailbox and the calendar have to be there."""
    parts: list[Any] = resource.lstrip("/").split("/")
    world = asked.graph.world
    if parts[0] == "me":
        asked.graph.authorize("/v1.0/me", asked.headers)
        box: Mailbox = world.mailboxes[ADA]
    else:
        box = world.mailbox(parts[1])
    if "onlineMeetings" in parts and parts[1] != box.id:
        raise unknown_path(parts[1])
    if "calendars" in parts and parts[parts.index("calendars") + 1] not in box.calendars:
        raise missing()
