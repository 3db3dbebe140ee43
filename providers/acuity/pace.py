"""Acuity's limits: ten requests a second and twenty at once, for each address that asks.

They are not the account's: all connections of this process share them, and processes behind one
address do too. An operator with several of those gives each its part (`requests_per_second`).
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from providers.core.errors import Kind, ProviderError

# developers.acuityscheduling.com/docs/rate-limiting
REQUESTS_PER_SECOND = 10.0
AT_ONCE = 20


@dataclass(slots=True)
class Pace:
    """What the process may still ask for now: a bucket that refills all the time.

    Attributes:
        per_second: requests in a second; 0: as many as it likes.
    """

    per_second: float = REQUESTS_PER_SECOND
    _left: float = field(init=False)
    _since: float = field(init=False, default=0.0)
    _gate: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self._left = self.per_second
        self._gate = asyncio.Semaphore(AT_ONCE)

    def wait(self, now: float) -> float:
        """Seconds to wait before the next request, which is taken as made."""
        if not self.per_second:
            return 0.0
        left = self._left + (now - self._since) * self.per_second
        self._left, self._since = min(self.per_second, left) - 1, now
        return max(0.0, -self._left / self.per_second)

    @asynccontextmanager
    async def turn(self, end: float) -> AsyncIterator[None]:
        """Wait for one's turn; `end`: loop time when the caller stops waiting.

        Raises:
            ProviderError: RATE_LIMITED when it would come too late.
        """
        now = asyncio.get_running_loop().time()
        seconds = self.wait(now)
        if now + seconds >= end:
            self._left += 1
            raise ProviderError(
                Kind.RATE_LIMITED,
                "all that Acuity answers in a second is asked for already",
                retry_after=max(1.0, seconds),
            )
        if seconds:
            await asyncio.sleep(seconds)
        async with self._gate:
            yield
