"""The pool of connections, with a bound that aiohttp lacks."""

import asyncio
import functools
import ssl

import aiohttp
import httpx
from aiohttp.client_proto import ResponseHandler

from providers.core.guard import Guard, GuardedResolver

# The longer a connection idles, the likelier the server closes it just when a write is sent, whose
# answer is lost then; the shorter, the more handshakes. Seen: Node closes after 5 s, AWS 60, nginx
# 75, Google 240.
_KEEPALIVE_SECONDS = 15.0
_DNS_SECONDS = 30
_MAX_WAITING_ANSWERS = 64


@functools.cache
def authorities() -> ssl.SSLContext:
    """The usual authorities. A context costs 30 ms and half a megabyte: the process has one."""
    return httpx.create_ssl_context()


class _Handler(ResponseHandler):
    """Hangs up on a server that sends answers nobody waits for.

    aiohttp parses and queues whatever comes: a flood of `103 Early Hints` was seen to hold up the
    whole loop for a second at a time (aiohttp 3.14, November 2026).
    """

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if len(self) > _MAX_WAITING_ANSWERS and self.transport is not None:
            self.transport.abort()


class Connector(aiohttp.TCPConnector):
    """Connections to addresses that `guard` has judged; `limit` at once, a quarter to one host."""

    def __init__(self, guard: Guard, *, limit: int, verify: ssl.SSLContext) -> None:
        super().__init__(
            limit=limit,
            limit_per_host=max(1, limit // 4),
            resolver=GuardedResolver(guard),
            ssl=verify,
            ttl_dns_cache=_DNS_SECONDS,
            keepalive_timeout=_KEEPALIVE_SECONDS,
        )
        handler: type[ResponseHandler] = _Handler
        self._factory = functools.partial(handler, loop=asyncio.get_running_loop())

    @property
    def idle(self) -> int:
        """Connections that are open and free."""
        return sum(protocol.is_connected() for row in self._conns.values() for protocol, _ in row)

    @property
    def busy(self) -> int:
        """Connections in use, and callers that wait for one."""
        return len(self._acquired) + sum(map(len, self._waiters.values()))
