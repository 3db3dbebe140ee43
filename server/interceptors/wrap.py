"""Wrapping of handlers, so that an interceptor is two functions and no plumbing.

Only methods of the contract are wrapped; health and reflection pass as they are. A wrapped
handler is made once per method, not once per call, and requests are read by the layer in between.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, TypeAlias

import grpc

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Unary: TypeAlias = Callable[[Any, Context], Awaitable[Any]]
Stream: TypeAlias = Callable[[Any, Context], AsyncIterator[Any]]

OURS = "/ucal.v1."


class Wrapping(ABC):
    """Base of the layers: override `unary` and `stream`."""

    @abstractmethod
    def unary(self, method: str, inner: Unary) -> Unary:
        """`inner` with this concern around it, for calls with one answer."""

    @abstractmethod
    def stream(self, method: str, inner: Stream) -> Stream:
        """`inner` with this concern around it, for calls with a stream of answers."""


class Reading(Wrapping):
    """Base of the layer that is handed the request as bytes, and hands it on as a message."""

    @abstractmethod
    def reads(self, method: str, read: Callable[[bytes], Any]) -> None:
        """Learn how requests of `method` are read."""


class Stack(grpc.aio.ServerInterceptor):
    """All layers as one interceptor of gRPC, which asks each of its own anew for every call."""

    def __init__(
        self, layers: Sequence[Wrapping], reading: Reading, inside: Sequence[Wrapping] = ()
    ) -> None:
        """`layers` from the outermost in; `inside`: those that see the request, once it is read."""
        self._layers = (*layers, reading, *inside)
        self._reading = reading
        self._wrapped: dict[str, tuple[Any, Any]] = {}

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
        self._reading.reads(method, handler.request_deserializer)
        write = handler.response_serializer
        inner: Any
        if handler.response_streaming:
            inner = handler.unary_stream
            for layer in reversed(self._layers):
                inner = layer.stream(method, inner)
            return grpc.unary_stream_rpc_method_handler(inner, response_serializer=write)
        inner = handler.unary_unary
        for layer in reversed(self._layers):
            inner = layer.unary(method, inner)
        return grpc.unary_unary_rpc_method_handler(inner, response_serializer=write)
