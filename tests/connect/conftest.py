"""Fixtures of the pages' tests."""

from collections.abc import AsyncIterator

import pytest

from tests.connect.world import World, world
from tests.server.conftest import vendor
from tests.server.vendor import VendorServer

__all__ = ["vendor"]


@pytest.fixture
async def here(vendor: VendorServer) -> AsyncIterator[World]:
    """A service that is open on loopback."""
    async with world(vendor) as found:
        yield found
