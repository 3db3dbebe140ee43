"""What a feed told lately, so that a watcher who comes back needs no question to the provider."""

from collections import OrderedDict
from collections.abc import Hashable

from server.watch.batch import Batch
from server.watch.ports import Clock, Timer
from server.watch.position import Position

_MAX_BATCHES = 4
_MAX_BYTES = 256 * 1024
_MAX_AGE = 90.0


class History:
    """The last few batches of a feed, by the point that they go on from."""

    __slots__ = ("_batches", "_clock", "_serial", "_size", "_timer")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._serial = 0
        self._size = 0
        self._timer: Timer | None = None
        self._batches: OrderedDict[Hashable, tuple[int, float, bool, Batch]] = OrderedDict()

    def add(self, batch: Batch, *, raw: bool) -> None:
        """Remember `batch`, unless it leads nowhere."""
        key = batch.origin.key
        if key == batch.position.key:
            return
        self._serial += 1
        self._drop(key)
        if self._batches:
            # Whoever still waits for it encodes it anew; most have it by now.
            next(reversed(self._batches.values()))[3].forget_parts()
        self._batches[key] = (self._serial, self._clock.time(), raw, batch)
        self._size += _weight(batch)
        while len(self._batches) > _MAX_BATCHES or self._size > _MAX_BYTES:
            self._drop(next(iter(self._batches)))
        if self._timer is None and self._batches:
            self._timer = self._clock.call_at(self._clock.time() + _MAX_AGE, self._prune)

    def after(self, position: Position, seen: int, *, raw: bool) -> tuple[Batch, int] | None:
        """The batch that goes on from `position`, and its serial number.

        Args:
            position: where to go on.
            seen: serial of the batch before: only later ones count, so that a feed which comes
                back to an earlier point leads nobody round in circles.
            raw: with `raw`.
        """
        found = self._batches.get(position.key)
        if found is None:
            return None
        serial, _, has_raw, batch = found
        return (batch, serial) if serial > seen and (has_raw or not raw) else None

    def _prune(self) -> None:
        """Forget what is old; a feed at rest holds no resources, however seldom it is asked."""
        self._timer = None
        now = self._clock.time()
        for key, (_, at, _, _) in list(self._batches.items()):
            # The sum that the timer was set to: a difference may be rounded to just before it,
            # and the timer would be set to this very moment for ever.
            if at + _MAX_AGE <= now:
                self._drop(key)
        if self._batches:
            _, first, _, _ = next(iter(self._batches.values()))
            self._timer = self._clock.call_at(first + _MAX_AGE, self._prune)

    def _drop(self, key: Hashable) -> None:
        dropped = self._batches.pop(key, None)
        if dropped is not None:
            self._size -= _weight(dropped[3])

    def clear(self) -> None:
        """Forget everything."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._batches.clear()
        self._size = 0


def _weight(batch: Batch) -> int:
    return batch.size + len(batch.origin.known.records)
