"""A recording that is transcribed, then summarized, told by Fireflies' deliveries in one watch."""

import asyncio
import dataclasses
import hmac
import json
from typing import Any

import grpc
import httpx

from server.service import running
from server.settings import Settings
from server.settings_model import Limits
from tests.ports import free_port
from tests.providers.fireflies.harness import Harness
from tests.serving import static
from ucal.v1 import connection_pb2, types_pb2, watch_pb2, watch_pb2_grpc

SECRET = "sixteen-letters!"


def asked(harness: Harness, port: int) -> Settings:
    connection = connection_pb2.Connection()
    connection.CopyFrom(harness.connection)
    connection.id = "c"
    return Settings(
        listen="127.0.0.1:0",
        http_listen=f"127.0.0.1:{port}",
        public_url=f"http://127.0.0.1:{port}",
        store="memory:",
        log_level="warning",
        providers={"fireflies": dataclasses.replace(harness.settings, webhook_secret=SECRET)},
        connections=(static(connection),),
        limits=Limits(drain_delay=0, drain_grace=1),
    )


async def deliver(client: httpx.AsyncClient, path: str, event: str, secret: str = SECRET) -> int:
    body = json.dumps({"event": event, "timestamp": 1, "meeting_id": "m"}).encode()
    mark = hmac.digest(secret.encode(), body, "sha256").hex()
    headers = {"X-Hub-Signature": f"sha256={mark}"}
    return (await client.post(path, content=body, headers=headers)).status_code


async def next_change(stream: Any) -> watch_pb2.Change:
    async with asyncio.timeout(15):
        while True:
            message = await anext(stream)
            if message.changes.changes:
                change: watch_pb2.Change = message.changes.changes[0]
                return change


async def test_a_recording_is_told_when_it_is_transcribed_and_when_summarized() -> None:
    """By the address of everybody, and by that of the connection; P15: forged ones tell nothing."""
    port = free_port()
    async with (
        Harness() as harness,
        running(asked(harness, port)) as service,
        grpc.aio.insecure_channel(service.address) as channel,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
    ):
        scope = watch_pb2.WatchScope(connection_id="c", kinds=[types_pb2.RESOURCE_KIND_RECORDING])
        call = watch_pb2_grpc.WatchServiceStub(channel).WatchEvents(
            watch_pb2.WatchEventsRequest(scope=scope)
        )
        stream = aiter(call)
        await anext(stream)
        await anext(stream)
        made = harness.double.add("Review")
        summary, made["summary"] = made["summary"], None
        every, own = "/webhooks/fireflies", "/webhooks/fireflies/c"
        assert await deliver(client, every, "meeting.transcribed", "forged") == 401
        assert await deliver(client, every, "meeting.transcribed") == 200
        first = await next_change(stream)
        assert (first.type, first.id) == (watch_pb2.CHANGE_TYPE_CREATED, made["id"])
        assert first.recording.summary == ""
        made["summary"] = summary
        assert await deliver(client, own, "meeting.summarized") == 200
        second = await next_change(stream)
        assert (second.type, second.id) == (watch_pb2.CHANGE_TYPE_UPDATED, made["id"])
        assert second.recording.summary == "They said hello."
        call.cancel()
