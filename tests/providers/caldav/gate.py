"""A door in front of a real CalDAV server: everything passes, unless a test wants trouble.

The server's own semantics stay; what is added is what no server does on demand: a status for the
next requests, an answer that gets lost, every sync token dead, a log of what was asked.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

from tests.loopback import for_all, served

_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "accept-encoding"}
_WRITES = {"PUT", "DELETE", "MKCALENDAR", "PROPPATCH", "POST", "MOVE"}
_DEAD = b"""<?xml version="1.0" encoding="utf-8"?>
<error xmlns="DAV:"><valid-sync-token/></error>"""

Change = Callable[[web.Request, bytes, web.Response], web.Response]


@dataclass
class Gate:
    """A proxy to `upstream`.

    Attributes:
        url: its own address, with "/" at the end.
        asked: (method, path) of each request, in order.
        headers: of the last request, by lower-case name.
        alter: changes answers on their way back.
        before: is asked before a request is passed on; it may set `answer`.
        answer: status to answer the present request with, once.
    """

    upstream: str
    url: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    alter: Change | None = None
    before: Callable[[web.Request], Awaitable[None]] | None = None
    answer: int = 0
    _fail: list[tuple[int, int | None]] = field(default_factory=list)
    _lose: bool = False
    _generation: int = 0

    def fail_next(self, status: int, *, retry_after: int | None = None, times: int = 1) -> None:
        """Answer the next requests with `status`, without asking the server."""
        self._fail = [(status, retry_after)] * times

    def lose_next(self) -> None:
        """Let the server do the next write, and cut the connection before it answers."""
        self._lose = True

    def expire_cursors(self) -> None:
        """Make every sync token that was given out dead."""
        self._generation += 1

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Pass one request on."""
        body = await request.read()
        self.asked.append((request.method, request.path))
        self.bodies.append(body)
        self.headers = {name.lower(): value for name, value in request.headers.items()}
        if self._fail:
            status, retry_after = self._fail.pop(0)
            headers = {"Retry-After": str(retry_after)} if retry_after is not None else {}
            return web.Response(status=status, text="trouble", headers=headers)
        if self.before is not None:
            await self.before(request)
        if self.answer:
            status, self.answer = self.answer, 0
            return web.Response(status=status)
        body = self._untag(request, body)
        if body is None:
            return web.Response(status=403, body=_DEAD, content_type="application/xml")
        answer = await self._ask(request, body)
        if self._lose and request.method in _WRITES:
            self._lose = False
            assert request.transport is not None
            request.transport.abort()
        return answer

    async def _ask(self, request: web.Request, body: bytes) -> web.Response:
        headers = {k: v for k, v in request.headers.items() if k.lower() not in _HOP}
        headers["Accept-Encoding"] = "identity"  # what is packed cannot be changed on the way
        async with (
            aiohttp.ClientSession(auto_decompress=False) as session,
            session.request(
                request.method,
                self.upstream.rstrip("/") + request.raw_path,
                data=body,
                headers=headers,
                allow_redirects=False,
            ) as reply,
        ):
            content = await reply.read()
            answer = web.Response(
                status=reply.status,
                body=self._tag(content),
                headers=[(k, v) for k, v in reply.headers.items() if k.lower() not in _HOP],
            )
        return self.alter(request, body, answer) if self.alter else answer

    def _tag(self, content: bytes) -> bytes:
        """Put the generation into every sync token that goes out."""
        for name in (b"sync-token>", b"sync-token >"):
            content = _rewritten(content, name, f"g{self._generation}!".encode())
        return content

    def _untag(self, request: web.Request, body: bytes) -> bytes | None:
        """Take it out again; None when the token is of another generation."""
        if request.method != "REPORT" or b"sync-collection" not in body:
            return body
        head, found, rest = body.partition(b"sync-token>")
        mark, bang, token = rest.partition(b"!")
        if not bang or not mark.startswith(b"g") or b"<" in mark:
            return body
        if mark != f"g{self._generation}".encode():
            return None
        return head + found + token


def _rewritten(content: bytes, name: bytes, mark: bytes) -> bytes:
    """`mark` before the text of each element whose start tag ends with `name`."""
    parts = content.split(name)
    for index in range(1, len(parts)):
        opened = parts[index - 1].rpartition(b"<")[2]
        closing = opened.startswith(b"/")
        if not closing and parts[index] and not parts[index].startswith((b"<", b"\n")):
            parts[index] = mark + parts[index]
    return name.join(parts)


@asynccontextmanager
async def gate(upstream: str) -> AsyncIterator[Gate]:
    """A door on a port of its own."""
    found = Gate(upstream)
    async with served(for_all(found.handle)) as origin:
        found.url = f"{origin}/"
        yield found
