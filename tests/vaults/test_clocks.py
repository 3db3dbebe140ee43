"""R11: replicas whose clocks are ten minutes off, each way."""

from pathlib import Path

import pytest

from benchmarks.chaos.skewed import skewed


async def test_refreshes_leases_and_tokens_do_not_mind_wrong_clocks(
    store: str, tmp_path: Path
) -> None:
    found = await skewed(tmp_path, store)
    assert found.apart > 1_190
    assert set(found.codes) == {"200"}
    assert (found.refreshes, found.killed) == (found.rounds, 0)
    assert found.leases
    assert found.tokens


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
async def test_tokens_that_live_shorter_than_clocks_differ_are_refreshed_a_little_often(
    store: str, tmp_path: Path
) -> None:
    """To the one that is ahead, what the other has stamped is over; it does not ping-pong."""
    found = await skewed(tmp_path, store, life=300)
    assert set(found.codes) == {"200"}
    assert found.rounds <= found.refreshes <= 3 * found.rounds
    assert found.killed == 0
