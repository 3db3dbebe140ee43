"""STARTED and ENDED, which only a delivery tells: read from the vendor now, told, and forgotten."""

import asyncio
import hmac
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import httpx

from server.service import running
from tests.ports import free_port
from tests.providers.zoom.harness import Harness
from tests.push.test_zoom_recording import SECRET, asked
from ucal.v1 import types_pb2, watch_pb2, watch_pb2_grpc

EVENT = types_pb2.RESOURCE_KIND_EVENT


@dataclass
class Scene:
    harness: Harness
    client: httpx.AsyncClient
    url: str
    channel: grpc.aio.Channel

    async def deliver(self, event: str, number: str, stamp: int, secret: str = SECRET) -> int:
        """What Zoom sends when a meeting begins or ends."""
        payload = {"object": {"id": number, "uuid": "dj12vck6sdTn6yy7qdy3dQ=="}}
        body = json.dumps({"event": event, "event_ts": stamp, "payload": payload}).encode()
        sent = str(int(time.time()))
        mark = hmac.digest(secret.encode(), b"v0:" + sent.encode() + b":" + body, "sha256").hex()
        headers = {"x-zm-request-timestamp": sent, "x-zm-signature": f"v0={mark}"}
        answer = await self.client.post(f"{self.url}/webhooks/zoom", content=body, headers=headers)
        return answer.status_code

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[Any]:
        """A stream that has begun."""
        scope = watch_pb2.WatchScope(connection_id="c", kinds=[EVENT])
        stub = watch_pb2_grpc.WatchServiceStub(self.channel)
        call = stub.WatchEvents(watch_pb2.WatchEventsRequest(scope=scope))
        stream = aiter(call)
        await anext(stream)
        await anext(stream)
        try:
            yield stream
        finally:
            call.cancel()


@asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    port = free_port()
    async with (
        Harness() as harness,
        running(asked(harness, port)) as service,
        grpc.aio.insecure_channel(service.address) as channel,
        httpx.AsyncClient(trust_env=False) as client,
    ):
        yield Scene(harness, client, f"http://127.0.0.1:{port}", channel)


async def changes(stream: Any, count: int) -> list[watch_pb2.Change]:
    found: list[watch_pb2.Change] = []
    async with asyncio.timeout(15):
        while len(found) < count:
            found += (await anext(stream)).changes.changes
    return found


async def test_a_meeting_that_begins_and_ends_is_told_with_the_meeting() -> None:
    async with scene() as found:
        own_id = await found.harness.plant(EVENT)
        async with found.watching() as stream, found.watching() as other:
            # Forged, and of somebody else's meeting: nothing comes of them.
            assert await found.deliver("meeting.started", own_id, 1, "forged") == 401
            assert await found.deliver("meeting.started", "99999999999", 2) == 200
            assert await found.deliver("meeting.started", own_id, 3) == 200
            (started,) = await changes(stream, 1)
            assert started.type == watch_pb2.CHANGE_TYPE_STARTED
            assert (started.kind, started.id, started.event.id) == (EVENT, own_id, own_id)
            assert started.event.subject
            # Zoom sends again what it thinks was lost; the meeting did not begin twice.
            assert await found.deliver("meeting.started", own_id, 3) == 200
            assert await found.deliver("meeting.ended", own_id, 4) == 200
            (ended,) = await changes(stream, 1)
            assert ended.type == watch_pb2.CHANGE_TYPE_ENDED
            assert ended.dedup_key != started.dedup_key
            both = await changes(other, 2)
            assert [c.dedup_key for c in both] == [started.dedup_key, ended.dedup_key]


async def test_who_does_not_watch_just_then_is_never_told() -> None:
    async with scene() as found:
        own_id = await found.harness.plant(EVENT)
        async with found.watching() as stream:
            assert await found.deliver("meeting.started", own_id, 1) == 200
            await changes(stream, 1)
        assert await found.deliver("meeting.ended", own_id, 2) == 200
        async with found.watching() as stream:
            assert await found.deliver("meeting.started", own_id, 3) == 200
            (again,) = await changes(stream, 1)
            assert again.type == watch_pb2.CHANGE_TYPE_STARTED
