"""What buses over a network have in common: one task that carries, and who is told of its state."""

import asyncio
import contextlib
from abc import ABC, abstractmethod

from server.bus.outbox import Outbox
from server.bus.ports import Listener
from server.log import LOG


class Carrier(ABC):
    """Base of them: override `_run`."""

    def __init__(self, max_bytes: int) -> None:
        """`max_bytes`: larger pieces are dropped."""
        self._max_bytes = max_bytes
        self._outbox = Outbox()
        self._listener: Listener | None = None
        self._task: asyncio.Task[None] | None = None
        self._up = False
        self._closing = False

    @property
    def up(self) -> bool:
        """See `Bus.up`."""
        return self._up

    async def open(self, listener: Listener) -> None:
        """See `Bus.open`."""
        self._listener = listener
        self._task = asyncio.get_running_loop().create_task(self._run())

    def publish(self, data: bytes) -> None:
        """See `Bus.publish`."""
        if self._up and len(data) <= self._max_bytes:
            self._outbox.put(data)

    async def close(self) -> None:
        """See `Bus.close`."""
        self._closing = True
        if self._task is None:
            return
        if self._up:
            await self._outbox.sent(1)
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    @abstractmethod
    async def _run(self) -> None:
        """Connect, carry, connect again, until it is cancelled."""

    def _heard(self, data: bytes) -> None:
        if self._listener is not None:
            self._listener.heard(data)

    def _say(self, *, up: bool) -> None:
        if up == self._up:
            return
        self._up = up
        if up:
            LOG.info("the bus is up")
        if self._listener is not None:
            self._listener.changed(up=up)
