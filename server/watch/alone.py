"""Turns of a process that has nobody to share its feeds with."""

from server.watch.ports import Looks, Target, Turn
from server.watch.scope import Unit


class Own:
    """The turn of a feed that this process asks for whatever others do."""

    mine = True
    hears = True

    def want(self, every: float) -> None:
        """See `Turn.want`."""

    def rest(self) -> None:
        """See `Turn.rest`."""

    def moved(self, point: bytes) -> None:
        """See `Turn.moved`."""


OWN = Own()


class Alone:
    """Every turn is ours."""

    def of(self, target: Target, unit: Unit, horizon: int, feed: Looks) -> Turn:
        """See `Turns.of`."""
        return OWN
