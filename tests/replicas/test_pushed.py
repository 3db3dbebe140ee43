"""Subscriptions among replicas: one for all, renewed and ended by any, delivered to any."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import grpc
import httpx
import pytest

from tests.providers.google.harness import CalendarHarness
from tests.replicas.conftest import Ground
from tests.replicas.fleet import Fleet, Replica, fleet
from ucal.v1 import types_pb2, watch_pb2, watch_pb2_grpc

pytestmark = pytest.mark.timeout(180)
EVENT = types_pb2.RESOURCE_KIND_EVENT


def settings(harness: CalendarHarness) -> str:
    extra = "".join(f'{name} = "{value}"\n' for name, value in harness.settings.extra.items())
    token = harness.connection.oauth.access_token
    return (
        f'[providers.google_calendar]\nbase_url = "{harness.settings.base_url}"\n{extra}'
        f'[[connections]]\nid = "c"\nprovider = "google_calendar"\n'
        f'credentials = {{ access_token = "{token}" }}\n'
    )


@asynccontextmanager
async def watching(replica: Replica) -> AsyncIterator[tuple[Any, Any]]:
    """A watch at `replica`: what it opened with, and its further messages."""
    async with grpc.aio.insecure_channel(replica.address) as channel:
        call = watch_pb2_grpc.WatchServiceStub(channel).WatchEvents(
            watch_pb2.WatchEventsRequest(scope=watch_pb2.WatchScope(connection_id="c"))
        )
        stream = aiter(call)
        opened = (await anext(stream)).opened
        await anext(stream)  # the point from which it watches is known
        try:
            yield opened, stream
        finally:
            call.cancel()


async def told(stream: Any, own_id: str) -> None:
    async with asyncio.timeout(15):
        while True:
            message = await anext(stream)
            if own_id in [change.id for change in message.changes.changes]:
                return


async def deliver(harness: CalendarHarness, replica: Replica, number: int) -> int:
    """What Google sends for the one channel that there is, to a replica of our choice."""
    (channel,) = harness.google.channels.values()
    headers = {
        "x-goog-channel-id": channel["id"],
        "x-goog-channel-token": channel["token"],
        "x-goog-resource-id": channel["resourceId"],
        "x-goog-resource-state": "exists",
        "x-goog-message-number": str(number),
    }
    async with httpx.AsyncClient(trust_env=False) as client:
        url = f"{replica.http}/webhooks/google_calendar/c"
        return (await client.post(url, headers=headers)).status_code


@pytest.mark.parametrize("ground", ["nats"], indirect=True)
async def test_one_subscription_serves_all_and_any_replica_takes_its_deliveries(
    ground: Ground, tmp_path: Path
) -> None:
    async with (
        CalendarHarness() as harness,
        fleet(
            3,
            tmp_path,
            store=ground.store,
            bus=ground.bus,
            more=settings(harness),
            public_url="http://127.0.0.1:9",
        ) as replicas,
    ):
        await _heard(replicas)
        first, second, third = replicas
        async with watching(first) as (one, here), watching(second) as (two, there):
            for opened in (one, two):
                assert opened.source == watch_pb2.WATCH_SOURCE_NATIVE, opened.reason
            assert len(harness.google.channels) == 1, "one subscription for both replicas"
            for number, at in enumerate((first, third, second), start=10):
                planted = await harness.plant(EVENT)
                assert await deliver(harness, at, number) == 200
                await told(here, planted)
                await told(there, planted)
            # The same again, at another replica: nobody looks.
            polls = await replicas.sum("ucal_watch_polls_total", cause="hint")
            assert await deliver(harness, first, 12) == 200
            assert await deliver(harness, third, 11) == 200
            await asyncio.sleep(1)
            assert await replicas.sum("ucal_watch_polls_total", cause="hint") == polls

            # Who made it dies, and is started again; nothing is made anew.
            made = set(harness.google.channels)
            await first.kill()
            await first.start()
            async with watching(first) as (again, _):
                assert again.source == watch_pb2.WATCH_SOURCE_NATIVE
            assert set(harness.google.channels) == made
            planted = await harness.plant(EVENT)
            await _heard(replicas)
            assert await deliver(harness, first, 20) == 200
            await told(there, planted)
        # Nobody watches anywhere: a minute later it is ended, by whoever notices first.
        await _let_a_minute_pass(ground)
        async with asyncio.timeout(40):
            while harness.google.channels:
                await asyncio.sleep(0.2)


async def _let_a_minute_pass(ground: Ground) -> None:
    database = await asyncpg.connect(ground.store)
    await database.execute("UPDATE subscriptions SET wanted_until = wanted_until - 61000")
    await database.close()


async def _heard(replicas: Fleet) -> None:
    """Wait until everybody is on the bus."""
    async with asyncio.timeout(10):
        while await replicas.sum("ucal_bus_up") != len(replicas):
            await asyncio.sleep(0.1)
