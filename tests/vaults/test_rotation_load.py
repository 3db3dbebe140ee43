"""R14, must show 4: `ucal keys rotate` under 500 calls a second fails no call."""

from pathlib import Path

import pytest

from benchmarks.chaos.rotation import rotation_under_load
from tests.vaults.openbao import OpenBao

# What a shared machine keeps up with while other tests run; `make chaos` drives 500.
RATE = 200.0


@pytest.mark.timeout(110)
async def test_a_rotation_under_load_fails_no_call(store: str, tmp_path: Path) -> None:
    found = await rotation_under_load(tmp_path, store, rate=RATE, connections=150, calm=1.0)
    assert set(found.load.codes) == {"OK"}, found.load.failed
    assert sum(found.load.codes.values()) > 1_000
    assert (found.old_opens, found.new_opens, found.records) == (0, 150, 150)
    assert found.paged, "a page token of before the rotation was refused"
    assert "2 of 2 replicas seal with it; records left: 0" in found.told
    assert "retired: " in found.told


@pytest.mark.timeout(110)
async def test_a_ring_that_a_vault_wraps_rotates_under_load_too(
    vault: OpenBao, tmp_path: Path
) -> None:
    found = await rotation_under_load(
        tmp_path,
        f"sqlite:///{tmp_path}/ucal.db",
        keyring="vault:transit/ucal",
        more=f'[vault]\naddress = "{vault.address}"\ntoken = "{vault.token}"',
        rate=RATE,
        connections=150,
        calm=1.0,
    )
    assert set(found.load.codes) == {"OK"}, found.load.failed
    assert (found.new_opens, found.records) == (150, 150)
    assert found.paged
    assert "retired: " in found.told
