"""R4, R10, R16: replicas are killed thirty times under load, and so are the store and the bus.

Three replicas share one calendar among forty readers, each of which comes back with its token to
whichever replica answers, and keeps a history. A client of the calendar writes all the time; sync
tokens are made invalid now and then; PostgreSQL and NATS are killed in the middle and come back.
Each promise of a watch is held against every history by a validator of its own.

python -m benchmarks.chaos.replicas [KILLS]
"""

import asyncio
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.postgres import PostgresServer
from tests.replicas.diary import Diary, connection, diary
from tests.replicas.fleet import Fleet, fleet
from tests.replicas.nats_server import NatsServer
from tests.replicas.reader import VALIDATORS, Reader, ordered, typed, unique
from tests.replicas.writing import Writer, running

_KILLS = 30
_READERS = 40
_PAUSE = 0.04
_ENOUGH = 100_000


@dataclass
class Course:
    """What happened.

    Attributes:
        kills: of replicas.
        outages: of store and bus.
        deliveries: changes that readers were told.
        recovered: seconds from a kill to the next delivery, each.
        broken: promises that did not hold, in words.
        equal: every reader ended with the calendar's state.
        resets: of all readers, and how often tokens were made invalid.
    """

    kills: int = 0
    outages: int = 0
    deliveries: int = 0
    recovered: list[float] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    equal: bool = False
    resets: int = 0
    expiries: int = 0


@asynccontextmanager
async def _ground(
    folder: Path, upstream: Diary
) -> AsyncIterator[tuple[Fleet, PostgresServer, NatsServer]]:
    """Three replicas on a PostgreSQL and a NATS of their own."""
    nats, server = NatsServer(), PostgresServer()
    try:
        nats.start()
        await asyncio.to_thread(server.start, "fsync=on")
        async with fleet(
            3,
            folder,
            store=f"{server.url}/postgres",
            bus=nats.url,
            more=connection(upstream),
        ) as replicas:
            yield replicas, server, nats
    finally:
        nats.close()
        server.close()


async def course(kills: int) -> Course:
    """Everything, once."""
    found, chance = Course(), random.Random(4)
    with tempfile.TemporaryDirectory() as folder:
        async with (
            diary() as upstream,
            _ground(Path(folder), upstream) as (replicas, server, nats),
        ):
            upstream.write("e0", "version 0")
            addresses = [replica.address for replica in replicas]
            readers = [Reader(addresses[at % 3 :] + addresses[: at % 3]) for at in range(_READERS)]
            async with running(*readers):
                async with running(Writer(upstream, pause=_PAUSE)):
                    for number in range(kills):
                        await _kill(found, replicas, chance, readers)
                        if number % 10 == 4:
                            upstream.expire()
                            found.expiries += 1
                        if number % 10 == 7:
                            await _outage(found, server, nats)
                    while sum(len(each.history) for each in readers) < _ENOUGH * kills / _KILLS:
                        await asyncio.sleep(0.5)
                found.equal = await _agree(readers, upstream)
            _judge(found, readers)
    return found


async def _kill(
    found: Course, replicas: Fleet, chance: random.Random, readers: list[Reader]
) -> None:
    """Kill one replica, wait until all its readers are told again, and start it."""
    victim = chance.choice(replicas)
    before = [len(reader.history) for reader in readers]
    began = time.monotonic()
    await victim.kill()
    found.kills += 1
    async with asyncio.timeout(60):
        for reader, told in zip(readers, before, strict=True):
            while len(reader.history) == told:
                reader.news.clear()
                await reader.news.wait()
    found.recovered.append(time.monotonic() - began)
    await victim.start()


async def _outage(found: Course, server: PostgresServer, nats: NatsServer) -> None:
    """Kill the store and the bus, and bring them back some seconds later."""
    await asyncio.to_thread(server.kill)
    nats.kill()
    await asyncio.sleep(4)
    nats.start()
    await asyncio.to_thread(server.start, "fsync=on")
    found.outages += 1


async def _agree(readers: list[Reader], upstream: Diary) -> bool:
    try:
        for reader in readers:
            await reader.until(upstream.held, 30)
    except TimeoutError:
        return False
    return True


def _judge(found: Course, readers: list[Reader]) -> None:
    found.deliveries = sum(len(reader.history) for reader in readers)
    found.resets = sum(reader.resets for reader in readers)
    for reader in readers:
        for promise in VALIDATORS:
            try:
                promise(reader)
            except AssertionError as error:
                found.broken.append(f"{promise.__name__}: {str(error)[:80]}")


async def run(kills: int = _KILLS) -> list[tuple[str, str, str, bool]]:
    """The figures: number, claim, what was measured, whether it holds."""
    found = await course(kills)
    slowest = max(found.recovered, default=0.0)
    broken = "; ".join(found.broken[:3]) or "none broken"
    words = ", ".join(each.__name__ for each in (ordered, unique, typed))
    whole = found.equal and not found.broken
    enough = found.deliveries >= _ENOUGH * kills / _KILLS
    measured = (
        f"{found.kills} kills, {found.deliveries:,} deliveries to {_READERS} readers; "
        f"final state {'equal' if found.equal else 'NOT EQUAL'}; {words}, reliable: {broken}; "
        f"all told again within {slowest:.1f} s of a kill"
    )
    return [
        (
            "R4",
            "replicas killed at random under load: nothing lost, nothing out of order",
            measured,
            whole and enough,
        ),
        (
            "R10",
            "an expired sync token: RESET, then the same final state",
            f"{found.expiries} times for {_READERS} readers during R4: {found.resets} resets",
            whole and found.resets >= _READERS * min(found.expiries, 1),
        ),
        (
            "R16",
            "store and bus are killed and come back: calls go on, nothing is lost",
            f"PostgreSQL and NATS killed {found.outages} times during R4, for 4 s each",
            whole and found.outages > 0,
        ),
    ]


if __name__ == "__main__":
    for row in asyncio.run(run(int(sys.argv[1]) if len(sys.argv) > 1 else _KILLS)):
        print(" | ".join(str(part) for part in row))
