"""A provider on loopback that does what a test tells it to, and the house's way there."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from aiohttp import web

from providers.core.errors import ProviderError
from providers.core.guard import Guard
from providers.core.http import Door, Http
from providers.core.retry import Hosts, Policy
from providers.core.transport import Transport
from tests.loopback import for_all, served

LOOPBACK = ("127.0.0.0/8",)
# No waiting between attempts, and a breaker that never opens.
QUICK = Policy(base=0.0, least=1_000_000)

Answer = Callable[[web.Request], web.Response]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Upstream:
    """Answers as it is told, in turn, the last one for ever; keeps what it was asked."""

    def __init__(self, *answers: int | Answer) -> None:
        self.answers = list(answers) or [200]
        self.seen: list[web.Request] = []
        self.bodies: list[bytes] = []

    async def __call__(self, request: web.Request) -> web.Response:
        self.seen.append(request)
        self.bodies.append(await request.read())
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, int):
            return web.Response(status=answer)
        return answer(request)

    @property
    def lines(self) -> list[str]:
        return [f"{each.method} {each.raw_path}" for each in self.seen]


def loses(request: web.Request) -> web.Response:
    """The work is done, the answer never comes."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


def answer(status: int, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request: web.Response(status=status, headers=named)


def to(location: str, status: int = 302) -> Answer:
    return answer(status, location=location)


@asynccontextmanager
async def serving(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """An HTTP server for every method and path; gives its origin."""

    async def handle(request: web.Request) -> web.StreamResponse:
        return await handler(request)

    async with served(for_all(handle), tls=tls) as origin:
        yield origin


@asynccontextmanager
async def talking(talk: Talk) -> AsyncIterator[str]:
    """A TCP server that speaks as `talk` does, which may be no HTTP; gives its origin."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the other side left, or the test is over
        finally:
            tasks.discard(task)
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


async def heard(reader: asyncio.StreamReader) -> bytes:
    """One request of a client, head and body."""
    head = await reader.readuntil(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return head + await reader.readexactly(int(value))
    return head


@asynccontextmanager
async def door(
    policy: Policy = QUICK, guard: Guard | None = None, **options: Any
) -> AsyncIterator[Door]:
    """A way out that may go to loopback."""
    async with Transport(guard or Guard(allowed_networks=LOOPBACK), **options) as transport:
        yield Door(transport, Hosts(policy))


@asynccontextmanager
async def upstream(
    handler: Handler, *, policy: Policy = QUICK, seconds: float = 5.0, **options: Any
) -> AsyncIterator[Http]:
    """A way to a server with this handler, for calls that end within `seconds`."""
    async with AsyncExitStack() as stack:
        origin = await stack.enter_async_context(serving(handler))
        way = await stack.enter_async_context(door(policy, **options))
        yield Http(way, f"{origin}/v1/", deadline=asyncio.get_running_loop().time() + seconds)


async def failure(awaitable: Awaitable[object]) -> ProviderError:
    """The error that it ends with."""
    try:
        await awaitable
    except ProviderError as error:
        return error
    raise AssertionError("it succeeds")
