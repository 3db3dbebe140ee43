"""A web application on a port of its own, for doubles that are more than one vendor's."""

import ssl
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Self

from aiohttp import web


@asynccontextmanager
async def served(
    app: web.Application, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> AsyncIterator[str]:
    """Where `app` is reached while the block runs: "http://127.0.0.1:<port>".

    A request that is being answered at the end is given up.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, host, 0, backlog=2048, ssl_context=tls).start()
    try:
        yield f"{'https' if tls else 'http'}://{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def for_all(
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> web.Application:
    """An application that hands every method and path to `handler`, with bodies up to 64 MiB."""
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_route("*", "/{tail:.*}", handler)
    return app


class Double(ABC):
    """A vendor on a random port of loopback; an async context manager.

    Attributes:
        origin: where it is reached: "http://127.0.0.1:<port>".
    """

    origin = ""

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            self.origin = await stack.enter_async_context(served(self.application()))
            self._leaving = stack.pop_all()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._leaving.aclose()

    @abstractmethod
    def application(self) -> web.Application:
        """What answers."""

    @property
    def url(self) -> str:
        """Root of its API."""
        return self.origin
