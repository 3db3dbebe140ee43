"""One desk for each test, whose exchanges are held against Google's discovery documents."""

from collections.abc import AsyncIterator

import pytest

from tests.providers.google import spec
from tests.providers.google.desk import Desk
from tests.providers.google.desk import desk as a_desk


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    """The provider on a double of its own."""
    async with a_desk() as found:
        yield found
    spec.check_all(found.google.journal)
