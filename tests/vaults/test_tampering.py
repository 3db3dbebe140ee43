"""R13: a changed, cut, swapped or moved row of either database opens nothing."""

from pathlib import Path

import pytest
from sqlalchemy import update

from benchmarks.chaos.tampering import account, key_file, replica, tampered
from providers.core.errors import ProviderError
from server.connections.tables import CONNECTIONS


@pytest.mark.timeout(110)
async def test_no_changed_row_opens(store: str, tmp_path: Path) -> None:
    found = await tampered(tmp_path, store)
    assert found.opened == []
    assert found.well
    assert found.refused["bit flipped"] > 1_300
    assert found.refused["truncated"] > 150
    assert found.refused["row swapped"] == found.refused["key swapped"] == 2
    assert found.refused["provider changed"] == found.refused["another key"] == 1


async def test_a_record_of_one_region_does_not_open_in_another(store: str, tmp_path: Path) -> None:
    """Even if somebody writes the other region's name into the row: the seal holds the first."""
    keys = key_file(tmp_path, "keys", b"k" * 32)
    async with replica(store, keys, "us") as here:
        await here.directory.create(account("ann"), "")
    async with replica(store, keys, "eu") as there:
        with pytest.raises(ProviderError) as refused:
            await there.resolve("ann", {})
        assert refused.value.reason == "WRONG_REGION"
        async with there.store.one() as database:
            await database.execute(update(CONNECTIONS).values(region="eu"))
        with pytest.raises(ProviderError) as refused:
            await there.resolve("ann", {})
        assert refused.value.reason == "CREDENTIALS_UNREADABLE"
