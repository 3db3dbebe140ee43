"""Wrapping of handlers, so that an interceptor is two functions and no plumbing.

Only methods of the contract are wrapped; health and reflection pass as they are. A wrapped
handler is made once per method, not once per call.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias

import grpc

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Unary: TypeAlias = Callable[[Any, Context], Awaitable[Any]]
Stream: TypeAlias = Callable[[Any, Context], AsyncIterator[Any]]

OURS = "/ucal.v1."


class Wrapping(grpc.aio.ServerInterceptor):
    """Base of the interceptors: override `unary` and `stream`."""

    def __init__(self) -> None:
        self._wrapped: dict[str, tuple[Any, Any]] = {}

    def unary(self, method: str, inner: Unary) -> Unary:
        """`inner` with this concern around it, for calls with one answer."""
        raise NotImplementedError

    def stream(self, method: str, inner: Stream) -> Stream:
        """`inner` with this concern around it, for calls with a stream of answers."""
        raise NotImplementedError

    def deserializer(self, handler: Any) -> Callable[[bytes], Any] | None:
        """How the request is read; None hands the bytes on."""
        read: Callable[[bytes], Any] | None = handler.request_deserializer
        return read

    async def intercept_service(self, continuation: Any, details: Any) -> Any:
        """Part of grpc.aio.ServerInterceptor."""
        handler = await continuation(details)
        method: str = details.method
        if handler is None or not method.startswith(OURS):
            return handler
        known = self._wrapped.get(method)
        if known is None or known[0] is not handler:
            known = (handler, self._wrap(method, handler))
            self._wrapped[method] = known
        return known[1]

    def _wrap(self, method: str, handler: Any) -> Any:
        read = self.deserializer(handler)
        write = handler.response_serializer
        if handler.response_streaming:
            return grpc.unary_stream_rpc_method_handler(
                self.stream(method, handler.unary_stream),
                request_deserializer=read,
                response_serializer=write,
            )
        return grpc.unary_unary_rpc_method_handler(
            self.unary(method, handler.unary_unary),
            request_deserializer=read,
            response_serializer=write,
        )
