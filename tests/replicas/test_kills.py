"""R4, R10: replicas are killed at random under load, tokens expire; nothing is lost.

`benchmarks/chaos/replicas.py` does the same thirty times, with a hundred thousand deliveries.
"""

import asyncio
import random
from pathlib import Path

import pytest

from tests.replicas.conftest import Ground
from tests.replicas.diary import connection, diary
from tests.replicas.fleet import fleet
from tests.replicas.reader import VALIDATORS, Reader
from tests.replicas.writing import Writer, running

pytestmark = pytest.mark.timeout(240)
KILLS = 4


@pytest.mark.parametrize("ground", ["nats"], indirect=True)
async def test_replicas_are_killed_at_random_under_load(ground: Ground, tmp_path: Path) -> None:
    chance = random.Random(11)
    async with (
        diary() as upstream,
        fleet(
            3, tmp_path, store=ground.store, bus=ground.bus, more=connection(upstream)
        ) as replicas,
    ):
        upstream.write("e0", "version 0")
        addresses = [replica.address for replica in replicas]
        readers = [Reader(addresses[at:] + addresses[:at]) for at in (0, 1, 2, 0)]
        async with running(*readers):
            async with running(Writer(upstream, pause=0.02)):
                for kill in range(KILLS):
                    victim = chance.choice(replicas)
                    told = len(readers[0].history)
                    await victim.kill()
                    if kill == KILLS // 2:
                        upstream.expire()
                    await victim.start()
                    async with asyncio.timeout(20):
                        while len(readers[0].history) == told:
                            readers[0].news.clear()
                            await readers[0].news.wait()
            for reader in readers:
                await reader.until(upstream.held, 20)
        for reader in readers:
            assert reader.resets == 1, "the expired token is told, once, and the list begins anew"
            for promise in VALIDATORS:
                promise(reader)
