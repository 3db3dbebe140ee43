"""`Connections` for tests: over the vendor of `tests.server.vendor`, in memory unless said."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from providers.core.http import Reply
from server.connections.facade import Connections
from server.settings import parse
from tests.server.vendor import VendorServer
from ucal.v1 import connection_pb2


@asynccontextmanager
async def house(
    vendor: VendorServer,
    *,
    environment: dict[str, str] | None = None,
    **settings: Any,
) -> AsyncIterator[Connections]:
    """Connections with `settings` on top of those of the vendor."""
    given = {"store": "memory:", "providers": vendor.settings(), **settings}
    found = Connections(parse(given), environment=environment or {})
    try:
        await found.open()
        yield found
    finally:
        await found.close()


def oauth(own_id: str = "a", **tokens: Any) -> connection_pb2.Connection:
    """A connection with OAuth tokens."""
    return connection_pb2.Connection(
        id=own_id,
        provider="vendor",
        oauth=connection_pb2.OAuthCredentials(**tokens),
    )


def basic(own_id: str = "a", **fields: Any) -> connection_pb2.Connection:
    """A connection with a password."""
    made = connection_pb2.Connection(id=own_id, provider="vendor", **fields)
    made.basic.username, made.basic.password = "ann", "secret"
    return made


async def call(found: Connections, connection_id: str = "a", **metadata: Any) -> Reply:
    """A call of the connection, which the vendor answers."""
    resolved = await found.resolve(connection_id, metadata)
    return await resolved.call.http.send("GET", "/calendars")
