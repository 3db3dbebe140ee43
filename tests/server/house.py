"""`Connections` for tests: over the vendor of `tests.server.vendor`, in memory unless said."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from providers.core.errors import Kind, ProviderError
from providers.core.http import Reply
from server.connections.facade import Connections
from server.settings import parse
from tests.server.vendor import VendorServer
from ucal.v1 import connection_pb2

CANARY = "canary-77ab"
PAIR = base64.b64encode(b"ann:secret").decode()


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


def named(own_id: str) -> connection_pb2.Connection:
    return connection_pb2.Connection(id=own_id, provider="plain")


async def refused(work: Any) -> ProviderError:
    with pytest.raises(ProviderError) as failed:
        await work
    assert CANARY not in f"{failed.value} {failed.value.violations} {failed.value.metadata}"
    return failed.value


def field(error: ProviderError) -> str:
    assert error.kind is Kind.INVALID
    return error.violations[0][0]


def bring(**metadata: str | bytes) -> dict[str, str | bytes]:
    return {f"ucal-{name.replace('_', '-')}": value for name, value in metadata.items()}
