"""The store, on SQLite in a file, in memory, and on a real PostgreSQL: one suite."""

import asyncio
import sqlite3
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from providers.core.errors import Kind, ProviderError
from server.connections.engine import StoreSettingError, make_engine
from server.connections.envelope import Envelope
from server.connections.keyring import KeyRing
from server.connections.store import Store, TakenError
from server.connections.tables import METADATA
from server.migrations import HEAD, NewerStoreError, upgrade
from ucal.v1 import connection_pb2

ACTIVE = connection_pb2.CONNECTION_STATE_ACTIVE
DEAD = connection_pb2.CONNECTION_STATE_REAUTHORIZATION_REQUIRED


def connection(own_id: str, provider: str = "caldav") -> connection_pb2.Connection:
    return connection_pb2.Connection(
        id=own_id,
        provider=provider,
        display_name="Board",
        base_url="https://dav.example.com/",
        state=ACTIVE,
        region="eu",
        labels={"team": "blue"},
        granted_scopes=["read"],
    )


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "memory":
        return "memory:"
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/new/ucal.db"
    found: str = request.getfixturevalue("postgres_url")
    return found


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    store = Store(url)
    await store.open()
    yield store
    await store.close()


async def test_what_goes_in_comes_out(store: Store) -> None:
    await store.insert(connection("a"), b"sealed", "")
    found = await store.get("a")
    assert found is not None
    assert found.grant is not None
    assert found.grant.sealed == b"sealed"
    assert found.version == 1
    made = found.connection
    assert made.created_at.ToMicroseconds() == made.updated_at.ToMicroseconds() > 0
    assert made.etag
    for name in ("created_at", "updated_at", "etag"):
        made.ClearField(name)
    assert made == connection("a")
    assert await store.get("b") is None


async def test_a_secret_reference_is_kept_and_has_no_grant(store: Store) -> None:
    asked = connection("a")
    asked.secret_reference.store = "env"
    asked.secret_reference.key = "UCAL_SECRET_A"
    await store.insert(asked, b"", "")
    found = await store.get("a")
    assert found is not None
    assert found.grant is None
    assert found.connection.secret_reference == asked.secret_reference


async def test_ids_and_requests_are_there_once(store: Store) -> None:
    request = "0b0e1d5e-8a34-4f0e-9d8c-0a8c6c0a0001"
    await store.insert(connection("a"), b"1", request)
    with pytest.raises(TakenError):
        await store.insert(connection("a"), b"2", "")
    with pytest.raises(TakenError):
        await store.insert(connection("b"), b"3", request)
    await store.insert(connection("c"), b"4", "")
    found = await store.made_by(request)
    assert found is not None
    assert (found.connection.id, found.request_id) == ("a", request)
    assert found.grant is not None
    assert found.grant.sealed == b"1"
    assert await store.made_by("0b0e1d5e-8a34-4f0e-9d8c-0a8c6c0a0002") is None
    assert await store.get("b") is None


async def test_list_goes_on_where_it_ended(store: Store) -> None:
    for number in range(5):
        await store.insert(connection(f"c{number}", "caldav" if number % 2 else "zoom"), b"x", "")
    first = await store.list(after="", provider="", size=3)
    rest = await store.list(after=first[-1].connection.id, provider="", size=3)
    assert [record.connection.id for record in (*first, *rest)] == ["c0", "c1", "c2", "c3", "c4"]
    ours = await store.list(after="c1", provider="caldav", size=9)
    assert [record.connection.id for record in ours] == ["c3"]


async def test_update_needs_the_version(store: Store) -> None:
    await store.insert(connection("a"), b"old", "")
    before = await store.get("a")
    changed = connection("a")
    changed.display_name = "Blue"
    assert await store.update(changed, 1, None)
    assert not await store.update(changed, 1, b"lost")
    after = await store.get("a")
    assert before is not None
    assert after is not None
    assert (after.version, after.connection.display_name) == (2, "Blue")
    assert after.connection.etag != before.connection.etag
    assert after.grant == before.grant
    assert await store.update(changed, 2, b"new")
    third = await store.get("a")
    assert third is not None
    assert third.grant is not None
    assert third.grant.sealed == b"new"
    assert before.grant is not None
    assert third.grant.version != before.grant.version


async def test_delete_takes_the_credentials_along(store: Store) -> None:
    await store.insert(connection("a"), b"x", "")
    assert not await store.delete("a", 7)
    assert await store.grant("a") is not None
    assert await store.delete("a", 1)
    assert await store.get("a") is None
    assert await store.grant("a") is None
    assert not await store.delete("a", None)


async def test_the_etag_of_a_connection_made_anew_is_another(store: Store) -> None:
    await store.insert(connection("a"), b"x", "")
    first = await store.get("a")
    await store.delete("a", None)
    await store.insert(connection("a"), b"x", "")
    second = await store.get("a")
    assert first is not None
    assert second is not None
    assert first.connection.etag != second.connection.etag
    assert first.grant != second.grant


async def test_a_refresh_that_began_before_new_credentials_came_does_not_overwrite_them(
    store: Store,
) -> None:
    await store.insert(connection("a"), b"old", "")
    began = await store.grant("a")
    assert began is not None
    await store.update(connection("a"), 1, b"entered anew")
    assert await store.save_grant("a", b"refreshed", version=began.version) == 0
    assert not await store.mark("a", DEAD, grant_version=began.version)
    now = await store.grant("a")
    assert now is not None
    assert now.sealed == b"entered anew"
    assert await store.save_grant("a", b"refreshed", version=now.version) > 0


async def test_only_one_of_many_refreshes_is_written(store: Store) -> None:
    results = await asyncio.gather(
        *(store.save_grant("static/a", bytes([n]), version=0) for n in range(8))
    )
    assert sum(1 for result in results if result) == 1
    kept = await store.grant("static/a")
    assert kept is not None
    assert kept.version == max(results)


async def test_a_state_is_marked_once(store: Store) -> None:
    await store.insert(connection("a"), b"x", "")
    grant = await store.grant("a")
    assert grant is not None
    marks = await asyncio.gather(
        *(store.mark("a", DEAD, grant_version=grant.version) for _ in range(8))
    )
    assert sorted(marks) == [False] * 7 + [True]
    found = await store.get("a")
    assert found is not None
    assert found.connection.state == DEAD


async def test_a_lease_has_one_holder(store: Store) -> None:
    taken = await asyncio.gather(*(store.lease("refresh/a", f"r{n}", 60) for n in range(8)))
    assert sum(taken) == 1
    holder = f"r{taken.index(True)}"
    assert await store.lease("refresh/a", holder, 60)
    await store.release("refresh/a", "somebody else")
    assert not await store.lease("refresh/a", "r9", 60)
    await store.release("refresh/a", holder)
    assert await store.lease("refresh/a", "r9", 60)
    assert await store.lease("refresh/b", "r1", 60)


async def test_a_lease_ends_by_itself(store: Store) -> None:
    assert await store.lease("refresh/a", "dead replica", -1)
    assert await store.lease("refresh/a", "another", 60)


async def test_everything_at_once(store: Store) -> None:
    """No writer is turned away by another."""

    async def life(number: int) -> None:
        own = f"c{number}"
        await store.insert(connection(own), b"1", "")
        for version in range(1, 6):
            assert await store.update(connection(own), version, bytes([version]))
            assert await store.list(after="", provider="", size=50)
        assert await store.delete(own, 6)

    await asyncio.gather(*(life(number) for number in range(20)))
    assert await store.list(after="", provider="", size=50) == []


async def test_migrations_make_what_the_queries_expect(url: str) -> None:
    def differences(database: Connection) -> object:
        context = MigrationContext.configure(database, opts={"compare_type": True})
        return compare_metadata(context, METADATA)

    engine = make_engine(url)
    try:
        await upgrade(engine)
        await upgrade(engine)
        async with engine.connect() as database:
            assert await database.run_sync(differences) == []
            assert (
                await database.execute(text("SELECT version_num FROM alembic_version"))
            ).scalar() == HEAD
    finally:
        await engine.dispose()


def test_head_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", "server/migrations")
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


@pytest.mark.parametrize("url", ["sqlite", "postgres"], indirect=True)
async def test_replicas_that_start_at_once_migrate_once(url: str) -> None:
    stores = [Store(url) for _ in range(6)]
    await asyncio.gather(*(store.open() for store in stores))
    await stores[0].insert(connection("a"), b"x", "")
    assert await stores[5].get("a") is not None
    for store in stores:
        await store.close()


@pytest.mark.parametrize("url", ["sqlite", "postgres"], indirect=True)
async def test_a_store_of_a_newer_version_is_left_alone(url: str) -> None:
    store = Store(url)
    await store.open()
    await store.close()
    engine = make_engine(url)
    async with engine.begin() as database:
        await database.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await engine.dispose()
    newer = Store(url)
    with pytest.raises(NewerStoreError):
        await newer.open()
    await newer.close()


async def test_sqlite_is_its_owners_alone_and_survives_a_crash(tmp_path: Path) -> None:
    path = tmp_path / "new" / "ucal.db"
    store = Store(f"sqlite:///{path}")
    await store.open()
    await store.insert(connection("a"), b"x", "")
    # While it is open, the journal exists beside it: that is what a killed process leaves.
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0, file
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    with sqlite3.connect(path) as other:
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    other.close()
    again = Store(f"sqlite:///{path}")
    await again.open()
    assert await again.get("a") is not None
    await again.close()
    await store.close()


@pytest.mark.parametrize(
    "setting", ["mysql://x", "sqlite:///dev/null/x", "", "postgresql://[", "sqlite:"]
)
def test_bad_settings_are_refused(setting: str, tmp_path: Path) -> None:
    with pytest.raises(StoreSettingError, match="store: "):
        Store(setting.replace("sqlite:///dev", "sqlite:////dev"))


async def test_a_store_that_is_down_is_unavailable_and_quotes_nothing() -> None:
    store = Store("postgresql://ann:canary-password@127.0.0.1:1/ucal?sslmode=disable")
    calls: list[Callable[[], Awaitable[object]]] = [store.open, store.ping, lambda: store.get("a")]
    for call in calls:
        with pytest.raises(ProviderError) as failed:
            await call()
        assert failed.value.kind is Kind.UNAVAILABLE
        assert failed.value.reason == "STORE_UNAVAILABLE"
        assert "canary" not in str(failed.value)
    await store.close()


# -- envelopes

PLACE = ("eu", "caldav", "a", "")


def test_an_envelope_opens_in_its_place_only() -> None:
    """R13: copied to another connection, provider or region it does not open."""
    envelope = Envelope(KeyRing([b"k" * 32]))
    sealed = envelope.seal(b"secret", PLACE)
    assert envelope.open(sealed, PLACE) == b"secret"
    assert b"secret" not in sealed
    elsewhere = [
        ("us", "caldav", "a", ""),
        ("eu", "zoom", "a", ""),
        ("eu", "caldav", "b", ""),
        ("eu", "caldav", "a", "s"),
        ("eu", "caldav", "", "a"),
        ("eucaldav", "", "a", ""),
        ("eu", "caldav", "a"),
    ]
    for place in elsewhere:
        with pytest.raises(ProviderError) as refused:
            envelope.open(sealed, place)
        assert refused.value.reason == "CREDENTIALS_UNREADABLE"


def test_every_flipped_bit_and_every_cut_of_an_envelope_is_refused() -> None:
    """R13."""
    envelope = Envelope(KeyRing([b"k" * 32]))
    sealed = envelope.seal(b"secret", PLACE)
    changed = [
        sealed[:at] + bytes([sealed[at] ^ 1 << bit]) + sealed[at + 1 :]
        for at in range(len(sealed))
        for bit in range(8)
    ]
    cut = [sealed[:at] for at in range(len(sealed))]
    for wrong in (*changed, *cut, sealed + b"\0"):
        with pytest.raises(ProviderError):
            envelope.open(wrong, PLACE)


def test_two_seals_of_one_record_differ() -> None:
    envelope = Envelope(KeyRing.generate())
    assert envelope.seal(b"secret", PLACE)[5:] != envelope.seal(b"secret", PLACE)[5:]


def test_rewrapping_makes_the_old_key_useless() -> None:
    """R14."""
    old, new = b"o" * 32, b"n" * 32
    sealed = Envelope(KeyRing([old])).seal(b"secret", PLACE)
    both = Envelope(KeyRing([new, old]))
    again = both.rewrap(sealed)
    assert Envelope(KeyRing([new])).open(again, PLACE) == b"secret"
    with pytest.raises(ProviderError):
        Envelope(KeyRing([old])).open(again, PLACE)
    with pytest.raises(ProviderError):
        Envelope(KeyRing([new])).open(sealed, PLACE)
