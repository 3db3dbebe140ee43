"""What may happen once, in all replicas: a lease in the store under a digest, until it is too late
for the thing anyway. Nothing of what it was can be read off it.
"""

import contextlib
import hashlib

from sqlalchemy import delete, select

from providers.core.errors import ProviderError
from server.connections.store import Store
from server.connections.tables import LEASES

# Rows are taken out an hour after their end, whenever another is made.
_PRUNE_MS = 3_600_000


class Once:
    """Things of one sort, known by a secret that nobody guesses."""

    def __init__(self, store: Store, sort: str) -> None:
        """`sort`: "oauth"; what stands in front of the lease's name."""
        self._store = store
        self._sort = sort

    def _name(self, secret: str) -> str:
        return f"{self._sort}:{hashlib.sha256(secret.encode()).hexdigest()[:32]}"

    async def take(self, secret: str, holder: str, seconds: float) -> bool:
        """Whether this is the first time; the same `holder` may come again.

        Raises:
            ProviderError: UNAVAILABLE, the store cannot be reached.
        """
        taken = await self._store.lease(self._name(secret), holder, seconds)
        if taken:
            # It is taken, whether old rows go now or with the next.
            with contextlib.suppress(ProviderError):
                await self._prune()
        return taken

    async def give_back(self, secret: str, holder: str) -> None:
        """It came to nothing: it may happen again.

        Raises:
            ProviderError: UNAVAILABLE, the store cannot be reached.
        """
        await self._store.release(self._name(secret), holder)

    async def is_taken(self, secret: str) -> bool:
        """Whether it has happened.

        Raises:
            ProviderError: UNAVAILABLE, the store cannot be reached.
        """
        wanted = select(LEASES.c.name).where(
            LEASES.c.name == self._name(secret), LEASES.c.until >= self._store.now()
        )
        async with self._store.one() as database:
            return (await database.execute(wanted)).first() is not None

    async def _prune(self) -> None:
        async with self._store.one() as database:
            await database.execute(
                delete(LEASES).where(
                    LEASES.c.name.like(f"{self._sort}:%"),
                    LEASES.c.until < self._store.now() - _PRUNE_MS,
                )
            )
