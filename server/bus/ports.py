"""What replicas need of a bus: very little, so that many things can be one."""

from typing import Protocol


class Listener(Protocol):
    """What a bus calls, from the loop."""

    def heard(self, data: bytes) -> None:
        """Somebody published `data`: perhaps this process, perhaps somebody who must not."""

    def changed(self, *, up: bool) -> None:
        """The bus has come up, or gone down; what was published meanwhile is lost."""


class Bus(Protocol):
    """Carries small pieces of ASCII to every replica: at most once, or not at all."""

    @property
    def up(self) -> bool:
        """Whether what is published now has a chance to arrive."""

    async def open(self, listener: Listener) -> None:
        """Begin; a bus that is down now is tried again for as long as this one is open."""

    def publish(self, data: bytes) -> None:
        """Hand over `data`; what cannot be sent at once is kept shortly or dropped."""

    async def close(self) -> None:
        """End, with what is still to be sent."""
