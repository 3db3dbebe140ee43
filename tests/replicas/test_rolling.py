"""R5: replicas are restarted one by one; a client that balances by itself fails nothing."""

import asyncio
from contextlib import suppress
from pathlib import Path

import grpc
import httpx
import pytest

from tests.replicas.conftest import Ground
from tests.replicas.diary import CALENDAR, connection, diary
from tests.replicas.fleet import Replica, fleet
from tests.replicas.reader import VALIDATORS, Reader
from tests.replicas.writing import Writer, running
from ucal.v1 import event_pb2, event_pb2_grpc

pytestmark = pytest.mark.timeout(240)
# As docs/operations.md recommends to clients.
CLIENT = (
    '{"loadBalancingConfig": [{"round_robin": {}}], "healthCheckConfig": {"serviceName": ""},'
    '"methodConfig": [{"name": [{}], "retryPolicy": {"maxAttempts": 4, "initialBackoff": "0.1s",'
    '"maxBackoff": "1s", "backoffMultiplier": 2, "retryableStatusCodes": ["UNAVAILABLE"]}}]}'
)


class Caller:
    """Calls all the time, eight at once."""

    def __init__(self, addresses: list[str]) -> None:
        self._target = "ipv4:" + ",".join(addresses)
        self.done = 0
        self.failed: list[grpc.StatusCode] = []

    async def run(self) -> None:
        options = (("grpc.service_config", CLIENT), ("grpc.enable_health_checking", 1))
        async with (
            grpc.aio.insecure_channel(self._target, options=options) as channel,
            asyncio.TaskGroup() as group,
        ):
            for _ in range(8):
                group.create_task(self._calls(event_pb2_grpc.EventServiceStub(channel)))

    async def _calls(self, stub: event_pb2_grpc.EventServiceStub) -> None:
        request = event_pb2.ListEventsRequest(
            connection_id="diary", calendar_id=CALENDAR, page_size=1
        )
        while True:
            try:
                await stub.ListEvents(request, timeout=20)
                self.done += 1
            except grpc.aio.AioRpcError as error:
                self.failed.append(error.code())
            await asyncio.sleep(0.02)


async def ready(replica: Replica) -> int:
    """What /readyz answers; 0 when nobody does."""
    async with httpx.AsyncClient(trust_env=False) as client:
        with suppress(httpx.HTTPError):
            return (await client.get(f"{replica.http}/readyz")).status_code
    return 0


@pytest.mark.parametrize("ground", ["postgresql"], indirect=True)
async def test_a_rolling_restart_fails_no_call_and_no_watch(ground: Ground, tmp_path: Path) -> None:
    async with (
        diary() as upstream,
        fleet(
            2, tmp_path, store=ground.store, bus=ground.bus, more=connection(upstream)
        ) as replicas,
    ):
        upstream.write("e0", "version 0")
        addresses = [replica.address for replica in replicas]
        readers = [Reader(addresses), Reader(addresses[::-1])]
        caller = Caller(addresses)
        async with running(*readers, caller):
            async with running(Writer(upstream)):
                for replica in replicas:
                    assert await ready(replica) == 200
                    stopping = asyncio.create_task(replica.stop())
                    seen = {await ready(replica)}
                    while not stopping.done():
                        seen.add(await ready(replica))
                        await asyncio.sleep(0.05)
                    await stopping
                    assert 503 in seen, "while it drains it is not ready"
                    await replica.start()
                    # The next one goes when clients have found this one again, as minReadySeconds
                    # has it: they try less often the longer it was away.
                    async with asyncio.timeout(30):
                        while await replica.metric("ucal_call_seconds_count") < 20:
                            await asyncio.sleep(0.1)
            for reader in readers:
                await reader.until(upstream.held, 15)
        assert caller.done > 100
        assert caller.failed == []
        for reader in readers:
            assert "closing" in reader.kinds, "a planned end is announced"
            assert not reader.resets
            for promise in VALIDATORS:
                promise(reader)
