"""Secrets that a provider makes: sealed, known to every process, looked for by need only."""

import dataclasses
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest

from server.push.subscription_rows import SubscriptionRows
from tests.ports import free_port
from tests.providers.fathom.double import Letter
from tests.providers.fathom.harness import Harness
from tests.serving import serving
from ucal.v1 import connection_pb2, types_pb2, watch_pb2, watch_pb2_grpc

RECORDING = types_pb2.RESOURCE_KIND_RECORDING


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Settings of a service whose store outlives it."""
    monkeypatch.setenv("UCAL_TEST_KEYS", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")
    port = free_port()
    return {
        "http_listen": f"127.0.0.1:{port}",
        "public_url": f"http://127.0.0.1:{port}",
        "store": f"sqlite:///{tmp_path}/ucal.db",
        "keyring": "env:UCAL_TEST_KEYS",
    }


async def watched_once(channel: grpc.aio.Channel) -> None:
    """A watch that is pushed, and is cut."""
    scope = watch_pb2.WatchScope(connection_id="c", kinds=[RECORDING])
    stub = watch_pb2_grpc.WatchServiceStub(channel)
    stream = stub.WatchEvents(watch_pb2.WatchEventsRequest(scope=scope))
    opened = (await anext(aiter(stream))).opened
    stream.cancel()
    assert opened.source == watch_pb2.WATCH_SOURCE_NATIVE, opened.reason


async def delivered(client: httpx.AsyncClient, letter: Letter) -> int:
    return (await client.post(letter.url, content=letter.body, headers=letter.headers)).status_code


async def test_another_process_knows_them_and_asks_for_them_by_need(
    asked: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P15: whoever knows no address of ours does not even make the store work."""
    looked_up: list[str] = []
    secrets_of = SubscriptionRows.secrets

    async def counted(rows: SubscriptionRows, connection_id: str) -> list[str]:
        looked_up.append(connection_id)
        return await secrets_of(rows, connection_id)

    monkeypatch.setattr(SubscriptionRows, "secrets", counted)
    async with Harness() as harness, httpx.AsyncClient(trust_env=False) as client:
        connection = connection_pb2.Connection()
        connection.CopyFrom(harness.connection)
        connection.id = "c"
        settings = {"fathom": harness.settings}
        async with serving([connection], settings, **asked) as channel:
            await watched_once(channel)
        (hook,) = harness.double.hooks.values()
        at_rest = b"".join(path.read_bytes() for path in tmp_path.iterdir())
        assert at_rest
        assert hook["secret"].removeprefix("whsec_").encode() not in at_rest
        async with serving([connection], settings, **asked):
            letter = harness.double.letter(hook, harness.double.add("Review"))
            bare = letter.url.partition("?")[0]
            for url in (
                bare,
                f"{bare}?token=guess",
                f"{bare[:-1]}d?{letter.url.partition('?')[2]}",
            ):
                assert await delivered(client, dataclasses.replace(letter, url=url)) == 401
            assert looked_up == []
            assert await delivered(client, letter) == 200
            forged = dataclasses.replace(letter, body=letter.body + " ")
            assert await delivered(client, forged) == 401
            assert looked_up == ["c"]  # they are known for a while
