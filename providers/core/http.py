"""The door to a provider: signed, bounded, retried requests, and their answers.

Providers call `Http.send` and nothing else. Under it lie `auth` (who signs), `retry` (what may be
sent twice) and `transport` (sockets, caps, the SSRF guard).
"""

import asyncio
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias
from urllib.parse import quote as _quote
from urllib.parse import urljoin, urlsplit

import httpx
import msgspec

from providers.core import retry
from providers.core.errors import Kind, ProviderError
from providers.core.replies import Classify, Reply, error_for, retry_after
from providers.core.transport import AnswerLostError, BadAnswerError, NotSentError

__all__ = ["Classify", "Door", "Http", "Params", "Reply", "error_for", "quote"]

Params: TypeAlias = Mapping[str, str | int | Sequence[str]] | Sequence[tuple[str, str]]

# No single request waits longer, whatever the caller's patience.
_LONGEST_REQUEST = 60.0
_MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 307, 308})
_KEEP_METHOD = frozenset({307, 308})
_UNKNOWN_OUTCOME = frozenset({Kind.UNAVAILABLE, Kind.TIMEOUT, Kind.PROVIDER_FAULT})
_SERVER_ERROR = 500
_NOT_SENT = "PROVIDER_UNREACHABLE"
# With less left there is no use in another attempt.
_LEAST_SECONDS = 0.05


def quote(segment: str) -> str:
    """`segment` for one place in a URL's path: everything but unreserved signs is escaped."""
    return _quote(segment, safe="")


@dataclass(frozen=True, slots=True)
class Door:
    """What all connections of the process share on the way out."""

    transport: httpx.AsyncBaseTransport
    hosts: retry.Hosts = field(default_factory=retry.Hosts)


@dataclass(frozen=True, slots=True)
class Http:
    """Requests on behalf of one connection, within one caller's deadline.

    The URL is absolute, or a path below `base_url`. Answers of 2xx, and those named in `expect`,
    are returned; anything else is raised as the provider classifies it.

    Attributes:
        door: shared by the process.
        base_url: API root of the connection.
        auth: signs requests.
        allowed_hosts: hosts, or ".suffix"es, that requests may go to besides the base URL's.
        deadline: loop time at which the caller stops waiting.
        classify: makes errors of answers.
    """

    door: Door
    base_url: str
    auth: httpx.Auth = field(default_factory=httpx.Auth)
    allowed_hosts: tuple[str, ...] = ()
    deadline: float = float("inf")
    classify: Classify = error_for

    def at(self, base_url: str) -> "Http":
        """The same door to another of the provider's API roots, which settings have named."""
        return replace(
            self, base_url=base_url, allowed_hosts=(*self.allowed_hosts, _host(self.base_url))
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
        auth: bool = True,
    ) -> Reply:
        """Send one request.

        Args:
            json: encoded with msgspec. Excludes `content` and `form`.
            expect: statuses besides 2xx to return instead of raising.
            retry_safe: may be sent again when the answer is lost; absent: GET, HEAD, OPTIONS,
                PROPFIND, REPORT are, the rest is not.
            auth: sign it.

        Raises:
            ProviderError: UNAVAILABLE when nothing was sent; TIMEOUT or UNAVAILABLE when a read's
                answer was lost; OUTCOME_UNKNOWN when a write's answer was lost; INVALID when the
                host is not allowed; else what the provider's `classify` makes of the answer.
        """
        safe = method in retry.SAFE_METHODS if retry_safe is None else retry_safe
        request = _request(method, self._absolute(url), params, headers, _Body(json, content, form))
        signer = self.auth if auth else httpx.Auth()
        reply = await self._follow(request, signer, safe=safe, expect=expect)
        if 200 <= reply.status < 300 or reply.status in expect:
            return reply
        raise self._error(reply, safe=safe)

    def _error(self, reply: Reply, *, safe: bool) -> ProviderError:
        error = self.classify(reply)
        if safe or reply.status < _SERVER_ERROR or error.kind not in _UNKNOWN_OUTCOME:
            return error
        return _outcome_unknown(error.metadata)

    def _absolute(self, url: str) -> str:
        if "://" not in url:
            return f"{self.base_url.rstrip('/')}/{url.lstrip('/')}" if url else self.base_url
        if not self._allowed(url):
            raise ProviderError.invalid(
                "base_url", "the request would leave the hosts of the connection"
            )
        return url

    def _allowed(self, url: str) -> bool:
        parts, base = urlsplit(url), urlsplit(self.base_url)
        if (parts.scheme, parts.netloc) == (base.scheme, base.netloc):
            return True
        host = parts.hostname or ""
        if parts.username is not None or (parts.scheme != "https" and base.scheme == "https"):
            return False
        return any(
            host.endswith(each) if each.startswith(".") else host == each
            for each in (*self.allowed_hosts, base.hostname or "")
        )

    async def _follow(
        self, request: httpx.Request, signer: httpx.Auth, *, safe: bool, expect: Container[int]
    ) -> Reply:
        for _ in range(_MAX_REDIRECTS + 1):
            reply = await self._signed(request, signer, safe=safe)
            target = reply.headers.get("location", "")
            if reply.status not in _REDIRECTS or reply.status in expect or not target:
                return reply
            if not (safe or reply.status in _KEEP_METHOD):
                return reply
            url = urljoin(reply.url, target)
            if not self._allowed(url):
                raise ProviderError(
                    Kind.PROVIDER_FAULT,
                    "the provider redirects to a host that is none of its own",
                    reason="REDIRECT_REFUSED",
                )
            request = httpx.Request(
                request.method, url, headers=_unsigned(request), content=request.content
            )
        raise ProviderError(Kind.PROVIDER_FAULT, "the provider redirects in circles")

    async def _signed(self, request: httpx.Request, signer: httpx.Auth, *, safe: bool) -> Reply:
        """Drive the flow by which `signer` signs, and signs anew after a 401."""
        flow = signer.async_auth_flow(request)
        try:
            signed = await anext(flow)
            while True:
                reply = await self._retried(signed, safe=safe)
                answer = httpx.Response(reply.status, headers=reply.headers, request=signed)
                try:
                    signed = await flow.asend(answer)
                except StopAsyncIteration:
                    return reply
        finally:
            await flow.aclose()

    async def _retried(self, request: httpx.Request, *, safe: bool) -> Reply:
        loop = asyncio.get_running_loop()
        host = self.door.hosts.of(f"{request.url.host}:{request.url.port}")
        host.enter(loop.time())
        attempt = 0
        while True:
            attempt += 1
            outcome = await self._once(request, host, safe=safe)
            if isinstance(outcome, Reply):
                again = retry.may_repeat(outcome.status, safe=safe)
                wished = retry_after(outcome.headers)
            else:
                again, wished = safe or outcome.reason == _NOT_SENT, None
            wait = retry.pause(attempt, wished)
            fits = loop.time() + wait < self.deadline - _LEAST_SECONDS
            if again and attempt < retry.MAX_ATTEMPTS and fits and host.take():
                await asyncio.sleep(wait)
            elif isinstance(outcome, Reply):
                return outcome
            else:
                raise outcome

    async def _once(
        self, request: httpx.Request, host: retry.Host, *, safe: bool
    ) -> Reply | ProviderError:
        loop = asyncio.get_running_loop()
        left = min(self.deadline - loop.time(), _LONGEST_REQUEST)
        if left <= 0:
            return ProviderError(Kind.TIMEOUT, "the deadline passed before the request")
        request.extensions["timeout"] = {"read": left}
        try:
            async with asyncio.timeout(left):
                reply = await self._exchange(request)
        except NotSentError:
            host.failed(loop.time())
            return ProviderError(
                Kind.UNAVAILABLE, "the provider cannot be reached", reason=_NOT_SENT
            )
        except BadAnswerError:
            host.failed(loop.time())
            if safe:
                return ProviderError(
                    Kind.PROVIDER_FAULT, "the provider's answer breaks the rules of HTTP or a limit"
                )
            return _outcome_unknown({})
        except (AnswerLostError, TimeoutError) as error:
            host.failed(loop.time())
            late = isinstance(error, TimeoutError) or loop.time() >= self.deadline
            return _lost(safe=safe, late=late)
        except asyncio.CancelledError:
            host.probing = False
            raise
        if retry.failed(reply.status):
            host.failed(loop.time())
        else:
            host.succeeded()
        return reply

    async def _exchange(self, request: httpx.Request) -> Reply:
        response = await self.door.transport.handle_async_request(request)
        try:
            chunks = [chunk async for chunk in response.aiter_raw()]
        finally:
            await response.aclose()
        return Reply(response.status_code, response.headers, b"".join(chunks), str(request.url))


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _unsigned(request: httpx.Request) -> list[tuple[str, str]]:
    dropped = {"authorization", "host", "content-length", "cookie"}
    return [(name, value) for name, value in request.headers.multi_items() if name not in dropped]


@dataclass(frozen=True, slots=True)
class _Body:
    """What a request carries: one of three forms, or nothing."""

    json: object = None
    content: bytes | None = None
    form: Mapping[str, str] | None = None


def _request(
    method: str, url: str, params: Params | None, headers: Mapping[str, str] | None, body: _Body
) -> httpx.Request:
    sent = httpx.Headers({"accept-encoding": "gzip, deflate", "user-agent": "ucal"})
    content = body.content
    if body.json is not None:
        content = msgspec.json.encode(body.json)
        sent["content-type"] = "application/json"
    sent.update(headers or {})
    try:
        target = httpx.URL(url)
        if params:
            target = target.copy_merge_params(_pairs(params))
        if body.form is not None:
            return httpx.Request(method, target, headers=sent, data=dict(body.form))
        return httpx.Request(method, target, headers=sent, content=content)
    except (httpx.InvalidURL, UnicodeEncodeError):
        raise ProviderError.invalid("id", "cannot be written in a URL") from None


def _pairs(params: Params) -> httpx.QueryParams:
    pairs = params.items() if isinstance(params, Mapping) else params
    return httpx.QueryParams(
        [
            (name, str(value))
            for name, values in pairs
            for value in ([values] if isinstance(values, str | int) else values)
        ]
    )


def _lost(*, safe: bool, late: bool) -> ProviderError:
    if not safe:
        return _outcome_unknown({})
    if late:
        return ProviderError(Kind.TIMEOUT, "the provider did not answer in time")
    return ProviderError(Kind.UNAVAILABLE, "the connection to the provider broke")


def _outcome_unknown(metadata: Mapping[str, str]) -> ProviderError:
    return ProviderError(
        Kind.OUTCOME_UNKNOWN,
        "the provider may or may not have done this: read before trying again",
        metadata=metadata,
    )
