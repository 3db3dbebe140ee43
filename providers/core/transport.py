"""Sockets: an httpx transport on aiohttp's client, with the house's limits around it.

httpx has the better interface and aiohttp the faster sockets: 400 requests in flight run about
four times as fast as on httpcore (`benchmarks`). One transport serves the whole process, so it
keeps no cookies, reads no proxy from the environment, follows no redirect, and inflates at most
`MAX_BODY` bytes of an answer.
"""

import asyncio
import ssl
import zlib
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Protocol, Self

import aiohttp
import httpx
from yarl import URL

from providers.core.errors import Kind, ProviderError
from providers.core.guard import ForbiddenAddressError, Guard, GuardedResolver

MAX_BODY = 16 * 1024 * 1024
_MAX_HEADERS = 64 * 1024
_CONNECT_SECONDS = 10.0
_READ_CHUNK = 64 * 1024
_GZIP = 16 + zlib.MAX_WBITS
# gzip headers and zlib headers are told apart; raw deflate, which some servers send, is not.
_INFLATE = {"gzip": _GZIP, "x-gzip": _GZIP, "deflate": zlib.MAX_WBITS}


class NotSentError(httpx.ConnectError):
    """Nothing reached the provider: no connection could be made."""


class AnswerLostError(httpx.ReadError):
    """The request may have been carried out, and its answer did not arrive whole."""


class BadAnswerError(httpx.RemoteProtocolError):
    """What arrived is no HTTP, or breaks a limit."""


class _Inflater(Protocol):
    def decompress(self, data: bytes, max_length: int = 0) -> bytes: ...

    @property
    def unconsumed_tail(self) -> bytes: ...


class Body(httpx.AsyncByteStream):
    """An answer's body as it arrives, inflated, up to a cap."""

    def __init__(self, answer: aiohttp.ClientResponse, cap: int) -> None:
        self._answer = answer
        self._left = cap
        coding = answer.headers.get("content-encoding", "").strip().lower()
        bits = _INFLATE.get(coding)
        self._inflater: _Inflater | None = zlib.decompressobj(bits) if bits else None
        if coding not in {"", "identity", *_INFLATE}:
            raise BadAnswerError("the answer has a content coding that was not asked for")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._answer.content.iter_chunked(_READ_CHUNK):
                for piece in self._inflated(chunk):
                    self._left -= len(piece)
                    if self._left < 0:
                        raise BadAnswerError("the answer is larger than is taken")
                    yield piece
        except zlib.error:
            raise BadAnswerError("the answer cannot be inflated") from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise AnswerLostError(type(error).__name__) from None

    def _inflated(self, chunk: bytes) -> list[bytes]:
        if self._inflater is None:
            return [chunk]
        pieces = []
        data, room = chunk, self._left + 1
        while data and room > 0:
            piece = self._inflater.decompress(data, room)
            room -= len(piece)
            pieces.append(piece)
            data = self._inflater.unconsumed_tail
        return pieces

    async def aclose(self) -> None:
        """Give the connection back if the body was read to its end, else close it."""
        if self._answer.content.at_eof():
            self._answer.release()
        else:
            self._answer.close()


class Transport(httpx.AsyncBaseTransport):
    """One pool of connections for the process."""

    def __init__(
        self,
        guard: Guard,
        *,
        max_connections: int = 1000,
        max_body: int = MAX_BODY,
        verify: ssl.SSLContext | None = None,
    ) -> None:
        self._guard = guard
        self._max_connections = max_connections
        self._max_body = max_body
        self._verify = verify
        self._session: aiohttp.ClientSession | None = None

    @property
    def guard(self) -> Guard:
        """Who decides about addresses."""
        return self._guard

    def _open(self) -> aiohttp.ClientSession:
        """The session; made late, because aiohttp binds it to the running loop."""
        if self._session is None or self._session.closed:
            connector = aiohttp.TCPConnector(
                limit=self._max_connections,
                resolver=GuardedResolver(self._guard, aiohttp.ThreadedResolver()),
                ssl=self._verify if self._verify is not None else ssl.create_default_context(),
                ttl_dns_cache=30,
                keepalive_timeout=60,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                auto_decompress=False,
                max_line_size=_MAX_HEADERS,
                max_field_size=_MAX_HEADERS,
            )
        return self._session

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Part of httpx.AsyncBaseTransport.

        Raises:
            NotSentError, AnswerLostError, BadAnswerError: see there.
            ProviderError: INVALID, the address may not be connected to.
        """
        self._guard.check_url(request.url.scheme, request.url.host)
        seconds = request.extensions.get("timeout", {}).get("read")
        answer = await self._exchange(request, seconds)
        try:
            body = Body(answer, self._max_body)
        except BadAnswerError:
            answer.close()
            raise
        return httpx.Response(
            answer.status,
            headers=[
                (name, value)
                for name, value in answer.raw_headers
                if name.lower() not in {b"content-encoding", b"content-length"}
            ],
            stream=body,
            request=request,
        )

    async def _exchange(
        self, request: httpx.Request, seconds: float | None
    ) -> aiohttp.ClientResponse:
        try:
            return await self._open().request(
                request.method,
                URL(str(request.url), encoded=True),
                headers=[
                    (name, value)
                    for name, value in request.headers.multi_items()
                    if name not in {"host", "content-length", "connection"}
                ],
                data=await request.aread() or None,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(
                    total=seconds, sock_connect=min(_CONNECT_SECONDS, seconds or _CONNECT_SECONDS)
                ),
            )
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, ForbiddenAddressError):
                raise ProviderError.invalid(
                    "base_url",
                    "the name leads to an address that is not public",
                    reason="ADDRESS_NOT_ALLOWED",
                ) from None
            raise NotSentError(type(error).__name__) from None
        except aiohttp.ConnectionTimeoutError as error:
            raise NotSentError(type(error).__name__) from None
        except aiohttp.InvalidURL as error:
            raise ProviderError(Kind.ADAPTER_FAULT, f"not a URL: {type(error).__name__}") from None
        except aiohttp.ClientResponseError as error:
            raise BadAnswerError(type(error).__name__) from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise AnswerLostError(type(error).__name__) from None

    async def aclose(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            # aiohttp closes TLS connections in the next turns of the loop.
            await asyncio.sleep(0)

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        """Part of httpx.AsyncBaseTransport."""
        await self.aclose()

    async def __aenter__(self) -> Self:
        """Part of httpx.AsyncBaseTransport."""
        return self
