"""Rows that say who asks for which feed, and the leases that say which replicas live.

A replica keeps one lease, "replica/<name>", however many feeds it asks for; the rows of its feeds
count as long as that lease does. All times are the database's.
"""

from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import ColumnElement, delete, exists, literal, select

from server.connections.store import Store
from server.connections.tables import LEASES, TURNS

_PREFIX = "replica/"
_CHUNK = 500
_KEEP_MS = 600_000


class TurnRows:
    """Queries on the store for one replica.

    Every method raises ProviderError UNAVAILABLE when the store cannot be asked.
    """

    def __init__(self, store: Store, name: str) -> None:
        self._store = store
        self._name = name

    async def live(self, seconds: float) -> set[str]:
        """Prolong this replica's own lease by `seconds`; names of all replicas that live."""
        await self._store.lease(f"{_PREFIX}{self._name}", self._name, seconds)
        query = select(LEASES.c.holder).where(
            LEASES.c.name.startswith(_PREFIX, autoescape=True), LEASES.c.until >= self._store.now()
        )
        async with self._store.one() as database:
            return set((await database.execute(query)).scalars())

    async def holders(self, names: Sequence[str]) -> dict[str, str]:
        """Who holds each of the feeds `names`, alive or not."""
        found: dict[str, str] = {}
        async with self._store.one() as database:
            for part in _chunks(names):
                query = select(TURNS.c.name, TURNS.c.holder).where(TURNS.c.name.in_(part))
                rows = (await database.execute(query)).all()
                found.update((row.name, row.holder) for row in rows)
        return found

    async def take(self, wanted: Mapping[str, int]) -> set[str]:
        """Take those feeds of `wanted` that are free; the names of those that are ours now.

        A feed is free when nobody has it, when its holder is dead, or when its holder asks more
        seldom than wanted. `wanted`: milliseconds between two questions, by name.
        """
        taken: set[str] = set()
        # Sorted: two replicas that take many rows at once lock them in the same order.
        for part in _chunks(sorted(wanted)):
            rows = [{"name": n, "holder": self._name, "every": wanted[n]} for n in part]
            statement = self._store.inserting(TURNS, rows)
            statement = statement.on_conflict_do_update(
                index_elements=["name"],
                set_={"holder": statement.excluded.holder, "every": statement.excluded.every},
                where=(TURNS.c.holder == self._name)
                | (TURNS.c.every > statement.excluded.every)
                | ~self._lives(TURNS.c.holder),
            ).returning(TURNS.c.name)
            async with self._store.one() as database:
                taken.update((await database.execute(statement)).scalars())
        return taken

    async def free(self, names: Sequence[str]) -> None:
        """Hold these feeds no longer."""
        async with self._store.one() as database:
            for part in _chunks(names):
                await database.execute(
                    delete(TURNS).where(TURNS.c.name.in_(part), TURNS.c.holder == self._name)
                )

    async def leave(self) -> None:
        """Hold nothing, and live no longer."""
        async with self._store.one() as database:
            await database.execute(delete(TURNS).where(TURNS.c.holder == self._name))
        await self._store.release(f"{_PREFIX}{self._name}", self._name)

    async def sweep(self) -> None:
        """Take out what dead replicas have left."""
        async with self._store.one() as database:
            await database.execute(delete(TURNS).where(~self._lives(TURNS.c.holder)))
            await database.execute(
                delete(LEASES).where(
                    LEASES.c.name.startswith(_PREFIX, autoescape=True),
                    LEASES.c.until < self._store.now() - _KEEP_MS,
                )
            )

    def _lives(self, holder: ColumnElement[str]) -> ColumnElement[bool]:
        return exists().where(
            LEASES.c.name == literal(_PREFIX) + holder, LEASES.c.until >= self._store.now()
        )


def _chunks(names: Sequence[str]) -> Iterator[list[str]]:
    for at in range(0, len(names), _CHUNK):
        yield list(names[at : at + _CHUNK])
