"""The mask busy_only: blocks with times and kind, and nothing else, by whatever way one asks."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from providers.registry import PROVIDERS
from server.cli.client import METHODS
from tests.access.door import Door, grant, opened, place, refusal_of
from tests.access.mixed import ROW, MixedServer
from tests.access.requests import request_for
from ucal.v1 import busy_pb2, connection_pb2, types_pb2, watch_pb2

MARK = b"acme-secret"
BUSY = types_pb2.RESOURCE_KIND_BUSY
EVENT = types_pb2.RESOURCE_KIND_EVENT


@pytest.fixture
async def vendor(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MixedServer]:
    monkeypatch.setitem(PROVIDERS, "mixed", ROW)
    async with MixedServer().running() as server:
        yield server


@pytest.fixture
async def pair(tmp_path: Path, vendor: MixedServer) -> AsyncIterator[tuple[Door, str, str]]:
    """A door, a key that sees free/busy, and one that sees all."""
    box = {
        "id": "box",
        "provider": "mixed",
        "base_url": vendor.url,
        "display_name": MARK.decode(),
        "labels": {"secret": MARK.decode()},
        "credentials": {"username": MARK.decode(), "password": "p"},
    }
    where = place(tmp_path, connections=[box], passthrough=True)
    masked = await where.key(grant("*", mask="busy_only"))
    full = await where.key(grant("*"))
    async with opened(where) as door:
        yield door, masked, full


def shown(block: busy_pb2.Busy) -> set[str]:
    return {field.name for field, _ in block.ListFields()}


async def test_list_busy_shows_times_and_kind(pair: tuple[Door, str, str]) -> None:
    door, masked, full = pair
    request: Any = request_for("ListBusy", "box")
    request.include_raw = True
    everything = await door.call("ListBusy", request, full)
    assert {"description", "raw"} <= shown(everything.busy[0])
    answer = await door.call("ListBusy", request, masked)
    assert shown(answer.busy[0]) == {
        "connection_id", "id", "start_at", "end_at", "timezone", "kind",
    }  # fmt: skip
    batch = busy_pb2.BatchListBusyRequest(requests=[request])
    several = await door.call("BatchListBusy", batch, masked)
    assert several.results[0].response == answer
    assert (await door.call("BatchListBusy", batch, full)).results[0].response == everything


async def test_watches_of_busy_alone_and_trimmed(pair: tuple[Door, str, str]) -> None:
    door, masked, full = pair
    for key, fields in ((full, {"description", "raw"}), (masked, set())):
        request = watch_pb2.WatchEventsRequest(
            scope=watch_pb2.WatchScope(connection_id="box", kinds=[BUSY]),
            start=watch_pb2.WATCH_START_INITIAL_STATE,
            include_raw=True,
        )
        if key == masked:
            # A mask of one's own widens nothing.
            request.read_mask.paths.extend(["description", "raw", "*"])
        call = door.call("WatchEvents", request, key)
        blocks = []
        async for message in call:
            blocks += [change.busy for change in message.changes.changes]
            if message.HasField("synced"):
                break
        call.cancel()
        assert len(blocks) == 1
        assert shown(blocks[0]) & {"description", "raw"} == fields
    poll = watch_pb2.PollEventsRequest(
        scope=watch_pb2.WatchScope(connection_id="box", kinds=[BUSY]), include_raw=True
    )
    answer = await door.call("PollEvents", poll, masked)
    assert MARK not in answer.SerializeToString()


@pytest.mark.parametrize("kinds", [[], [EVENT], [BUSY, EVENT]])
async def test_watches_of_anything_else_are_refused(
    pair: tuple[Door, str, str], kinds: list[types_pb2.ResourceKind.ValueType]
) -> None:
    door, masked, _ = pair
    scope = watch_pb2.WatchScope(connection_id="box", kinds=kinds)
    for rpc, request in (
        ("WatchEvents", watch_pb2.WatchEventsRequest(scope=scope)),
        ("PollEvents", watch_pb2.PollEventsRequest(scope=scope)),
    ):
        refusal = await door.refusal(rpc, request, masked)
        assert refusal.short == ("PERMISSION_DENIED", "ACCESS_BUSY_ONLY")


async def test_a_connection_shows_what_it_takes_to_ask(pair: tuple[Door, str, str]) -> None:
    door, masked, full = pair
    one = await door.call("GetConnection", connection_pb2.GetConnectionRequest(id="box"), masked)
    listed = await door.call("ListConnections", connection_pb2.ListConnectionsRequest(), masked)
    for found in (one.connection, *listed.connections):
        assert {field.name for field, _ in found.ListFields()} == {
            "id", "provider", "state", "region",
        }  # fmt: skip
    listed = await door.call("ListConnections", connection_pb2.ListConnectionsRequest(), full)
    assert listed.connections[0].display_name == MARK.decode()


async def test_no_rpc_at_all_lets_a_marked_word_through(pair: tuple[Door, str, str]) -> None:
    """Answers and errors of every RPC, with raw asked for wherever it can be."""
    door, masked, _ = pair
    for rpc, method in METHODS.items():
        request: Any = request_for(rpc, "box")
        if "include_raw" in method.input_type.fields_by_name:
            request.include_raw = True
        call = door.call(rpc, request, masked)
        try:
            answer = await call.read() if method.server_streaming else await call
        except grpc.aio.AioRpcError as error:
            found = refusal_of(error).status + (error.details() or "").encode()
        else:
            found = answer.SerializeToString()
            call.cancel()
        assert MARK not in found, rpc


async def test_a_wider_grant_beside_the_mask_counts(tmp_path: Path, vendor: MixedServer) -> None:
    boxes = [
        {"id": name, "provider": "mixed", "base_url": vendor.url, "credentials": {
            "username": "u", "password": "p"}}
        for name in ("open", "veiled")
    ]  # fmt: skip
    where = place(tmp_path, connections=boxes)
    key = await where.key(grant("read", mask="busy_only"), grant("read", connections=("open",)))
    async with opened(where) as door:
        wide = await door.call("ListBusy", request_for("ListBusy", "open"), key)
        narrow = await door.call("ListBusy", request_for("ListBusy", "veiled"), key)
        assert wide.busy[0].description
        assert not narrow.busy[0].description
        assert (await door.refusal("ListEvents", request_for("ListEvents", "open"), key)).code == (
            "OK"
        )
        refusal = await door.refusal("ListEvents", request_for("ListEvents", "veiled"), key)
        assert refusal.short == ("PERMISSION_DENIED", "ACCESS_BUSY_ONLY")
