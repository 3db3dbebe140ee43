"""Fixtures of the audit record's tests."""

from collections.abc import AsyncIterator

import pytest

from providers.registry import PROVIDERS
from server.connections.facade import Connections
from tests.postgres import postgres_server, postgres_url, store_url
from tests.server.house import house
from tests.server.vendor import ROW, VendorServer

__all__ = ["found", "postgres_server", "postgres_url", "store_url", "vendor"]


@pytest.fixture
async def vendor(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[VendorServer]:
    monkeypatch.setitem(PROVIDERS, "vendor", ROW)
    async with VendorServer().running() as server:
        yield server


@pytest.fixture
async def found(vendor: VendorServer, store_url: str) -> AsyncIterator[Connections]:
    """One replica on a store that lasts."""
    keys = {"KEYS": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}
    more = {"store": store_url, "keyring": "env:KEYS", "redirect_uris": ["https://app.example/b"]}
    async with house(vendor, environment=keys, **more) as connections:
        yield connections
