"""Deliveries to an app of many users: they wake those of the account that they are about."""

import asyncio
import hmac
import json
import time
from typing import Any

import grpc
import httpx
import pytest

from providers.core.errors import Kind, ProviderError
from providers.core.push import Delivery, Hint
from providers.zoom import webhook
from server.push.book import account_digest
from server.service import running
from tests.ports import free_port
from tests.providers.zoom.harness import Harness
from tests.push.test_hints import Replica, pair  # noqa: F401
from tests.push.test_registrations import UNIT, World, world  # noqa: F401
from tests.push.test_zoom_recording import SECRET, asked
from tests.watch.world import EVENT
from ucal.v1 import types_pb2, watch_pb2, watch_pb2_grpc

OURS = account_digest("vendor", "ours")


async def test_the_account_travels_as_its_digest(
    pair: tuple[Replica, Replica],  # noqa: F811
) -> None:
    one, two = pair
    seen: list[bytes] = []

    def watched(provider: str, kind: int, account: bytes) -> list[str]:
        seen.append(account)
        return ["c"] if account == OURS else []

    for each in pair:
        each.watched = watched  # type: ignore[method-assign]
    one.hints.take("vendor", "", Hint(EVENT, account="ours"))
    one.hints.take("vendor", "", Hint(EVENT, account="theirs"))
    assert one.woken == two.woken == [("c", EVENT, None)]
    assert seen.count(OURS) == 2
    assert b"ours" not in b"".join(seen)
    assert account_digest("other vendor", "ours") != OURS


async def test_those_of_other_accounts_are_left_alone(world: World) -> None:  # noqa: F811
    replica = world.replica("a")

    async def account(connection_id: str) -> str:
        if connection_id == "unknown":
            raise ProviderError(Kind.UNAVAILABLE, "not now")
        return {"one": "ours", "two": "theirs"}[connection_id]

    world.vendor.account = account  # type: ignore[method-assign]
    registrations = replica.registrations
    targets = [Named(name) for name in ("one", "two", "unknown")]
    for target in targets:
        await registrations.attend(target, [UNIT])  # type: ignore[arg-type]
    assert set(registrations.watched("vendor", EVENT, OURS)) == {"one", "unknown"}
    assert set(registrations.watched("vendor", EVENT)) == {"one", "two", "unknown"}
    for target in targets:
        registrations.leave(target, [UNIT])  # type: ignore[arg-type]
    assert set(registrations.watched("vendor", EVENT, OURS)) == set()
    assert registrations._known._accounts == {}


class Named:
    provider = "vendor"

    def __init__(self, connection_id: str) -> None:
        self.connection_id = connection_id


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ("EPeQtiABC000VYxHMA", "EPeQtiABC000VYxHMA"),
        ("", ""),
        (None, ""),
        ("a b", ""),
        ("x" * 65, ""),
    ],
)
def test_zoom_tells_the_account_of_the_host(told: Any, found: str) -> None:
    payload = {"account_id": told, "object": {"id": 1}}
    body = json.dumps({"event": "meeting.updated", "event_ts": 1, "payload": payload}).encode()
    (hint,) = webhook.hints(Delivery({}, body))
    assert hint.account == found


async def test_a_busy_account_of_zoom_costs_the_others_nothing() -> None:
    port = free_port()
    async with (
        Harness() as harness,
        running(asked(harness, port)) as service,
        grpc.aio.insecure_channel(service.address) as channel,
        httpx.AsyncClient(trust_env=False) as client,
    ):
        scope = watch_pb2.WatchScope(connection_id="c", kinds=[types_pb2.RESOURCE_KIND_RECORDING])
        stub = watch_pb2_grpc.WatchServiceStub(channel)
        stream = stub.WatchEvents(watch_pb2.WatchEventsRequest(scope=scope))
        messages = aiter(stream)
        for _ in range(2):
            await anext(messages)

        async def deliver(account: str) -> None:
            fields = {"event": "recording.completed", "event_ts": time.time_ns()}
            body = json.dumps(fields | {"payload": {"account_id": account}}).encode()
            sent = str(int(time.time()))
            signed = b"v0:" + sent.encode() + b":" + body
            mark = hmac.digest(SECRET.encode(), signed, "sha256").hex()
            headers = {"x-zm-request-timestamp": sent, "x-zm-signature": f"v0={mark}"}
            url = f"http://127.0.0.1:{port}/webhooks/zoom"
            assert (await client.post(url, content=body, headers=headers)).status_code == 200

        async def polls() -> float:
            text = (await client.get(f"http://127.0.0.1:{port}/metrics")).text
            name = 'ucal_watch_polls_total{cause="hint",provider="zoom"}'
            found = [line for line in text.splitlines() if line.startswith(name)]
            return float(found[0].split()[-1]) if found else 0.0

        before = await polls()
        for _ in range(5):
            await deliver("somebody-else")
        await deliver("AAAAAABBBB")
        async with asyncio.timeout(10):
            while await polls() == before:
                await asyncio.sleep(0.05)
        assert await polls() == before + 1
        stream.cancel()
