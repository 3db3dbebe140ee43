"""What waits to be published: bounded; the oldest gives way, since newer hints say as much."""

import asyncio
import contextlib
from collections import deque

_MOST = 10_000


class Outbox:
    """A queue between those who publish, who never wait, and a connection that may be slow."""

    def __init__(self) -> None:
        self._waiting: deque[bytes] = deque(maxlen=_MOST)
        self._bell = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def put(self, data: bytes) -> None:
        """Let `data` be sent."""
        self._waiting.append(data)
        self._idle.clear()
        self._bell.set()

    async def take(self, most: int) -> list[bytes]:
        """The oldest pieces, at least one and at most `most`."""
        while not self._waiting:
            self._bell.clear()
            await self._bell.wait()
        return [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]

    def done(self) -> None:
        """What was taken has been sent."""
        if not self._waiting:
            self._idle.set()

    async def sent(self, seconds: float) -> None:
        """Return once everything has been sent, or after `seconds`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._idle.wait()

    def clear(self) -> None:
        """Send none of it: what is old when the bus comes back is told by a look at everything."""
        self._waiting.clear()
        self._idle.set()
