"""Retries, and calls that go on while replicas come and go."""

import asyncio
import itertools
import json
import signal
import time
from collections import Counter
from contextlib import suppress

import grpc
from google.protobuf import field_mask_pb2
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from tests.interop.mesh.contract import client_side
from tests.interop.mesh.replicas import Mesh, MeshError, check, say, until
from ucal.v1 import calendar_pb2, calendar_pb2_grpc, watch_pb2, watch_pb2_grpc

CALLS = 20_000
IN_FLIGHT = 64


async def balanced(here: Mesh, channel: grpc.aio.Channel, calls: int = 200) -> None:
    """One connection's calls go to both replicas in turn, and to one while the other is dead."""
    stub = calendar_pb2_grpc.CalendarServiceStub(channel)
    request = calendar_pb2.GetCalendarRequest(connection_id="sandbox", id="work")

    async def shares(ports: list[int]) -> list[int]:
        before = [(await here.seen(port)).total() for port in ports]
        for _ in range(calls):
            await stub.GetCalendar(request, timeout=10)
        await asyncio.sleep(0.2)  # the last call is counted just after it was answered
        after = [(await here.seen(port)).total() for port in ports]
        return [late - early for early, late in zip(before, after, strict=True)]

    told = await shares(here.http_ports)
    check(min(told) >= 0.45 * calls, f"round robin gave {told}")
    here.replicas[1].kill()

    async def noticed() -> bool:
        return await here.stat(r"cluster\.ucal\.membership_healthy") == 1

    await until("Envoy's finding that a replica is dead", noticed, 15)
    alone = await shares(here.http_ports[:1])
    check(alone == [calls], f"{alone} of {calls} calls reached the one that lives")
    here.replicas[1].start()
    await here.healthy(2)
    say(f"balance: {told} of {calls} calls each; a killed replica was found dead, none failed")


async def retries(here: Mesh, channel: grpc.aio.Channel) -> None:
    """A service that answers UNAVAILABLE is asked again for a read, once only for a write."""
    calendars = calendar_pb2_grpc.CalendarServiceStub(channel)
    trouble = (("ucal-sandbox-status", "503"),)
    reading = calendar_pb2.ListCalendarsRequest(connection_id="sandbox")
    writing = calendar_pb2.CreateCalendarRequest(connection_id="sandbox")
    writing.calendar.name = "Never made"
    for call, request, least, most in (
        (calendars.ListCalendars, reading, 2, 3),
        (calendars.CreateCalendar, writing, 1, 1),
    ):
        before = (await here.seen(code="UNAVAILABLE")).total()
        with suppress(grpc.aio.AioRpcError):
            await call(request, metadata=trouble, timeout=20)
            raise MeshError("a call that must fail did not")
        await asyncio.sleep(0.5)  # the last try is counted just after it was answered
        times = (await here.seen(code="UNAVAILABLE")).total() - before
        check(least <= times <= most, f"{type(request).__name__} was tried {times} times")
        say(f"retries: UNAVAILABLE of {type(request).__name__} asked the service {times} times")


class Load:
    """Calls, reads and writes, some in flight at all times."""

    def __init__(self, channel: grpc.aio.Channel, calls: int = CALLS) -> None:
        self._calls = calls
        self._stub = calendar_pb2_grpc.CalendarServiceStub(channel)
        self._numbers = itertools.count()
        self.rolled = False
        self.codes: Counter[str] = Counter()
        self.failures: list[str] = []

    async def run(self) -> None:
        found = (
            await self._stub.ListCalendars(
                calendar_pb2.ListCalendarsRequest(connection_id="sandbox")
            )
        ).calendars[0]
        change = calendar_pb2.UpdateCalendarRequest(
            connection_id="sandbox",
            id=found.id,
            update_mask=field_mask_pb2.FieldMask(paths=["description"]),
        )
        change.calendar.description = "The same whatever replica is asked"
        await asyncio.gather(*(self._worker(change) for _ in range(IN_FLIGHT)))

    async def _worker(self, change: calendar_pb2.UpdateCalendarRequest) -> None:
        reading = calendar_pb2.ListCalendarsRequest(connection_id="sandbox")
        for number in self._numbers:
            if number >= self._calls and self.rolled:
                return
            try:
                if number % 4:
                    await self._stub.ListCalendars(reading, timeout=30)
                else:
                    await self._stub.UpdateCalendar(change, timeout=30)
                self.codes["OK"] += 1
            except grpc.aio.AioRpcError as error:
                self.codes[error.code().name] += 1
                self.failures.append(f"{'read' if number % 4 else 'write'}: {error.details()}")


async def follow(channel: grpc.aio.Channel, opened: asyncio.Event, told: Counter[str]) -> None:
    """A watch that goes on from its token whenever its replica ends it."""
    stub = watch_pb2_grpc.WatchServiceStub(channel)
    request = watch_pb2.WatchEventsRequest(start=watch_pb2.WATCH_START_NOW)
    request.scope.connection_id = "local"
    while True:
        try:
            async for message in stub.WatchEvents(request):
                told[message.WhichOneof("message")] += 1
                request.resume_token = message.resume_token or request.resume_token
                opened.set()
        except grpc.aio.AioRpcError as error:
            info = error_details_pb2.ErrorInfo()
            for detail in getattr(rpc_status.from_call(error), "details", ()):
                detail.Unpack(info)
            told[f"{error.code().name} {info.reason}"] += 1
            request.start = watch_pb2.WATCH_START_UNSPECIFIED


async def drain(here: Mesh, channel: grpc.aio.Channel) -> None:
    """Both replicas, one after the other, are ended with SIGTERM and started again under load."""
    load, opened = Load(channel), asyncio.Event()
    told: Counter[str] = Counter()
    watching = asyncio.create_task(follow(channel, opened, told))
    loading = asyncio.create_task(load.run())
    started = time.monotonic()
    try:
        await asyncio.wait_for(opened.wait(), 20)
        for replica in here.replicas:
            await asyncio.sleep(1)
            replica.signal(signal.SIGTERM)
            check(await replica.ended() == 0, "a replica did not end with 0")
            replica.start()
            await here.healthy(2)
        load.rolled = True
        await asyncio.wait_for(loading, 240)
    finally:
        watching.cancel()
        loading.cancel()
        await asyncio.gather(watching, loading, return_exceptions=True)
    seconds = time.monotonic() - started
    total = load.codes.total()
    check(
        load.codes["OK"] == total >= CALLS,
        f"calls failed: {dict(load.codes)}, {Counter(load.failures).most_common(5)}",
    )
    check(told["UNAVAILABLE STREAM_ROTATED"] >= 1, f"the watch was never moved: {told}")
    check(told["opened"] >= 2, f"the watch did not come back: {told}")
    strange = [each for each in told if each.isupper() and "STREAM_ROTATED" not in each]
    say(
        f"drain: {total} calls, {IN_FLIGHT} in flight, {total / seconds:.0f}/s, both replicas "
        f"restarted, none failed; the watch was told {dict(told)}"
    )
    check(not strange, f"the watch failed: {strange}")


async def without_envoy(here: Mesh) -> None:
    """gRPC's own balancing, health and retries, as `service-config.json` tells a client."""
    addresses = ",".join(f"127.0.0.1:{port}" for port in here.grpc_ports)
    options = [("grpc.service_config", json.dumps(client_side()))]
    async with grpc.aio.insecure_channel(f"ipv4:{addresses}", options=options) as channel:
        load = Load(channel, 2_000)
        loading = asyncio.create_task(load.run())

        async def asked_again() -> bool:
            # The client comes back after a pause of its own; the count began anew.
            return bool((await here.seen(here.http_ports[0]))["CalendarService/ListCalendars"])

        try:
            await asyncio.sleep(1)
            here.replicas[0].signal(signal.SIGTERM)
            check(await here.replicas[0].ended() == 0, "a replica did not end with 0")
            here.replicas[0].start()
            await until("calls to the replica that came back", asked_again, 30)
            load.rolled = True
            await asyncio.wait_for(loading, 60)
        finally:
            loading.cancel()
            await asyncio.gather(loading, return_exceptions=True)
    failures = Counter(load.failures).most_common(5)
    check(load.codes["OK"] == load.codes.total(), f"calls failed: {load.codes}, {failures}")
    say(f"client-side: {load.codes.total()} calls, a replica restarted, none failed")
