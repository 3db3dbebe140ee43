"""Two replicas watch one calendar: one asks, and when it dies the other does."""

import asyncio
from pathlib import Path

import pytest

from tests.replicas.conftest import Ground
from tests.replicas.diary import connection, diary
from tests.replicas.fleet import Fleet, Replica, fleet
from tests.replicas.reader import VALIDATORS, Reader

pytestmark = pytest.mark.timeout(180)


async def holder_of(replicas: Fleet) -> tuple[Replica, Replica]:
    """Who asks, and who waits, once that is settled."""
    async with asyncio.timeout(60):  # a turn that was lent for 30 s may have to end before
        while True:
            held = [await replica.metric("ucal_turns_held") for replica in replicas]
            if sorted(held) == [0, 1]:
                first, second = replicas
                return (first, second) if held[0] else (second, first)
            await asyncio.sleep(0.1)


async def test_one_asks_for_both_and_the_other_takes_over(ground: Ground, tmp_path: Path) -> None:
    async with (
        diary() as upstream,
        fleet(
            2, tmp_path, store=ground.store, bus=ground.bus, more=connection(upstream)
        ) as replicas,
    ):
        upstream.write("a", "version 1")
        readers = [Reader([replica.address]) for replica in replicas]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(reader.run()) for reader in readers]
            for reader in readers:
                await reader.until(upstream.held, 10)
            holder, other = await holder_of(replicas)
            saved = await other.metric("ucal_watch_polls_saved_total", by="lease")
            # Quiet: in 7 s the holder asks three times or four, and the other never.
            before = upstream.syncs
            await asyncio.sleep(7)
            assert 3 <= upstream.syncs - before <= 5
            assert await other.metric("ucal_watch_polls_saved_total", by="lease") >= saved + 2

            # A change is told by both, and costs the other one question.
            upstream.write("b", "version 2")
            for reader in readers:
                await reader.until(upstream.held, 6)

            # The holder dies; its reader goes to the other one.
            dead = readers[replicas.index(holder)]
            dead.addresses = [other.address]
            upstream.write("c", "version 3")
            await holder.kill()
            upstream.write("d", "version 4")
            for reader in readers:
                await reader.until(upstream.held, 10)
            upstream.remove("a")
            for reader in readers:
                await reader.until(upstream.held, 10)
            # By now it asks on its own; the turn itself is its own when the lease has ended.
            async with asyncio.timeout(15):
                while not await other.metric("ucal_lease_takeovers_total"):
                    await asyncio.sleep(0.2)
            for task in tasks:
                task.cancel()
        for reader in readers:
            for promise in VALIDATORS:
                promise(reader)
            assert not reader.resets
