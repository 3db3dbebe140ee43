"""A desk for each test, and a series to change."""

import pytest

from tests.providers.sandbox.desk import WEEKLY, Desk, meeting
from ucal.v1 import event_pb2


@pytest.fixture
def desk() -> Desk:
    """A caller of a fresh sandbox in which nothing happens by itself."""
    return Desk()


@pytest.fixture
async def made(desk: Desk) -> event_pb2.Event:
    """A weekly series of six, on the days of `PLAN`."""
    return await desk.make(meeting("weekly", None, 30, WEEKLY))
