"""The audit record: every administrative act, once, with its end, in one breath with the act."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from providers.core.errors import Kind, ProviderError
from server.audit import export
from server.connections.facade import Connections
from server.connections.store import Store
from server.interceptors.scope import SCOPE, Scope
from tests.server.house import basic, oauth
from tests.server.vendor import VendorServer
from ucal.v1 import connection_pb2

NAME = "Ada Lovelace"
Row = tuple[str, str, str, str]


@pytest.fixture(autouse=True)
def _caller() -> Iterator[None]:
    token = SCOPE.set(Scope(caller="api_key:k1"))
    yield
    SCOPE.reset(token)


async def told(store: Store) -> list[Row]:
    """Actor, act, connection and result of every row."""
    keys = ("actor", "act", "connection_id", "result")
    return [tuple(row[key] for key in keys) async for row in export.rows(store, None, None)]


async def failed(work: Any) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await work
    return caught.value


async def test_each_act_on_a_connection_is_one_row(
    found: Connections, vendor: VendorServer
) -> None:
    vendor.access.add("good")
    directory = found.directory
    await directory.create(oauth("a", access_token="good"), "9e107d9d-372b-4d6b-8d13-000000000001")
    await directory.create(oauth("a", access_token="good"), "9e107d9d-372b-4d6b-8d13-000000000001")
    await directory.update("a", connection_pb2.Connection(display_name=NAME), None)
    await directory.test("a", {})
    await directory.get("a")
    await directory.list(after="", provider="", size=5)
    await directory.delete("a", etag="", revoke=False, allow_missing=False)
    await directory.delete("a", etag="", revoke=False, allow_missing=True)
    assert await told(found.store) == [
        ("api_key:k1", act, "a", "OK")
        for act in (
            "connection.create", "connection.update", "connection.test", "connection.delete",
        )
    ]  # fmt: skip
    rows = [row async for row in export.rows(found.store, None, None)]
    assert {(row["provider"], row["region"]) for row in rows} == {("vendor", "us")}


async def test_failures_are_recorded_with_their_reason(
    found: Connections, vendor: VendorServer
) -> None:
    directory = found.directory
    await directory.create(basic("a"), "")
    await failed(directory.create(basic("a"), ""))
    await failed(directory.create(connection_pb2.Connection(id="b", provider="nobody"), ""))
    await failed(directory.update("c", basic("c"), None))
    await failed(directory.delete("ada@example.com", etag="", revoke=False, allow_missing=False))
    wrong = connection_pb2.Connection()
    wrong.basic.username, wrong.basic.password = "ann", "wrong"
    await directory.update("a", wrong, None)
    tested = await directory.test("a", {})
    assert tested.error is not None
    rows = await told(found.store)
    assert [row[1:] for row in rows[1:]] == [
        ("connection.create", "a", "ALREADY_EXISTS"),
        ("connection.create", "", rows[2][3]),
        ("connection.update", "", "NOT_FOUND"),
        ("connection.delete", "", "NOT_FOUND"),
        ("connection.update", "a", "OK"),
        ("connection.test", "a", tested.error.reason),
    ]
    assert rows[2][3] not in {"", "OK"}


async def test_an_exception_that_nobody_expected_is_recorded_without_its_words(
    found: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    await found.directory.create(basic("a"), "")

    async def broken(*_: object) -> None:
        raise ZeroDivisionError(NAME)

    monkeypatch.setattr(found.store, "get", broken)
    with pytest.raises(ZeroDivisionError):
        await found.directory.update("a", basic("a"), None)
    assert (await told(found.store))[-1][1:] == ("connection.update", "a", "ADAPTER_FAULT")


async def test_an_authorization_is_recorded_with_what_it_made(
    found: Connections, vendor: VendorServer
) -> None:
    back = "https://app.example/b"
    url, state = await found.authorizations.start("vendor", back, (), "")
    query = dict(parse_qsl(urlsplit(url).query))
    vendor.codes["code"] = (back, query["code_challenge"])
    made = await found.authorizations.complete(state, "code")
    await failed(found.authorizations.complete(state, "code"))
    assert [row[1:] for row in await told(found.store)][:2] == [
        ("connection.create", made.id, "OK"),
        ("connection.authorize", made.id, "OK"),
    ]
    assert (await told(found.store))[2][1:3] == ("connection.authorize", "")


async def test_a_dead_grant_is_recorded_once_however_many_find_it_dead(
    found: Connections, vendor: VendorServer
) -> None:
    await found.directory.create(oauth("a", access_token="old", refresh_token="dead"), "")

    async def call() -> None:
        resolved = await found.resolve("a", {})
        await resolved.call.http.send("GET", "/calendars")

    results = await asyncio.gather(*(call() for _ in range(20)), return_exceptions=True)
    assert {type(each) for each in results} == {ProviderError}
    again = await found.directory.test("a", {})
    assert again.error is not None
    vendor.access.add("old")
    assert (await found.directory.test("a", {})).error is None
    assert [(row[0], row[1], row[3]) for row in await told(found.store)] == [
        ("api_key:k1", "connection.create", "OK"),
        ("ucal", "connection.reauthorization_required", "OK"),
        ("api_key:k1", "connection.test", "REAUTHORIZATION_REQUIRED"),
        ("ucal", "connection.active", "OK"),
        ("api_key:k1", "connection.test", "OK"),
    ]


@asynccontextmanager
async def without_record(store: Store) -> AsyncIterator[None]:
    """The table takes nothing meanwhile: as when a disk is full or somebody has locked it."""
    async with store._engine.begin() as database:
        await database.execute(text("ALTER TABLE audit RENAME TO elsewhere"))
    yield
    async with store._engine.begin() as database:
        await database.execute(text("ALTER TABLE elsewhere RENAME TO audit"))


async def test_no_act_without_its_record(found: Connections) -> None:
    directory = found.directory
    await directory.create(basic("a", display_name="before"), "")
    async with without_record(found.store):
        for work in (
            directory.create(basic("b"), ""),
            directory.update("a", connection_pb2.Connection(display_name="after"), None),
            directory.delete("a", etag="", revoke=False, allow_missing=False),
        ):
            error = await failed(work)
            assert (error.kind, error.reason) == (Kind.UNAVAILABLE, "STORE_UNAVAILABLE")
    assert (await directory.get("a")).display_name == "before"
    assert (await failed(directory.get("b"))).kind is Kind.NOT_FOUND
    assert await told(found.store) == [("api_key:k1", "connection.create", "a", "OK")]


async def test_a_failure_that_cannot_be_recorded_is_told_as_what_it_was(
    found: Connections, caplog: pytest.LogCaptureFixture
) -> None:
    async with without_record(found.store):
        error = await failed(found.directory.update("c", basic("c"), None))
    assert error.kind is Kind.NOT_FOUND
    assert "an administrative act could not be recorded" in caplog.messages


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET actor = 'nobody'",
        "UPDATE audit SET actor = 'nobody' WHERE id = 1",
        "DELETE FROM audit",
        "DELETE FROM audit WHERE id = 1",
        "INSERT OR REPLACE INTO audit SELECT * FROM audit",
        "INSERT INTO audit SELECT * FROM audit WHERE true ON CONFLICT (id) DO UPDATE SET at = 1",
        "TRUNCATE audit",
    ],
)
async def test_nothing_recorded_is_changed_or_taken_out(found: Connections, statement: str) -> None:
    await found.directory.create(basic("a"), "")
    before = await told(found.store)
    assert len(before) == 1
    with pytest.raises(SQLAlchemyError):
        async with found.store._engine.begin() as database:
            await database.execute(text(statement))
    assert await told(found.store) == before


async def test_nothing_personal_is_recorded(found: Connections, vendor: VendorServer) -> None:
    """Names, addresses, labels, hosts and credentials that acts are about stay out."""
    words = ("Ada", "ada@", "secret", "team-of", "ann")
    connection = basic("a", display_name=NAME, labels={"owner": "team-of-ada"})
    connection.basic.username = "ada@example.com"
    await found.directory.create(connection, "")
    await found.directory.update("a", connection_pb2.Connection(display_name="Ada L."), None)
    await found.directory.test("a", {})
    await failed(
        found.directory.create(basic("b", base_url="https://ada.example/", display_name=NAME), "")
    )
    await found.directory.delete("a", etag="", revoke=False, allow_missing=False)
    rows = [row async for row in export.rows(found.store, None, None)]
    assert len(rows) == 5
    assert not [word for word in words if word in str(rows)]
