"""Between a vendor's double and the service: keeps what passes, so that it can be forged."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl, urlencode

import httpx
from aiohttp import web

from tests.loopback import served

# What every client sends of itself; nobody vouches for it.
_OF_THE_WAY = frozenset({
    "host", "content-length", "accept", "accept-encoding", "connection", "user-agent", "date",
    "transfer-encoding",
})  # fmt: skip


@dataclass(frozen=True)
class Letter:
    """One delivery.

    Attributes:
        path: of the service, without the query.
        headers: names in lower case, without those of the way.
    """

    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = field(default=b"", repr=False)

    def to(self, path: str) -> "Letter":
        """The same to another address."""
        return replace(self, path=path)

    def with_header(self, name: str, value: str | None) -> "Letter":
        """With another header `name`; None: without it."""
        others = tuple(each for each in self.headers if each[0] != name)
        return replace(self, headers=others if value is None else (*others, (name, value)))

    def with_query(self, name: str, value: str | None) -> "Letter":
        """With another query parameter `name`; None: without it."""
        others = tuple(each for each in self.query if each[0] != name)
        return replace(self, query=others if value is None else (*others, (name, value)))


class Recorder:
    """Takes deliveries and hands them on.

    Attributes:
        letters: what came by, in order.
    """

    def __init__(self, service: str, client: httpx.AsyncClient) -> None:
        """`service`: URL of the service's HTTP side."""
        self.letters: list[Letter] = []
        self._service = service
        self._client = client
        self.url = ""

    async def send(self, letter: Letter) -> httpx.Response:
        """Deliver `letter`."""
        query = f"?{urlencode(letter.query)}" if letter.query else ""
        return await self._client.post(
            f"{self._service}{letter.path}{query}",
            headers=list(letter.headers), content=letter.body, timeout=20,
        )  # fmt: skip

    async def _pass(self, request: web.Request) -> web.Response:
        headers = tuple(
            (name.lower(), value)
            for name, value in request.headers.items()
            if name.lower() not in _OF_THE_WAY
        )
        query = tuple(parse_qsl(request.rel_url.raw_query_string, keep_blank_values=True))
        letter = Letter(request.path, query, headers, await request.read())
        if request.method == "POST":
            self.letters.append(letter)
            answer = await self.send(letter)
        else:
            target = f"{self._service}{request.rel_url}"
            answer = await self._client.request(request.method, target, headers=list(headers))
        kind = answer.headers.get("content-type", "text/plain").partition(";")[0]
        return web.Response(status=answer.status_code, body=answer.content, content_type=kind)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Recorder"]:
        app = web.Application(client_max_size=32 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._pass)
        async with served(app) as url:
            self.url = url
            yield self
