"""Watches by the thousand: hints that arrive, polls that are made, replicas that share the work."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import grpc
from google.protobuf.duration_pb2 import Duration

from benchmarks.load import H2LOAD, NoLoadGeneratorError, cpu_seconds
from benchmarks.paired import Ratio, figure
from benchmarks.processes import Contestant, started
from server.bus.frames import Codec, Frame, Hinted
from server.bus.nats_core import NatsBus
from server.connections.keyring import KeyRing
from server.connections.sealer import Sealer
from tests.replicas.diary import CALENDAR, connection, diary
from tests.replicas.fleet import KEYS, Fleet, fleet
from tests.replicas.nats_server import NatsServer
from ucal.v1 import event_pb2, event_pb2_grpc, types_pb2, watch_pb2, watch_pb2_grpc

_HINTED = 1_000
_HINT_SECONDS = 12
_POLLED = 1_000
_EACH = 2_500
_JUNK = 8_000
_CHANNELS = 20


class Watches:
    """Open streams.

    Attributes:
        ready: how many know the point from which they watch.
        told: when each was told of something last, by its number.
    """

    def __init__(self) -> None:
        self.ready = 0
        self.told: dict[int, float] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._stack = AsyncExitStack()

    async def open(self, address: str, requests: list[watch_pb2.WatchEventsRequest]) -> None:
        options = (("grpc.use_local_subchannel_pool", 1),)
        channels = [
            await self._stack.enter_async_context(
                grpc.aio.insecure_channel(address, options=options)
            )
            for _ in range(_CHANNELS)
        ]
        first, wanted = len(self._tasks), self.ready + len(requests)
        for number, request in enumerate(requests, start=first):
            channel = channels[number % len(channels)]
            self._tasks.append(asyncio.create_task(self._follow(channel, request, number)))
        while self.ready < wanted:
            await asyncio.sleep(0.05)
            for task in self._tasks:
                if task.done():
                    task.result()

    async def _follow(
        self, channel: grpc.aio.Channel, request: watch_pb2.WatchEventsRequest, number: int
    ) -> None:
        known = False
        async for message in watch_pb2_grpc.WatchServiceStub(channel).WatchEvents(request):
            if message.HasField("changes"):
                self.told[number] = time.perf_counter()
            elif not known and message.HasField("heartbeat"):
                known = True
                self.ready += 1

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._stack.aclose()


def _watch(name: str, seconds: int, calendar: str = "") -> watch_pb2.WatchEventsRequest:
    scope = watch_pb2.WatchScope(connection_id=name)
    if calendar:
        scope.calendar_ids.append(calendar)
    return watch_pb2.WatchEventsRequest(scope=scope, poll_interval=Duration(seconds=seconds))


@asynccontextmanager
async def _replicas(count: int, more: str) -> AsyncIterator[tuple[Fleet, NatsServer]]:
    """Replicas on a store in a file and on NATS."""
    nats = NatsServer()
    nats.start()
    with tempfile.TemporaryDirectory() as folder:
        store = f"sqlite:///{folder}/ucal.db"
        try:
            async with fleet(count, Path(folder), store=store, bus=nats.url, more=more) as replicas:
                yield replicas, nats
        finally:
            nats.close()


class _Silent:
    """Listens to nothing."""

    def heard(self, data: bytes) -> None:
        """Others'."""

    def changed(self, *, up: bool) -> None:
        """Of no interest."""


async def _hints() -> list[Ratio]:
    """1,000 hints a second over the bus for as many connections; each of them finds a change."""
    names = [f"b{number}" for number in range(_HINTED)]
    nats = NatsServer()
    nats.start()
    async with AsyncExitStack() as stack:
        stack.callback(nats.close)
        ours = await stack.enter_async_context(started("benchmarks.instant", nats.url))
        watches = Watches()
        address = f"127.0.0.1:{ours.port}"
        await watches.open(address, [_watch(name, 3600) for name in names])
        bus = NatsBus(nats.url)
        await bus.open(_Silent())
        stack.push_async_callback(bus.close)
        while not bus.up:
            await asyncio.sleep(0.05)
        delays, late, took, used = await _hint(bus, names, watches, ours)
        await watches.close()
    ordered = sorted(delays)
    return [
        figure("hints a second that were sent", _HINTED * _HINT_SECONDS / took, ">= 950", "1/s"),
        figure("hint to first byte, p99", ordered[len(ordered) * 99 // 100] * 1e3, "<= 100", "ms"),
        figure("hint to first byte, median", statistics.median(ordered) * 1e3, "", "ms"),
        figure("hints that told nothing within their second", late / len(delays) * 100, "", "%"),
        figure("cost of 1,000 hints a second", used, "", "% of a core"),
    ]


async def _hint(
    bus: NatsBus, names: list[str], watches: Watches, ours: Contestant
) -> tuple[list[float], int, float, float]:
    """Send hints; delays of those that were told, how many were not, seconds, share of a core."""
    codec = Codec(Sealer(KeyRing.parse(KEYS["UCAL_TEST_KEYS"], "benchmark"), "bus"))
    delays: list[float] = []
    sent: dict[int, float] = {}
    late = 0
    begin, cpu = time.perf_counter(), ours.cpu()
    for number in range(_HINTED * _HINT_SECONDS):
        due = begin + number / _HINTED
        if (wait := due - time.perf_counter()) > 0.001:
            await asyncio.sleep(wait)
        which = number % _HINTED
        if which in sent:
            if watches.told.get(which, 0) > sent[which]:
                delays.append(watches.told[which] - sent[which])
            else:
                late += 1
        body = Hinted("instant", names[which], types_pb2.RESOURCE_KIND_EVENT)
        sent[which] = time.perf_counter()
        bus.publish(codec.write(Frame(1, "benchmark", number + 1, body)))
    took = time.perf_counter() - begin
    return delays, late, took, (ours.cpu() - cpu) / took * 100


async def _polls() -> list[Ratio]:
    """1,000 connections to a CalDAV server, each asked every 60 s."""
    async with diary() as upstream:
        upstream.write("a", "version 1")
        names = [f"d{number}" for number in range(_POLLED)]
        more = "".join(connection(upstream, name) for name in names)
        async with _replicas(1, more) as (replicas, _):
            watches = Watches()
            requests = [_watch(name, 60, CALENDAR) for name in names]
            await watches.open(replicas[0].address, requests)
            await asyncio.sleep(5)
            before, asked = cpu_seconds(replicas[0].pid), upstream.syncs
            await asyncio.sleep(60)
            used = (cpu_seconds(replicas[0].pid) - before) / 60 * 100
            asked = upstream.syncs - asked
            await watches.close()
    return [
        figure("polling 1,000 connections every 60 s", used, "<= 10", "% of a core"),
        figure("polls in that minute", asked, ">= 900", ""),
    ]


async def _cost(count: int) -> float:
    """CPU seconds of each of `count` replicas, each with as many watches of one calendar."""
    async with diary() as upstream:
        upstream.write("a", "version 1")
        async with _replicas(count, connection(upstream)) as (replicas, _):
            watches = Watches()
            for replica in replicas:
                await watches.open(replica.address, [_watch("diary", 2, CALENDAR)] * _EACH)
            await asyncio.sleep(3)
            before = [cpu_seconds(replica.pid) for replica in replicas]
            for number in range(4):
                watches.told.clear()
                upstream.write("a", f"version {number + 2}")
                while len(watches.told) < _EACH * count:
                    await asyncio.sleep(0.02)
            used = statistics.mean(
                cpu_seconds(replica.pid) - then
                for replica, then in zip(replicas, before, strict=True)
            )
            await watches.close()
    return used


async def _two() -> list[Ratio]:
    """What a replica of two costs, with as many watches as one that is alone."""
    alone, each = await _cost(1), await _cost(2)
    return [
        figure("watches that two replicas serve at the cost of one each", 2 * alone / each,
               ">= 1.8", "times"),
    ]  # fmt: skip


async def _junk() -> list[Ratio]:
    """Forged deliveries as fast as they come, and calls meanwhile."""
    if H2LOAD is None:
        raise NoLoadGeneratorError("install h2load: apt-get install nghttp2-client")
    more = '[[connections]]\nid = "bench"\nprovider = "sandbox"\n'
    with tempfile.TemporaryDirectory() as folder:
        body = Path(folder) / "junk"
        body.write_bytes(b'{"triggerEvent": "BOOKING_CREATED", "payload": {"uid": "x"}}')
        async with (
            fleet(1, Path(folder), store="memory:", bus="memory:", more=more,
                  public_url="https://hooks.example") as replicas,
            grpc.aio.insecure_channel(replicas[0].address) as channel,
        ):  # fmt: skip
            stub = event_pb2_grpc.EventServiceStub(channel)
            wanted = event_pb2.ListEventsRequest(connection_id="bench", page_size=1)
            await stub.ListEvents(wanted)
            used, begin = cpu_seconds(replicas[0].pid), time.perf_counter()
            load = await asyncio.create_subprocess_exec(
                H2LOAD, "--h1", "-n", str(_JUNK), "-c", "20", "-d", str(body),
                "-H", f"x-cal-signature-256: {'0' * 64}",
                f"{replicas[0].http}/webhooks/calcom/people",
                stdout=asyncio.subprocess.PIPE,
            )  # fmt: skip
            running, slowest = asyncio.create_task(load.communicate()), 0.0
            while not running.done():
                then = time.perf_counter()
                await stub.ListEvents(wanted)
                slowest = max(slowest, time.perf_counter() - then)
            took = time.perf_counter() - begin
            used = (cpu_seconds(replicas[0].pid) - used) / _JUNK * 1e6
            refused = await replicas[0].metric("ucal_webhook_deliveries_total", status="401")
    return [
        figure("forged deliveries refused a second", refused / took, ">= 1000", "1/s"),
        figure("cost of a forged delivery, calls meanwhile counted in", used, "", "us"),
        figure("slowest call meanwhile", slowest * 1e3, "<= 1000", "ms"),
    ]


async def run(rounds: int) -> list[Ratio]:
    """The figures; each part runs once."""
    del rounds
    return [*await _hints(), *await _junk(), *await _polls(), *await _two()]
