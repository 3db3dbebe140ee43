"""Where feeds leave what a caller is to be told: bounded, in order, shared by reference.

A caller that reads too slowly loses its inbox, never a change: the stream ends, and its resume
token tells where to go on.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from providers.core.errors import Kind, ProviderError
from server.watch.asking import Trouble
from server.watch.batch import Batch
from server.watch.position import Position

if TYPE_CHECKING:
    from server.watch.subscription import Subscription


@dataclass(frozen=True, slots=True)
class Tip:
    """All that was there has been told; `position` is the point reached."""

    position: Position


@dataclass(frozen=True, slots=True)
class Lost:
    """The feed cannot go on for this subscription."""

    error: ProviderError


@dataclass(frozen=True, slots=True)
class Late:
    """Changes may come late for a while; nothing is lost."""

    trouble: Trouble


Item: TypeAlias = "Batch | Tip | Lost | Late"


def slow_consumer() -> ProviderError:
    """The error of a caller that reads too slowly."""
    return ProviderError(
        Kind.RATE_LIMITED,
        "the stream is not read as fast as things change; go on from the last resume token",
        reason="SLOW_CONSUMER",
        retry_after=1.0,
    )


class Inbox:
    """What waits for one caller."""

    __slots__ = ("_changes", "_items", "_max_bytes", "_max_changes", "_room", "_size", "_wake",
                 "overflown")  # fmt: skip

    def __init__(self, max_changes: int, max_bytes: int, wake: Callable[[], None]) -> None:
        self._max_changes = max_changes
        self._max_bytes = max_bytes
        self._items: list[tuple[Subscription, Item]] = []
        self._changes = 0
        self._size = 0
        self._wake = wake
        self._room: list[asyncio.Future[None]] = []
        self.overflown = False

    def put(self, subscription: "Subscription", item: Item) -> None:
        """Leave `item`. What does not fit empties the inbox and marks it as overflown."""
        if self.overflown:
            return
        if isinstance(item, Batch):
            if self._items and not self._fits(item):
                self.clear()
                self.overflown = True
                self._wake()
                return
            subscription.queued += 1
            self._changes += len(item.told)
            self._size += item.size
        self._items.append((subscription, item))
        self._wake()

    def _fits(self, batch: Batch) -> bool:
        return (
            self._changes + len(batch.told) <= self._max_changes
            and self._size + batch.size <= self._max_bytes
        )

    def pop(self) -> "tuple[Subscription, Item] | None":
        """The oldest item, or None."""
        if not self._items:
            return None
        subscription, item = self._items.pop(0)
        if isinstance(item, Batch):
            self._changes -= len(item.told)
            self._size -= item.size
            self._say_room()
        return subscription, item

    def clear(self) -> None:
        """Forget everything that waits."""
        for subscription, item in self._items:
            if isinstance(item, Batch):
                subscription.queued -= 1
        self._items.clear()
        self._changes = self._size = 0
        self._say_room()

    def wake(self) -> None:
        """Let the caller's side look about: something other than an item has changed."""
        self._wake()

    @property
    def roomy(self) -> bool:
        """Whether another page is welcome: less than half full."""
        return self._changes * 2 <= self._max_changes and self._size * 2 <= self._max_bytes

    async def room(self) -> None:
        """Return once another page is welcome."""
        while not self.roomy:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._room.append(future)
            await future

    def _say_room(self) -> None:
        if not self._room or not self.roomy:
            return
        for future in self._room:
            if not future.done():
                future.set_result(None)
        self._room.clear()
