"""Whose turn it is, among three replicas on one store and one line."""

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from providers.core.errors import Kind, ProviderError
from server.bus.frames import Beat
from server.bus.memory import MemoryBus
from server.bus.replicas import Replicas
from server.bus.turn_rows import TurnRows
from server.bus.turns import LEASE_SECONDS, SharedTurns
from server.connections.keyring import KeyRing
from server.connections.sealer import Sealer
from server.connections.store import Store
from server.connections.tables import LEASES, TURNS
from server.watch.alone import OWN
from server.watch.scope import Unit
from tests.watch.world import EVENT, ManualClock

RING = KeyRing.generate()
UNIT = Unit(EVENT, "ada@example.com")


class Feed:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.causes: list[str] = []
        self.late: list[str] = []
        self.point = b""

    def nudge(self, cause: str = "hint", *, within: float = 0) -> None:
        self.causes.append(cause)

    def stands_at(self, point: bytes) -> bool:
        return point == self.point

    def degrade(self, error: ProviderError, seconds: float) -> None:
        self.late.append(error.reason)


class Rows(TurnRows):
    """A store that can be gone."""

    gone = False

    async def live(self, seconds: float) -> set[str]:
        if self.gone:
            raise ProviderError(Kind.UNAVAILABLE, "no store", reason="STORE_UNAVAILABLE")
        return await super().live(seconds)


class Replica:
    def __init__(self, store: Store, line: list[MemoryBus], clock: ManualClock) -> None:
        self.bus = MemoryBus(line)
        self.replicas = Replicas(self.bus, Sealer(RING, "bus"), clock)
        self.rows = Rows(store, self.replicas.name)
        self.turns = SharedTurns(self.rows, self.replicas, clock, lambda: b"key")
        self.clock = clock
        self.feed = Feed()
        self.turn: Any = None

    def watch(self, every: float = 60, connection: str = "c", *, shared: bool = True) -> Any:
        target: Any = SimpleNamespace(connection_id=connection, key=(connection,), shared=shared)
        self.turn = self.turns.of(target, UNIT, 0, self.feed)
        self.turn.want(every)
        return self.turn

    async def tick(self) -> None:
        self.replicas.say(Beat())
        if not self.rows.gone:
            await self.turns._tick(self.clock.time())
        self.turns._judge_all()


class Yard:
    def __init__(self, store: Store) -> None:
        self.store = store
        self.clock = ManualClock()
        self.line: list[MemoryBus] = []
        self.all: list[Replica] = []

    async def join(self) -> Replica:
        found = Replica(self.store, self.line, self.clock)
        await found.bus.open(found.replicas)
        self.all.append(found)
        await self.tick()
        return found

    async def tick(self, times: int = 1, *, without: Replica | None = None) -> None:
        for _ in range(times):
            await self.clock.advance(1)
            for each in self.all:
                if each is not without:
                    await each.tick()

    async def shift(self, seconds: float) -> None:
        """Let leases be older: the store's clock is its own."""
        async with self.store.one() as database:
            await database.execute(
                LEASES.update().values(until=LEASES.c.until - int(seconds * 1000))
            )


@pytest.fixture
async def yard(tmp_path: Path) -> AsyncIterator[Yard]:
    store = Store(f"sqlite:///{tmp_path}/ucal.db")
    await store.open()
    yield Yard(store)
    await store.close()


async def pair(yard: Yard) -> tuple[Replica, Replica]:
    """Who asks, and who waits."""
    one, two = await yard.join(), await yard.join()
    one.watch()
    await yard.tick(2)
    two.watch()
    await yard.tick(2)
    return one, two


async def test_one_asks_and_one_waits(yard: Yard) -> None:
    one, two = await pair(yard)
    assert one.turn.mine
    assert not two.turn.mine
    one.turn.moved(b"there")
    assert two.feed.causes == ["peer"]
    two.feed.point = b"there"
    one.turn.moved(b"there")
    assert two.feed.causes == ["peer"], "it stands there already"


async def test_what_cannot_be_shared_is_not(yard: Yard) -> None:
    one = await yard.join()
    assert one.watch(connection="-") is OWN
    assert one.watch(shared=False) is OWN


async def test_the_store_tells_nothing_of_what_is_watched(yard: Yard) -> None:
    await pair(yard)
    async with yard.store.one() as database:
        text = repr((await database.execute(TURNS.select())).all())
    assert "ada" not in text
    assert len(text) > 10


async def test_who_leaves_gives_its_turns_away_at_once(yard: Yard) -> None:
    one, two = await pair(yard)
    one.turn.rest()
    await yard.tick(2)
    assert two.turn.mine
    assert two.turn.holder == two.replicas.name
    assert two.feed.causes == [] or set(two.feed.causes) == {"failover"}


async def test_who_dies_is_missed_within_seconds(yard: Yard) -> None:
    one, two = await pair(yard)
    await yard.tick(4, without=one)
    assert two.turn.mine, "not heard: ask, whoever's turn it is"
    assert two.feed.causes == ["failover"]
    assert two.turn.holder == one.replicas.name
    await yard.shift(LEASE_SECONDS + 1)
    await yard.tick(2, without=one)
    assert two.turn.holder == two.replicas.name
    # It was only slow: it hears that it has lost its turn, and waits.
    await yard.tick(2)
    assert not one.turn.mine
    assert two.turn.mine


async def test_without_the_bus_everybody_asks(yard: Yard) -> None:
    one, two = await pair(yard)
    two.bus.switch(up=False)
    assert one.turn.mine
    assert two.turn.mine
    assert two.feed.late == ["BUS_UNAVAILABLE"]
    assert not two.turn.hears
    two.bus.switch(up=True)
    assert two.feed.causes[-1] == "resync"
    await yard.tick(2)
    assert not two.turn.mine


async def test_without_the_store_everybody_asks(yard: Yard) -> None:
    one, two = await pair(yard)
    one.rows.gone = two.rows.gone = True
    await yard.tick(int(LEASE_SECONDS) + 1)
    assert one.turn.mine
    assert two.turn.mine
    assert two.feed.causes == ["failover"]
    one.rows.gone = two.rows.gone = False
    await yard.tick(3)
    assert [one.turn.mine, two.turn.mine].count(True) == 1


async def test_who_must_ask_more_often_takes_the_turn(yard: Yard) -> None:
    one, two = await pair(yard)
    two.turn.want(5)
    await yard.tick(2)
    assert two.turn.mine
    assert not one.turn.mine
    two.turn.rest()
    await yard.tick(2)
    assert one.turn.mine


async def test_what_dead_replicas_leave_is_swept(yard: Yard) -> None:
    _, two = await pair(yard)
    await yard.shift(3600)
    await two.rows.live(LEASE_SECONDS)
    await two.rows.sweep()
    async with yard.store.one() as database:
        assert (await database.execute(TURNS.select())).all() == []
        names = [row.name for row in (await database.execute(LEASES.select())).all()]
    assert names == [f"replica/{two.replicas.name}"]
