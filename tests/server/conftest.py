"""Fixtures of the server's tests."""

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

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


@pytest.fixture(params=["sqlite", "postgres"])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """Settings of replicas that share a store."""
    keys = tmp_path / "keys"
    keys.write_text(base64.b64encode(b"k" * 32).decode())
    keys.chmod(0o600)
    if request.param == "sqlite":
        return {"store": f"sqlite:///{tmp_path}/ucal.db", "keyring": str(keys)}
    return {"store": request.getfixturevalue("postgres_url"), "keyring": str(keys)}
