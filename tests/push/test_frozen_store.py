"""A store that hangs without a word: deliveries are answered within a second all the same."""

import asyncio
import base64
import hashlib
import hmac
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import httpx
import pytest

from server.connections.keyring import KeyRing
from server.push.secrets import WebhookSecrets
from tests.postgres import PostgresServer, binary
from tests.replicas.fleet import KEYS, fleet
from ucal.v1 import connection_pb2, connection_pb2_grpc


def letter(secret: str) -> tuple[bytes, dict[str, str]]:
    """A delivery of Zoom's."""
    body, sent = b'{"event":"meeting.created","event_ts":1,"payload":{}}', str(int(time.time()))
    signed = b"v0:" + sent.encode() + b":" + body
    mark = "v0=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return body, {"x-zm-request-timestamp": sent, "x-zm-signature": mark}


async def stored(address: str, name: str) -> None:
    """A connection in the store."""
    async with grpc.aio.insecure_channel(address) as channel:
        request = connection_pb2.CreateConnectionRequest()
        request.connection.id, request.connection.provider = name, "zoom"
        request.connection.oauth.access_token = "t"
        await connection_pb2_grpc.ConnectionServiceStub(channel).CreateConnection(request)


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    missing = [name for name in ("initdb", "postgres", "pg_isready") if not binary(name)]
    if missing:
        pytest.skip(f"PostgreSQL is not installed here: no {', '.join(missing)}")
    found = PostgresServer()
    try:
        found.start()
        yield found
    finally:
        found.close()


async def test_a_delivery_is_answered_within_a_second_by_a_store_that_hangs(
    server: PostgresServer, tmp_path: Path
) -> None:
    """The vendor sends again what was answered with 503."""
    ring = KeyRing([base64.b64decode(KEYS["UCAL_TEST_KEYS"])])
    store = f"{server.url}/postgres"
    async with (
        fleet(1, tmp_path, store=store, bus="memory:", more="") as replicas,
        httpx.AsyncClient(trust_env=False, timeout=20) as client,
    ):
        await stored(replicas[0].address, "z")

        async def delivered(name: str) -> tuple[int, float]:
            body, headers = letter(WebhookSecrets(ring).newest(name))
            began = time.perf_counter()
            url = f"{replicas[0].http}/webhooks/zoom/{name}"
            status = (await client.post(url, content=body, headers=headers)).status_code
            return status, time.perf_counter() - began

        assert (await delivered("z"))[0] == 200
        assert (await delivered("nobody"))[0] == 404
        await asyncio.sleep(6)  # no event tells that what was remembered is forgotten
        with server.frozen():
            for _ in range(3):
                status, seconds = await delivered("z")
                assert status == 503
                assert seconds < 1
        async with asyncio.timeout(10):
            while (await delivered("z"))[0] != 200:
                await asyncio.sleep(0.1)
