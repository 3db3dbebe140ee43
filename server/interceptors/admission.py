"""How much is let in at once: what does not fit is refused at the door, with a time to return."""

from typing import Any

from providers.core.errors import Kind, ProviderError
from server.interceptors.wrap import Context, Stream, Unary, Wrapping

_RETRY_AFTER = 1.0


class Admission(Wrapping):
    """Counts calls and streams under way."""

    def __init__(self, max_calls: int, max_streams: int) -> None:
        self._max_calls = max_calls
        self._max_streams = max_streams
        self.calls = 0
        self.streams = 0

    def _refuse(self, what: str) -> ProviderError:
        return ProviderError(
            Kind.RATE_LIMITED,
            f"this server has as many {what} as it takes; come back, or ask another replica",
            reason="SERVER_BUSY",
            retry_after=_RETRY_AFTER,
        )

    def unary(self, method: str, inner: Unary) -> Unary:
        """Around a call with one answer."""
        del method

        async def call(request: Any, context: Context) -> Any:
            if self.calls >= self._max_calls:
                raise self._refuse("calls under way")
            self.calls += 1
            try:
                return await inner(request, context)
            finally:
                self.calls -= 1

        return call

    def stream(self, method: str, inner: Stream) -> Stream:
        """Around a call with a stream of answers."""
        del method

        async def call(request: Any, context: Context) -> Any:
            if self.streams >= self._max_streams:
                raise self._refuse("streams")
            self.streams += 1
            try:
                async for message in inner(request, context):
                    yield message
            finally:
                self.streams -= 1

        return call
