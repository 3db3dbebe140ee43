"""A store and a bus that can be killed, in both forms that the bus has."""

import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import asyncpg
import pytest

from tests.postgres import PostgresServer, binary
from tests.replicas.nats_server import NatsServer


@dataclass
class Ground:
    """What replicas share.

    Attributes:
        name: "postgresql" or "nats".
        store: setting of the store.
        bus: setting of the bus.
        server: the database.
        nats: the bus, when it is not the database's.
    """

    name: str
    store: str
    bus: str
    server: PostgresServer
    nats: NatsServer | None = None


@pytest.fixture(scope="module")
def database() -> Iterator[PostgresServer]:
    missing = [name for name in ("initdb", "postgres", "pg_isready") if not binary(name)]
    if missing:
        pytest.skip(f"PostgreSQL is not installed here: no {', '.join(missing)}")
    server = PostgresServer()
    try:
        server.start("fsync=on")
        yield server
    finally:
        server.close()


@pytest.fixture(params=["postgresql", "nats"])
async def ground(request: pytest.FixtureRequest, database: PostgresServer) -> AsyncIterator[Ground]:
    name = f"t{uuid.uuid4().hex}"
    admin = await asyncpg.connect(f"{database.url}/postgres")
    await admin.execute(f"CREATE DATABASE {name}")
    await admin.close()
    store = f"{database.url}/{name}"
    if request.param == "postgresql":
        yield Ground("postgresql", store, "postgresql:", database)
        return
    nats = NatsServer()
    nats.start()
    try:
        yield Ground("nats", store, nats.url, database, nats)
    finally:
        nats.close()
