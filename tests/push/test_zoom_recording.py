"""A recording that grows in one watch, woken by what Zoom delivers to the operator's app."""

import asyncio
import dataclasses
import hmac
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import httpx

from server.service import running
from server.settings import Settings
from server.settings_model import Limits
from tests.ports import free_port
from tests.providers.zoom.harness import TRANSCRIPT, Harness
from tests.serving import static
from ucal.v1 import connection_pb2, recording_pb2, types_pb2, watch_pb2, watch_pb2_grpc

SECRET = "the app's secret token"


async def deliver(client: httpx.AsyncClient, url: str, event: str, secret: str = SECRET) -> int:
    """What Zoom sends; the status that it is answered with."""
    body = json.dumps({"event": event, "event_ts": time.time_ns(), "payload": {}}).encode()
    sent = str(int(time.time()))
    mark = hmac.digest(secret.encode(), b"v0:" + sent.encode() + b":" + body, "sha256").hex()
    headers = {"x-zm-request-timestamp": sent, "x-zm-signature": f"v0={mark}"}
    answer = await client.post(f"{url}/webhooks/zoom", content=body, headers=headers)
    return answer.status_code


async def checks_address(client: httpx.AsyncClient, url: str) -> bool:
    """Zoom's check of the address before it delivers there; whether the answer is right."""
    body = b'{"event": "endpoint.url_validation", "payload": {"plainToken": "abc123"}}'
    sent = str(int(time.time()))
    mark = hmac.digest(SECRET.encode(), b"v0:" + sent.encode() + b":" + body, "sha256").hex()
    headers = {"x-zm-request-timestamp": sent, "x-zm-signature": f"v0={mark}"}
    answer = await client.post(f"{url}/webhooks/zoom", content=body, headers=headers)
    wanted = hmac.digest(SECRET.encode(), b"abc123", "sha256").hex()
    found: dict[str, str] = answer.json()
    return found == {"plainToken": "abc123", "encryptedToken": wanted}


async def next_change(stream: Any) -> watch_pb2.Change:
    async with asyncio.timeout(15):
        while True:
            message = await anext(stream)
            if message.changes.changes:
                (change,) = message.changes.changes
                return change


def asked(harness: Harness, port: int) -> Settings:
    connection = connection_pb2.Connection()
    connection.CopyFrom(harness.connection)
    connection.id = "c"
    zoom = dataclasses.replace(harness.settings, webhook_secret=SECRET)
    return Settings(
        listen="127.0.0.1:0",
        http_listen=f"127.0.0.1:{port}",
        public_url=f"http://127.0.0.1:{port}",
        store="memory:",
        log_level="warning",
        providers={"zoom": zoom},
        connections=(static(connection),),
        limits=Limits(drain_delay=0, drain_grace=1),
    )


async def test_a_recording_grows_natively_in_one_watch() -> None:
    """P82; in the making, with media, with transcript, each told by a delivery of Zoom's."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    async with (
        Harness() as harness,
        running(asked(harness, port)) as service,
        grpc.aio.insecure_channel(service.address) as channel,
        httpx.AsyncClient(trust_env=False) as client,
    ):
        assert await checks_address(client, url)
        world = harness.zoom.world
        scope = watch_pb2.WatchScope(connection_id="c", kinds=[types_pb2.RESOURCE_KIND_RECORDING])
        call = watch_pb2_grpc.WatchServiceStub(channel).WatchEvents(
            watch_pb2.WatchEventsRequest(scope=scope)
        )
        stream = aiter(call)
        await anext(stream)
        await anext(stream)
        made = world.record(85_000_000_001, datetime.now(UTC) - timedelta(hours=1), done=False)
        assert await deliver(client, url, "recording.stopped", "forged") == 401
        assert await deliver(client, url, "recording.stopped") == 200
        first = await next_change(stream)
        assert (first.type, first.id) == (watch_pb2.CHANGE_TYPE_CREATED, made["uuid"])
        assert first.recording.state == recording_pb2.MEDIA_STATE_PROCESSING
        world.finish(made["recording_files"][0], "MP4")
        assert await deliver(client, url, "recording.completed") == 200
        second = await next_change(stream)
        assert second.type == watch_pb2.CHANGE_TYPE_UPDATED
        assert second.recording.state == recording_pb2.MEDIA_STATE_READY
        assert not second.recording.has_transcript
        world.add_file(made["uuid"], "TRANSCRIPT", "audio_transcript", done=True, text=TRANSCRIPT)
        assert await deliver(client, url, "recording.transcript_completed") == 200
        third = await next_change(stream)
        assert third.type == watch_pb2.CHANGE_TYPE_UPDATED
        assert third.recording.has_transcript
        call.cancel()
