"""Thousands of watches of one calendar: memory of each, and how soon a change reaches them."""

import asyncio
import time
from contextlib import AsyncExitStack

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from benchmarks.paired import Ratio, figure
from benchmarks.suite_service import SETTINGS, service
from ucal.v1 import event_pb2, event_pb2_grpc, types_pb2, watch_pb2, watch_pb2_grpc

_WATCHES = 5_000
_TOLD = 1_000
_CHANNELS = 20
_STILL = '\n[providers.sandbox]\nlife_seconds = "0"\n'
_REQUEST = watch_pb2.WatchEventsRequest(
    scope=watch_pb2.WatchScope(connection_id="bench"), poll_interval=Duration(seconds=1)
)


class Watchers:
    """Open streams, and when each of them was told of a change."""

    def __init__(self) -> None:
        self.opened = 0
        self.delays: list[float] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def follow(self, channel: grpc.aio.Channel) -> None:
        async for message in watch_pb2_grpc.WatchServiceStub(channel).WatchEvents(_REQUEST):
            form = message.WhichOneof("message")
            if form == "opened":
                self.opened += 1
            elif form == "changes":
                self.delays.append(time.time() - message.observed_at.ToNanoseconds() / 1e9)

    async def open(self, channels: list[grpc.aio.Channel], count: int) -> None:
        for number in range(count):
            channel = channels[number % len(channels)]
            self.tasks.append(asyncio.create_task(self.follow(channel)))
        while self.opened < count:
            await asyncio.sleep(0.05)
            if any(task.done() for task in self.tasks):
                raise RuntimeError("a watch ended")

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def _channels(stack: AsyncExitStack, port: int) -> list[grpc.aio.Channel]:
    # Channels to one address share a connection unless they are told not to.
    return [
        await stack.enter_async_context(
            grpc.aio.insecure_channel(
                f"127.0.0.1:{port}", options=(("grpc.use_local_subchannel_pool", 1),)
            )
        )
        for _ in range(_CHANNELS)
    ]


async def _change(channel: grpc.aio.Channel) -> None:
    def at(hour: int) -> types_pb2.EventTime:
        stamp = Timestamp(seconds=1_800_000_000 + hour * 3600)
        return types_pb2.EventTime(timestamp=stamp, time_zone="UTC")

    await event_pb2_grpc.EventServiceStub(channel).CreateEvent(
        event_pb2.CreateEventRequest(
            connection_id="bench",
            event=event_pb2.Event(subject="new", start_at=at(0), end_at=at(1)),
        )
    )


async def run(rounds: int) -> list[Ratio]:
    """The figures."""
    async with service(SETTINGS + _STILL) as ours, AsyncExitStack() as stack:
        channels = await _channels(stack, ours.port)
        # Memory first: what ended watches leave behind would be taken by later ones for nothing.
        before = ours.resident_kib()
        many = Watchers()
        await many.open(channels, _WATCHES)
        await asyncio.sleep(2)
        each = (ours.resident_kib() - before) / _WATCHES
        cpu = ours.cpu()
        await asyncio.sleep(5)
        idle = (ours.cpu() - cpu) / 5 * 100
        await many.close()
        few = Watchers()
        await few.open(channels, _TOLD)
        slowest = []
        for _ in range(min(rounds, 7)):
            few.delays.clear()
            await _change(channels[0])
            while len(few.delays) < _TOLD:
                await asyncio.sleep(0.02)
            slowest.append(max(few.delays) * 1000)
        await few.close()
    return [
        figure(
            "a change told to 1,000 watches, the last of them",
            sorted(slowest)[len(slowest) // 2],
            "<= 250",
            "ms",
        ),
        figure("memory of a watch, 5,000 open", each, "<= 32", "kB"),
        figure("idle cost of 5,000 watches", idle, "<= 5", "% of a core"),
    ]
