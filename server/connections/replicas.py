"""Which replicas run on a store, and which keys each of them has: as leases in the store.

A key may seal once every replica that shares the ring opens what it seals; one that has no key in
common, as of another region with a ring of its own, has no say. Leases live by the database's
clock; the lease of a replica that died ends by itself.
"""

import re
import secrets
from collections.abc import Mapping, Sequence

from sqlalchemy import delete, select

from server.connections.store import Store
from server.connections.tables import LEASES

SECONDS = 30
_DAY_MS = 86_400_000
_NAMES = "keys/"
# Rows of the store are not believed: what is written otherwise is nobody's.
_NAME = re.compile(rf"{_NAMES}([0-9a-f]{{16}})/((?:[0-9a-f]{{2}})+)")
_SEALS, _OPENS = "seals", "opens"

# By replica: ids of its keys, and whether it seals with them.
Seen = Mapping[str, Mapping[bytes, bool]]


class Replicas:
    """This replica, and those beside it.

    Attributes:
        name: of this one, until its process ends.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.name = secrets.token_hex(8)
        self._own = f"{_NAMES}{self.name}/"

    async def announce(self, keys: Sequence[bytes], seals: bytes) -> None:
        """Say for `SECONDS` that this replica has `keys`, and which one it seals with.

        Leases of anybody that ended a day ago are cleared away.

        Raises:
            ProviderError: UNAVAILABLE.
        """
        now = self._store.now()
        ours = LEASES.c.name.startswith(self._own, autoescape=True)
        async with self._store.several() as database:
            await database.execute(delete(LEASES).where(ours | (LEASES.c.until < now - _DAY_MS)))
            for key in keys:
                values = {
                    "holder": _SEALS if key == seals else _OPENS,
                    "until": now + SECONDS * 1000,
                }
                # Said twice at once, the rows of the other time are there by now.
                row = {"name": f"{self._own}{key.hex()}", **values}
                await database.execute(
                    self._store.inserting(LEASES, row).on_conflict_do_update(
                        index_elements=["name"], set_=values
                    )
                )

    async def seen(self, keys: Sequence[bytes]) -> Seen:
        """The replicas that have any of `keys`, this one among them once it has announced itself.

        Raises:
            ProviderError: UNAVAILABLE.
        """
        query = select(LEASES.c.name, LEASES.c.holder).where(
            LEASES.c.name.startswith(_NAMES, autoescape=True),
            LEASES.c.until >= self._store.now(),
        )
        found: dict[str, dict[bytes, bool]] = {}
        async with self._store.one() as database:
            for name, holder in await database.execute(query):
                parts = _NAME.fullmatch(name)
                if parts is not None:
                    found.setdefault(parts[1], {})[bytes.fromhex(parts[2])] = holder == _SEALS
        return {name: each for name, each in found.items() if not each.keys().isdisjoint(keys)}

    async def leave(self) -> None:
        """Take the announcement back.

        Raises:
            ProviderError: UNAVAILABLE.
        """
        async with self._store.one() as database:
            ours = LEASES.c.name.startswith(self._own, autoescape=True)
            await database.execute(delete(LEASES).where(ours))


def sealing(keys: Sequence[bytes], seen: Seen) -> bytes:
    """Of `keys`, in their order, the first that every replica has; the first if there is none."""
    return next((key for key in keys if all(key in each for each in seen.values())), keys[0])
