"""When a feed asks next: after its interval, or sooner because something may have changed."""

import random

from server.watch.ports import Clock

Cause = tuple[str, float]


class Pace:
    """Keeps the moments of one feed; all of them on the engine's clock.

    Attributes:
        polled_at: when the provider answered last.
    """

    __slots__ = ("_chance", "_clock", "_nudge", "_nudged_to", "_spacing", "polled_at")

    def __init__(self, clock: Clock, chance: random.Random, spacing: float) -> None:
        """`spacing`: shortest time between two questions for the sake of nudges, in seconds."""
        self._clock = clock
        self._chance = chance
        self._spacing = spacing
        # A nudge that waits for its poll: why, and since when; and when that is due.
        self._nudge: Cause | None = None
        self._nudged_to = 0.0
        self.polled_at = clock.time()

    def nudge(self, cause: str, within: float) -> float:
        """Something may have changed: when to ask.

        Of many that are nudged together each is asked at some moment of `within` seconds, and once
        in so many, however often that happens meanwhile.
        """
        now = self._clock.time()
        soon = max(self.polled_at + self._spacing, now)
        if self._nudge is None:
            self._nudge = (cause, now)
            moment = soon + self._chance.uniform(0, within)
            self._nudged_to = max(moment, self.polled_at + within)
        elif not within:
            self._nudged_to = min(self._nudged_to, soon)
        return self._nudged_to

    def after(self, interval: float) -> float:
        """When to ask next at the usual times, `interval` seconds from one to the other."""
        return self._clock.time() + interval * self._chance.uniform(0.9, 1.1)

    def next(self, interval: float) -> float:
        """When to ask next."""
        usual = self.after(interval)
        if self._nudge is None:
            return usual
        return min(usual, max(self._nudged_to, self.polled_at + self._spacing))

    def take(self) -> Cause | None:
        """The nudge that waits: it is asked for now."""
        found, self._nudge = self._nudge, None
        return found

    def saved(self, wish: float) -> float:
        """How many questions, `wish` seconds from one to the other, were not asked until now."""
        return max((self._clock.time() - self.polled_at) / wish - 1, 0)
