"""Fixtures of the server's tests."""

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from providers.registry import PROVIDERS
from server.connections.engine import make_engine
from server.connections.facade import Connections
from tests.postgres import postgres_server, postgres_url, store_url
from tests.server.house import house
from tests.server.vendor import PLAIN_ROW, ROW, SELF_HOSTED_ROW, VendorServer

__all__ = ["connections", "postgres_server", "postgres_url", "store_url", "vendor"]


@pytest.fixture
async def vendor(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[VendorServer]:
    """The vendor, running and in the registry."""
    monkeypatch.setitem(PROVIDERS, "vendor", ROW)
    monkeypatch.setitem(PROVIDERS, "selfhosted", SELF_HOSTED_ROW)
    monkeypatch.setitem(PROVIDERS, "plain", PLAIN_ROW)
    async with VendorServer().running() as server:
        yield server


@pytest.fixture
async def connections(vendor: VendorServer) -> AsyncIterator[Connections]:
    """One replica in memory."""
    async with house(vendor) as found:
        yield found


@pytest.fixture
async def engine(store_url: str) -> AsyncIterator[AsyncEngine]:
    """Of a store that has no tables yet."""
    found = make_engine(store_url)
    yield found
    await found.dispose()


@pytest.fixture
def shared(store_url: str, tmp_path: Path) -> dict[str, Any]:
    """Settings of replicas that share a store."""
    keys = tmp_path / "keys"
    keys.write_text(base64.b64encode(b"k" * 32).decode())
    keys.chmod(0o600)
    return {"store": store_url, "keyring": str(keys)}
