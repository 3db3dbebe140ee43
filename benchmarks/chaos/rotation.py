"""R14, must show 4: the key is rotated, waited for and retired under load, on real processes.

Two replicas on one store take calls, each on one of some hundred connections whose credentials are
sealed in it, while `ucal keys rotate --wait` and `ucal keys retire` run as an administrator runs
them. Calls go to a double of a provider that takes each connection's own key only, so that a wrong
key would be seen.
"""

import asyncio
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from aiohttp import web

from providers.core.errors import ProviderError
from server.connections.envelope import Envelope
from server.connections.keyring import KeyRing
from server.connections.store import Store
from tests.loopback import served
from tests.system.processes import service
from ucal.v1 import connection_pb2, connection_pb2_grpc, event_pb2, event_pb2_grpc

_TICK = 0.01
_REGION = "us"


@dataclass
class Load:
    """What the callers saw.

    Attributes:
        codes: of calls that were answered.
        seconds: how long each took.
        failed: what went wrong, and how often. "Stream removed (RST_STREAM ...)" is no fault of a
            rotation: a machine that is too busy for the rate has a thousand calls under way on a
            connection, and gRPC refuses more.
    """

    codes: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    failed: Counter[str] = field(default_factory=Counter)
    began: float = field(default_factory=time.monotonic)
    ended: float = 0.0

    @property
    def rate(self) -> float:
        """Calls a second."""
        return sum(self.codes.values()) / ((self.ended or time.monotonic()) - self.began)

    @property
    def slowest(self) -> float:
        """The slowest call, in seconds."""
        return max(self.seconds, default=0.0)


@dataclass(frozen=True)
class Outcome:
    """How a rotation under load went.

    Attributes:
        load: the calls.
        rotated: seconds until every record was wrapped anew.
        records: how many there were.
        old_opens: records that open under the old key in the end.
        new_opens: records that open under the new key alone; with a vault's ring, those that
            another key wraps than before.
        paged: a page token from before the rotation was taken after it.
        told: what the commands said.
    """

    load: Load
    rotated: float
    records: int
    old_opens: int
    new_opens: int
    paged: bool
    told: str


@asynccontextmanager
async def upstream() -> AsyncIterator[str]:
    """A provider that knows the keys "key-<id>" and tells nothing else."""

    async def meetings(request: web.Request) -> web.Response:
        if not request.headers.get("x-api-key", "").startswith("key-"):
            return web.json_response({}, status=401)
        return web.json_response({"items": [], "limit": 10, "next_cursor": None})

    app = web.Application()
    app.router.add_get("/{tail:.*}", meetings)
    async with served(app) as origin:
        yield origin


async def _command(config: Path, *words: str) -> str:
    """What `ucal` with `words` says.

    Raises:
        RuntimeError: it failed.
    """
    # In a thread: the loop's own way forks, which a process full of gRPC does not always survive.
    ended = await asyncio.to_thread(
        subprocess.run,
        [str(Path(sys.executable).with_name("ucal")), *words],
        env=os.environ | {"UCAL_CONFIG": str(config)},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    if ended.returncode:
        raise RuntimeError(f"ucal {words} ended with {ended.returncode}: {ended.stdout}")
    return ended.stdout


async def _filled(channel: grpc.aio.Channel, count: int) -> list[str]:
    """Make connections; their ids."""
    stub: Any = connection_pb2_grpc.ConnectionServiceStub(channel)

    async def made(number: int) -> str:
        asked = connection_pb2.Connection(id=f"c{number:04}", provider="fathom")
        asked.api_key.api_key = f"key-{number:04}"
        request = connection_pb2.CreateConnectionRequest(connection=asked)
        return str((await stub.CreateConnection(request)).connection.id)

    return [await made(number) for number in range(count)]


class Callers:
    """An open loop: so many calls a second, whether earlier ones are back or not."""

    def __init__(self, channels: list[grpc.aio.Channel], ids: list[str], rate: float) -> None:
        self._stubs: list[Any] = [event_pb2_grpc.EventServiceStub(each) for each in channels]
        self._ids = ids
        self._rate = rate
        self._random = random.Random(1)
        self._running: set[asyncio.Task[None]] = set()
        self.load = Load()

    async def run(self, stop: asyncio.Event) -> None:
        self.load = Load()
        sent = 0
        while not stop.is_set():
            due = int((time.monotonic() - self.load.began) * self._rate)
            for _ in range(due - sent):
                task = asyncio.create_task(self._call())
                self._running.add(task)
                task.add_done_callback(self._running.discard)
            sent = due
            await asyncio.sleep(_TICK)
        await asyncio.gather(*self._running)
        self.load.ended = time.monotonic()

    async def _call(self) -> None:
        stub, own = self._random.choice(self._stubs), self._random.choice(self._ids)
        began = time.perf_counter()
        try:
            await stub.ListEvents(event_pb2.ListEventsRequest(connection_id=own), timeout=20)
            code = "OK"
        except grpc.aio.AioRpcError as error:
            code = error.code().name
            self.load.failed[f"{code}: {error.details()}"] += 1
        self.load.codes[code] += 1
        self.load.seconds.append(time.perf_counter() - began)


async def rotation_under_load(
    folder: Path,
    store: str,
    *,
    keyring: str = "",
    more: str = "",
    connections: int = 300,
    rate: float = 500.0,
    calm: float = 2.0,
) -> Outcome:
    """Rotate and retire while calls go on.

    Args:
        folder: for keys and settings.
        store: the setting.
        keyring: the setting; absent: a key file.
        more: of the settings, TOML.
        connections: how many hold a record.
        rate: calls a second.
        calm: seconds of load before, between and after; caches of connections live for 5 s.
    """
    place = keyring or str(folder / "ucal.keys")
    old = None if keyring else KeyRing.from_file(Path(place), create=True)
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(upstream())
        settings = (
            f'store = "{store}"\nkeyring = "{place}"\nlog_level = "warning"\n{more}\n'
            f'[providers.fathom]\nbase_url = "{url}"\n[limits]\ndrain_delay = 0.0\n'
        )
        config = folder / "admin.toml"
        config.write_text(settings)
        replicas = [stack.enter_context(service(settings, folder)) for _ in range(2)]
        channels = [
            await stack.enter_async_context(grpc.aio.insecure_channel(each.address))
            for each in replicas
        ]
        ids = await _filled(channels[0], connections)
        page = await _page(channels[0], "")
        before = await _rows(store)
        callers, stop = Callers(channels, ids, rate), asyncio.Event()
        load = asyncio.create_task(callers.run(stop))
        try:
            await asyncio.sleep(calm)
            began = time.monotonic()
            told = await _command(config, "keys", "rotate", "--wait")
            rotated = time.monotonic() - began
            paged = bool(await _page(channels[1], page))
            await asyncio.sleep(calm)
            told += await _command(config, "keys", "retire")
            await asyncio.sleep(calm)
        finally:
            stop.set()
            await load
        after = await _rows(store)
    new = None if keyring else KeyRing.from_file(Path(place))
    return Outcome(
        load=callers.load,
        rotated=rotated,
        records=len(after),
        old_opens=_opened(old, after),
        new_opens=_opened(new, after) if new is not None else _rewrapped(before, after),
        paged=paged,
        told=told,
    )


async def _page(channel: grpc.aio.Channel, token: str) -> str:
    """The next page's token of the list of connections."""
    stub: Any = connection_pb2_grpc.ConnectionServiceStub(channel)
    request = connection_pb2.ListConnectionsRequest(page_size=1, page_token=token)
    return str((await stub.ListConnections(request)).next_page_token)


async def _rows(store: str) -> dict[str, bytes]:
    own = Store(store)
    try:
        found = await own.list(after="", provider="", size=10_000)
    finally:
        await own.close()
    return {each.connection.id: each.grant.sealed for each in found if each.grant}


def _opened(ring: KeyRing | None, rows: dict[str, bytes]) -> int:
    """How many records open under `ring`."""
    if ring is None:
        return 0
    envelope, found = Envelope(ring), 0
    for name, sealed in rows.items():
        with suppress(ProviderError):
            envelope.open(sealed, (_REGION, "fathom", name, ""))
            found += 1
    return found


def _rewrapped(before: dict[str, bytes], after: dict[str, bytes]) -> int:
    """Records that another key wraps than before."""
    return sum(before[name][1:5] != sealed[1:5] for name, sealed in after.items())
