"""Several processes of the service on one store and one bus, as operators run them."""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from tests.ports import free_port
from tests.system.processes import service

KEYS = {"UCAL_TEST_KEYS": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}
_SETTINGS = """
store = "{store}"
bus = "{bus}"
keyring = "env:UCAL_TEST_KEYS"
log_level = "info"
public_url = "{public_url}"
[limits]
drain_delay = 0.5
drain_grace = 2.0
"""


class Replica:
    """One process, which may be killed and started again, each time at an address of its own."""

    def __init__(self, settings: str, folder: Path) -> None:
        self._settings = settings
        self._folder = folder
        self._manager = service("", folder)
        self._process = None
        self.address = ""
        self.http = ""
        self._port, self._http = free_port(), free_port()

    async def start(self) -> None:
        """Start it, and wait until it listens."""
        self._manager = service(self._settings, self._folder, KEYS, self._http, port=self._port)
        self._process = await asyncio.to_thread(self._manager.__enter__)
        self.address = self._process.address
        self.http = f"http://127.0.0.1:{self._http}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.handle.pid

    @property
    def log(self) -> str:
        assert self._process is not None
        return self._process.log.read_text()

    async def kill(self) -> None:
        """kill -9."""
        os.kill(self.pid, signal.SIGKILL)
        await self.stop()

    async def stop(self) -> None:
        """SIGTERM, unless it has ended, and wait for its end."""
        if self._process is not None:
            await asyncio.to_thread(self._manager.__exit__, None, None, None)
            self._process = None

    async def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric over what `labels` leave open."""
        async with httpx.AsyncClient(trust_env=False) as client:
            text = (await client.get(f"{self.http}/metrics")).text
        total = 0.0
        for line in text.splitlines():
            match = re.match(rf"{name}(?:{{(.*)}})? (\S+)$", line)
            if match and all(f'{k}="{v}"' in (match[1] or "") for k, v in labels.items()):
                total += float(match[2])
        return total


class Fleet(list[Replica]):
    """Replicas."""

    async def start(self) -> None:
        """Start all of them."""
        await asyncio.gather(*(replica.start() for replica in self))

    async def sum(self, name: str, **labels: str) -> float:
        """A metric, over all of them."""
        return sum([await replica.metric(name, **labels) for replica in self])


@asynccontextmanager
async def fleet(
    count: int, folder: Path, *, store: str, bus: str, more: str, public_url: str = ""
) -> AsyncIterator[Fleet]:
    """`count` replicas, started; `more`: settings besides."""
    settings = _SETTINGS.format(store=store, bus=bus, public_url=public_url) + more
    found = Fleet(Replica(settings, folder) for _ in range(count))
    try:
        await found.start()
        yield found
    finally:
        await asyncio.gather(*(replica.stop() for replica in found))
