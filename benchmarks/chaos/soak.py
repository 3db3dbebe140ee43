"""R22: a mixed load with faults and watches that come and go; memory and files afterwards.

UCAL_SOAK_SECONDS says how long (180; the figure's own ten minutes: 600).
"""

import asyncio
import contextlib
import os
import random
import time
from pathlib import Path

import grpc

from benchmarks.chaos.figures import CLAIMS, Row
from benchmarks.processes import Contestant
from benchmarks.suite_service import SETTINGS, service
from ucal.v1 import event_pb2, event_pb2_grpc, types_pb2, watch_pb2, watch_pb2_grpc

_SECONDS = float(os.environ.get("UCAL_SOAK_SECONDS", "180"))
_WARM = 0.5  # of the time: caches fill, the allocator finds its size
_CALLERS = 8
# Few: the sandbox remembers what has changed, which is not what is measured.
_WRITES = 0.05
_MB_A_MINUTE = 1.0
_STILL = '\n[providers.sandbox]\nlife_seconds = "0"\n'
_FAULTS = (
    (("ucal-sandbox-status", "503"),),
    (("ucal-sandbox-status", "429"),),
    (("ucal-sandbox-status", "500"),),
    (("ucal-sandbox-latency-ms", "2000"),),
    (),
    (),
)


async def _calls(channel: grpc.aio.Channel, until: float, chance: random.Random) -> int:
    stub, done = event_pb2_grpc.EventServiceStub(channel), 0
    listing = event_pb2.ListEventsRequest(connection_id="bench", page_size=20)
    while time.monotonic() < until:
        with contextlib.suppress(grpc.aio.AioRpcError):
            await stub.ListEvents(listing, metadata=chance.choice(_FAULTS), timeout=0.5)
        done += 1
        if chance.random() > _WRITES:
            continue
        with contextlib.suppress(grpc.aio.AioRpcError):
            made = await stub.CreateEvent(
                event_pb2.CreateEventRequest(connection_id="bench", event=_event()), timeout=5
            )
            gone = event_pb2.DeleteEventRequest(connection_id="bench", id=made.event.id)
            await stub.DeleteEvent(gone, timeout=5)
        done += 2
    return done


def _event() -> event_pb2.Event:
    found = event_pb2.Event(subject="soak")
    for when, seconds in ((found.start_at, 0), (found.end_at, 3600)):
        when.timestamp.seconds = 1_800_000_000 + seconds
        when.time_zone = "UTC"
    return found


async def _watches(channel: grpc.aio.Channel, until: float) -> int:
    """Watches that are opened, hear something, and are left."""
    stub, done = watch_pb2_grpc.WatchServiceStub(channel), 0
    scope = watch_pb2.WatchScope(connection_id="bench", kinds=[types_pb2.RESOURCE_KIND_EVENT])
    asked = watch_pb2.WatchEventsRequest(scope=scope)
    while time.monotonic() < until:
        streams = [stub.WatchEvents(asked, timeout=5) for _ in range(20)]
        for stream in streams:
            with contextlib.suppress(grpc.aio.AioRpcError):
                await stream.read()
            stream.cancel()
        done += len(streams)
        await asyncio.sleep(0.5)
    return done


def _files(ours: Contestant) -> int:
    return len(list(Path(f"/proc/{ours.pid}/fd").iterdir()))


async def _sampled(ours: Contestant, until: float) -> list[tuple[float, float]]:
    """Seconds and megabytes, twice a second."""
    began, found = time.monotonic(), []
    while time.monotonic() < until:
        found.append((time.monotonic() - began, ours.resident_kib() / 1024))
        await asyncio.sleep(0.5)
    return found


def _slope(points: list[tuple[float, float]]) -> float:
    """Megabytes a minute, by least squares."""
    middle = sum(x for x, _ in points) / len(points)
    mean = sum(y for _, y in points) / len(points)
    spread = sum((x - middle) ** 2 for x, _ in points)
    return 60 * sum((x - middle) * (y - mean) for x, y in points) / spread


async def run() -> list[Row]:
    """Load, and what is left of it."""
    async with service(SETTINGS + _STILL) as ours:
        files = _files(ours)
        until = time.monotonic() + _SECONDS
        async with grpc.aio.insecure_channel(f"127.0.0.1:{ours.port}") as channel:
            chance = random.Random(22)
            points, calls, watches = await asyncio.gather(
                _sampled(ours, until),
                asyncio.gather(*(_calls(channel, until, chance) for _ in range(_CALLERS))),
                _watches(channel, until),
            )
        await asyncio.sleep(2)
        left = _files(ours) - files
    slope = _slope(points[int(len(points) * _WARM) :])
    text = (
        f"{_SECONDS:.0f} s, {sum(calls)} calls, {watches} watches: "
        f"{slope:+.2f} MB a minute, {left:+d} files"
    )
    return [("R22", CLAIMS["R22"], text, slope < _MB_A_MINUTE and left <= 0)]
