"""Fixtures: replicas over a vendor, and a real OpenBao."""

from tests.postgres import postgres_server, postgres_url
from tests.server.conftest import vendor
from tests.vaults.openbao import bao, vault

__all__ = ["bao", "postgres_server", "postgres_url", "vault", "vendor"]
