"""No unary call waits for ever: the caller's deadline, or a default one, bounds what it causes."""

import asyncio
from typing import Any

from providers.core.errors import Kind, ProviderError
from server.interceptors.scope import SCOPE
from server.interceptors.wrap import Context, Stream, Unary, Wrapping

# Left of the caller's time for the answer to travel, so that it is our status that arrives.
_MARGIN_SHARE = 0.05
_MARGIN_MAX = 0.25


class Deadline(Wrapping):
    """Sets `Scope.deadline`; applies `default` seconds when the caller set none."""

    def __init__(self, default: float) -> None:
        self._default = default

    def unary(self, method: str, inner: Unary) -> Unary:
        """Around a call with one answer."""
        default_notice = (("ucal-default-deadline", f"{self._default:g}s"),)

        async def call(request: Any, context: Context) -> Any:
            # The stubs say float; it is None when the caller set no deadline.
            remaining: float | None = context.time_remaining()
            if remaining is None:
                remaining = self._default
                context.set_trailing_metadata(default_notice)
            usable = remaining - min(_MARGIN_MAX, remaining * _MARGIN_SHARE)
            deadline = asyncio.get_running_loop().time() + usable
            SCOPE.get().deadline = deadline
            try:
                async with asyncio.timeout_at(deadline + _MARGIN_MAX):
                    return await inner(request, context)
            except TimeoutError:
                raise ProviderError(
                    Kind.TIMEOUT, "the deadline passed before the provider had answered"
                ) from None

        return call

    def stream(self, method: str, inner: Stream) -> Stream:
        """Streams end when the caller says so; their upstream calls have deadlines of their own."""
        del method
        return inner
