"""Time as the event loop has it."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

from server.watch.ports import Clock


class LoopClock:
    """The running loop's own clock."""

    def time(self) -> float:
        """Seconds on the loop's clock."""
        return asyncio.get_running_loop().time()

    def now(self) -> datetime:
        """The present instant, aware, UTC."""
        return datetime.now(UTC)

    def call_at(self, when: float, callback: Callable[[], object]) -> asyncio.TimerHandle:
        """Call `callback` at `when`."""
        return asyncio.get_running_loop().call_at(when, callback)


async def sleep_until(clock: Clock, when: float) -> None:
    """Return once `clock` has reached `when`."""
    reached: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def reach() -> None:
        if not reached.done():
            reached.set_result(None)

    timer = clock.call_at(when, reach)
    try:
        await reached
    finally:
        timer.cancel()
