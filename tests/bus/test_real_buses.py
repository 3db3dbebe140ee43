"""PostgreSQL's NOTIFY and NATS themselves: frames arrive; the bus comes back when it was gone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import nats
import nats.errors
import pytest
from nats.aio.client import Client

from server.bus.nats_core import NatsBus
from server.bus.ports import Bus
from server.bus.postgresql import MAX_BYTES, PostgresBus
from tests.replicas.conftest import Ground, database, ground  # noqa: F401
from tests.replicas.nats_server import NatsServer


class Ear:
    """Listens."""

    def __init__(self) -> None:
        self.heard_all: list[bytes] = []
        self.states: list[bool] = []
        self.news = asyncio.Event()

    def heard(self, data: bytes) -> None:
        self.heard_all.append(data)
        self.news.set()

    def changed(self, *, up: bool) -> None:
        self.states.append(up)
        self.news.set()

    async def until(self, what: object, seconds: float = 15) -> None:
        async with asyncio.timeout(seconds):
            while not what():  # type: ignore[operator]
                self.news.clear()
                await self.news.wait()


@asynccontextmanager
async def opened(found: Ground) -> AsyncIterator[tuple[Bus, Ear]]:
    bus: Bus = PostgresBus(found.store) if found.nats is None else NatsBus(found.bus)
    ear = Ear()
    await bus.open(ear)
    try:
        yield bus, ear
    finally:
        await bus.close()


@pytest.fixture
def shared(ground: Ground) -> Ground:  # noqa: F811
    return ground


async def test_thousands_of_frames_arrive_in_order(shared: Ground) -> None:
    async with opened(shared) as (one, first), opened(shared) as (_, second):
        await first.until(lambda: first.states == [True])
        await second.until(lambda: second.states == [True])
        sent = [f"frame-{number}".encode() for number in range(3_000)]
        for data in sent:
            one.publish(data)
        await second.until(lambda: len(second.heard_all) == len(sent))
        assert second.heard_all == sent


async def test_what_was_said_last_still_goes_out(shared: Ground) -> None:
    async with opened(shared) as (_, ear):
        await ear.until(lambda: ear.states == [True])
        async with opened(shared) as (other, heard):
            await heard.until(lambda: heard.states == [True])
            other.publish(b"goodbye")
        await ear.until(lambda: b"goodbye" in ear.heard_all)


async def test_a_bus_that_is_killed_comes_back(shared: Ground) -> None:
    async with opened(shared) as (one, first), opened(shared) as (_, second):
        await first.until(lambda: first.states == [True])
        await second.until(lambda: second.states == [True])
        if shared.nats is not None:
            shared.nats.kill()
        else:
            await asyncio.to_thread(shared.server.kill)
        try:
            await first.until(lambda: first.states == [True, False])
            assert not one.up
            one.publish(b"into the void")
        finally:
            if shared.nats is not None:
                shared.nats.start()
            else:
                await asyncio.to_thread(shared.server.start, "fsync=on")
        for ear in (first, second):
            await ear.until(lambda ear=ear: ear.states[-1], 20)
        one.publish(b"again")
        await second.until(lambda: b"again" in second.heard_all)
        assert b"into the void" not in second.heard_all


async def test_a_bus_that_is_not_there_yet_is_waited_for(shared: Ground) -> None:
    if shared.nats is not None:
        shared.nats.kill()
    else:
        await asyncio.to_thread(shared.server.kill)
    async with opened(shared) as (bus, ear):
        assert not bus.up
        if shared.nats is not None:
            shared.nats.start()
        else:
            await asyncio.to_thread(shared.server.start, "fsync=on")
        await ear.until(lambda: ear.states == [True], 20)


async def test_what_is_too_long_for_postgresql_is_not_sent(shared: Ground) -> None:
    if shared.nats is not None:
        pytest.skip("NATS takes a megabyte")
    async with opened(shared) as (bus, ear):
        await ear.until(lambda: ear.states == [True])
        bus.publish(b"x" * (MAX_BYTES + 1))
        bus.publish(b"short")
        await ear.until(lambda: ear.heard_all == [b"short"])


async def test_whoever_else_can_write_there_is_heard_and_nothing_breaks(shared: Ground) -> None:
    async with opened(shared) as (_, ear):
        await ear.until(lambda: ear.states == [True])
        if shared.nats is not None:
            stranger = await nats.connect(shared.bus)
            await stranger.publish("ucal.hints.1", b"\xff\xfe")
            await stranger.close()
        else:
            database_ = await asyncpg.connect(shared.store)
            await database_.execute("SELECT pg_notify('ucal_hints_1', 'ünknown')")
            await database_.close()
        await ear.until(lambda: len(ear.heard_all) == 1)


async def test_an_end_by_plan_is_no_outage(
    shared: Ground, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(shared) as (_, ear):
        await ear.until(lambda: ear.states == [True])
    assert [record.message for record in caplog.records if record.levelname == "WARNING"] == []


async def test_a_connection_without_an_ear_is_not_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A server that goes away between hello and subscription leaves no second client behind."""
    server = NatsServer()
    server.start()
    ended: list[Client] = []
    subscribe, close = Client.subscribe, Client.close

    async def once(client: Client, *args: Any, **named: Any) -> Any:
        monkeypatch.setattr(Client, "subscribe", subscribe)
        raise nats.errors.ConnectionClosedError

    async def counted(client: Client) -> None:
        ended.append(client)
        await close(client)

    monkeypatch.setattr(Client, "subscribe", once)
    monkeypatch.setattr(Client, "close", counted)
    bus, ear = NatsBus(server.url), Ear()
    await bus.open(ear)
    try:
        await ear.until(lambda: ear.states == [True])
        assert len(ended) == 1
        assert not ended[0].is_connected
    finally:
        await bus.close()
        server.close()
