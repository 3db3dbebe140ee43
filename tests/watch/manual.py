"""Time that passes on demand, and a seal that tests can look through."""

import asyncio
import heapq
import hmac
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from providers.core.errors import Kind
from server.connections.sealer import ExpiredTokenError, InvalidTokenError

BEGINNING = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


class ManualTimer:
    def __init__(self, callback: Callable[[], object]) -> None:
        self.callback: Callable[[], object] | None = callback

    def cancel(self) -> None:
        self.callback = None


class ManualClock:
    """Time that passes only when a test says so; everything due meanwhile happens in order."""

    def __init__(self) -> None:
        self._time = 1000.0
        self._serial = itertools.count()
        self._due: list[tuple[float, int, ManualTimer]] = []

    def time(self) -> float:
        return self._time

    def now(self) -> datetime:
        return BEGINNING + timedelta(seconds=self._time)

    def call_at(self, when: float, callback: Callable[[], object]) -> ManualTimer:
        timer = ManualTimer(callback)
        heapq.heappush(self._due, (when, next(self._serial), timer))
        return timer

    @property
    def pending(self) -> int:
        return sum(timer.callback is not None for _, _, timer in self._due)

    async def advance(self, seconds: float) -> None:
        until = self._time + seconds
        await settle()
        while self._due and self._due[0][0] <= until:
            when, _, timer = heapq.heappop(self._due)
            self._time = max(self._time, when)
            if timer.callback is not None:
                timer.callback()
                await settle()
        self._time = until
        await settle()


async def settle() -> None:
    """Let every task go as far as it can: nothing here waits for anything but another task."""
    for _ in range(40):
        await asyncio.sleep(0)


class PlainSealer:
    """Authenticates and does not hide: tests look inside."""

    def __init__(self, clock: ManualClock, key: bytes = b"key") -> None:
        self._clock = clock
        self._key = key
        self.sealed = 0

    def _tag(self, data: bytes, bound_to: bytes) -> bytes:
        return hmac.digest(self._key, bound_to + b"\0" + data, "sha256")

    def seal(self, payload: bytes, *, bound_to: bytes = b"") -> bytes:
        self.sealed += 1
        data = int(self._clock.now().timestamp()).to_bytes(8, "big") + payload
        return self._tag(data, bound_to) + data

    def open(
        self, token: bytes, *, bound_to: bytes = b"", max_age: timedelta | None = None
    ) -> bytes:
        tag, data = token[:32], token[32:]
        if not hmac.compare_digest(tag, self._tag(data, bound_to)):
            raise InvalidTokenError(Kind.INVALID, "is not sealed here", reason="TOKEN_INVALID")
        age = self._clock.now().timestamp() - int.from_bytes(data[:8], "big")
        if max_age is not None and age > max_age.total_seconds():
            raise ExpiredTokenError(Kind.CURSOR_EXPIRED, "too old", reason="TOKEN_EXPIRED")
        return data[8:]
