"""A small call's patience while lists of 2,500 events run beside it."""

import asyncio
import time

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from benchmarks.paired import Ratio, figure
from benchmarks.suite_service import service
from ucal.v1 import (
    event_pb2,
    event_pb2_grpc,
    provider_pb2,
    provider_pb2_grpc,
    types_pb2,
)

_EVENTS = 2_500
_SECONDS = 8.0
_PERCENTILE = 0.99


async def _fill(channel: grpc.aio.Channel) -> None:
    stub = event_pb2_grpc.EventServiceStub(channel)

    def at(minute: int) -> types_pb2.EventTime:
        stamp = Timestamp(seconds=1_800_000_000 + minute * 60)
        return types_pb2.EventTime(timestamp=stamp, time_zone="UTC")

    for begin in range(0, _EVENTS, 50):
        await asyncio.gather(
            *(
                stub.CreateEvent(
                    event_pb2.CreateEventRequest(
                        connection_id="bench",
                        event=event_pb2.Event(
                            subject=f"event {number}", start_at=at(number), end_at=at(number + 30)
                        ),
                    )
                )
                for number in range(begin, begin + 50)
            )
        )


async def run(rounds: int) -> list[Ratio]:
    """The figures."""
    del rounds
    async with (
        service() as ours,
        grpc.aio.insecure_channel(f"127.0.0.1:{ours.port}") as heavy,
        grpc.aio.insecure_channel(
            f"127.0.0.1:{ours.port}", options=(("grpc.use_local_subchannel_pool", 1),)
        ) as light,
    ):
        await _fill(heavy)
        ended = time.perf_counter() + _SECONDS
        lists = 0
        # Answers are not decoded here: this process must not be what is slow.
        listing = heavy.unary_unary("/ucal.v1.EventService/ListEvents")
        request = event_pb2.ListEventsRequest(connection_id="bench", page_size=_EVENTS)

        async def crowd() -> None:
            nonlocal lists
            while time.perf_counter() < ended:
                await listing(request.SerializeToString())
                lists += 1

        async def small() -> list[float]:
            stub = provider_pb2_grpc.ProviderServiceStub(light)
            times = []
            while time.perf_counter() < ended:
                begin = time.perf_counter()
                await stub.GetProvider(provider_pb2.GetProviderRequest(id="sandbox"))
                times.append(time.perf_counter() - begin)
                await asyncio.sleep(0.005)
            return times

        crowds = [asyncio.create_task(crowd()) for _ in range(2)]
        times = sorted(await small())
        await asyncio.gather(*crowds)
    p99 = times[int(len(times) * _PERCENTILE)] * 1000
    return [
        figure(f"p99 of a small call beside {lists} lists of 2,500", p99, "<= 20", "ms"),
    ]
