"""Every failure becomes a google.rpc.Status with details; no other text leaves the process.

An exception that nobody expected is INTERNAL with the reason ADAPTER_FAULT: its type is logged,
its message is not, since it may quote what a provider sent.
"""

import asyncio
import traceback
from typing import Any

import grpc
from grpc_status import rpc_status

from providers.core.errors import Kind, ProviderError
from server.interceptors.scope import SCOPE
from server.interceptors.wrap import Context, Stream, Unary, Wrapping
from server.log import LOG
from server.status import to_rpc_status


def unexpected(error: Exception, method: str) -> ProviderError:
    """The error that the caller of `method` is told in place of `error`, which is logged."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    LOG.error(
        "unexpected exception",
        extra={
            "method": method,
            "exception": type(error).__name__,
            "at": f"{frame.name}:{frame.lineno}",
        },
    )
    return ProviderError(
        Kind.ADAPTER_FAULT, "the service failed on this call; this is a bug, please report it"
    )


async def _abort(context: Context, error: ProviderError) -> None:
    scope = SCOPE.get()
    scope.reason = error.reason
    status = rpc_status.to_status(to_rpc_status(error, provider=scope.provider))
    await context.abort_with_status(status)


class Errors(Wrapping):
    """Turns exceptions into statuses."""

    def unary(self, method: str, inner: Unary) -> Unary:
        """Around a call with one answer."""

        async def call(request: Any, context: Context) -> Any:
            try:
                return await inner(request, context)
            except ProviderError as error:
                failure = error
            except (grpc.aio.AbortError, asyncio.CancelledError):
                raise
            except Exception as error:  # noqa: BLE001 - the last line of defence of every call
                failure = unexpected(error, method)
            await _abort(context, failure)
            return None

        return call

    def stream(self, method: str, inner: Stream) -> Stream:
        """Around a call with a stream of answers."""

        async def call(request: Any, context: Context) -> Any:
            try:
                async for message in inner(request, context):
                    yield message
                return
            except ProviderError as error:
                failure = error
            except (grpc.aio.AbortError, asyncio.CancelledError):
                raise
            except Exception as error:  # noqa: BLE001 - the last line of defence of every call
                failure = unexpected(error, method)
            await _abort(context, failure)

        return call
