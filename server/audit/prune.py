"""The end of the record's oldest rows: an act of the operator's, and itself in the record.

Triggers refuse everybody who deletes rows. Pruning lifts them within one transaction, which takes
the right to change the table: on PostgreSQL a role that only writes rows has no such right
(docs/operations.md). Rows that say what was pruned stay for ever, so that a gap has its reason.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from server.audit.entries import AUDIT_PRUNED, Entry, record
from server.audit.export import micros, stamp
from server.connections.store import Store
from server.connections.tables import AUDIT

# What happened today nobody takes out, by mistake or otherwise.
LEAST = timedelta(days=1)
# Acts wait while the rows go: PostgreSQL's lock, SQLite's transaction.
_LOCK_WAIT = "10s"
_NO_RIGHT = "42501"  # insufficient_privilege, PostgreSQL, appendix A


class PruneError(Exception):
    """Nothing was removed; the text says why."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows of the record: how many, and when the first and the last of them were written."""

    count: int
    first: str = ""
    last: str = ""


async def outlook(store: Store, before: datetime) -> Rows:
    """What `prune` would remove.

    Raises:
        PruneError: `before` is not long enough ago, by the database's clock.
        ProviderError: UNAVAILABLE, the store cannot be reached.
    """
    found = select(func.count(), func.min(AUDIT.c.at), func.max(AUDIT.c.at)).where(_old(before))
    async with store.one() as database:
        now = (await database.execute(select(store.now()))).scalar_one()
        if micros(before) > int(now) * 1000 - LEAST // timedelta(microseconds=1):
            raise PruneError("what is younger than a day stays: name an earlier time")
        count, first, last = (await database.execute(found)).one()
    return Rows(count, stamp(first), stamp(last)) if count else Rows(0)


async def prune(store: Store, before: datetime) -> int:
    """Remove the rows from before `before`, and record it with time and number; how many.

    Raises:
        PruneError: see `outlook`; the triggers are not there as they should be; or this role of
            the database may not lift them.
        ProviderError: UNAVAILABLE, the store cannot be reached, or somebody holds its lock.
    """
    await outlook(store, before)
    async with _lifted(store) as database:
        found = await database.execute(delete(AUDIT).where(_old(before)))
        count = int(found.rowcount)
        if count:
            until = before.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
            # No connection's id has a colon.
            about = f"audit:{until}/{count}"
            await record(store, database, Entry(AUDIT_PRUNED, connection_id=about))
    return count


def _old(before: datetime) -> ColumnElement[bool]:
    return and_(AUDIT.c.at < micros(before), AUDIT.c.act != AUDIT_PRUNED)


@asynccontextmanager
async def _lifted(store: Store) -> AsyncIterator[AsyncConnection]:
    """A transaction in which rows may be deleted; the triggers are back when it ends."""
    # Begun by hand: SQLite's driver begins none before it drops a trigger.
    async with store.one() as database:
        is_sqlite = database.dialect.name == "sqlite"
        await database.execute(text("BEGIN IMMEDIATE" if is_sqlite else "BEGIN"))
        try:
            if is_sqlite:
                guard = await _drop_guard(database)
                yield database
                await database.exec_driver_sql(guard)
            else:
                await _disable_guard(database)
                yield database
                await database.execute(text("ALTER TABLE audit ENABLE TRIGGER audit_append_only"))
        except BaseException as error:
            await database.execute(text("ROLLBACK"))
            if isinstance(error, DBAPIError) and _state(error) == _NO_RIGHT:
                raise PruneError(
                    "this role of the database may only add to the record: name the store with "
                    "the role that owns the tables"
                ) from None
            raise
        await database.execute(text("COMMIT"))


async def _drop_guard(database: AsyncConnection) -> str:
    """Drop SQLite's trigger; the statement that makes it again."""
    found = await database.execute(
        text("SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name = 'audit_no_delete'")
    )
    guard = found.scalar()
    if not guard:
        raise _unguarded()
    await database.execute(text("DROP TRIGGER audit_no_delete"))
    return str(guard)


async def _disable_guard(database: AsyncConnection) -> None:
    await database.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_WAIT}'"))
    found = await database.execute(
        text(
            "SELECT tgenabled::text FROM pg_trigger "
            "WHERE tgrelid = 'audit'::regclass AND tgname = 'audit_append_only'"
        )
    )
    if found.scalar() not in {"O", "A"}:
        raise _unguarded()
    await database.execute(text("ALTER TABLE audit DISABLE TRIGGER audit_append_only"))


def _unguarded() -> PruneError:
    return PruneError(
        "the trigger that keeps the record is not there: somebody has been at the database. Find "
        "out what is missing from the record before anything else goes"
    )


def _state(error: DBAPIError) -> str:
    return str(getattr(error.orig, "sqlstate", ""))
