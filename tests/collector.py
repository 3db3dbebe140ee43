"""A collector of telemetry on loopback, for tests: keeps what is sent to it by OTLP over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web


class Collector:
    """Takes whatever is sent.

    Attributes:
        url: its root; "/v1/metrics" and "/v1/traces" come behind it.
        status: of its answers.
        bodies: of the requests, in the order in which they came.
        heads: method, path and headers of each.
        came: set whenever something came.
    """

    def __init__(self) -> None:
        self.url = ""
        self.status = 200
        self.bodies: list[bytes] = []
        self.heads: list[bytes] = []
        self.came = asyncio.Event()

    async def take(self, request: web.Request) -> web.Response:
        """Any POST."""
        self.bodies.append(await request.read())
        fields = (f"{name}: {value}" for name, value in request.headers.items())
        self.heads.append("\n".join([f"POST {request.path_qs}", *fields]).encode())
        self.came.set()
        return web.Response(status=self.status)


@asynccontextmanager
async def collector() -> AsyncIterator[Collector]:
    """One that listens."""
    found = Collector()
    app = web.Application(client_max_size=16 * 1024 * 1024)
    app.router.add_post("/{path:.*}", found.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        found.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield found
    finally:
        await runner.cleanup()
