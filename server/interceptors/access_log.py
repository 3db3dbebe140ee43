"""One line per call, from an allow-list: method, provider, code, reason, duration, item count.

Also counts calls and their time for /metrics. The outermost interceptor: it opens the `Scope`.
"""

import time
from typing import Any

import grpc

from server.interceptors.scope import SCOPE, Scope
from server.interceptors.wrap import Context, Stream, Unary, Wrapping
from server.log import LOG
from server.metrics import CALL_SECONDS, OPEN_STREAMS


def _code(context: Context) -> str:
    code: Any = context.code()
    if isinstance(code, grpc.StatusCode):
        return code.name
    return "OK" if not code else str(code)


def _finish(method: str, scope: Scope, code: str, started: float) -> None:
    seconds = time.perf_counter() - started
    CALL_SECONDS.labels(method, scope.provider, code).observe(seconds)
    if not LOG.isEnabledFor(20):
        return
    LOG.info(
        "call",
        extra={
            "method": method,
            "provider": scope.provider,
            "code": code,
            "reason": scope.reason,
            "ms": round(seconds * 1000, 2),
            "items": scope.items,
        },
    )


class AccessLog(Wrapping):
    """Opens the scope of a call, and says how it ended."""

    def unary(self, method: str, inner: Unary) -> Unary:
        """Around a call with one answer."""
        name = method.removeprefix("/ucal.v1.")

        async def call(request: Any, context: Context) -> Any:
            started = time.perf_counter()
            scope = Scope()
            SCOPE.set(scope)
            code = "CANCELLED"
            try:
                answer = await inner(request, context)
                code = "OK"
                return answer
            except grpc.aio.AbortError:
                code = _code(context)
                raise
            finally:
                _finish(name, scope, code, started)

        return call

    def stream(self, method: str, inner: Stream) -> Stream:
        """Around a call with a stream of answers."""
        name = method.removeprefix("/ucal.v1.")

        async def call(request: Any, context: Context) -> Any:
            started = time.perf_counter()
            scope = Scope()
            SCOPE.set(scope)
            code = "CANCELLED"
            OPEN_STREAMS.inc()
            try:
                async for message in inner(request, context):
                    scope.items += 1
                    yield message
                code = "OK"
            except grpc.aio.AbortError:
                code = _code(context)
                raise
            finally:
                OPEN_STREAMS.dec()
                _finish(name, scope, code, started)

        return call
