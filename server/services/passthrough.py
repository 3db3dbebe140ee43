"""PassthroughService: any request to the provider's own API, signed by the connection.

Off unless the operator switches it on: it reaches past the contract. The host is the connection's,
headers come from an allow-list, the provider's 4xx and 5xx are data.
"""

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import TypedDict

from providers.core.errors import Kind, ProviderError
from server.dispatch import Resolved, Resolver
from server.interceptors.scope import SCOPE
from server.interceptors.wrap import Context
from ucal.v1 import passthrough_pb2, passthrough_pb2_grpc

_EVERY_STATUS = range(200, 600)
_CHUNK = 256 * 1024
_MAX_UNARY_BODY = 3 * 1024 * 1024
_SENT = frozenset(
    {
        "accept",
        "accept-language",
        "brief",
        "consistencylevel",
        "content-type",
        "depth",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "prefer",
        "range",
    }
)
_RETURNED = frozenset(
    {
        "content-language",
        "content-range",
        "content-type",
        "date",
        "etag",
        "last-modified",
        "link",
        "location",
        "retry-after",
        "x-request-id",
    }
)
_RETURNED_PREFIXES = ("ratelimit", "x-ratelimit")


def headers_to_send(request: passthrough_pb2.CallRequest) -> dict[str, str]:
    """The caller's headers, if each of them may be sent.

    Raises:
        ProviderError: INVALID, naming the header by its position.
    """
    found: dict[str, str] = {}
    for index, header in enumerate(request.headers):
        name = header.name.lower()
        if name not in _SENT:
            raise ProviderError.invalid(
                f"headers[{index}].name", f"may not be sent; these may: {', '.join(sorted(_SENT))}"
            )
        if any(ord(sign) < 32 or ord(sign) > 126 for sign in header.value):
            raise ProviderError.invalid(f"headers[{index}].value", "is not printable ASCII")
        found[name] = header.value
    if request.content_type:
        found["content-type"] = request.content_type
    return found


def headers_to_return(
    headers: Mapping[str, str],
) -> Iterable[passthrough_pb2.HttpHeader]:
    """The provider's headers that say something about the answer, and nothing else."""
    for name, value in headers.items():
        low = name.lower()
        if low in _RETURNED or low.startswith(_RETURNED_PREFIXES):
            yield passthrough_pb2.HttpHeader(name=low, value=value)


class _Rest(TypedDict):
    params: list[tuple[str, str]]
    headers: dict[str, str]
    content: bytes | None


def _parts(request: passthrough_pb2.CallRequest) -> tuple[str, str, _Rest]:
    """Method, URL and the rest of what `Http.send` and `Http.stream` take.

    Raises:
        ProviderError: INVALID: a path that may lead out of the base URL, or a header.
    """
    if "%2e" in request.path.lower():  # a provider may take "/%2e%2e/" for "/../" (WHATWG URL)
        raise ProviderError.invalid("path", "has encoded dots; write them as they are")
    method = passthrough_pb2.HttpMethod.Name(request.method).removeprefix("HTTP_METHOD_")
    return (
        method,
        request.path,
        _Rest(
            params=[(each.name, each.value) for each in request.query],
            headers=headers_to_send(request),
            content=request.body or None,
        ),
    )


class PassthroughService(passthrough_pb2_grpc.PassthroughServiceServicer):
    """Calls the provider in its own words."""

    def __init__(self, connections: Resolver, *, enabled: bool) -> None:
        self._connections = connections
        self._enabled = enabled

    async def _resolve(self, request: passthrough_pb2.CallRequest, context: Context) -> Resolved:
        if not self._enabled:
            raise ProviderError(
                Kind.UNSUPPORTED,
                "passthrough is switched off on this server; its operator can set "
                "passthrough = true",
                reason="PASSTHROUGH_DISABLED",
            )
        metadata = dict(context.invocation_metadata() or ())
        resolved = await self._connections.resolve(request.connection_id, metadata)
        SCOPE.get().provider = resolved.provider.name
        return resolved

    async def Call(
        self, request: passthrough_pb2.CallRequest, context: Context
    ) -> passthrough_pb2.CallResponse:
        """One request, one answer of at most 3 MiB."""
        resolved = await self._resolve(request, context)
        method, url, rest = _parts(request)
        reply = await resolved.call.http.send(method, url, expect=_EVERY_STATUS, **rest)
        if len(reply.content) > _MAX_UNARY_BODY:
            raise ProviderError(
                Kind.PRECONDITION,
                "the answer is larger than 3 MiB; use CallStreaming",
                reason="ANSWER_TOO_LARGE",
            )
        return passthrough_pb2.CallResponse(
            status_code=reply.status,
            headers=headers_to_return(reply.headers),
            body=reply.content,
        )

    async def CallStreaming(
        self, request: passthrough_pb2.CallStreamingRequest, context: Context
    ) -> AsyncIterator[passthrough_pb2.CallStreamingResponse]:
        """One request, its answer in pieces; status and headers come first."""
        resolved = await self._resolve(request.call, context)
        method, url, rest = _parts(request.call)
        async with resolved.call.http.stream(method, url, expect=_EVERY_STATUS, **rest) as answer:
            yield passthrough_pb2.CallStreamingResponse(
                status_code=answer.status, headers=headers_to_return(answer.headers)
            )
            async for chunk in answer.chunks():
                for begin in range(0, len(chunk), _CHUNK):
                    yield passthrough_pb2.CallStreamingResponse(
                        body_chunk=chunk[begin : begin + _CHUNK]
                    )
