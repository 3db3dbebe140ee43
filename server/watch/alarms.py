"""One timer for all streams: each of them has something due, and almost none of it soon."""

import heapq
import itertools
from collections.abc import Callable

from server.watch.ports import Clock, Timer


class Alarm:
    """Rings once."""

    __slots__ = ("ring", "serial", "when")

    def __init__(self, when: float, serial: int, ring: Callable[[], None]) -> None:
        self.when = when
        self.serial = serial
        self.ring: Callable[[], None] | None = ring

    def __lt__(self, other: "Alarm") -> bool:
        return (self.when, self.serial) < (other.when, other.serial)


class Alarms:
    """Rings alarms when they are due; a tenth of the memory of as many timers of the loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._serial = itertools.count()
        self._heap: list[Alarm] = []
        self._timer: Timer | None = None
        self._timer_at = 0.0

    def set(self, when: float, ring: Callable[[], None]) -> Alarm:
        """Call `ring` once the clock has reached `when`."""
        alarm = Alarm(when, next(self._serial), ring)
        heapq.heappush(self._heap, alarm)
        self._arm()
        return alarm

    def cancel(self, alarm: Alarm) -> None:
        """Do not ring."""
        alarm.ring = None
        self._arm()

    def _arm(self) -> None:
        """Keep the one timer at the earliest alarm that is to ring."""
        while self._heap and self._heap[0].ring is None:
            heapq.heappop(self._heap)
        when = self._heap[0].when if self._heap else None
        if self._timer is not None:
            if when == self._timer_at:
                return
            self._timer.cancel()
            self._timer = None
        if when is not None:
            self._timer_at = when
            self._timer = self._clock.call_at(when, self._fire)

    def _fire(self) -> None:
        self._timer = None
        now = self._clock.time()
        while self._heap and self._heap[0].when <= now:
            ring = heapq.heappop(self._heap).ring
            if ring is not None:
                ring()
        self._arm()
