"""One desk for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.providers.acuity.desk import Desk
from tests.providers.acuity.desk import desk as a_desk


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    """The provider on a double of its own."""
    async with a_desk() as found:
        yield found
