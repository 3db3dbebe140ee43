"""`ucal doctor` on buses that carry what is said, and on one that does not."""

from pathlib import Path

from tests.ports import free_port
from tests.replicas.conftest import Ground, database, ground  # noqa: F401
from tests.server.terminal import ucal


def _written(folder: Path, store: str, bus: str) -> str:
    keys = folder / "keys"
    keys.touch(mode=0o600)
    keys.write_text("A" * 43 + "=\n")
    path = folder / "ucal.toml"
    path.write_text(
        f'listen = "127.0.0.1:0"\nstore = "{store}"\nbus = "{bus}"\nkeyring = "{keys}"\n'
    )
    return str(path)


async def test_a_bus_that_works_is_well(ground: Ground, tmp_path: Path) -> None:  # noqa: F811
    ran = await ucal(
        "doctor", "--offline", "--config", _written(tmp_path, ground.store, ground.bus)
    )
    kind = ground.bus.partition(":")[0]
    assert f"ok    bus: {kind} carries what is said" in ran.out


async def test_a_bus_that_is_away_is_told_without_its_address(tmp_path: Path) -> None:
    bus = f"nats://ann:hunter2@127.0.0.1:{free_port()}"
    ran = await ucal("doctor", "--offline", "--config", _written(tmp_path, "memory:", bus))
    assert ran.code == 1
    assert "fail  bus: nats cannot be reached" in ran.out
    assert "hunter2" not in ran.out
