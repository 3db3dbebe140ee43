"""The door to a provider: signed, bounded, retried requests, and their answers.

Providers call `Http.send` and nothing else. Under it lie `auth` (who signs), `exchange` (one
request and its redirects), `outcome` (what a failure means), `retry` (what may be sent twice) and
`transport` (sockets, caps, the SSRF guard).
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Container, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import httpx

from providers.core import retry
from providers.core.auth import UNSIGNED
from providers.core.encode import Params, body_and_headers, parse_url, quote, target
from providers.core.errors import ProviderError
from providers.core.exchange import Allowed, Order, chunks_of, exchange, origin, reply_of
from providers.core.outcome import Flight, cut_off, refused, verdict
from providers.core.replies import Classify, Reply, error_for, facts, is_outage, retry_after

__all__ = [
    "Classify",
    "Door",
    "Http",
    "Params",
    "Reply",
    "Stream",
    "error_for",
    "facts",
    "quote",
    "retry_after",
]

# No single request waits longer, whatever the caller's patience.
_LONGEST_SECONDS = 60.0
# A caller who gives up sooner says nothing about the host.
_PATIENCE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Door:
    """What all connections of the process share on the way out."""

    transport: httpx.AsyncBaseTransport
    hosts: retry.Hosts = field(default_factory=retry.Hosts)


class Stream:
    """A large answer, as it comes in.

    Attributes:
        status: HTTP status.
        headers: case-insensitive.
    """

    def __init__(self, response: httpx.Response) -> None:
        self.status = response.status_code
        self.headers = response.headers
        self._response = response

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body in inflated pieces, once. Errors are those of `Http.stream`."""
        async for chunk in chunks_of(self._response):
            yield chunk


@dataclass(frozen=True, slots=True)
class Http:
    """Requests on behalf of one connection, within one caller's deadline.

    The URL is absolute, or a path below `base_url`. Answers of 2xx, and those named in `expect`,
    are returned; anything else is raised as the provider classifies it.

    Attributes:
        door: shared by the process.
        base_url: API root of the connection.
        auth: signs requests.
        allowed_hosts: hosts that may be called besides the base URL's: `host`, `host:port`, or
            `.suffix` for every host below it.
        deadline: loop time at which the caller stops waiting, or how to ask for it before each
            request.
        classify: makes errors of answers.
        provider: under whose name budgets and breakers count.
    """

    door: Door
    base_url: str
    auth: httpx.Auth = UNSIGNED
    allowed_hosts: tuple[str, ...] = ()
    deadline: float | Callable[[], float] = float("inf")
    classify: Classify = error_for
    provider: str = ""

    def at(self, base_url: str, *, auth: httpx.Auth | None = None) -> "Http":
        """The same door to another of the provider's API roots.

        Args:
            base_url: from the settings or the provider's constants, never from an answer.
            auth: another way to sign.
        """
        _, host, port = origin(parse_url(self.base_url))
        return replace(
            self,
            base_url=base_url,
            allowed_hosts=(*self.allowed_hosts, f"{host}:{port}"),
            auth=self.auth if auth is None else auth,
        )

    async def send(
        self,
        method: str,
        url: str,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        json: object = None,
        content: bytes | None = None,
        form: Mapping[str, str] | None = None,
        expect: Container[int] = (),
        retry_safe: bool | None = None,
        reads: bool | None = None,
        auth: bool = True,
    ) -> Reply:
        """Send one request.

        Args:
            json: encoded with msgspec. Excludes `content` and `form`.
            expect: statuses besides 2xx to return instead of raising; redirects that are named
                here are not followed.
            retry_safe: may be sent again when the answer is lost; absent: what reads may.
            reads: changes nothing at the provider, so that a lost answer leaves no doubt; absent:
                GET, HEAD, OPTIONS, PROPFIND, REPORT. A query sent by POST says True.
            auth: sign it.

        Raises:
            ProviderError: UNAVAILABLE when nothing was sent; TIMEOUT or UNAVAILABLE when a read's
                answer was lost or its deadline passed; OUTCOME_UNKNOWN when a write's answer was
                lost; INVALID when the host is not allowed; else what the provider's `classify`
                makes of the answer.
        """
        body, fields = body_and_headers(headers, json, content, form)
        where, signer = target(self.base_url, url, params), self.auth if auth else UNSIGNED
        reads = method.upper() in retry.READS if reads is None else reads
        order = Order(method.upper(), where, fields, body, expect, signer, reads)
        return await self._insist(order, safe=reads if retry_safe is None else retry_safe)

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        url: str,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        expect: Container[int] = (),
        auth: bool = True,
    ) -> AsyncIterator[Stream]:
        """Send one request, once, and hand out its answer in pieces, up to the transport's cap.

        Raises:
            ProviderError: as `send`; also from within the block, where pieces are awaited.
        """
        body, fields = body_and_headers(headers, content=content)
        where, signer = target(self.base_url, url, params), self.auth if auth else UNSIGNED
        reads = method.upper() in retry.READS
        order = Order(method.upper(), where, fields, body, expect, signer, reads)
        flight, host = Flight(), self._host(order)
        probe, failed = host.enter(), None
        try:
            async with asyncio.timeout_at(self._end()):
                response = await self._exchange(order, flight)
                failed = is_outage(response.status_code)
                try:
                    if not order.accepts(response.status_code):
                        reply = await reply_of(response)
                        raise _last(refused(reply, self.classify(reply)), reads=reads)
                    yield Stream(response)
                finally:
                    await response.aclose()
        except (TimeoutError, httpx.TransportError) as error:
            raise _last(cut_off(error, flight, reads=reads), reads=reads) from None
        finally:
            host.leave(failed, probe=probe)

    def _host(self, order: Order) -> retry.Host:
        return self.door.hosts.of(self.provider, order.url.netloc.decode("ascii"))

    def _end(self) -> float:
        """Loop time at which this request is given up."""
        end = self.deadline() if callable(self.deadline) else self.deadline
        return min(end, asyncio.get_running_loop().time() + _LONGEST_SECONDS)

    async def _exchange(self, order: Order, flight: Flight) -> httpx.Response:
        allowed = Allowed.of(self.base_url, self.allowed_hosts)
        return await exchange(self.door.transport, order, allowed, flight)

    async def _insist(self, order: Order, *, safe: bool) -> Reply:
        """Send until there is an answer, or no reason to go on."""
        loop = asyncio.get_running_loop()
        end, host = self._end(), self._host(order)
        host.earn()
        tries, doubtful = 0, False
        while True:
            tries += 1
            found = await self._attempt(order, host, end)
            if isinstance(found, Reply):
                return replace(found, repeated=True) if doubtful else found
            doubtful = doubtful or (found.done is retry.Done.PERHAPS and not order.reads)
            wait = host.pause(found, safe=safe, tries=tries, left=end - loop.time())
            if wait is None:
                raise verdict(found.error, doubtful=doubtful)
            await asyncio.sleep(wait)

    async def _attempt(self, order: Order, host: retry.Host, end: float) -> Reply | retry.Failed:
        """Send once."""
        loop = asyncio.get_running_loop()
        begun, flight = loop.time(), Flight()
        probe, failed = False, None
        try:
            probe = host.enter()
            async with asyncio.timeout_at(end):
                reply = await reply_of(await self._exchange(order, flight))
            failed = is_outage(reply.status)
        except (TimeoutError, httpx.TransportError) as error:
            hasty = isinstance(error, TimeoutError) and loop.time() - begun < _PATIENCE_SECONDS
            lost = cut_off(error, flight, reads=order.reads)
            failed = None if hasty or lost.final else True
            return lost
        except ProviderError as error:
            return retry.Failed(error, final=True)
        finally:
            host.leave(failed, probe=probe)
        return reply if order.accepts(reply.status) else refused(reply, self.classify(reply))


def _last(found: retry.Failed, *, reads: bool) -> ProviderError:
    """The error of a request that is sent once."""
    return verdict(found.error, doubtful=not reads and found.done is retry.Done.PERHAPS)
