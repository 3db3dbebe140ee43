"""Subscriptions of several replicas on one store: made once, renewed once, ended once."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from providers.core.errors import Kind, ProviderError
from providers.core.push import Subscription, Topic
from server.connections.keyring import KeyRing
from server.connections.sealer import Sealer
from server.connections.store import Store
from server.connections.tables import SUBSCRIPTIONS
from server.push.registrations import Registrations
from server.push.subscription_rows import SubscriptionRows
from server.watch.scope import Unit
from tests.watch.world import EVENT, ManualClock

UNIT = Unit(EVENT, "ada@example.com")
RING = KeyRing.generate()


class Vendor:
    """The other side of `PushCalls`, the same for every replica."""

    public_url = "https://hooks.example"

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.there: set[str] = set()
        self.error: ProviderError | None = None
        self.kinds = frozenset({EVENT})
        self._serial = itertools.count(1)

    @asynccontextmanager
    async def push(self, connection_id: str) -> AsyncIterator[tuple[Any, None]]:
        yield self, None

    async def _asked(self, what: str) -> None:
        self.calls.append(what)
        await asyncio.sleep(0.02)
        if self.error is not None:
            raise self.error

    async def create(self, provider: str, connection_id: str, topic: Topic) -> Subscription:
        await self._asked("create")
        own_id = f"sub-{next(self._serial)}"
        self.there.add(own_id)
        now = datetime.now(UTC)
        return Subscription(
            own_id, topic, "handle", now + timedelta(days=1), now + timedelta(hours=20)
        )

    async def renew(self, provider: str, connection_id: str, made: Subscription) -> Subscription:
        await self._asked("renew")
        self.there.discard(made.id)
        new = await self.create(provider, connection_id, made.topic)
        self.calls.pop()
        return new

    async def account(self, connection_id: str) -> str:
        return ""

    async def delete(self, connection_id: str, made: Subscription) -> None:
        await self._asked("delete")
        self.there.discard(made.id)


@dataclass
class Target:
    connection_id: str = "c"
    provider: str = "vendor"


class Replica:
    """One process."""

    def __init__(self, store: Store, vendor: Vendor, name: str) -> None:
        self.clock = ManualClock()
        self.said: list[str] = []
        rows = SubscriptionRows(store, Sealer(RING, "subscriptions"), lambda: b"key")
        self.registrations = Registrations(
            vendor,  # type: ignore[arg-type]
            rows,
            store,
            self,
            clock=self.clock,
            holder=name,
            lasting=True,
        )

    def push(self, connection_id: str, unit: Unit, lost: Any, retry: float = 0) -> None:
        self.said.append("pushed" if lost is None else f"lost: {lost.reason}")

    def unpush(self, connection_id: str, unit: Unit) -> None:
        self.said.append("left")

    async def attend(self) -> str:
        pushed = await self.registrations.attend(Target(), [UNIT])  # type: ignore[arg-type]
        return pushed[UNIT]

    def leave(self) -> None:
        self.registrations.leave(Target(), [UNIT])  # type: ignore[arg-type]

    async def later(self, seconds: float) -> None:
        await self.clock.advance(seconds)
        await self.registrations.tick()


class World:
    def __init__(self, store: Store) -> None:
        self.store = store
        self.vendor = Vendor()

    def replica(self, name: str) -> Replica:
        return Replica(self.store, self.vendor, name)

    async def shift(self, **columns: int) -> None:
        """Let a time of the only row be `columns` milliseconds earlier."""
        values = {name: SUBSCRIPTIONS.c[name] - by for name, by in columns.items()}
        async with self.store.one() as database:
            await database.execute(update(SUBSCRIPTIONS).values(values))

    async def row(self) -> Any:
        async with self.store.one() as database:
            return (await database.execute(select(SUBSCRIPTIONS))).mappings().first()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    store = Store(f"sqlite:///{tmp_path}/ucal.db")
    await store.open()
    yield World(store)
    await store.close()


DAY = 24 * 3600 * 1000


async def test_replicas_that_begin_together_make_one(world: World) -> None:
    replicas = [world.replica(name) for name in "abc"]
    assert await asyncio.gather(*(each.attend() for each in replicas)) == ["", "", ""]
    assert world.vendor.calls == ["create"]
    assert [each.said for each in replicas] == [["pushed"]] * 3
    for each in replicas:
        assert each.registrations.calendar_of("c", "sub-1") == UNIT.calendar_id


async def test_what_stands_in_the_store_tells_nothing(world: World) -> None:
    await world.replica("a").attend()
    text = repr(dict(await world.row()))
    for told in ("ada", "example", "sub-1", "handle"):
        assert told not in text


async def test_one_renews_and_the_others_see_it(world: World) -> None:
    one, two = world.replica("a"), world.replica("b")
    await one.attend()
    await two.attend()
    await world.shift(renew_at=DAY)
    await asyncio.gather(one.later(15), two.later(15))
    assert world.vendor.calls.count("renew") == 1
    assert world.vendor.there == {"sub-2"}
    await asyncio.gather(one.later(15), two.later(15))
    for each in (one, two):
        assert each.registrations.calendar_of("c", "sub-2") == UNIT.calendar_id
        assert each.registrations.calendar_of("c", "sub-1") is None
    assert world.vendor.calls.count("renew") == 1


async def test_who_dies_while_renewing_leaves_it_to_others(world: World) -> None:
    one, two = world.replica("a"), world.replica("b")
    await one.attend()
    await two.attend()
    await world.shift(renew_at=DAY)
    world.vendor.error = ProviderError(Kind.TIMEOUT, "no answer")
    await one.later(15)
    world.vendor.error = None
    await two.later(15)
    assert world.vendor.calls.count("renew") == 1, "it is claimed for a minute"
    await world.shift(renew_at=61_000)
    await two.later(60)
    assert world.vendor.calls.count("renew") == 2
    assert world.vendor.there == {"sub-2"}


async def test_a_restart_takes_up_what_there_is(world: World) -> None:
    first = world.replica("a")
    await first.attend()
    await first.registrations.close()
    assert world.vendor.calls == ["create"]
    again = world.replica("b")
    assert await again.attend() == ""
    assert world.vendor.calls == ["create"]


async def test_nobody_watches_anywhere_and_one_ends_it(world: World) -> None:
    one, two = world.replica("a"), world.replica("b")
    await one.attend()
    await two.attend()
    one.leave()
    await world.shift(wanted_until=50_000)
    await two.later(15)
    await one.later(15)
    assert "delete" not in world.vendor.calls, "one of them still watches"
    two.leave()
    await asyncio.gather(one.later(15), two.later(15))
    assert "delete" not in world.vendor.calls, "streams that were cut come back within a minute"
    await world.shift(wanted_until=61_000)
    await asyncio.gather(one.later(60), two.later(60))
    assert world.vendor.calls.count("delete") == 1
    assert world.vendor.there == set()
    assert await world.row() is None


async def test_a_provider_that_refuses_is_asked_again(world: World) -> None:
    replica = world.replica("a")
    world.vendor.error = ProviderError(Kind.PRECONDITION, "not for this account")
    assert "not for this account" in await replica.attend()
    assert replica.said == []
    await replica.later(15)
    assert world.vendor.calls == ["create"]
    world.vendor.error = None
    await replica.later(80)
    assert replica.said == ["pushed"]


async def test_a_subscription_that_cannot_be_renewed_is_told_and_made_anew(world: World) -> None:
    one, two = world.replica("a"), world.replica("b")
    await one.attend()
    await two.attend()
    await world.shift(renew_at=DAY)
    world.vendor.error = ProviderError(Kind.NOT_FOUND, "gone", reason="GONE")
    await one.later(15)
    await two.later(15)
    assert one.said == ["pushed", "lost: GONE"]
    assert two.said[:2] == ["pushed", "lost: PUSH_ENDED"]
    world.vendor.error = None
    await one.later(400)
    await two.later(400)
    assert one.said[-1] == two.said[-1] == "pushed"
    assert len(world.vendor.there - {"sub-1"}) == 1


async def test_one_that_ended_while_nobody_looked_is_made_anew(world: World) -> None:
    first = world.replica("a")
    await first.attend()
    row = await first.registrations._rows.find((await world.row())["name"])
    assert row is not None
    assert row.made is not None
    over = replace(row.made, expires_at=datetime.now(UTC) - timedelta(minutes=1))
    await first.registrations._rows.put(row.name, "c", "vendor", over, 60)
    again = world.replica("b")
    assert await again.attend() == ""
    assert world.vendor.calls == ["create", "create"]
