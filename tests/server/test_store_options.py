"""Options in the URL of a PostgreSQL store: those of libpq, TLS with an authority above all."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from providers.core.errors import ProviderError
from server.connections import engine
from server.connections.engine import StoreSettingError, make_engine
from server.connections.store import Store
from tests.authority import Authority
from tests.postgres import PostgresServer, binary

CANARY = "canary-password"


async def shown(url: str, name: str) -> str:
    """What the server says that the setting `name` of a connection by `url` is."""
    store = Store(url)
    try:
        async with store.one() as database:
            found = await database.execute(text(f"SHOW {name}"))
            return str(found.scalar())
    finally:
        await store.close()


async def test_what_the_server_is_told_is_told(postgres_url: str) -> None:
    url = f"{postgres_url}?application_name=ucal-eu&options=-cstatement_timeout%3D7s"
    assert await shown(url, "application_name") == "ucal-eu"
    assert await shown(url, "statement_timeout") == "7s"
    assert await shown(f"{postgres_url}?target_session_attrs=any", "search_path")


@pytest.mark.parametrize("query", ["sslmode=nonsense", "sslmode=require&sslmode", "x"])
async def test_what_cannot_be_an_option_is_told_of_the_setting(query: str) -> None:
    with pytest.raises(StoreSettingError) as caught:
        await shown(f"postgresql://ann:{CANARY}@127.0.0.1:1/ucal?{query}", "ssl")
    assert CANARY not in str(caught.value)


async def test_an_engine_shows_no_password() -> None:
    made = make_engine(f"postgresql://ann:{CANARY}@127.0.0.1:1/ucal?sslmode=disable")
    assert CANARY not in repr(made) + str(made.url)
    await made.dispose()


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def with_tls(authority: Authority) -> Iterator[str]:
    """A server with a certificate for localhost; its URL there, without options."""
    if not binary("initdb"):
        pytest.skip("PostgreSQL is not installed here: no initdb")
    server = PostgresServer()
    try:
        key, certificate = authority.leaf(dns=["localhost"])
        folder = Path(server._folder)
        for name, data in (("key", key), ("cert", certificate)):
            path = folder / f"{name}.pem"
            path.write_bytes(data)
            path.chmod(0o600)
            if server._user is not None:
                shutil.chown(path, server._user)
        files = (f"ssl_{name}_file={folder}/{name}.pem" for name in ("key", "cert"))
        server.start("ssl=on", *files)
        yield server.url.replace("127.0.0.1", "localhost") + "/postgres"
    finally:
        server.close()


async def test_the_server_is_held_against_the_authority_that_is_named(
    with_tls: str, authority: Authority, tmp_path: Path
) -> None:
    own, other = tmp_path / "own.pem", tmp_path / "other.pem"
    own.write_bytes(authority.pem)
    other.write_bytes(Authority().pem)
    assert await shown(f"{with_tls}?sslmode=verify-full&sslrootcert={own}", "ssl") == "on"
    for url in (
        f"{with_tls}?sslmode=verify-full&sslrootcert={other}",
        f"{with_tls.replace('localhost', '127.0.0.1')}?sslmode=verify-full&sslrootcert={own}",
    ):
        with pytest.raises(ProviderError) as caught:
            await shown(url, "ssl")
        assert caught.value.reason == "STORE_UNAVAILABLE"


async def test_a_server_that_froze_is_not_waited_for_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What runs beside the calls has no deadline of a caller's."""
    if not binary("initdb"):
        pytest.skip("PostgreSQL is not installed here: no initdb")
    for name in ("_STATEMENT_SECONDS", "_CONNECT_SECONDS"):
        assert getattr(engine, name) <= 60
        monkeypatch.setattr(engine, name, 0.5)
    server = PostgresServer()
    server.start()
    store = Store(f"{server.url}/postgres")
    try:
        await store.open()
        with server.frozen():
            async with asyncio.timeout(20):
                for _ in range(2):
                    with pytest.raises(ProviderError, match="cannot be reached"):
                        await store.ping()
        await store.ping()
    finally:
        await store.close()
        server.close()
