"""One desk for each test, whose exchanges are held against Zoom's specification."""

from collections.abc import AsyncIterator

import pytest

from tests.providers.zoom import spec
from tests.providers.zoom.desk import Desk
from tests.providers.zoom.desk import desk as a_desk


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    """The provider on a double of its own."""
    async with a_desk() as found:
        yield found
        # test_spec says by name when there is no specification to hold them against.
        if spec.there():
            problems = [each for exchange in found.zoom.journal for each in spec.check(exchange)]
            assert not problems, "\n".join(problems[:20])
