"""Open streams of callers who were let in: ended when they would not be let in any more.

One task looks after all of them, so that a stream costs no task of its own.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from providers.core.errors import Kind, ProviderError
from server.interceptors.errors import unexpected

EVERY_SECONDS = 5.0
_AT_ONCE = 100
Check = Callable[[], Awaitable[None]]


@dataclass(eq=False, slots=True)
class _Stream:
    check: Check
    timer: asyncio.Timeout = field(default_factory=lambda: asyncio.timeout(None))
    error: ProviderError | None = None


class Standing:
    """See the module."""

    def __init__(self, every: float = EVERY_SECONDS) -> None:
        """`every`: seconds between two looks at the same stream."""
        self._every = every
        self._streams: dict[_Stream, None] = {}
        self._task: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def kept(self, check: Check) -> AsyncIterator[None]:
        """The block lasts while `check` raises nothing; then it ends with what was raised.

        Raises:
            ProviderError: what `check` said.
        """
        stream = _Stream(check)
        self._streams[stream] = None
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._look())
        try:
            async with stream.timer:
                yield
        except TimeoutError:
            if stream.error is None:
                raise
            raise stream.error from None
        finally:
            del self._streams[stream]
            if not self._streams and self._task is not None:
                self._task.cancel()
                self._task = None

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(self._every)
            for number, stream in enumerate(list(self._streams)):
                if stream.error is None:
                    self._end(stream, await _verdict(stream))
                if not number % _AT_ONCE:
                    await asyncio.sleep(0)  # calls go on meanwhile

    def _end(self, stream: _Stream, error: ProviderError | None) -> None:
        # A store that does not answer takes nothing back.
        if error is None or error.kind is Kind.UNAVAILABLE or stream not in self._streams:
            return
        stream.error = error
        stream.timer.reschedule(asyncio.get_running_loop().time())


async def _verdict(stream: _Stream) -> ProviderError | None:
    try:
        await stream.check()
    except ProviderError as error:
        return error
    except Exception as error:  # noqa: BLE001 - one bad look must not end the looking
        return unexpected(error, "access")
    return None
