"""Sealed records at rest by the key that seals them: counted, and taken out to be sealed anew.

Credentials are envelopes (`server.connections.envelope`), subscriptions are tokens
(`server.connections.sealer`): both begin with their version and the id of the key.
"""

import base64
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, LargeBinary, Table, func, select, update

from server.connections.envelope import VERSION
from server.connections.keyring import KEY_ID_BYTES
from server.connections.store import Store
from server.connections.tables import GRANTS, SUBSCRIPTIONS

_HEAD = len(VERSION) + KEY_ID_BYTES


@dataclass(frozen=True, slots=True)
class Shelf:
    """A table of sealed records.

    Attributes:
        table: with the columns name, version and sealed.
        head: length of what holds version and key id, and of the part of it that they alone fill.
        begins: that part, for a key id.
        key_of: key id in a head.
    """

    table: Table
    head: tuple[int, int]
    begins: Callable[[bytes], bytes]
    key_of: Callable[[bytes], bytes]


def _token(key_id: bytes) -> bytes:
    # Six signs hold 36 of the 40 bits, the seventh has two of what follows.
    return base64.urlsafe_b64encode(VERSION + key_id)[:6]


def _of_token(head: bytes) -> bytes:
    return base64.urlsafe_b64decode(head.ljust(8, b"A"))[len(VERSION) : _HEAD]


ENVELOPES = Shelf(
    GRANTS, (_HEAD, _HEAD), lambda key_id: VERSION + key_id, lambda head: head[len(VERSION) :]
)
TOKENS = Shelf(SUBSCRIPTIONS, (7, 6), _token, _of_token)
SHELVES = (ENVELOPES, TOKENS)


@dataclass(frozen=True, slots=True)
class Row:
    """A sealed record: its name and version, and the envelope."""

    name: str
    version: int
    sealed: bytes = field(repr=False)


class WrappedRecords:
    """What the store holds sealed."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def counts(self) -> Counter[bytes]:
        """How many records each key seals, by the key's id.

        Raises:
            ProviderError: UNAVAILABLE.
        """
        found: Counter[bytes] = Counter()
        for shelf in SHELVES:
            head = _start(shelf.table, shelf.head[0])
            async with self._store.one() as database:
                rows = await database.execute(select(head, func.count()).group_by(head))
                for start, number in rows:
                    if len(start) == shelf.head[0]:
                        found[shelf.key_of(bytes(start))] += number
        return found

    async def under(
        self, shelf: Shelf, key_ids: Sequence[bytes], *, after: str, size: int
    ) -> list[Row]:
        """At most `size` records behind the name `after` that one of `key_ids` seals.

        Raises:
            ProviderError: UNAVAILABLE.
        """
        table = shelf.table
        begins = [shelf.begins(each) for each in key_ids]
        query = (
            select(table.c.name, table.c.version, table.c.sealed)
            .where(table.c.name > after, _start(table, shelf.head[1]).in_(begins))
            .order_by(table.c.name)
            .limit(size)
        )
        async with self._store.one() as database:
            rows = (await database.execute(query)).all()
        return [Row(name, version, bytes(sealed)) for name, version, sealed in rows]

    async def replace(self, shelf: Shelf, row: Row, sealed: bytes) -> bool:
        """Write `sealed` in place of what `row` holds, unless somebody wrote it meanwhile.

        The version stays: what is sealed is the same, and a refresh under way must not be lost.

        Raises:
            ProviderError: UNAVAILABLE.
        """
        table = shelf.table
        same = (table.c.name == row.name, table.c.version == row.version)
        async with self._store.one() as database:
            done = await database.execute(
                update(table).where(*same, table.c.sealed == row.sealed).values(sealed=sealed)
            )
        return bool(done.rowcount)


def _start(table: Table, length: int) -> ColumnElement[bytes]:
    return func.substr(table.c.sealed, 1, length, type_=LargeBinary)
