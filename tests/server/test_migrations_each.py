"""A store of every earlier migration, with rows in every table it had, comes up to the newest."""

from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, insert, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

import server.migrations
from server.access.key_store import KeyStore
from server.audit import export
from server.connections.store import Store
from server.connections.tables import (
    API_KEYS,
    AUDIT,
    CONNECTIONS,
    GRANTS,
    LEASES,
    RING_KEYS,
    SUBSCRIPTIONS,
    TURNS,
)
from server.migrations import HEAD
from tests.server.test_migrations import ROW, version

VERSIONS = [f"{number:04}" for number in range(1, int(HEAD) + 1)]
# By the migration that made their table.
ROWS: dict[str, dict[Any, dict[str, Any]]] = {
    "0001": {
        CONNECTIONS: ROW,
        GRANTS: {"name": "old", "sealed": b"sealed", "version": 5},
        LEASES: {"name": "oauth:x", "holder": "r1", "until": 99_999_999_999_999},
    },
    "0002": {
        API_KEYS: {
            "id": "0123456789abcdef", "hash": b"hash", "name": "n", "environment": "live",
            "grants": '[{"allow": ["read"], "connections": ["*"]}]', "created_at": 1,
            "expires_at": None, "last_used_at": 2, "revoked_at": None,
        },
    },
    "0003": {
        AUDIT: {
            "at": 1_780_000_000_000_000, "actor": "open", "act": "connection.create",
            "connection_id": "old", "provider": "caldav", "region": "eu", "result": "OK",
        },
    },
    "0004": {
        SUBSCRIPTIONS: {
            "name": "old/x", "connection_id": "old", "provider": "caldav", "sealed": b"sealed",
            "renew_at": None, "wanted_until": 9, "version": 3,
        },
        TURNS: {"name": "t", "holder": "r1", "every": 60_000},
    },
    "0005": {
        RING_KEYS: {
            "ring": "eu/transit/ucal", "place": 1, "key_id": "00aa11bb", "wrapped": "vault:v1:x",
            "created_at": 4,
        },
    },
}  # fmt: skip


def _to(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(server.migrations.__file__).parent))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


async def filled(engine: AsyncEngine, revision: str) -> dict[Any, dict[str, Any]]:
    """A store of `revision`; the row of each of its tables."""
    async with engine.begin() as database:
        await database.run_sync(_to, revision)
    rows = {table: row for each in ROWS if each <= revision for table, row in ROWS[each].items()}
    async with engine.begin() as database:
        for table, row in rows.items():
            await database.execute(insert(table).values(row))
    return rows


@pytest.mark.parametrize("revision", VERSIONS)
async def test_every_row_is_there_and_in_use(
    store_url: str, engine: AsyncEngine, revision: str
) -> None:
    rows = await filled(engine, revision)
    assert await version(engine) == revision
    store = Store(store_url)
    await store.open()
    try:
        assert await version(engine) == HEAD
        async with store.one() as database:
            for table, row in rows.items():
                found = (await database.execute(select(table))).mappings().one()
                assert dict(found).items() >= row.items()
        known = await store.get("old")
        assert known is not None
        assert known.grant is not None
        key = await KeyStore(store).get("0123456789abcdef")
        assert (key is not None and key.state(9.0) == "active") is (revision >= "0002")
        # The record goes on behind what there was, and is guarded.
        assert await store.delete("old", None)
        acts = [row["act"] async for row in export.rows(store, None, None)]
        kept = ["connection.create"] if revision >= "0003" else []
        assert acts == [*kept, "connection.delete"]
        with pytest.raises(SQLAlchemyError):
            async with store._engine.begin() as database:
                await database.execute(text("DELETE FROM audit"))
    finally:
        await store.close()


def test_every_migration_has_its_rows_here() -> None:
    folder = Path(server.migrations.__file__).parent / "versions"
    made = sorted(each.name[:4] for each in folder.glob("[0-9]*.py"))
    assert made == VERSIONS
    assert made == sorted(ROWS)
