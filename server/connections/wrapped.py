"""Sealed records at rest by the key that wraps them: counted, and wrapped anew under another key.

Works on every column `sealed` that holds an envelope (`server.connections.envelope`), and never
opens a record.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, LargeBinary, Table, func, select, update

from server.connections.envelope import VERSION
from server.connections.keyring import KEY_ID_BYTES
from server.connections.store import Store
from server.connections.tables import GRANTS, SUBSCRIPTIONS

TABLES = (GRANTS, SUBSCRIPTIONS)


@dataclass(frozen=True, slots=True)
class Row:
    """A sealed record: its name and version, and the envelope."""

    name: str
    version: int
    sealed: bytes = field(repr=False)


class WrappedRecords:
    """Envelopes in the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def counts(self) -> Counter[bytes]:
        """How many records each key wraps, by the key's id.

        Raises:
            ProviderError: UNAVAILABLE.
        """
        found: Counter[bytes] = Counter()
        for table in TABLES:
            head = _head(table)
            query = select(head, func.count()).where(_sealed(table)).group_by(head)
            async with self._store.one() as database:
                for key, number in await database.execute(query):
                    found[bytes(key[len(VERSION) :])] += number
        return found

    async def under(
        self, table: Table, key_ids: Sequence[bytes], *, after: str, size: int
    ) -> list[Row]:
        """At most `size` records behind the name `after` that one of `key_ids` wraps.

        Raises:
            ProviderError: UNAVAILABLE.
        """
        query = (
            select(table.c.name, table.c.version, table.c.sealed)
            .where(table.c.name > after, _head(table).in_([VERSION + each for each in key_ids]))
            .order_by(table.c.name)
            .limit(size)
        )
        async with self._store.one() as database:
            rows = (await database.execute(query)).all()
        return [Row(name, version, bytes(sealed)) for name, version, sealed in rows]

    async def replace(self, table: Table, row: Row, sealed: bytes) -> bool:
        """Write `sealed` in place of what `row` holds, unless somebody wrote it meanwhile.

        The version stays: what is sealed is the same, and a refresh under way must not be lost.

        Raises:
            ProviderError: UNAVAILABLE.
        """
        same = (table.c.name == row.name, table.c.version == row.version)
        async with self._store.one() as database:
            done = await database.execute(
                update(table).where(*same, table.c.sealed == row.sealed).values(sealed=sealed)
            )
        return bool(done.rowcount)


def _head(table: Table) -> ColumnElement[bytes]:
    """Version and key id of a record."""
    return func.substr(table.c.sealed, 1, len(VERSION) + KEY_ID_BYTES, type_=LargeBinary)


def _sealed(table: Table) -> ColumnElement[bool]:
    return func.substr(table.c.sealed, 1, len(VERSION), type_=LargeBinary) == VERSION
