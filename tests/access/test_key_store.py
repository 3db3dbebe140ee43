"""The table of API keys on SQLite and on a real PostgreSQL, by two processes' worth of stores."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from server.access.key_check import KeyCheck
from server.access.key_format import new_key
from server.access.key_store import KeyStore
from server.access.subjects import Subjects
from server.connections.store import Store
from tests.access.door import grant
from tests.postgres import postgres_server, postgres_url, store_url

__all__ = ["postgres_server", "postgres_url", "store_url"]


@pytest.fixture
async def pair(store_url: str) -> AsyncIterator[tuple[KeyStore, KeyStore]]:
    """Two replicas' views of one table."""
    stores = [Store(store_url), Store(store_url)]
    for store in stores:
        await store.open()
    yield KeyStore(stores[0]), KeyStore(stores[1])
    for store in stores:
        await store.close()


async def test_a_key_is_the_same_in_both(pair: tuple[KeyStore, KeyStore]) -> None:
    here, there = pair
    made = new_key("test")
    assert await there.get(made.id) is None
    grants = [grant("read", labels={"tenant": ["a", "b"]}, mask="busy_only")]
    ends = time.time() + 60
    await here.add(made.id, made.hash, name="n", environment="test", grants=grants, expires_at=ends)
    row = await there.get(made.id)
    assert row is not None
    assert (row.id, row.name, row.environment) == (made.id, "n", "test")
    assert row.grants == tuple(grants)
    assert row.expires_at == pytest.approx(ends, abs=0.001)
    assert (row.last_used_at, row.revoked_at) == (0, 0)
    assert list(await there.all()) == [row]
    assert made.hash.hex() not in repr(row)


async def test_one_revocation_of_many_counts(pair: tuple[KeyStore, KeyStore]) -> None:
    here, there = pair
    made = new_key("test")
    await here.add(made.id, made.hash, name="n", environment="test", grants=[])
    done = await asyncio.gather(*(store.revoke(made.id) for store in (here, there) * 4))
    assert done.count(True) == 1
    row = await here.get(made.id)
    assert row is not None
    assert row.state(time.time()) == "revoked"


async def test_use_is_noted_seldom_by_all_replicas_together(
    pair: tuple[KeyStore, KeyStore],
) -> None:
    here, there = pair
    made = new_key("test")
    await here.add(made.id, made.hash, name="n", environment="test", grants=[])
    await here.used(made.id, every=60)
    first = await here.get(made.id)
    assert first is not None
    assert first.last_used_at == pytest.approx(time.time(), abs=5)
    await there.used(made.id, every=60)
    assert await there.get(made.id) == first
    await there.used(made.id, every=0)
    later = await here.get(made.id)
    assert later is not None
    assert later.last_used_at > first.last_used_at


async def test_a_revocation_by_one_replica_is_seen_by_the_other(
    pair: tuple[KeyStore, KeyStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.access.key_check.FRESH_SECONDS", 0.0)
    here, there = pair
    made = new_key("test")
    await here.add(made.id, made.hash, name="n", environment="test", grants=[])
    check = KeyCheck(there, Subjects(()), "test")
    assert (await check.caller(made.text)).key_id == made.id
    await here.revoke(made.id)
    with pytest.raises(Exception, match="revoked"):
        await check.caller(made.text)
    await check.close()
