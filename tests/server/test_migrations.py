"""Stores of earlier versions come up to the newest schema with every row they had, on both engines.

The schemas of those versions are written down here as they were: whoever changes an old migration
instead of adding a new one is told.
"""

import asyncio
import json
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

from server.connections.envelope import Envelope
from server.connections.keyring import KeyRing
from server.connections.store import Store
from server.connections.tables import METADATA
from server.migrations import HEAD
from ucal.v1 import connection_pb2

PLACE = ("eu", "caldav", "old", "")
ENVELOPE = Envelope(KeyRing([b"k" * 32]))
CREDENTIALS = connection_pb2.Connection(
    basic=connection_pb2.BasicCredentials(username="ann", password="secret")
).SerializeToString()

# What version 0.1.0 began with; BYTES is BLOB or BYTEA.
SCHEMA_0001 = """
CREATE TABLE connections (
  id VARCHAR(64) NOT NULL PRIMARY KEY, provider VARCHAR(64) NOT NULL,
  display_name VARCHAR(256) NOT NULL, state SMALLINT NOT NULL, base_url VARCHAR(2048) NOT NULL,
  labels TEXT NOT NULL, scopes TEXT NOT NULL, secret_store VARCHAR(16) NOT NULL,
  secret_key VARCHAR(1024) NOT NULL, region VARCHAR(32) NOT NULL, request_id VARCHAR(36),
  created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, version BIGINT NOT NULL,
  UNIQUE (request_id));
CREATE INDEX connections_by_provider ON connections (provider, id);
CREATE TABLE grants (
  name VARCHAR(80) NOT NULL PRIMARY KEY, sealed BYTES NOT NULL, version BIGINT NOT NULL);
CREATE TABLE leases (
  name VARCHAR(200) NOT NULL PRIMARY KEY, holder VARCHAR(64) NOT NULL, until BIGINT NOT NULL);
CREATE TABLE alembic_version (
  version_num VARCHAR(32) NOT NULL CONSTRAINT alembic_version_pkc PRIMARY KEY);
INSERT INTO alembic_version VALUES ('0001')
"""
ROW: dict[str, Any] = {
    "id": "old", "provider": "caldav", "display_name": "Büro", "state": 1,
    "base_url": "https://dav.example.com/", "labels": json.dumps({"team": "blue"}),
    "scopes": "[]", "secret_store": "", "secret_key": "", "region": "eu",
    "request_id": "0b0e1d5e-8a34-4f0e-9d8c-0a8c6c0a0001",
    "created_at": 1_780_000_000_000_000, "updated_at": 1_780_000_000_000_001, "version": 7,
}  # fmt: skip


async def filled(engine: AsyncEngine) -> None:
    """A store as 0.1.0 left it: one connection with credentials, one lease."""
    kind = "BYTEA" if engine.dialect.name == "postgresql" else "BLOB"
    columns = ", ".join(ROW)
    values = ", ".join(f":{name}" for name in ROW)
    async with engine.begin() as database:
        for statement in SCHEMA_0001.replace("BYTES", kind).split(";"):
            await database.execute(text(statement))
        await database.execute(text(f"INSERT INTO connections ({columns}) VALUES ({values})"), ROW)
        await database.execute(
            text("INSERT INTO grants VALUES ('old', :sealed, 5)"),
            {"sealed": ENVELOPE.seal(CREDENTIALS, PLACE)},
        )
        await database.execute(text("INSERT INTO leases VALUES ('oauth:x', 'r1', 99999999999999)"))


async def version(engine: AsyncEngine) -> str:
    async with engine.connect() as database:
        found = await database.execute(text("SELECT version_num FROM alembic_version"))
        return str(found.scalar())


def differences(database: Connection) -> object:
    context = MigrationContext.configure(database, opts={"compare_type": True})
    return compare_metadata(context, METADATA)


async def test_a_store_of_the_first_version_keeps_its_rows(
    store_url: str, engine: AsyncEngine
) -> None:
    await filled(engine)
    assert await version(engine) == "0001"
    store = Store(store_url)
    await store.open()
    try:
        found = await store.get("old")
        assert found is not None
        assert found.connection.display_name == "Büro"
        assert dict(found.connection.labels) == {"team": "blue"}
        assert found.connection.region == "eu"
        assert (found.version, found.request_id) == (7, ROW["request_id"])
        assert found.connection.created_at.ToMicroseconds() == ROW["created_at"]
        assert found.grant is not None
        assert found.grant.version == 5
        assert ENVELOPE.open(found.grant.sealed, PLACE) == CREDENTIALS
        assert not await store.lease("oauth:x", "r2", 5)
    finally:
        await store.close()
    assert await version(engine) == HEAD
    async with engine.connect() as database:
        assert await database.run_sync(differences) == []


async def test_replicas_of_the_new_version_that_start_at_once_migrate_it_once(
    store_url: str, engine: AsyncEngine
) -> None:
    await filled(engine)
    stores = [Store(store_url) for _ in range(4)]
    try:
        await asyncio.gather(*(store.open() for store in stores))
        for store in stores:
            assert await store.get("old") is not None
    finally:
        for store in stores:
            await store.close()
    assert await version(engine) == HEAD


async def test_a_migration_that_fails_leaves_the_store_as_it_was(
    store_url: str, engine: AsyncEngine
) -> None:
    """All steps are one transaction: the old version can go on with it."""
    await filled(engine)
    async with engine.begin() as database:
        await database.execute(text("CREATE TABLE ring_keys (x INTEGER)"))  # in the way of 0005
    store = Store(store_url)
    with pytest.raises(Exception, match="store"):
        await store.open()
    await store.close()
    assert await version(engine) == "0001"
    async with engine.connect() as database:
        rows = await database.execute(text("SELECT count(*) FROM connections"))
        assert rows.scalar() == 1
        with pytest.raises(Exception, match="api_keys"):
            await database.execute(text("SELECT * FROM api_keys"))
