"""Subscriptions in the store, so that any replica can renew and end what another has made.

What a row is about (the topic, the vendor's handle) is sealed: calendar ids may be personal. All
times are the database's.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec
from sqlalchemy import delete, select, update

from providers.core.operations import ResourceKind
from providers.core.push import Subscription, Topic
from server.connections.sealer import TokenError
from server.connections.store import Store
from server.connections.tables import SUBSCRIPTIONS
from server.watch.scope import Unit

_CHUNK = 500
_MOST = 100
_ROW = SUBSCRIPTIONS.c


class RowSealer(Protocol):
    """`server.connections.sealer.Sealer`, as far as it is needed here."""

    def seal(self, payload: bytes, *, bound_to: bytes = b"") -> bytes:
        """`payload`, sealed."""

    def open(self, token: bytes, *, bound_to: bytes = b"") -> bytes:
        """What was sealed.

        Raises:
            ProviderError: it was not sealed here, or its key is retired.
        """


class _Kept(msgspec.Struct, array_like=True, gc=False):
    """A `Subscription` as it is written."""

    id: str
    kind: int
    calendar_id: str
    handle: str
    expires_at: datetime | None
    renew_at: datetime | None
    secret: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A subscription at rest.

    Attributes:
        made: None when it cannot be read any more: its key is retired.
        version: changes whenever the row does.
    """

    name: str
    connection_id: str
    provider: str
    made: Subscription | None
    version: int


class SubscriptionRows:
    """Queries on the store; each raises ProviderError UNAVAILABLE when it cannot be asked."""

    def __init__(self, store: Store, sealer: RowSealer, key: Callable[[], bytes]) -> None:
        """`key`: for the rows' names, which tell nothing."""
        self._store = store
        self._sealer = sealer
        self._key = key

    def name(self, connection_id: str, unit: Unit) -> str:
        """Of the row of a topic."""
        text = f"{connection_id}\0{unit.kind}\0{unit.calendar_id}".encode()
        return hmac.digest(self._key(), text, hashlib.sha256).hex()

    async def find(self, name: str) -> Row | None:
        """The row called `name`."""
        query = select(SUBSCRIPTIONS).where(_ROW.name == name)
        async with self._store.one() as database:
            row = (await database.execute(query)).mappings().first()
        return self._row(row) if row is not None else None

    async def secrets(self, connection_id: str) -> list[str]:
        """What providers made for the subscriptions of a connection, to verify deliveries by."""
        found = await self._some(_ROW.connection_id == connection_id)
        return [row.made.secret for row in found if row.made is not None and row.made.secret]

    async def put(
        self, name: str, connection_id: str, provider: str, made: Subscription, seconds: float
    ) -> int:
        """Write what was made, wanted for `seconds`; the version."""
        values = {
            "connection_id": connection_id,
            "provider": provider,
            **self._written(name, made),
            "wanted_until": self._store.now() + int(seconds * 1000),
            "version": 1,
        }
        statement = self._store.inserting(SUBSCRIPTIONS, {"name": name, **values})
        statement = statement.on_conflict_do_update(
            index_elements=["name"], set_={**values, "version": _ROW.version + 1}
        ).returning(_ROW.version)
        async with self._store.one() as database:
            return int((await database.execute(statement)).scalar_one())

    async def want(self, names: Sequence[str], seconds: float) -> dict[str, int]:
        """Let them be wanted for `seconds` from now; versions of those that are there."""
        found: dict[str, int] = {}
        until = self._store.now() + int(seconds * 1000)
        async with self._store.one() as database:
            for part in _chunks(sorted(names)):
                statement = update(SUBSCRIPTIONS).where(_ROW.name.in_(part))
                statement = statement.values(wanted_until=until)
                rows = await database.execute(statement.returning(_ROW.name, _ROW.version))
                found.update((row.name, row.version) for row in rows)
        return found

    async def due(self) -> list[Row]:
        """Some that are to be renewed, and wanted."""
        return await self._some(
            _ROW.renew_at <= self._store.now(), _ROW.wanted_until >= self._store.now()
        )

    async def unwanted(self) -> list[Row]:
        """Some that nobody wants any longer."""
        return await self._some(_ROW.wanted_until < self._store.now())

    async def _some(self, *wanted: Any) -> list[Row]:
        query = select(SUBSCRIPTIONS).where(*wanted).limit(_MOST)
        async with self._store.one() as database:
            return [self._row(row) for row in (await database.execute(query)).mappings()]

    async def hurry(self, name: str, version: int) -> None:
        """Let the row be due now, if it is still as it was."""
        await self._change(Row(name, "", "", None, version), {"renew_at": self._store.now()})

    async def claim(self, row: Row, seconds: float) -> bool:
        """Be the one who renews `row`; others may try when `seconds` are over."""
        later = self._store.now() + int(seconds * 1000)
        return await self._change(row, {"renew_at": later})

    async def renewed(self, row: Row, made: Subscription) -> bool:
        """Write `made` in place of what the claimed `row` held."""
        claimed = Row(row.name, row.connection_id, row.provider, row.made, row.version + 1)
        return await self._change(claimed, self._written(row.name, made))

    async def _change(self, row: Row, values: Mapping[str, Any]) -> bool:
        statement = update(SUBSCRIPTIONS).where(_ROW.name == row.name, _ROW.version == row.version)
        async with self._store.one() as database:
            found = await database.execute(statement.values(**values, version=row.version + 1))
        return bool(found.rowcount)

    async def remove(self, row: Row, *, unwanted: bool = False) -> bool:
        """Take the row out; `unwanted`: only if nobody wants it again. Of two one succeeds."""
        statement = delete(SUBSCRIPTIONS).where(_ROW.name == row.name)
        if unwanted:
            statement = statement.where(_ROW.wanted_until < self._store.now())
        async with self._store.one() as database:
            return bool((await database.execute(statement)).rowcount)

    # -- sealed

    def _written(self, name: str, made: Subscription) -> dict[str, Any]:
        topic = made.topic
        kept = _Kept(
            made.id,
            topic.kind,
            topic.calendar_id,
            made.handle,
            made.expires_at,
            made.renew_at,
            made.secret,
        )
        sealed = self._sealer.seal(msgspec.msgpack.encode(kept), bound_to=name.encode())
        renew = made.renew_at
        return {
            "sealed": sealed,
            "renew_at": None if renew is None else int(renew.timestamp() * 1000),
        }

    def _row(self, row: Mapping[Any, Any]) -> Row:
        made = None
        try:
            plain = self._sealer.open(row["sealed"], bound_to=row["name"].encode())
            kept = msgspec.msgpack.decode(plain, type=_Kept)
        except (TokenError, msgspec.MsgspecError):
            pass
        else:
            kind: ResourceKind = kept.kind  # type: ignore[assignment]
            topic = Topic(kind, kept.calendar_id)
            made = Subscription(
                kept.id, topic, kept.handle, kept.expires_at, kept.renew_at, kept.secret
            )
        return Row(row["name"], row["connection_id"], row["provider"], made, row["version"])


def is_over(made: Subscription) -> bool:
    """Whether it has ended by itself."""
    return made.expires_at is not None and made.expires_at <= datetime.now(UTC)


def _chunks(names: Sequence[str]) -> Iterator[Sequence[str]]:
    for at in range(0, len(names), _CHUNK):
        yield names[at : at + _CHUNK]
