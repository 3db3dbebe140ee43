"""Another client of the diary, which makes, changes and deletes events all the time."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.replicas.diary import Diary


@dataclass
class Writer:
    """Writes `burst` changes every `pause` seconds.

    Attributes:
        events: how many different ones there are.
    """

    upstream: Diary
    pause: float = 0.05
    burst: int = 1
    events: int = 40
    seed: int = 7

    async def run(self) -> None:
        """Until cancelled."""
        chance = random.Random(self.seed)
        while True:
            for _ in range(self.burst):
                self._change(chance)
            await asyncio.sleep(self.pause)

    def _change(self, chance: random.Random) -> None:
        uid = f"e{chance.randrange(self.events)}"
        if uid in self.upstream.held and chance.random() < 0.2:
            self.upstream.remove(uid)
        else:
            self.upstream.write(uid, f"version {self.upstream.count}")


@asynccontextmanager
async def running(*work: object) -> AsyncIterator[None]:
    """Everything that has a `run`, until the block ends; what goes wrong in it is raised."""
    tasks = [asyncio.create_task(each.run()) for each in work]  # type: ignore[attr-defined]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for found in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(found, Exception) and not isinstance(found, asyncio.CancelledError):
                raise found
