"""Fixtures: stores of both kinds, replicas over a vendor, and a real OpenBao."""

import base64
from pathlib import Path
from typing import Any

import pytest

from tests.postgres import postgres_server, postgres_url, store_url
from tests.server.conftest import vendor
from tests.vaults.openbao import bao, vault

__all__ = ["bao", "postgres_server", "postgres_url", "store_url", "vault", "vendor"]


@pytest.fixture
def store(store_url: str) -> str:
    """A store that replicas can share."""
    return store_url


@pytest.fixture
def shared(store: str, tmp_path: Path) -> dict[str, Any]:
    """Settings of replicas that share a store and a key file."""
    keys = tmp_path / "keys"
    keys.write_text(base64.b64encode(b"k" * 32).decode())
    keys.chmod(0o600)
    return {"store": store, "keyring": str(keys)}
