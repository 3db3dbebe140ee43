"""A list of events, timed: through the service, or by a library in this process.

Short lists are asked for several times in a round, and the mean counts.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

import grpc

from benchmarks.paired import Measure
from ucal.v1 import event_pb2, event_pb2_grpc

_EVENTS_A_ROUND = 500


def repeats(size: int) -> int:
    """How often in a round a list of `size` is asked for."""
    return max(1, _EVENTS_A_ROUND // size)


def _check(who: str, titles: list[str | None], size: int) -> None:
    if len(titles) != size or not all(titles):
        raise RuntimeError(f"{who} told {len(titles)} events in place of {size}")


def library(name: str, titles: Callable[[], list[str | None]], size: int) -> Measure:
    """Milliseconds of a list by a library that blocks; `titles` lists and reads the subjects."""

    def listed() -> float:
        begin = time.perf_counter()
        for _ in range(repeats(size)):
            found = titles()
        seconds = time.perf_counter() - begin
        _check(name, found, size)
        return seconds / repeats(size) * 1000

    async def measure() -> float:
        return await asyncio.to_thread(listed)

    return measure


def awaited(
    name: str, titles: Callable[[], Awaitable[list[str | None]]], size: int, times: int = 1
) -> Measure:
    """Milliseconds of a list by whatever does not block."""

    async def measure() -> float:
        begin = time.perf_counter()
        for _ in range(times):
            found = await titles()
        seconds = time.perf_counter() - begin
        _check(name, found, size)
        return seconds / times * 1000

    return measure


def through(channel: grpc.aio.Channel, request: event_pb2.ListEventsRequest, size: int) -> Measure:
    """Milliseconds of `request`, which is answered with `size` events, through the service."""
    stub = event_pb2_grpc.EventServiceStub(channel)

    async def titles() -> list[str | None]:
        answer = await stub.ListEvents(request)
        return [event.subject for event in answer.events]

    return awaited("the service", titles, size, repeats(size))
