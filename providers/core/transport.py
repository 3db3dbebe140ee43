"""Sockets: an httpx transport on aiohttp's client, with the house's limits around it.

httpx has the better interface and aiohttp the faster sockets, which stay whole when callers give
up (encode/httpcore#1093). One transport serves the whole process, so it keeps no cookies, reads no
proxy from the environment, follows no redirect, retries nothing, and inflates at most `MAX_BODY`
bytes of an answer. It tells precisely whether a request can have reached the provider.
"""

import asyncio
import io
import ssl
from collections.abc import AsyncIterator, Iterable
from typing import Any

import aiohttp
import httpx
from yarl import URL

from providers.core.connector import Connector, authorities
from providers.core.errors import Kind, ProviderError
from providers.core.guard import ForbiddenAddressError, Guard
from providers.core.inflate import CODINGS, InflateError, Inflater

MAX_BODY = 16 * 1024 * 1024
_MAX_HEADER = 32 * 1024
# Longer than any handshake takes, shorter than a caller's patience.
_CONNECT_SECONDS = 10.0
_WHOLE = 512 * 1024
_SENT = "ucal.sent"
_HIDDEN = frozenset({b"content-encoding", b"content-length", b"transfer-encoding", b"set-cookie"})
# Written by aiohttp: two readers of a message must agree where it ends.
_FRAMING = frozenset({"host", "content-length", "transfer-encoding", "connection"})


class NotSentError(httpx.ConnectError):
    """Nothing reached the provider: no connection could be made."""


class AnswerLostError(httpx.ReadError):
    """The request may have been carried out, and its answer did not arrive whole."""


class BadAnswerError(httpx.RemoteProtocolError):
    """What arrived is no HTTP."""


class TooLargeError(httpx.RemoteProtocolError):
    """The inflated body is larger than the cap."""


def was_sent(request: httpx.Request) -> bool:
    """Whether a byte of `request` may have left this process."""
    return bool(request.extensions.get(_SENT))


class Transport(httpx.AsyncBaseTransport):
    """One pool of connections for the process.

    Args:
        guard: judges every address before it is connected to.
        max_connections: at once, to all hosts together; a quarter of them to one host.
        max_body: bytes of one inflated body.
        verify: TLS of all connections; absent: the usual authorities, or those that SSL_CERT_FILE
            or SSL_CERT_DIR name.
    """

    def __init__(
        self,
        guard: Guard,
        *,
        max_connections: int = 4096,
        max_body: int = MAX_BODY,
        verify: ssl.SSLContext | None = None,
    ) -> None:
        self._guard = guard
        self._max_connections = max_connections
        self._max_body = max_body
        self._verify = verify
        self._session: aiohttp.ClientSession | None = None
        self._connector: Connector | None = None
        self._closed = False

    @property
    def connector(self) -> Connector | None:
        """The pool; None before the first request."""
        return self._connector

    @property
    def guard(self) -> Guard:
        """Who decides about addresses."""
        return self._guard

    def _open(self) -> aiohttp.ClientSession:
        """The session; made late, because aiohttp binds it to the running loop."""
        if self._closed:
            raise NotSentError("the transport is closed")
        if self._session is None:
            self._connector = Connector(
                self._guard,
                limit=self._max_connections,
                verify=self._verify or authorities(),
            )
            self._session = aiohttp.ClientSession(
                connector=self._connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                request_class=_Request,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS),
                auto_decompress=False,
                trust_env=False,
                max_line_size=_MAX_HEADER,
                max_field_size=_MAX_HEADER,
                skip_auto_headers=("accept", "accept-encoding", "content-type", "user-agent"),
            )
        return self._session

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send `request` once. The caller sets the time limits, by cancelling.

        Raises:
            NotSentError, AnswerLostError, BadAnswerError: see there.
            ProviderError: INVALID when the address may not be connected to; ADAPTER_FAULT when the
                request cannot be written as HTTP.
        """
        request.extensions[_SENT] = False
        where = self._checked(request.url)
        try:
            answer = await self._open().request(
                request.method,
                where,
                headers=[
                    (name, value)
                    for name, value in request.headers.multi_items()
                    if name not in _FRAMING
                ],
                data=_payload(request.content),
                allow_redirects=False,
                middlewares=(_Teller(request),),
            )
        except ValueError:  # a line break in a header
            raise ProviderError(Kind.ADAPTER_FAULT, "the request is not HTTP") from None
        coding = answer.headers.get("content-encoding", "").strip().lower()
        if coding not in CODINGS:
            answer.close()
            raise BadAnswerError("the answer has a content coding that was not asked for")
        return httpx.Response(
            answer.status,
            headers=[field for field in answer.raw_headers if field[0].lower() not in _HIDDEN],
            stream=_Body(answer, coding, self._max_body),
            request=request,
        )

    def _checked(self, url: httpx.URL) -> URL:
        """The URL as aiohttp will read it, which is the reading that is judged."""
        try:
            where = URL(str(url), encoded=True)
            scheme, host, port = where.scheme, where.raw_host or "", where.explicit_port
        except ValueError:
            raise ProviderError.invalid("base_url", "is not a URL") from None
        if where.raw_user is not None or where.raw_password is not None:
            raise ProviderError.invalid("base_url", "must not hold a user name")
        self._guard.check_url(scheme, host, port=port)
        return where

    async def aclose(self) -> None:
        """Close every connection, for good."""
        self._closed = True
        if self._session is not None:
            await self._session.close()
            # aiohttp closes TLS connections in the next turns of the loop.
            await asyncio.sleep(0)


def _payload(content: bytes) -> bytes | io.BytesIO | None:
    # From a megabyte on, aiohttp wants to write in pieces.
    return io.BytesIO(content) if len(content) > _WHOLE else content or None


class _Request(aiohttp.ClientRequest):
    """Notes when its first byte is about to leave."""

    notes: dict[str, Any] | None = None

    async def send(self, conn: Any) -> aiohttp.ClientResponse:
        if self.notes is not None:
            self.notes[_SENT] = True
        return await super().send(conn)


class _Teller:
    """Turns what goes wrong into our words, before aiohttp sends some methods again by itself."""

    __slots__ = ("_request",)

    def __init__(self, request: httpx.Request) -> None:
        self._request = request

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        if isinstance(request, _Request):
            request.notes = self._request.extensions
        try:
            return await handler(request)
        except (aiohttp.ClientError, OSError) as error:
            if isinstance(getattr(error, "os_error", None), ForbiddenAddressError):
                raise ProviderError.invalid(
                    "base_url",
                    "the name leads to an address that is not public",
                    reason="ADDRESS_NOT_ALLOWED",
                ) from None
            what = type(error).__name__
            if not was_sent(self._request):
                raise NotSentError(what) from None
            if isinstance(error, aiohttp.ClientResponseError):
                raise BadAnswerError(what) from None
            raise AnswerLostError(what) from None


class _Body(httpx.AsyncByteStream):
    """An answer's body as it arrives, inflated, up to a cap."""

    def __init__(self, answer: aiohttp.ClientResponse, coding: str, cap: int) -> None:
        self._answer = answer
        self._inflater = None if coding in ("", "identity") else Inflater(coding)
        self._left = cap

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._answer.content.iter_any():
                for piece in self._inflated(chunk):
                    self._left -= len(piece)
                    if self._left < 0:
                        raise TooLargeError("the answer is larger than is taken")
                    yield piece
            if self._inflater is not None:
                self._inflater.end()
        except InflateError:
            raise BadAnswerError("the answer cannot be inflated") from None
        except (aiohttp.ClientError, OSError) as error:
            raise AnswerLostError(type(error).__name__) from None

    def _inflated(self, chunk: bytes) -> Iterable[bytes]:
        # One byte more than there is room for, to tell a full body from one that is too large.
        return (chunk,) if self._inflater is None else self._inflater.feed(chunk, self._left + 1)

    async def aclose(self) -> None:
        """Close the connection, unless the body was read to its end and it is back in the pool."""
        self._answer.close()
