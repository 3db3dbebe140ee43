"""Watches of health, which anybody may open."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from server.health import Health

pb = health_pb2
HERE = pb.HealthCheckRequest(service="")


@pytest.fixture
async def health() -> AsyncIterator[tuple[Any, Any]]:
    servicer, server = Health(most=3), grpc.aio.server()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield servicer, health_pb2_grpc.HealthStub(channel)
    await server.stop(None)


async def test_a_name_that_was_made_up_is_not_kept(
    health: tuple[Any, Any],
) -> None:
    servicer, stub = health
    async with asyncio.timeout(20):
        for number in range(5):
            name = f"{'x' * 1_000_000}{number}"
            answers = [each async for each in stub.Watch(pb.HealthCheckRequest(service=name))]
            assert [each.status for each in answers] == [pb.HealthCheckResponse.SERVICE_UNKNOWN]
    assert list(servicer._server_watchers) == []


async def test_watches_are_told_of_changes_and_are_not_without_number(
    health: tuple[Any, Any],
) -> None:
    servicer, stub = health
    async with asyncio.timeout(20):
        watches = [stub.Watch(HERE) for _ in range(3)]
        for each in watches:
            assert (await each.read()).status == pb.HealthCheckResponse.SERVING
        one_more = stub.Watch(HERE)
        assert await one_more.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        await servicer.set("", pb.HealthCheckResponse.NOT_SERVING)
        for each in watches:
            assert (await each.read()).status == pb.HealthCheckResponse.NOT_SERVING
            each.cancel()
        while servicer._open:
            await asyncio.sleep(0)
        again = stub.Watch(HERE)
        assert (await again.read()).status == pb.HealthCheckResponse.NOT_SERVING
        again.cancel()
