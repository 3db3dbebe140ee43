"""`ucal audit prune`: the oldest acts go, by the operator alone, and that they did is an act."""

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import insert, text
from sqlalchemy.exc import SQLAlchemyError

from providers.core.errors import ProviderError
from server.access.key_store import KeyStore
from server.audit import export, prune
from server.audit.prune import PruneError
from server.cli import main
from server.connections.store import Store, TakenError
from server.connections.tables import AUDIT
from server.migrations import OlderStoreError
from tests.server.house import basic
from ucal.v1 import connection_pb2

DAY = 86_400_000_000
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
GONE = "2026-01-04"


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    """A store with an act a day for ten days of January 2026."""
    found = Store(store_url)
    await found.open()
    await fill(found)
    yield found
    await found.close()


async def fill(store: Store) -> None:
    begin = int(BEGIN.timestamp() * 1_000_000)
    about = {"act": "connection.create", "provider": "caldav", "region": "eu", "result": "OK"}
    async with store.several() as database:
        for day in range(10):
            row = {"at": begin + day * DAY, "actor": "open", "connection_id": f"c{day}"}
            await database.execute(insert(AUDIT).values(row | about))


async def rows(store: Store) -> list[dict[str, Any]]:
    return [dict(row) async for row in export.rows(store, None, None)]


async def ran(url: str, *words: str, answer: str = "") -> Result:
    """`ucal audit prune`, in a thread: it runs a loop of its own."""
    command = ["audit", "prune", "--store", url, *words]
    return await asyncio.to_thread(CliRunner().invoke, main, command, input=answer)


async def test_the_oldest_go_and_that_they_did_is_told(store: Store, store_url: str) -> None:
    result = await ran(store_url, "--before", GONE, "--yes")
    assert (result.exit_code, result.stdout) == (0, "removed 3\n")
    assert "3 acts, from 2026-01-01T00:00:00.000Z to 2026-01-03T00:00:00.000Z" in result.stderr
    *kept, told = await rows(store)
    assert [row["connection_id"] for row in kept] == [f"c{day}" for day in range(3, 10)]
    assert [row["id"] for row in kept] == list(range(4, 11))
    expected = ("audit.prune", f"cli:{os.getuid()}", "audit:2026-01-04T00:00:00Z/3", "OK")
    assert tuple(told[name] for name in ("act", "actor", "connection_id", "result")) == expected


async def test_it_says_what_would_go_and_asks(store: Store, store_url: str) -> None:
    before = await rows(store)
    for answer in ("n\n", ""):
        result = await ran(store_url, "--before", GONE, answer=answer)
        assert result.exit_code == 1
        assert "3 acts, from" in result.stderr
        assert await rows(store) == before
    assert (await ran(store_url, "--before", GONE, answer="y\n")).exit_code == 0
    assert len(await rows(store)) == 8


async def test_what_was_pruned_is_never_forgotten(store: Store) -> None:
    """Else a second time would take out the trace of the first."""
    assert await prune.prune(store, BEGIN + timedelta(days=3)) == 3
    async with store.one() as database:
        # As if it had been done long ago.
        row = {"at": 1, "actor": "cli:0", "act": "audit.prune", "connection_id": "audit:x/1"}
        empty = {"provider": "", "region": "", "result": "OK"}
        await database.execute(insert(AUDIT).values(row | empty))
    assert await prune.prune(store, BEGIN + timedelta(days=30)) == 7
    assert [row["act"] for row in await rows(store)] == ["audit.prune"] * 3
    # Ids go on behind the last: a row that was exported is not taken for another.
    assert (await rows(store))[-1]["id"] == 13


async def test_nothing_that_old_is_no_act(store: Store, store_url: str) -> None:
    before = await rows(store)
    result = await ran(store_url, "--before", "2025-01-01", "--yes")
    assert (result.exit_code, result.stdout) == (0, "nothing is that old\n")
    assert await prune.prune(store, BEGIN) == 0
    assert await rows(store) == before


@pytest.mark.parametrize("when", ["2999-01-01", "1h", "0d"])
async def test_what_is_young_stays(store: Store, store_url: str, when: str) -> None:
    result = await ran(store_url, "--before", when, "--yes")
    assert result.exit_code == 1
    assert "younger than a day stays" in result.stderr
    assert len(await rows(store)) == 10


async def test_the_guard_is_back_afterwards(store: Store) -> None:
    await prune.prune(store, BEGIN + timedelta(days=3))
    for statement in ("DELETE FROM audit", "UPDATE audit SET actor = 'nobody'"):
        with pytest.raises(SQLAlchemyError):
            async with store._engine.begin() as database:
                await database.execute(text(statement))
    assert len(await rows(store)) == 8


async def test_it_goes_whole_or_not_at_all(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its own record nothing is removed, and the guard is back."""

    async def broken(*_: object) -> None:
        raise ZeroDivisionError

    before = await rows(store)
    monkeypatch.setattr(prune, "record", broken)
    with pytest.raises(ZeroDivisionError):
        await prune.prune(store, BEGIN + timedelta(days=3))
    assert await rows(store) == before
    with pytest.raises(SQLAlchemyError):
        async with store._engine.begin() as database:
            await database.execute(text("DELETE FROM audit"))


async def test_two_at_once_remove_and_record_it_once(store: Store) -> None:
    found = await asyncio.gather(*(prune.prune(store, BEGIN + timedelta(days=3)) for _ in range(4)))
    assert sorted(found) == [0, 0, 0, 3]
    assert [row["act"] for row in await rows(store)].count("audit.prune") == 1


async def test_a_guard_that_is_missing_is_told_and_nothing_goes(store: Store) -> None:
    """Whoever dropped it may have taken rows out."""
    is_sqlite = store._engine.dialect.name == "sqlite"
    name = "audit_no_delete" if is_sqlite else "audit_append_only ON audit"
    async with store._engine.begin() as database:
        await database.execute(text(f"DROP TRIGGER {name}"))
    with pytest.raises(PruneError, match="is not there"):
        await prune.prune(store, BEGIN + timedelta(days=3))
    assert len(await rows(store)) == 10


# -- roles of PostgreSQL, as docs/operations.md sets them up

DOCUMENT = Path(__file__).parents[2] / "docs" / "operations.md"
ROLE = "ucal_service"


def grants(role: str) -> list[str]:
    """The statements of the document, for `role`."""
    (found,) = re.findall(rf"```sql\n(CREATE ROLE {ROLE}.*?)```", DOCUMENT.read_text(), re.DOTALL)
    return [each for each in found.replace(ROLE, role).split(";\n") if each]


THEFT = (
    "DELETE FROM audit",
    "UPDATE audit SET actor = 'nobody'",
    "TRUNCATE audit",
    "DROP TABLE audit",
    "ALTER TABLE audit DISABLE TRIGGER audit_append_only",
    "ALTER TABLE audit RENAME TO other",
    "DROP TRIGGER audit_append_only ON audit",
    "DROP FUNCTION audit_append_only CASCADE",
    "CREATE OR REPLACE FUNCTION audit_append_only() RETURNS trigger LANGUAGE sql AS 'SELECT NULL'",
    "SET session_replication_role = replica",
)


@pytest.fixture
async def owner(postgres_url: str) -> AsyncIterator[Store]:
    """A store in PostgreSQL, as the role that owns the tables."""
    found = Store(postgres_url)
    await found.open()
    await fill(found)
    yield found
    await found.close()


@pytest.fixture
async def service(owner: Store, postgres_url: str) -> AsyncIterator[Store]:
    """The same as the role that the service runs as."""
    name = postgres_url.rpartition("/")[2]
    role = f"service_{name}"
    async with owner._engine.begin() as database:
        for statement in grants(role):
            await database.execute(text(statement))
    found = Store(postgres_url.replace("//test@", f"//{role}@"))
    await found.open()
    yield found
    await found.close()
    async with owner._engine.begin() as database:
        await database.execute(text(f"DROP OWNED BY {role}"))
        await database.execute(text(f"DROP ROLE {role}"))


async def test_the_services_role_does_its_work(service: Store) -> None:
    await service.insert(basic("a"), b"sealed", "")
    with pytest.raises(TakenError):
        await service.insert(basic("a"), b"sealed", "")
    assert await service.update(basic("a", display_name="b"), 1, b"other")
    assert await service.mark("a", connection_pb2.CONNECTION_STATE_DISABLED, grant_version=0) in {
        True, False,
    }  # fmt: skip
    assert await service.delete("a", None)
    assert await service.lease("x", "me", 5)
    await service.release("x", "me")
    keys = KeyStore(service)
    await keys.add("k", b"hash", name="n", environment="live", grants=())
    assert await keys.revoke("k")
    acts = [row["act"] for row in (await rows(service))[10:]]
    assert acts[:2] == ["connection.create", "connection.update"]
    assert acts[-3:] == ["connection.delete", "api_key.create", "api_key.revoke"]


async def test_the_services_role_does_not_change_the_schema_and_says_so(
    owner: Store, service: Store
) -> None:
    async with owner._engine.begin() as database:
        await database.execute(text("DROP TABLE ring_keys"))
        await database.execute(text("UPDATE alembic_version SET version_num = '0004'"))
    with pytest.raises(OlderStoreError, match="as the owner of the tables first"):
        await service.open()
    await owner.open()
    await service.open()
    async with service.one() as database:
        # By the default privileges, which a new table gets.
        assert (await database.execute(text("SELECT count(*) FROM ring_keys"))).scalar() == 0


@pytest.mark.parametrize("statement", THEFT)
async def test_whoever_has_the_services_role_takes_nothing_out(
    service: Store, statement: str
) -> None:
    before = await rows(service)
    with pytest.raises(SQLAlchemyError):
        async with service._engine.begin() as database:
            await database.execute(text(statement))
    with pytest.raises(PruneError, match="the role that owns the tables"):
        await prune.prune(service, BEGIN + timedelta(days=3))
    assert await rows(service) == before
    # It is the guard that pruning found, and it is there yet.
    with pytest.raises(ProviderError):
        async with service.one() as database:
            await database.execute(text("DELETE FROM audit"))


async def test_the_owner_prunes_beside_the_service(owner: Store, service: Store) -> None:
    assert await prune.prune(owner, BEGIN + timedelta(days=3)) == 3
    await service.insert(basic("a"), b"sealed", "")
    acts = [row["act"] for row in await rows(service)]
    assert acts[-2:] == ["audit.prune", "connection.create"]
    assert json.dumps(acts).count("audit.prune") == 1
