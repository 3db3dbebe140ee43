"""Traces: a span a call, a span a provider's request; W3C trace context in and out.

Loaded only when the setting `traces` names a collector; how spans get there is in
`server.telemetry_export`. Spans hold what `ATTRIBUTES` lists and
nothing else: no id, URL, host, header or text of an error. The stock instrumentations are not used:
they record URLs, and the one of gRPC costs a third of the throughput.
"""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import grpc
import httpx
from opentelemetry.trace import (
    INVALID_SPAN,
    INVALID_SPAN_CONTEXT,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
    TracerProvider,
    get_current_span,
    set_span_in_context,
)

from server.interceptors.scope import SCOPE
from server.interceptors.wrap import Context, Stream, Unary, Wrapping
from server.settings_model import Settings, SettingsError

if TYPE_CHECKING:
    from opentelemetry.context import Context as TraceContext

ATTRIBUTES = frozenset({
    "error.type", "http.request.method", "http.response.status_code", "rpc.grpc.status_code",
    "rpc.method", "rpc.system", "ucal.provider", "ucal.reason",
})  # fmt: skip
_METHODS = frozenset({
    "GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE",
    "PROPFIND", "PROPPATCH", "REPORT", "MKCALENDAR",
})  # fmt: skip
# What says that the service failed, not the caller (OpenTelemetry, semantic conventions of gRPC).
_FAULTS = frozenset({
    "UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS",
})  # fmt: skip
# Their streams last for hours and their feeds serve many: what these ask is no part of one call.
_APART = "/ucal.v1.WatchService/"
# Of 280 us that a call costs, a recorded span takes 75 with its export, and one that the SDK does
# not sample 10; one that it never hears of takes 2 (November 2026, SDK 1.45).
_SAMPLED = 0.05
_DICE = random.Random()  # noqa: S311 - ids of traces are no secrets
_NEEDED = "needs the packages of ucal[telemetry]"

_SPAN: ContextVar[Span | None] = ContextVar("ucal_span", default=None)


def parent_of(header: str) -> SpanContext:
    """The caller's span in a `traceparent` (W3C Trace Context, level 1); invalid: none was told."""
    parts = header.split("-")
    if len(parts) < 4 or (parts[0] == "00" and len(parts) > 4) or parts[0] == "ff":
        return INVALID_SPAN_CONTEXT
    lengths = tuple(len(part) for part in parts[:4])
    if lengths != (2, 32, 16, 2) or any(set(part) - set("0123456789abcdef") for part in parts[:4]):
        return INVALID_SPAN_CONTEXT
    trace, span, flags = (int(part, 16) for part in parts[1:4])
    return SpanContext(trace, span, is_remote=True, trace_flags=TraceFlags(flags & 1))


def header_of(span: SpanContext) -> str:
    """`span` as a `traceparent`."""
    return f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags & 1:02x}"


def _received(context: Context) -> "TraceContext | None":
    for name, value in context.invocation_metadata() or ():
        if name == "traceparent":
            parent = parent_of(value) if isinstance(value, str) else INVALID_SPAN_CONTEXT
            return set_span_in_context(NonRecordingSpan(parent)) if parent.is_valid else None
    return None


class Spans:
    """Begins spans. Those that are not sampled do not reach the SDK, which takes its time."""

    def __init__(self, tracer: Tracer, share: float | None) -> None:
        """`share` of the calls whose caller did not decide is sampled; None: the SDK decides."""
        self._tracer = tracer
        self._share = share

    def start(
        self,
        name: str,
        within: "TraceContext | None",
        kind: SpanKind,
        known: Mapping[str, str],
    ) -> Span:
        """A span of `kind` below the one in `within`, or of a new trace; INVALID_SPAN where that
        trace is not sampled: it gets ids when a provider is told of it.
        """
        if self._share is not None:
            parent = INVALID_SPAN_CONTEXT
            if within is not None:
                parent = get_current_span(within).get_span_context()
            if parent.is_valid:
                if not parent.trace_flags.sampled:
                    return _unsampled(parent.trace_id)
            elif _DICE.random() >= self._share:
                return INVALID_SPAN
        return self._tracer.start_span(
            name, within, kind, known, record_exception=False, set_status_on_exception=False
        )


def _unsampled(trace_id: int) -> Span:
    """A span that nobody keeps: who is told of it does not sample either."""
    return NonRecordingSpan(SpanContext(trace_id, _DICE.getrandbits(64) or 1, is_remote=False))


class Tracing(Wrapping):
    """Opens a span for each call. Lies within the layer that opens the `Scope`."""

    def __init__(self, spans: Spans) -> None:
        self._spans = spans

    def _begun(self, method: str) -> Callable[[Context], Span]:
        """What opens a span of `method`: all that is the same for every call is made once."""
        name = method.removeprefix("/")
        known = {"rpc.system": "grpc", "rpc.method": name}
        start = self._spans.start

        def begin(context: Context) -> Span:
            return start(name, _received(context), SpanKind.SERVER, known)

        return begin

    def unary(self, method: str, inner: Unary) -> Unary:
        """Around a call with one answer."""
        begin = self._begun(method)

        async def call(request: Any, context: Context) -> Any:
            span = begin(context)
            _SPAN.set(span)
            code = grpc.StatusCode.CANCELLED
            try:
                answer = await inner(request, context)
                code = grpc.StatusCode.OK
                return answer
            except grpc.aio.AbortError:
                code = _code(context)
                raise
            finally:
                _end(span, code)

        return call

    def stream(self, method: str, inner: Stream) -> Stream:
        """Around a call with a stream of answers."""
        begin = self._begun(method)
        apart = method.startswith(_APART)

        async def call(request: Any, context: Context) -> AsyncIterator[Any]:
            span = begin(context)
            _SPAN.set(None if apart else span)
            code = grpc.StatusCode.CANCELLED
            try:
                async for message in inner(request, context):
                    yield message
                code = grpc.StatusCode.OK
            except grpc.aio.AbortError:
                code = _code(context)
                raise
            finally:
                _end(span, code)

        return call


def _code(context: Context) -> grpc.StatusCode:
    code: Any = context.code()
    if isinstance(code, grpc.StatusCode):
        return code
    return next(
        (each for each in grpc.StatusCode if each.value[0] == code), grpc.StatusCode.UNKNOWN
    )


def _end(span: Span, code: grpc.StatusCode) -> None:
    if span.is_recording():
        scope = SCOPE.get()
        found: dict[str, str | int] = {"rpc.grpc.status_code": code.value[0]}
        if scope.provider:
            found["ucal.provider"] = scope.provider
        if scope.reason:
            found["ucal.reason"] = scope.reason
        span.set_attributes(found)
        if code.name in _FAULTS:
            span.set_status(Status(StatusCode.ERROR))
    span.end()


class TracedTransport(httpx.AsyncBaseTransport):
    """Opens a span for each request to a provider, and tells it in `traceparent`.

    The span ends with the answer's head. `tracestate` and baggage are callers' words: they are
    neither read nor handed on.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport, spans: Spans) -> None:
        self._inner = inner
        self._spans = spans

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Part of httpx.AsyncBaseTransport. Errors are those of the inner transport."""
        parent = _SPAN.get()
        method = request.method if request.method in _METHODS else "_OTHER"
        span = parent
        if parent is not INVALID_SPAN:
            within = None if parent is None else set_span_in_context(parent)
            known = {"http.request.method": method}
            span = self._spans.start(method, within, SpanKind.CLIENT, known)
        if span is None or span is INVALID_SPAN:
            span = _unsampled(_DICE.getrandbits(128) or 1)
        scope = SCOPE.get(None)
        if scope is not None and scope.provider:
            span.set_attribute("ucal.provider", scope.provider)
        request.headers["traceparent"] = header_of(span.get_span_context())
        try:
            response = await self._inner.handle_async_request(request)
            span.set_attribute("http.response.status_code", response.status_code)
            if response.status_code >= 400:
                span.set_status(Status(StatusCode.ERROR))
            return response
        except BaseException as error:
            span.set_attribute("error.type", type(error).__name__)
            span.set_status(Status(StatusCode.ERROR))
            raise
        finally:
            span.end()

    async def aclose(self) -> None:
        """Close the inner transport."""
        await self._inner.aclose()


class Telemetry:
    """What makes spans in this process: a layer around calls, a wrap around transports."""

    def __init__(self, provider: TracerProvider, share: float | None = None) -> None:
        """`share` of the calls is sampled where nobody decided before; None: the SDK decides."""
        self._provider = provider
        self._spans = Spans(provider.get_tracer("ucal"), share)

    @classmethod
    def of(cls, settings: Settings) -> "Telemetry":
        """Spans go to the collector that `settings.traces` names, by OTLP over HTTP, in batches.

        Callers' decisions to sample hold; of other calls one in twenty is sampled, or what
        OTEL_TRACES_SAMPLER says. OTEL_RESOURCE_ATTRIBUTES adds to what is told of the process.

        Raises:
            SettingsError: the packages are missing.
        """
        try:
            from server.telemetry_export import SentSpans  # noqa: PLC0415
        except ImportError:
            raise SettingsError("traces", _NEEDED) from None
        share = None if "OTEL_TRACES_SAMPLER" in os.environ else _SAMPLED
        return cls(SentSpans(settings, sampled=share is not None), share)

    def layer(self) -> Tracing:
        """For the stack of interceptors."""
        return Tracing(self._spans)

    def around(self, transport: httpx.AsyncBaseTransport) -> TracedTransport:
        """`transport`, traced."""
        return TracedTransport(transport, self._spans)

    async def close(self) -> None:
        """Send what is left; a collector that is away costs a few seconds."""
        shutdown = getattr(self._provider, "shutdown", None)
        if shutdown is not None:
            await asyncio.to_thread(shutdown)
