"""Subscriptions: the handshake, renewal, removal (learn.microsoft.com/graph/api/subscription-*)."""

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

from aiohttp import ClientSession

from tests.providers.microsoft.double import clocks
from tests.providers.microsoft.double.problems import Problem, missing

if TYPE_CHECKING:
    from tests.providers.microsoft.double.routes import Answer, Asked, Found

_LONGEST = timedelta(minutes=10_080)


def answer(asked: "Asked", rest: list[str]) -> "Found":
    """/subscriptions and below."""
    from tests.providers.microsoft.double.routes import Answer

    table, method = asked.graph.subscriptions, asked.method
    if not rest:
        if method == "GET":
            return Answer(200, {"value": list(table.values())})
        return _create(asked)
    if rest[0] not in table:
        raise missing()
    if rest[1:] == ["reauthorize"]:
        return Answer(204)
    if method == "DELETE":
        del table[rest[0]]
        return Answer(204)
    if method == "PATCH":
        _check_life(asked, asked.body["expirationDateTime"])
        table[rest[0]]["expirationDateTime"] = asked.body["expirationDateTime"]
    return Answer(200, table[rest[0]])


def _check_life(asked: "Asked", text: str) -> None:
    if clocks.parse(text) - asked.graph.world.now() > _LONGEST:
        raise Problem(400, "ExtensionError", "Subscription expiration can only be 10080 minutes")


async def _create(asked: "Asked") -> "Answer":
    from tests.providers.microsoft.double.routes import Answer

    body = asked.body
    for name in ("changeType", "notificationUrl", "resource", "expirationDateTime"):
        if not body.get(name):
            raise Problem(400, "InvalidRequest", name)
    _check_life(asked, body["expirationDateTime"])
    for known in asked.graph.subscriptions.values():
        if (known["resource"], known["changeType"]) == (body["resource"], body["changeType"]):
            raise Problem(409, "Conflict", "Subscription already exists for the combination")
    for name in ("notificationUrl", "lifecycleNotificationUrl"):
        if body.get(name):
            await _handshake(body[name])
    own_id = str(uuid.uuid4())
    made = {"applicationId": "app", "creatorId": "ada", "lifecycleNotificationUrl": None,
            **body, "id": own_id}  # fmt: skip
    asked.graph.subscriptions[own_id] = made
    return Answer(201, {n: v for n, v in made.items() if n != "clientState"})


async def _handshake(url: str) -> None:
    token = f"Validation: Testing client application reachability & more {uuid.uuid4()}"
    async with ClientSession() as session:
        target = f"{url}?validationToken={quote(token)}"
        async with session.post(target, headers={"Content-Type": "text/plain"}) as reply:
            text = await reply.text()
            plain = reply.headers.get("Content-Type", "").startswith("text/plain")
            if reply.status != 200 or text != token or not plain:
                raise Problem(400, "ValidationError", "Subscription validation request failed.")
