"""One desk for each test, whose exchanges are held against GoTo's OpenAPI documents."""

from collections.abc import AsyncIterator

import pytest

from tests.providers.goto import spec
from tests.providers.goto.desk import Desk
from tests.providers.goto.desk import desk as a_desk


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    """The provider on a double of its own. Without the documents nothing is held against them:
    `test_spec` says so."""
    async with a_desk() as found:
        yield found
        if spec.present():
            for exchange in found.goto.journal:
                spec.check(exchange)
