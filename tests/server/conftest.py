"""Fixtures of the server's tests."""

from collections.abc import AsyncIterator

import pytest

from providers.registry import PROVIDERS
from server.connections.facade import Connections
from tests.postgres import postgres_server, postgres_url
from tests.server.house import house
from tests.server.vendor import PLAIN_ROW, ROW, SELF_HOSTED_ROW, VendorServer

__all__ = ["connections", "postgres_server", "postgres_url", "vendor"]


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
