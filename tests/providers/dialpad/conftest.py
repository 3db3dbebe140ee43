"""One desk for each test, whose exchanges are held against Dialpad's OpenAPI document."""

from collections.abc import AsyncIterator

import pytest

from tests.providers.dialpad import spec
from tests.providers.dialpad.desk import Desk
from tests.providers.dialpad.desk import desk as a_desk


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    """The provider on a double of its own. Without the document nothing is held against it."""
    async with a_desk() as found:
        yield found
        if spec.present():
            for exchange in found.dialpad.journal:
                spec.check(exchange)
