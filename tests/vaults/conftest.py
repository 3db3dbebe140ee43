"""Fixtures: stores of both kinds, replicas over a vendor, and a real OpenBao."""

import base64
from pathlib import Path
from typing import Any

import pytest

from tests.postgres import postgres_server, postgres_url
from tests.server.conftest import vendor
from tests.vaults.openbao import bao, vault

__all__ = ["bao", "postgres_server", "postgres_url", "vault", "vendor"]


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store that replicas can share."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ucal.db"
    found: str = request.getfixturevalue("postgres_url")
    return found


@pytest.fixture
def shared(store: str, tmp_path: Path) -> dict[str, Any]:
    """Settings of replicas that share a store and a key file."""
    keys = tmp_path / "keys"
    keys.write_text(base64.b64encode(b"k" * 32).decode())
    keys.chmod(0o600)
    return {"store": store, "keyring": str(keys)}
