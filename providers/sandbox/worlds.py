"""The worlds of all connections, as many as fit: the one unused for longest makes room."""

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime

from providers.sandbox.world import World

MAX_WORLDS = 200
MAX_BYTES = 256 << 20
BROUGHT = "-"
"""Id of every connection whose credentials the caller brings along."""


def limit(text: str) -> int:
    """The setting `max_connections`.

    Raises:
        ValueError: it is none.
    """
    if not text:
        return MAX_WORLDS
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= 100_000):
        raise ValueError("max_connections of the sandbox must be a number from 1 to 100000")
    return int(text)


class Worlds:
    """Worlds by connection.

    A connection whose world had to make room finds a fresh one: what it wrote is gone, and its
    cursors of `list_changes` are expired.
    """

    def __init__(
        self,
        plant: Callable[[World], None],
        *,
        max_worlds: int = MAX_WORLDS,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._plant = plant
        self._max_worlds = max_worlds
        self._max_bytes = max_bytes
        self._worlds: OrderedDict[str, World] = OrderedDict()

    def __len__(self) -> int:
        return len(self._worlds)

    def visit(self, connection_id: str, now: datetime, account_key: str = "") -> World:
        """The world of a connection, at `now`; made when it is not there.

        Those who bring credentials along share a connection id; theirs is told by `account_key`.
        """
        key = f"{BROUGHT}\n{account_key}" if connection_id == BROUGHT else connection_id
        world = self._worlds.get(key)
        if world is None:
            world = World(connection_id, now)
            self._plant(world)
            self._worlds[key] = world
            self._make_room()
        else:
            self._worlds.move_to_end(key)
        world.advance(now)
        return world

    def _make_room(self) -> None:
        """Checked when a world is made: each one is bounded by itself meanwhile."""
        total = sum(world.bytes for world in self._worlds.values())
        while len(self._worlds) > 1 and (
            len(self._worlds) > self._max_worlds or total > self._max_bytes
        ):
            _, oldest = self._worlds.popitem(last=False)
            total -= oldest.bytes
