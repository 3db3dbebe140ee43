"""Fixtures of the canaries: a bus and a database that replicas share."""

from tests.replicas.conftest import database, ground

__all__ = ["database", "ground"]
