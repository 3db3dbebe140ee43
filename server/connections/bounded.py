"""A mapping that forgets: by age, and the least used when it is full."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Bounded(Generic[K, V]):
    """At most `size` values, none older than `seconds`."""

    def __init__(
        self,
        size: int,
        *,
        seconds: float = float("inf"),
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._size = size
        self._seconds = seconds
        self._now = now
        self._values: OrderedDict[K, tuple[float, V]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: K) -> V | None:
        """The value, while it is not too old."""
        found = self._values.get(key)
        if found is None:
            return None
        if found[0] < self._now():
            del self._values[key]
            return None
        self._values.move_to_end(key)
        return found[1]

    def put(self, key: K, value: V) -> None:
        """Remember `value`."""
        self._values[key] = (self._now() + self._seconds, value)
        self._values.move_to_end(key)
        if len(self._values) > self._size:
            self._values.popitem(last=False)

    def drop(self, key: K) -> None:
        """Forget it."""
        self._values.pop(key, None)
