"""One exchange with a provider: signed, redirected where that is allowed, its body read.

What a failure means is `outcome`'s, what is sent again is `retry`'s.
"""

from collections.abc import AsyncIterator, Container, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import httpx

from providers.core.auth import UNSIGNED
from providers.core.encode import parse_url
from providers.core.errors import Kind, ProviderError
from providers.core.outcome import Flight
from providers.core.replies import Reply

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_MAX_REDIRECTS = 5
_PORTS = {"https": 443, "http": 80}


class Allowed:
    """Which hosts may be called: that of the base URL, and those its provider names.

    Args:
        names: `host`, `host:port`, or `.suffix` for every host below it; without a port only the
            usual one.
    """

    def __init__(self, base_url: str, names: Sequence[str]) -> None:
        base = parse_url(base_url)
        self._base = origin(base)
        self._exact = {name.lower() for name in names if not name.startswith(".")}
        self._suffixes = tuple(name.lower() for name in names if name.startswith("."))

    @classmethod
    @lru_cache(maxsize=1024)
    def of(cls, base_url: str, names: tuple[str, ...]) -> Self:
        """The same object for the same hosts."""
        return cls(base_url, names)

    def __contains__(self, url: httpx.URL) -> bool:
        scheme, host, port = origin(url)
        if url.userinfo or scheme not in ("https", self._base[0]):
            return False
        if (scheme, host, port) == self._base or f"{host}:{port}" in self._exact:
            return True
        if port != _PORTS.get(scheme):
            return False
        if host == self._base[1] and self._base[2] == _PORTS["http"]:
            return True  # the same host, and now with TLS
        return host in self._exact or host.endswith(self._suffixes)


def origin(url: httpx.URL) -> tuple[str, str, int]:
    """Scheme, host and port that `url` leads to."""
    return url.scheme, url.host, url.port or _PORTS.get(url.scheme, 0)


@dataclass(frozen=True, slots=True)
class Order:
    """A request, before it is signed. `reads`: it changes nothing at the provider."""

    method: str
    url: httpx.URL
    headers: dict[str, str]
    content: bytes | None
    expect: Container[int]
    auth: httpx.Auth
    reads: bool

    def accepts(self, status: int) -> bool:
        """Whether an answer of `status` is what was hoped for."""
        return 200 <= status < 300 or status in self.expect


async def exchange(
    transport: httpx.AsyncBaseTransport, order: Order, allowed: Allowed, flight: Flight
) -> httpx.Response:
    """Send, follow redirects, and return the answer with its body unread.

    Raises:
        httpx.TransportError: as the transport.
        ProviderError: INVALID when the host is not allowed; PROVIDER_FAULT when a redirect leads
            nowhere; what signing raises.
    """
    if order.url not in allowed:
        raise ProviderError.invalid(
            "base_url",
            "the request would leave the hosts of the connection",
            reason="HOST_NOT_ALLOWED",
        )
    request = httpx.Request(order.method, order.url, headers=order.headers, content=order.content)
    signer = order.auth
    for _ in range(_MAX_REDIRECTS + 1):
        response = await _signed(transport, request, signer, flight)
        following = _following(order, request, response)
        if following is None:
            return response
        await response.aclose()
        flight.request = None
        weaker = request.url.scheme == "https" != following.url.scheme
        if weaker or following.url not in allowed:
            raise _misled("the provider redirects to a host that is none of its own")
        if origin(following.url) != origin(request.url):
            signer = UNSIGNED
        request = following
    raise _misled("the provider redirects in circles")


async def _signed(
    transport: httpx.AsyncBaseTransport, request: httpx.Request, auth: httpx.Auth, flight: Flight
) -> httpx.Response:
    """Drive the flow by which `auth` signs, and signs anew after a 401."""
    flow = auth.async_auth_flow(request)
    try:
        request = await anext(flow)
        while True:
            flight.request = request
            response = await transport.handle_async_request(request)
            response.request = request
            try:
                if auth.requires_response_body:
                    await response.aread()
                flight.request = None  # answered: nothing is under way while a token is renewed
                request = await flow.asend(response)
            except StopAsyncIteration:
                flight.request = request
                return response
            except BaseException:
                await response.aclose()
                raise
            await response.aclose()
    finally:
        await flow.aclose()


def _following(
    order: Order, request: httpx.Request, response: httpx.Response
) -> httpx.Request | None:
    """The request that a redirect asks for; None when there is none, or none that is followed."""
    status, location = response.status_code, response.headers.get("location")
    if status not in _REDIRECTS or status in order.expect or not location:
        return None
    method, content = request.method, request.content or None
    if status == 303 and method != "HEAD":
        method, content = "GET", None
    elif status in (301, 302) and method in _WRITES:
        return None  # browsers make a GET of it, whose success would say nothing about the write
    try:
        url = request.url.join(location)
    except (httpx.InvalidURL, ValueError):
        raise _misled("the provider redirects to no URL") from None
    dropped = set()
    if content is None:
        dropped.add("content-type")
    if origin(url) != origin(request.url):
        dropped.update(("authorization", "cookie"))
    headers = {name: value for name, value in order.headers.items() if name not in dropped}
    return httpx.Request(method, url, headers=headers, content=content)


def _misled(sentence: str) -> ProviderError:
    return ProviderError(Kind.PROVIDER_FAULT, sentence, reason="REDIRECT_REFUSED")


async def chunks_of(response: httpx.Response) -> AsyncIterator[bytes]:
    """The body in pieces, which the transport has inflated and counted."""
    if response.is_stream_consumed:  # by the auth flow
        yield response.content
    elif isinstance(response.stream, httpx.AsyncByteStream):
        async for chunk in response.stream:
            yield chunk


async def reply_of(response: httpx.Response) -> Reply:
    """Read the whole answer, and let go of it."""
    try:
        chunks = [chunk async for chunk in chunks_of(response)]
    finally:
        await response.aclose()
    return Reply(
        response.status_code,
        response.headers,
        chunks[0] if len(chunks) == 1 else b"".join(chunks),
        str(response.request.url),
    )
