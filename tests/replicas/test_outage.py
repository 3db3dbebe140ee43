"""R16: the store and the bus are killed in the middle and come back; no watch loses anything."""

import asyncio
from pathlib import Path

import grpc
import pytest

from tests.replicas.conftest import Ground
from tests.replicas.diary import CALENDAR, connection, diary
from tests.replicas.fleet import Fleet, Replica, fleet
from tests.replicas.reader import VALIDATORS, Reader
from tests.replicas.writing import Writer, running
from ucal.v1 import event_pb2, event_pb2_grpc

pytestmark = pytest.mark.timeout(240)


async def lists(replica: Replica) -> int:
    """A call that needs neither store nor bus; how many events it tells of."""
    async with grpc.aio.insecure_channel(replica.address) as channel:
        answer = await event_pb2_grpc.EventServiceStub(channel).ListEvents(
            event_pb2.ListEventsRequest(connection_id="diary", calendar_id=CALENDAR, page_size=1),
            timeout=10,
        )
    return len(answer.events)


async def until(replicas: Fleet, name: str, wanted: float, seconds: float) -> None:
    """Wait until a metric has the same value at every replica."""
    async with asyncio.timeout(seconds):
        while [await each.metric(name) for each in replicas] != [wanted] * len(replicas):
            await asyncio.sleep(0.1)


async def settled(replicas: Fleet, seconds: float) -> None:
    """Wait until one replica asks for the one feed that there is."""
    async with asyncio.timeout(seconds):
        while await replicas.sum("ucal_turns_held") != 1:
            await asyncio.sleep(0.1)


async def test_store_and_bus_are_killed_and_come_back(ground: Ground, tmp_path: Path) -> None:
    async with (
        diary() as upstream,
        fleet(
            2, tmp_path, store=ground.store, bus=ground.bus, more=connection(upstream)
        ) as replicas,
    ):
        upstream.write("a", "version 1")
        readers = [Reader([replica.address]) for replica in replicas]
        writer = Writer(upstream)
        async with running(*readers):
            for reader in readers:
                await reader.until(upstream.held, 10)
            await until(replicas, "ucal_bus_up", 1, 10)
            await settled(replicas, 15)
            before = await replicas.sum("ucal_watch_resyncs_total")
            try:
                async with running(writer):
                    await asyncio.to_thread(ground.server.kill)
                    if ground.nats is not None:
                        ground.nats.kill()
                    await until(replicas, "ucal_bus_up", 0, 10)
                    for replica in replicas:
                        assert await lists(replica) == 1
                # Nobody can say whose turn it is, so each looks for itself.
                for reader in readers:
                    await reader.until(upstream.held, 10)
                    assert any("replicas do not hear" in each for each in reader.degraded)
            finally:
                if ground.nats is not None:
                    ground.nats.start()
                await asyncio.to_thread(ground.server.start, "fsync=on")
            async with running(writer):
                await until(replicas, "ucal_bus_up", 1, 20)
                assert await replicas.sum("ucal_watch_resyncs_total") > before
                await settled(replicas, 30)
            for reader in readers:
                await reader.until(upstream.held, 10)
        for reader in readers:
            assert not reader.errors
            assert not reader.resets
            for promise in VALIDATORS:
                promise(reader)
        assert all(upstream.url not in replica.log for replica in replicas)
