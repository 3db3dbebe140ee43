"""The bus of one process, which has nobody to talk to; several in one process form a line."""

from collections.abc import Iterable

from server.bus.ports import Listener


class MemoryBus:
    """Delivers at once to every other bus of the same `line`."""

    def __init__(self, line: "list[MemoryBus] | None" = None) -> None:
        self._line: list[MemoryBus] = [] if line is None else line
        self._listener: Listener | None = None
        self._up = False

    @property
    def up(self) -> bool:
        """See `Bus.up`."""
        return self._up

    async def open(self, listener: Listener) -> None:
        """See `Bus.open`."""
        self._listener = listener
        self._line.append(self)
        self.switch(up=True)

    def switch(self, *, up: bool) -> None:
        """Come up, or go down."""
        self._up = up
        if self._listener is not None:
            self._listener.changed(up=up)

    def publish(self, data: bytes) -> None:
        """See `Bus.publish`."""
        if self._up:
            for other in self._others():
                other.deliver(data)

    def _others(self) -> "Iterable[MemoryBus]":
        return [other for other in self._line if other is not self]

    def deliver(self, data: bytes) -> None:
        """Somebody else's `data`."""
        if self._up and self._listener is not None:
            self._listener.heard(data)

    async def close(self) -> None:
        """See `Bus.close`."""
        self._up = False
        if self in self._line:
            self._line.remove(self)
