"""R18: two tenants at one provider host, calls mixed at random; nothing of one reaches the other.

`TENANT_CALLS` sets how many calls (2,000; the figure of RELIABILITY.md is 100,000).
"""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import grpc
import pytest

from providers.registry import PROVIDERS
from server.cli.client import METHODS
from tests.access.door import Door, grant, opened, place, refusal_of
from tests.access.mixed import ROW, MixedServer
from tests.access.requests import request_for
from ucal.v1 import connection_pb2, event_pb2

CALLS = int(os.environ.get("TENANT_CALLS", "2000"))
AT_ONCE = 32
TENANTS = ("acme", "globex")
IDS = {tenant: [f"{tenant}-{number}" for number in range(3)] for tenant in TENANTS}
RPCS = ("ListCalendars", "ListEvents", "GetEvent", "ListBusy", "BatchListBusy", "GetConnection")


@pytest.fixture
async def vendor(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MixedServer]:
    monkeypatch.setitem(PROVIDERS, "mixed", ROW)
    async with MixedServer().running() as server:
        yield server


def connections(url: str) -> list[dict[str, Any]]:
    return [
        {
            "id": own_id,
            "provider": "mixed",
            "base_url": url,
            "labels": {"tenant": tenant},
            # The same display name, path and user agent: only the credentials differ.
            "credentials": {"username": f"{tenant}-marker", "password": "p"},
        }
        for tenant, ids in IDS.items()
        for own_id in ids
    ]


class Crowd:
    """Callers of both tenants, each with its key, who ask for whatever they know of."""

    def __init__(self, door: Door, keys: dict[str, str], chance: random.Random) -> None:
        self.door = door
        self.keys = keys
        self.chance = chance
        self.tokens: dict[str, str] = {}
        self.answered = 0
        self.refused = 0

    async def one(self) -> None:
        tenant = self.chance.choice(TENANTS)
        other = TENANTS[1 - TENANTS.index(tenant)]
        work: Callable[[str, str], Any] = self.chance.choice(
            [self._own, self._own, self._own, self._foreign, self._list, self._foreign_token]
        )
        await work(tenant, other)

    def _clean(self, answer: Any, other: str) -> None:
        assert other.encode() not in answer.SerializeToString()
        self.answered += 1

    async def _own(self, tenant: str, other: str) -> None:
        rpc, own_id = self.chance.choice(RPCS), self.chance.choice(IDS[tenant])
        answer = await self.door.call(rpc, request_for(rpc, own_id), self.keys[tenant])
        assert f"{tenant}-".encode() in answer.SerializeToString()
        self._clean(answer, other)
        if rpc == "ListEvents":
            self.tokens[own_id] = answer.next_page_token

    async def _foreign(self, tenant: str, other: str) -> None:
        rpc = self.chance.choice([*sorted(METHODS)])
        if METHODS[rpc].containing_service.name == "ProviderService" or rpc in {
            "ListConnections", "CompleteAuthorization", "CreateConnection", "BatchListBusy",
            "StartAuthorization", "CreateConnectLink",
        }:  # fmt: skip
            return
        asked = self.chance.choice([*IDS[other], f"{other}-nobody"])
        refusal = await self.door.refusal(rpc, request_for(rpc, asked), self.keys[tenant])
        assert refusal.code in {"NOT_FOUND", "PERMISSION_DENIED"}, (rpc, refusal)
        assert f"{other}-marker" not in refusal.status.decode("latin-1")
        self.refused += 1

    async def _list(self, tenant: str, other: str) -> None:
        request = connection_pb2.ListConnectionsRequest(page_size=self.chance.randint(0, 3))
        answer = await self.door.call("ListConnections", request, self.keys[tenant])
        assert answer.connections
        self._clean(answer, other)

    async def _foreign_token(self, tenant: str, other: str) -> None:
        """A page token of the other tenant's, sent with a connection of one's own."""
        known = [own_id for own_id in IDS[other] if own_id in self.tokens]
        if not known:
            return
        request = event_pb2.ListEventsRequest(
            connection_id=self.chance.choice(IDS[tenant]),
            page_token=self.tokens[self.chance.choice(known)],
        )
        refusal = await self.door.refusal("ListEvents", request, self.keys[tenant])
        assert refusal.short == ("INVALID_ARGUMENT", "INVALID_PAGE_TOKEN")
        self.refused += 1


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", [1, 2])
async def test_no_call_reads_across(tmp_path: Path, vendor: MixedServer, seed: int) -> None:
    where = place(tmp_path, connections=connections(vendor.url))
    keys = {
        tenant: await where.key(grant("write", connections=(), labels={"tenant": tenant}))
        for tenant in TENANTS
    }
    async with opened(where) as door:
        crowd = Crowd(door, keys, random.Random(seed))
        room = iter(range(CALLS // 2))

        async def caller() -> None:
            for _ in room:
                await crowd.one()

        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(caller())
    assert crowd.answered > CALLS // 5
    assert crowd.refused > CALLS // 20
    assert set(vendor.served) == {"acme-marker", "globex-marker"}
    assert (vendor.cookies, vendor.conditions) == (0, 0)


async def test_the_vendor_would_show_a_mix_up(vendor: MixedServer) -> None:
    """The trap works: with a jar that keeps cookies the vendor does answer with another's data."""
    import httpx

    async with httpx.AsyncClient(base_url=vendor.url, trust_env=False) as client:
        first = await client.get("/events", auth=("acme-marker", "p"))
        second = await client.get("/events", auth=("globex-marker", "p"))
    assert first.json() == second.json() == {"owner": "acme-marker"}


async def test_a_batch_of_both_tenants_answers_for_ones_own_alone(
    tmp_path: Path, vendor: MixedServer
) -> None:
    where = place(tmp_path, connections=connections(vendor.url))
    key = await where.key(grant("read", connections=(), labels={"tenant": "acme"}))
    request: Any = request_for("BatchListBusy", "globex-0")
    for own_id in ("acme-0", "nobody", "acme-1"):
        request.requests.add().CopyFrom(request.requests[0])
        request.requests[-1].connection_id = own_id
    async with opened(where) as door:
        try:
            answer = await door.call("BatchListBusy", request, key)
        except grpc.aio.AioRpcError as error:
            raise AssertionError(refusal_of(error)) from None
    forms = [result.WhichOneof("result") for result in answer.results]
    assert forms == ["error", "response", "error", "response"]
    assert answer.results[0].error.message == answer.results[2].error.message
    assert b"globex-marker" not in answer.SerializeToString()
    assert set(vendor.served) == {"acme-marker"}
