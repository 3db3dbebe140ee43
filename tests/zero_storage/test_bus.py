"""R17: what travels between replicas, and what PostgreSQL holds, speaks of nobody."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from server.bus.nats_core import NatsBus
from server.bus.ports import Bus
from server.bus.postgresql import PostgresBus
from tests.conformance.subjects import subjects
from tests.ports import free_port
from tests.replicas.conftest import Ground
from tests.zero_storage import webhooks
from tests.zero_storage.drive import Driver
from tests.zero_storage.stage import stage
from tests.zero_storage.test_canaries import searched
from tests.zero_storage.words import CORE, Searcher

# Pushes, is listed, watched and written.
(SUBJECT,) = [each for each in subjects() if each.id == "calcom"]


class Eavesdropper:
    """Another client of the same bus."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []

    def heard(self, data: bytes) -> None:
        self.frames.append(data)

    def changed(self, *, up: bool) -> None:
        """Part of Listener."""


@asynccontextmanager
async def eavesdropping(found: Ground) -> AsyncIterator[Eavesdropper]:
    bus: Bus = PostgresBus(found.store) if found.nats is None else NatsBus(found.bus)
    ear = Eavesdropper()
    await bus.open(ear)
    try:
        yield ear
    finally:
        await bus.close()


async def rows(url: str) -> list[bytes]:
    """All of all tables, as text and as bytes."""
    client = await asyncpg.connect(url)
    try:
        names = await client.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname NOT IN "
            "('pg_catalog', 'information_schema')"
        )
        return [
            value if isinstance(value, bytes) else str(value).encode()
            for (name,) in names
            for row in await client.fetch(f'SELECT * FROM "{name}"')
            for value in row.values()
        ]
    finally:
        await client.close()


@pytest.mark.xdist_group("zero-bus")
async def test_what_replicas_say_and_postgresql_holds(
    ground: Ground,
    tmp_path: Path,
) -> None:
    async with (
        eavesdropping(ground) as ear,
        stage(SUBJECT, tmp_path / "run", free_port(), store=ground.store, bus=ground.bus) as found,
    ):
        driver = Driver(found)
        await driver.all_sound()
        await driver.watches()
        assert await driver.marked_answers() > 100
        await driver.unexpected()
        assert await webhooks.deliver_all(found, as_if_signed=True)
        await searched(found)
        held = await rows(ground.store)
        assert any("Hinted" in each for each in found.bus), "nothing was said"
        assert ear.frames, "nothing was overheard"
    assert len(held) > 20, "nothing is held"
    searcher = Searcher([CORE, *found.secrets])
    for content in (*ear.frames, *held):
        assert searcher.hits(content) == []
