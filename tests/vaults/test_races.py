"""Two replicas refresh one rotating token a thousand times: no connection dies (must show 3)."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import select

from providers.core.errors import Kind, ProviderError
from providers.registry import PROVIDERS
from server.connections.facade import Connections
from server.connections.tables import AUDIT
from tests.server.house import house, oauth
from tests.server.vendor import ROW
from tests.vaults.family import FamilyServer
from ucal.v1 import connection_pb2

ACTIVE = connection_pb2.CONNECTION_STATE_ACTIVE
DEAD = connection_pb2.CONNECTION_STATE_REAUTHORIZATION_REQUIRED
REFRESHES = 1_000


@contextlib.asynccontextmanager
async def replicas(
    server: FamilyServer, shared: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Connections, Connections]]:
    monkeypatch.setitem(PROVIDERS, "vendor", ROW)
    async with (
        server.running(),
        house(server, **shared) as one,
        house(server, **shared) as other,
    ):
        yield one, other


async def call(found: Connections) -> int:
    resolved = await found.resolve("a", {})
    return (await resolved.call.http.send("GET", "/calendars")).status


@pytest.mark.timeout(300)
async def test_a_thousand_refreshes_under_races_and_no_connection_dies(
    shared: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """P64. Each time the token is refused to both at once; each time it is refreshed once."""
    server = FamilyServer()
    async with replicas(server, shared, monkeypatch) as (one, other):
        made = oauth(access_token="old", refresh_token=server.found("f"))
        await one.directory.create(made, "")
        answers: Counter[int] = Counter()
        for _ in range(REFRESHES):
            server.access.clear()
            answers.update(await asyncio.gather(*(call(each) for each in (one, other) * 2)))
        assert answers == {200: 4 * REFRESHES}
        assert server.refreshes == REFRESHES
        assert server.killed == []
        assert (await one.directory.get("a")).state == ACTIVE


async def test_lost_answers_within_the_vendors_window_do_no_harm(
    shared: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two answers in ten get lost; the vendor forgives the use of the token before, twice."""
    monkeypatch.setattr("server.connections.grants._PAUSES", (0.001, 0.001))
    server = FamilyServer(window=2, lost_every=10)
    async with replicas(server, shared, monkeypatch) as (one, other):
        made = oauth(access_token="old", refresh_token=server.found("f"))
        await one.directory.create(made, "")
        for _ in range(200):
            server.access.clear()
            found = await asyncio.gather(*(call(each) for each in (one, other) * 2))
            assert set(found) == {200}
        assert server.killed == []
        assert server.refreshes > 240  # so many answers did get lost
        assert (await one.directory.get("a")).state == ACTIVE


async def test_a_dead_token_is_found_dead_once_by_all_replicas(
    shared: dict[str, Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The vendor is asked once, the state is marked, logged and recorded once."""
    server = FamilyServer()
    async with replicas(server, shared, monkeypatch) as (one, other):
        await one.directory.create(oauth(access_token="old", refresh_token="gone:1"), "")
        results = await asyncio.gather(
            *(call(each) for each in (one, other) * 20), return_exceptions=True
        )
        for result in results:
            assert isinstance(result, ProviderError)
            assert result.kind is Kind.REAUTHORIZATION_REQUIRED
        assert len(server.asked) == 1
        for each in (one, other):
            assert (await each.directory.get("a")).state == DEAD
        assert [record.msg for record in caplog.records].count(
            "a connection must be authorized anew"
        ) == 1
        async with one.store.one() as database:
            acts = (await database.execute(select(AUDIT.c.act))).scalars().all()
        assert list(acts).count("connection.reauthorization_required") == 1


async def test_deleting_with_revoke_forgets_the_token_that_a_refresh_under_way_brings(
    shared: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the vendor would keep a living token that nobody knows any more."""
    server = FamilyServer()
    async with replicas(server, shared, monkeypatch) as (one, other):
        made = oauth(access_token="old", refresh_token=server.found("f"))
        await one.directory.create(made, "")
        server.hold = asyncio.Event()
        calling = asyncio.create_task(call(one))
        await server.reached.wait()
        deleting = asyncio.create_task(
            other.directory.delete("a", etag="", revoke=True, allow_missing=False)
        )
        server.hold.set()
        await deleting
        assert (await calling) == 200
        assert server.revoked == ["f:1"]
