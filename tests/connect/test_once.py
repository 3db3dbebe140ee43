"""What may happen once does so under clocks that differ, and when the store falters."""

import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from sqlalchemy import text

from providers.core.errors import Kind, ProviderError
from server.connections.authorizations import StaleStateError
from server.connections.facade import Connections
from server.connections.once import Once
from server.connections.tickets import UsedLinkError
from tests.server.house import house
from tests.server.vendor import VendorServer
from ucal.v1 import connection_pb2

BACK = "https://app.example/b"
# What replicas' clocks may differ by, each from the right time (R11).
AHEAD, BEHIND = 600, -600


@pytest.fixture
async def found(vendor: VendorServer) -> AsyncIterator[Connections]:
    async with house(vendor, redirect_uris=[BACK]) as connections:
        yield connections


async def later(found: Connections, seconds: int) -> None:
    """Let so much time go by for the leases in the store."""
    async with found.store.one() as database:
        await database.execute(
            text("UPDATE leases SET until = until - :ms"), {"ms": seconds * 1000}
        )


async def test_a_state_works_once_where_clocks_differ(
    found: Connections, vendor: VendorServer
) -> None:
    dances: Any = found.authorizations
    dances._sealer._now = lambda: time.time() + AHEAD
    url, state = await dances.start("vendor", BACK, (), "")
    query = dict(parse_qsl(urlsplit(url).query))
    vendor.codes["code"] = (BACK, query["code_challenge"])
    await dances.complete(state, "code")
    # For a replica whose clock is behind it is not ten minutes old yet.
    for gone in (601, 1_190, 1_790):
        await later(found, 601 if gone == 601 else 595)
        dances._sealer._now = lambda gone=gone: time.time() + gone + BEHIND
        with pytest.raises(StaleStateError) as caught:
            await dances.complete(state, "code")
        assert caught.value.why == "used"
    assert len(vendor.asked) == 1


async def test_a_link_works_once_where_clocks_differ(found: Connections) -> None:
    tickets: Any = found.tickets
    token, until = await tickets.issue(connection_pb2.CreateConnectLinkRequest(provider="vendor"))
    # Used in its last second, by the clock that is ahead.
    tickets._now = lambda: until - 1
    await tickets.take(tickets.open(token), "somebody")
    await later(found, AHEAD - BEHIND)
    # By the one that is behind it is good yet.
    assert await tickets.is_used(tickets.open(token))
    with pytest.raises(UsedLinkError):
        await tickets.take(tickets.open(token), "another")


async def test_what_was_taken_is_taken_though_old_leases_stay(
    found: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tidying up is no part of it: whoever was told no would have used it up for nothing."""

    async def away(self: Once) -> None:
        raise ProviderError(Kind.UNAVAILABLE, "the store cannot be reached")

    monkeypatch.setattr(Once, "_prune", away)
    once = Once(found.store, "oauth")
    assert await once.take("secret", "me", 60)
    assert not await once.take("secret", "another", 60)
