"""A desk for each test."""

import pytest

from tests.providers.sandbox.desk import Desk


@pytest.fixture
def desk() -> Desk:
    """A caller of a fresh sandbox in which nothing happens by itself."""
    return Desk()
