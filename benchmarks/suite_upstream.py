"""Many calls in flight against a slow provider: the transport, and the service around it."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx

from benchmarks.load import calls_per_second
from benchmarks.paired import Measure, Ratio, interleaved, ratio
from benchmarks.processes import started
from benchmarks.suite_service import service
from providers.core.guard import Guard
from providers.core.http import Door, Http
from providers.core.transport import Transport
from tests.caldav_servers import radicale
from ucal.v1 import passthrough_pb2

_DELAY = "0.2"
_IN_FLIGHT = 400
_CALLS = 1200
_SETTINGS = """\
listen = "127.0.0.1:0"
http_listen = ""
store = "memory:"
log_level = "warning"
passthrough = true

[[connections]]
id = "bench"
provider = "caldav"
base_url = "http://127.0.0.1:{port}/"
credentials = {{ username = "{username}", password = "{password}" }}
"""


def _many(send: Callable[[], Awaitable[object]]) -> Measure:
    async def measure() -> float:
        gate = asyncio.Semaphore(_IN_FLIGHT)

        async def one() -> None:
            async with gate:
                await send()

        begin = time.perf_counter()
        await asyncio.gather(*(one() for _ in range(_CALLS)))
        return _CALLS / (time.perf_counter() - begin)

    return measure


@asynccontextmanager
async def _slow() -> AsyncIterator[tuple[int, str, str]]:
    """Port, user and password of an upstream that takes 200 ms."""
    with radicale() as server:
        async with started("benchmarks.replay", server.url, _DELAY) as upstream:
            yield upstream.port, server.username, server.password


async def run(rounds: int) -> list[Ratio]:
    """The figures."""
    call = passthrough_pb2.CallRequest(
        connection_id="bench", method=passthrough_pb2.HTTP_METHOD_GET, path="/"
    ).SerializeToString()
    method = "/ucal.v1.PassthroughService/Call"
    async with _slow() as (port, username, password):
        url = f"http://127.0.0.1:{port}/"
        auth = httpx.BasicAuth(username, password)
        limits = httpx.Limits(max_connections=_IN_FLIGHT)
        settings = _SETTINGS.format(port=port, username=username, password=password)
        async with (
            Transport(Guard(allowed_networks=["127.0.0.0/8"])) as transport,
            httpx.AsyncClient(limits=limits, timeout=None, trust_env=False, auth=auth) as plain,
            service(settings) as ours,
        ):

            async def through() -> float:
                return await calls_per_second(
                    ours.port, method, call, calls=_CALLS * 2, in_flight=_IN_FLIGHT
                )

            door = Http(Door(transport), url, auth=auth)
            rates = await interleaved(
                {
                    "ours": _many(lambda: door.send("GET", "", expect=range(200, 600))),
                    "httpx": _many(lambda: plain.get(url)),
                    "service": through,
                    "goal": _constant(800.0),
                },
                rounds,
            )
    return [
        ratio("400 in flight, 200 ms: ours / httpx", rates["ours"], rates["httpx"], ">= 4", "/s"),
        ratio("the same through the service / 800", rates["service"], rates["goal"], ">= 1", "/s"),
    ]


def _constant(value: float) -> Measure:
    async def measure() -> float:
        return value

    return measure
