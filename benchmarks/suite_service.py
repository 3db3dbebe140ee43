"""What the service costs over a bare grpc.aio server that sends the same bytes."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc

from benchmarks.load import calls_per_second
from benchmarks.paired import Measure, Ratio, figure, interleaved, ratio
from benchmarks.processes import Contestant, echo, started
from ucal.v1 import event_pb2, event_pb2_grpc

METHOD = "/ucal.v1.EventService/ListEvents"
SETTINGS = """\
listen = "127.0.0.1:0"
http_listen = ""
store = "memory:"
log_level = "warning"

[[connections]]
id = "bench"
provider = "sandbox"
"""
_CALLS = 1500


@asynccontextmanager
async def service(settings: str = SETTINGS) -> AsyncIterator[Contestant]:
    """The service with `settings`, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "settings.toml"
        path.write_text(settings)
        async with started("benchmarks.ours", str(path)) as found:
            yield found


def request(size: int) -> bytes:
    """A ListEvents of one page of `size`."""
    return event_pb2.ListEventsRequest(connection_id="bench", page_size=size).SerializeToString()


async def answer(port: int, size: int) -> bytes:
    """What the service says to `request(size)`."""
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        found = await event_pb2_grpc.EventServiceStub(channel).ListEvents(
            event_pb2.ListEventsRequest.FromString(request(size))
        )
    return found.SerializeToString()


def _rate(contestant: Contestant, size: int) -> Measure:
    async def measure() -> float:
        return await calls_per_second(contestant.port, METHOD, request(size), calls=_CALLS)

    return measure


def _cpu(contestant: Contestant, size: int) -> Measure:
    async def measure() -> float:
        before = contestant.cpu()
        await calls_per_second(contestant.port, METHOD, request(size), calls=_CALLS, in_flight=8)
        return (contestant.cpu() - before) / _CALLS * 1e6

    return measure


async def _one_by_one(port: int, size: int, calls: int = 200) -> float:
    """Median milliseconds of a call, one at a time."""
    message = event_pb2.ListEventsRequest.FromString(request(size))
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = channel.unary_unary(METHOD)
        body = message.SerializeToString()
        times = []
        for _ in range(calls):
            begin = time.perf_counter()
            await call(body)
            times.append(time.perf_counter() - begin)
    return statistics.median(times) * 1000


async def run(rounds: int) -> list[Ratio]:
    """The figures."""
    found = []
    async with service() as ours:
        fifty = await answer(ours.port, 50)
        one = await answer(ours.port, 1)
        async with echo(fifty) as floor:
            rates = await interleaved(
                {
                    "ours": _rate(ours, 50),
                    "again": _rate(ours, 50),
                    "echo": _rate(floor, 50),
                },
                rounds,
            )
            found.append(
                ratio(
                    "calls/s, 50 events: ours / echo", rates["ours"], rates["echo"], ">= 0.6", "/s"
                )
            )
            found.append(ratio("A/A: ours / ours", rates["ours"], rates["again"]))
            added = await _one_by_one(ours.port, 50) - await _one_by_one(floor.port, 50)
            found.append(figure("added to one call at a time, median", added, "<= 1.5", "ms"))
        async with echo(one) as floor:
            costs = await interleaved({"ours": _cpu(ours, 1), "echo": _cpu(floor, 1)}, rounds)
            found.append(
                ratio(
                    "CPU of a call, 1 event: ours / echo",
                    costs["ours"],
                    costs["echo"],
                    "<= 2.5",
                    "us",
                )
            )
    return found


async def start_up(rounds: int) -> list[Ratio]:
    """Seconds to the first answer, and memory when idle."""
    times = []
    resident = 0
    for _ in range(min(rounds, 5)):
        begin = time.perf_counter()
        async with service() as ours:
            times.append(time.perf_counter() - begin)
            await asyncio.sleep(1)
            resident = ours.resident_kib()
    return [
        figure("cold start to SERVING", statistics.median(times), "<= 1.0", "s"),
        figure("resident memory, idle", resident / 1024, "<= 90", "MB"),
    ]
