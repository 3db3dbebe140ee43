"""Acts by command are recorded too: API keys and the key ring; who acts is a number or a key."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import grpc
import pytest
from click.testing import CliRunner

from server.cli import main
from server.service import running
from server.settings import parse
from tests.serving import QUICK
from ucal.v1 import connection_pb2, connection_pb2_grpc

NAME = "adas-own-key"


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, str]:
    """The variables of a store and a key ring in files."""
    return {
        "UCAL_CONFIG": "",
        "UCAL_STORE": f"sqlite:///{tmp_path}/ucal.db",
        "UCAL_KEYRING": str(tmp_path / "ucal.keys"),
    }


def ran(settings: dict[str, str], *words: str) -> str:
    result = CliRunner().invoke(main, list(words), env=settings)
    assert result.exit_code == 0, result.output
    return result.stdout


def told(settings: dict[str, str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in ran(settings, "audit", "export").splitlines()]


def test_keys_of_callers_and_of_the_ring(settings: dict[str, str]) -> None:
    ran(settings, "keys", "generate", "--file", settings["UCAL_KEYRING"])
    words = ("api-keys", "create", NAME, "--allow", "read", "--connection", "*", "--json")
    made = json.loads(ran(settings, *words))
    ran(settings, "api-keys", "revoke", made["id"])
    ran(settings, "keys", "rotate")
    ran(settings, "keys", "retire", "--force")
    rows = told(settings)
    assert [row["act"] for row in rows] == [
        "api_key.create", "api_key.revoke", "key_ring.rotate", "key_ring.retire",
    ]  # fmt: skip
    assert {row["actor"] for row in rows} == {f"cli:{os.getuid()}"}
    assert {row["result"] for row in rows} == {"OK"}
    assert [made["id"] in row["connection_id"] for row in rows] == [True, True, False, False]
    assert NAME not in str(rows)
    assert made["key"] not in str(rows)


async def test_an_rpc_is_recorded_with_the_key_that_it_came_by(
    settings: dict[str, str], tmp_path: Path
) -> None:
    await asyncio.to_thread(ran, settings, "keys", "generate", "--file", settings["UCAL_KEYRING"])
    words = ("api-keys", "create", NAME, "--allow", "admin", "--connection", "*", "--json")
    made = json.loads(await asyncio.to_thread(ran, settings, *words))
    asked = parse(
        {
            "listen": "127.0.0.1:0",
            "http_listen": "",
            "store": settings["UCAL_STORE"],
            "keyring": settings["UCAL_KEYRING"],
            "access": {"mode": ["api_key"]},
            "limits": QUICK,
        }
    )
    request = connection_pb2.CreateConnectionRequest(
        connection=connection_pb2.Connection(id="a", provider="sandbox", display_name="Ada")
    )
    async with (
        running(asked) as service,
        grpc.aio.insecure_channel(service.address) as channel,
    ):
        stub = connection_pb2_grpc.ConnectionServiceStub(channel)
        await stub.CreateConnection(request, metadata=(("authorization", f"Bearer {made['key']}"),))
    row = (await asyncio.to_thread(told, settings))[-1]
    assert (row["act"], row["connection_id"], row["result"]) == ("connection.create", "a", "OK")
    assert row["actor"] == f"api_key:{made['id']}"
    assert "Ada" not in str(row)
