"""R18, OWASP API1: every key against every connection with every RPC of the contract.

The expectation is worked out here, from the table below and nothing of `server.access`: a mistake
there cannot hide itself. RPCs come from the descriptors, so a new one is part of this at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from server.access.rpcs import RPCS, Where
from server.cli.client import METHODS
from tests.access.door import Door, Refusal, grant, opened, place, sandboxes
from tests.access.requests import request_for

TENANTS = {"acme": ("acme-1", "acme-2"), "globex": ("glob-1",)}
CONNECTIONS = ("acme-1", "acme-2", "glob-1", "-")
# As long as the ids above, so that statuses compare byte for byte.
NOWHERE = "nobody"

READS = {
    "ListBusy", "BatchListBusy", "ListCalendars", "GetCalendar", "ListConnections",
    "GetConnection", "ListEvents", "GetEvent", "ListEventInstances", "ListLinks", "GetLink",
    "ListLinkSlots", "ListLocations", "GetLocation", "ListProviders", "GetProvider",
    "ListRecordings", "GetRecording", "ListTranscriptSegments", "ListRooms", "GetRoom",
    "WatchEvents", "PollEvents", "ListWebinars", "GetWebinar", "ListWebinarRegistrants",
}  # fmt: skip
ADMINISTRATION = {
    "CreateConnection", "UpdateConnection", "DeleteConnection", "StartAuthorization",
    "CompleteAuthorization", "CreateConnectLink", "TestConnection",
}  # fmt: skip
PASSTHROUGH = {"Call", "CallStreaming"}
WRITES = set(METHODS) - READS - ADMINISTRATION - PASSTHROUGH
# Of these a mask leaves something.
BUSY = {"ListBusy", "BatchListBusy", "WatchEvents", "PollEvents", "GetConnection"}
BUSY |= {"ListConnections", "ListProviders", "GetProvider"}
# No connection is named in the request, or it is one that is not there yet.
ELSEWHERE = {"ListConnections", "ListProviders", "GetProvider", "CreateConnection"}
ELSEWHERE |= {"CompleteAuthorization"}


@dataclass(frozen=True)
class Holder:
    """A key: its grants, and in plain words what comes of them."""

    grants: list[object]
    rpcs: set[str]
    connections: tuple[str, ...]
    masked: bool = False


HOLDERS: dict[str, Holder] = {
    "nothing": Holder([], set(), ()),
    "acme reader, by label": Holder(
        [grant("read", connections=(), labels={"tenant": "acme"})], READS, ("acme-1", "acme-2")
    ),
    "acme writer, by ids": Holder(
        [grant("write", connections=("acme-*",))], READS | WRITES, ("acme-1", "acme-2")
    ),
    "one id": Holder([grant("read", connections=("acme-2",))], READS, ("acme-2",)),
    "globex administrator": Holder(
        [grant("admin", labels={"tenant": ["globex", "other"]})],
        READS | WRITES | ADMINISTRATION,
        ("glob-1",),
    ),
    "passthrough by name": Holder(
        [grant("PassthroughService", connections=("glob-1",))], PASSTHROUGH, ("glob-1",)
    ),
    "one rpc everywhere": Holder(
        [grant("GetEvent", connections=("*",))], {"GetEvent"}, ("acme-1", "acme-2", "glob-1")
    ),
    "another provider": Holder(
        [grant("*", connections=("*",), providers=["caldav"])], set(METHODS), ()
    ),
    "brought along": Holder([grant("write", connections=("-",))], READS | WRITES, ("-",)),
    "everything": Holder([grant("*", connections=("*", "-"))], set(METHODS), CONNECTIONS),
    "free/busy of acme": Holder(
        [grant("*", connections=(), labels={"tenant": "acme"}, mask="busy_only")],
        set(METHODS),
        ("acme-1", "acme-2"),
        masked=True,
    ),
}


def expected(holder: Holder, rpc: str, connection: str) -> str:
    """One of: in, hidden, refused, masked."""
    if rpc not in holder.rpcs:
        return "refused"
    if holder.masked and rpc not in BUSY:
        return "masked"
    if rpc in ELSEWHERE:
        return "in"
    if connection not in holder.connections:
        return "refused" if connection == "-" else "hidden"
    # The smallest watch is one of events.
    return "masked" if holder.masked and rpc in {"WatchEvents", "PollEvents"} else "in"


DENIED = {"refused": "ACCESS_DENIED", "masked": "ACCESS_BUSY_ONLY"}


def verdict(refusal: Refusal, hidden: Refusal, connection: str) -> str:
    """What the service has said, in the words of `expected`."""
    for word, reason in DENIED.items():
        if refusal.short == ("PERMISSION_DENIED", reason):
            return word
    same = refusal.status.replace(connection.encode(), NOWHERE.encode())
    if refusal.code == "NOT_FOUND" and same == hidden.status:
        return "hidden"
    # A new rule of the contract: tests/access/requests.py has to make a request that keeps it.
    return "invalid" if "the request breaks the contract" in refusal.message else "in"


def test_the_table_is_of_every_rpc() -> None:
    assert set(METHODS) >= READS | ADMINISTRATION | PASSTHROUGH
    assert {rpc.name for rpc in RPCS.values()} == set(METHODS)
    assert len(RPCS) == len(METHODS)
    assert [rpc.name for rpc in RPCS.values() if rpc.where is Where.NOWHERE] == []


@pytest.mark.parametrize(
    ("level", "names"),
    [("read", READS), ("write", WRITES), ("admin", ADMINISTRATION), ("", PASSTHROUGH)],
)
def test_every_rpc_is_of_one_level(level: str, names: set[str]) -> None:
    assert {rpc.name for rpc in RPCS.values() if rpc.level == level} == names


async def _cells(door: Door, keys: dict[str, str]) -> Iterator[tuple[str, ...]]:
    wrong = []
    for rpc in sorted(METHODS):
        for name, holder in HOLDERS.items():
            lost = await _ask(door, rpc, NOWHERE, keys[name])
            for connection in CONNECTIONS:
                said = verdict(await _ask(door, rpc, connection, keys[name]), lost, connection)
                wished = expected(holder, rpc, connection)
                if _made(rpc, holder):
                    wished = "refused"
                if said != wished:
                    wrong.append((rpc, name, connection, said, wished))
    return iter(wrong)


def _made(rpc: str, holder: Holder) -> bool:
    """Whether the smallest connection, without id and labels, may not be made by the holder."""
    return (
        rpc == "CreateConnection"
        and rpc in holder.rpcs
        and holder.connections != CONNECTIONS
        and not holder.masked
    )


async def _ask(door: Door, rpc: str, connection: str, key: str) -> Refusal:
    request = request_for(rpc, connection)
    metadata = {"ucal_provider": "sandbox"} if connection == "-" else {}
    if rpc == "BatchListBusy":
        return await _only_result(door, request, key, metadata)
    return await door.refusal(rpc, request, key, **metadata)


async def _only_result(door: Door, request: object, key: str, metadata: dict[str, str]) -> Refusal:
    """Of a batch the one result, as if it had been the call's own."""
    refusal = await door.refusal("BatchListBusy", request, key, **metadata)
    if refusal.code != "OK":
        return refusal
    answer = await door.call("BatchListBusy", request, key, **metadata)
    error = answer.results[0].error
    code = {5: "NOT_FOUND", 7: "PERMISSION_DENIED"}.get(error.code, "OK")
    reason = next((r for r in DENIED.values() if r.encode() in error.SerializeToString()), "")
    return Refusal(code, reason, error.message, error.SerializeToString(deterministic=True))


@pytest.mark.timeout(300)
async def test_every_key_against_every_connection_with_every_rpc(tmp_path: Path) -> None:
    where = place(tmp_path, connections=sandboxes(TENANTS), passthrough=True)
    keys = {name: await where.key(*holder.grants) for name, holder in HOLDERS.items()}  # type: ignore[arg-type]
    async with opened(where) as door:
        wrong = list(await _cells(door, keys))
    assert not wrong, "\n".join(map(str, wrong))
