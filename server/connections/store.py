"""The store: connections, sealed credentials, leases, in SQLite or PostgreSQL.

It knows nothing of keys: what it writes has been sealed. Every method is one statement, or a
transaction whose first statement writes, so that SQLite never has to turn a reader into a writer.
"""

import secrets
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, delete, func, insert, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from providers.core.errors import Kind, ProviderError
from server.audit import entries
from server.audit.entries import Entry
from server.connections.engine import make_engine, prepare
from server.connections.mishaps import Mishaps
from server.connections.records import Record, StoredGrant, from_row, to_row
from server.connections.tables import CONNECTIONS, GRANTS, LEASES
from server.migrations import upgrade
from ucal.v1 import connection_pb2

_MAX_VERSION = 1 << 62
_ACTIVE = connection_pb2.CONNECTION_STATE_ACTIVE
# What the audit record says of a connection.
_ABOUT = (CONNECTIONS.c.id, CONNECTIONS.c.provider, CONNECTIONS.c.region)


class TakenError(Exception):
    """A connection with this id, or made by this request, is there already."""


class Store:
    """Connections at rest. `open` comes first, `close` last."""

    def __init__(self, setting: str) -> None:
        """`setting`: see `make_engine`.

        Raises:
            StoreSettingError: it cannot be used.
        """
        self._engine: AsyncEngine = make_engine(setting)
        self._single = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        self._mishaps = Mishaps()

    async def open(self) -> None:
        """Bring the schema up to date.

        Raises:
            ProviderError: UNAVAILABLE, the store cannot be reached.
            NewerStoreError, OlderStoreError: it is of another version, and stays so.
        """
        async with self._told():
            await prepare(self._engine)
            await upgrade(self._engine)

    async def close(self) -> None:
        """Close every connection to the database."""
        await self._engine.dispose()

    async def ping(self) -> None:
        """Ask the database for a sign of life.

        Raises:
            ProviderError: UNAVAILABLE.
        """
        async with self.one() as database:
            await database.execute(select(literal(1)))

    @asynccontextmanager
    async def _told(self) -> AsyncIterator[None]:
        """Whatever the database says becomes one sentence of ours: its text quotes values."""
        try:
            yield
        except (SQLAlchemyError, OSError) as error:
            self._mishaps.met(error)
            raise ProviderError(
                Kind.UNAVAILABLE,
                "the store of connections cannot be reached",
                reason="STORE_UNAVAILABLE",
                retry_after=1.0,
            ) from None

    @asynccontextmanager
    async def one(self) -> AsyncIterator[AsyncConnection]:
        """For a single statement."""
        async with self._told(), self._single.connect() as database:
            yield database

    @asynccontextmanager
    async def several(self) -> AsyncIterator[AsyncConnection]:
        """For several statements, the first of which writes."""
        async with self._told(), self._engine.begin() as database:
            yield database

    # -- connections

    async def get(self, connection_id: str) -> Record | None:
        """The connection, with what is stored of its credentials."""
        async with self.one() as database:
            found = await database.execute(_joined().where(CONNECTIONS.c.id == connection_id))
            row = found.mappings().first()
        return from_row(row) if row is not None else None

    async def made_by(self, request_id: str) -> Record | None:
        """The connection that the call `request_id` made."""
        async with self.one() as database:
            found = await database.execute(_joined().where(CONNECTIONS.c.request_id == request_id))
            row = found.mappings().first()
        return from_row(row) if row is not None else None

    async def list(self, *, after: str, provider: str, size: int) -> Sequence[Record]:
        """At most `size` connections by id, those behind `after`; `provider` "" for all."""
        query = _joined().where(CONNECTIONS.c.id > after).order_by(CONNECTIONS.c.id).limit(size)
        if provider:
            query = query.where(CONNECTIONS.c.provider == provider)
        async with self.one() as database:
            rows = (await database.execute(query)).mappings().all()
        return [from_row(row) for row in rows]

    async def insert(
        self, connection: connection_pb2.Connection, sealed: bytes, request_id: str
    ) -> None:
        """Add a connection; `sealed` empty: without credentials of its own.

        Raises:
            TakenError: the id or the request is there already.
        """
        now = _micros()
        row = to_row(connection) | {
            "id": connection.id,
            "provider": connection.provider,
            "region": connection.region,
            "request_id": request_id or None,
            "created_at": now,
            "updated_at": now,
            "version": 1,
        }
        async with self.several() as database:
            try:
                await database.execute(insert(CONNECTIONS).values(row))
            except IntegrityError:
                raise TakenError from None
            # A grant that a deletion left behind would be of another connection.
            await _replace_grant(database, connection.id, sealed)
            await self._record(database, entries.CREATED, connection)

    async def update(
        self, connection: connection_pb2.Connection, version: int, sealed: bytes | None
    ) -> bool:
        """Write what administrators write, if the version is still `version`.

        `sealed`: new credentials; empty: none of its own any more; None: as they are.
        """
        async with self.several() as database:
            found = await database.execute(
                update(CONNECTIONS)
                .where(CONNECTIONS.c.id == connection.id, CONNECTIONS.c.version == version)
                .values(to_row(connection) | {"updated_at": _micros(), "version": version + 1})
            )
            if not found.rowcount:
                return False
            if sealed is not None:
                await _replace_grant(database, connection.id, sealed)
            await self._record(database, entries.UPDATED, connection)
        return True

    async def delete(self, connection_id: str, version: int | None) -> bool:
        """Forget a connection and its credentials, if the version is still `version`."""
        wanted = [CONNECTIONS.c.id == connection_id]
        if version is not None:
            wanted.append(CONNECTIONS.c.version == version)
        async with self.several() as database:
            found = await database.execute(delete(CONNECTIONS).where(*wanted).returning(*_ABOUT))
            row = found.first()
            if row is None:
                return False
            await database.execute(delete(GRANTS).where(GRANTS.c.name == connection_id))
            await entries.record(self, database, Entry(entries.DELETED, *row))
        return True

    async def mark(
        self,
        connection_id: str,
        state: connection_pb2.ConnectionState.ValueType,
        *,
        grant_version: int,
    ) -> bool:
        """Note `state`, unless the credentials are others than `grant_version` by now."""
        current = select(GRANTS.c.version).where(GRANTS.c.name == connection_id).scalar_subquery()
        act = entries.ACTIVE if state == _ACTIVE else entries.DEAD
        async with self.several() as database:
            found = await database.execute(
                update(CONNECTIONS)
                .where(
                    CONNECTIONS.c.id == connection_id,
                    CONNECTIONS.c.state != int(state),
                    func.coalesce(current, 0) == grant_version,
                )
                .values(state=int(state), updated_at=_micros())
                .returning(*_ABOUT)
            )
            row = found.first()
            if row is not None:
                found_id, provider, region = row
                entry = Entry(act, found_id, provider, region, actor=entries.SERVICE)
                await entries.record(self, database, entry)
        return row is not None

    async def _record(
        self, database: AsyncConnection, act: str, connection: connection_pb2.Connection
    ) -> None:
        about = (connection.id, connection.provider, connection.region)
        await entries.record(self, database, Entry(act, *about))

    # -- grants

    async def grant(self, name: str) -> StoredGrant | None:
        """The grant called `name`: a connection's id, or "static/<id>"."""
        async with self.one() as database:
            found = await database.execute(select(GRANTS).where(GRANTS.c.name == name))
            row = found.mappings().first()
        return StoredGrant(row["sealed"], row["version"]) if row is not None else None

    async def save_grant(self, name: str, sealed: bytes, *, version: int) -> int:
        """Write what a refresh has brought; the new version, or 0 when somebody else wrote first.

        `version`: what the refresh began with; 0: there was none.
        """
        new = _version()
        values = {"sealed": sealed, "version": new}
        if version:
            statement: Any = (
                update(GRANTS).where(GRANTS.c.name == name, GRANTS.c.version == version)
            ).values(values)
        else:
            row = {"name": name, **values}
            statement = self.inserting(GRANTS, row).on_conflict_do_nothing(index_elements=["name"])
        async with self.one() as database:
            found = await database.execute(statement)
        return new if found.rowcount else 0

    # -- leases

    async def lease(self, name: str, holder: str, seconds: float) -> bool:
        """Take or prolong the lease `name`; false while another holder has it.

        Lives by the database's clock, so that replicas' clocks need not agree.
        """
        now = self.now()
        values = {"holder": holder, "until": now + int(seconds * 1000)}
        statement = self.inserting(LEASES, {"name": name, **values}).on_conflict_do_update(
            index_elements=["name"],
            set_=values,
            where=(LEASES.c.until < now) | (LEASES.c.holder == holder),
        )
        async with self.one() as database:
            found = await database.execute(statement)
        return bool(found.rowcount)

    async def release(self, name: str, holder: str) -> None:
        """Give the lease back, if it is still `holder`'s."""
        async with self.one() as database:
            await database.execute(
                delete(LEASES).where(LEASES.c.name == name, LEASES.c.holder == holder)
            )

    def inserting(self, table: Table, row: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> Any:
        """INSERT of a row, or of several, with the dialect's ON CONFLICT."""
        dialect: Any = postgresql if self._engine.dialect.name == "postgresql" else sqlite
        return dialect.insert(table).values(row)

    def now(self) -> ColumnElement[int]:
        """The database's clock, milliseconds since 1970."""
        if self._engine.dialect.name == "postgresql":
            return func.floor(func.extract("epoch", func.clock_timestamp()) * 1000)
        return func.round((func.julianday("now") - 2440587.5) * 86_400_000)


def _joined() -> Select[Any]:
    return select(
        CONNECTIONS, GRANTS.c.sealed, GRANTS.c.version.label("grant_version")
    ).select_from(CONNECTIONS.outerjoin(GRANTS, GRANTS.c.name == CONNECTIONS.c.id))


async def _replace_grant(database: AsyncConnection, name: str, sealed: bytes) -> None:
    await database.execute(delete(GRANTS).where(GRANTS.c.name == name))
    if sealed:
        row = {"name": name, "sealed": sealed, "version": _version()}
        await database.execute(insert(GRANTS).values(row))


def _version() -> int:
    """A version that no row has had: a row that is made anew is not taken for the old one."""
    return secrets.randbelow(_MAX_VERSION) + 1


def _micros() -> int:
    return time.time_ns() // 1000
