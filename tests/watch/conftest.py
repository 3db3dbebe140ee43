from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tests.watch.world import World


@pytest.fixture
async def make() -> AsyncIterator[Callable[..., World]]:
    """Makes worlds, and closes their streams in the end."""
    worlds: list[World] = []

    def build(**options: Any) -> World:
        worlds.append(World(**options))
        return worlds[-1]

    yield build
    for world in worlds:
        await world.close()
        await world.clock.advance(5)
