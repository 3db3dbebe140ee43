"""`ucal keys status`, `rotate`, `rewrap` and `retire` on a store, and what `ucal doctor` finds."""

import asyncio
import importlib
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from benchmarks.chaos.tampering import account, key_file, replica
from server.cli import main
from server.connections.keyring import KeyRing
from server.connections.replicas import Replicas
from server.connections.store import Store
from server.connections.tables import AUDIT
from tests.authority import Authority
from tests.vaults.openbao import OpenBao

T = TypeVar("T")


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.import_module("server.cli.keys"), "_SETTLE_SECONDS", 0.0)


def run(work: Coroutine[Any, Any, T]) -> T:
    """In a loop of its own, as the commands have theirs."""
    return asyncio.run(work)


class House:
    """A store with two connections, its key file, and the commands."""

    def __init__(self, folder: Path) -> None:
        self.store = f"sqlite:///{folder}/ucal.db"
        self.keys = key_file(folder, "keys", b"k" * 32)
        self.more: dict[str, str] = {}
        run(self._fill())

    async def _fill(self) -> None:
        async with replica(self.store, self.keys) as found:
            for name in ("ann", "bob"):
                await found.directory.create(account(name), "")

    def ran(self, *words: str) -> Result:
        clean = {"UCAL_CONFIG": "", "UCAL_KEYRING": self.keys, "UCAL_STORE": self.store}
        return CliRunner().invoke(main, list(words), env=clean | self.more)

    def ids(self) -> list[str]:
        return [key.hex() for key in KeyRing.from_file(Path(self.keys)).ids]

    async def acts(self) -> list[str]:
        store = Store(self.store)
        async with store.one() as database:
            found = list((await database.execute(select(AUDIT.c.act))).scalars())
        await store.close()
        return found


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_a_rotation_without_servers(house: House) -> None:
    """Rotated, told, wrapped anew from here, retired; both acts are on record."""
    (old,) = house.ids()
    assert house.ran("keys", "retire").output == "no key is old\n"
    assert house.ran("keys", "rotate").exit_code == 0
    new, kept = house.ids()
    assert kept == old
    lines = house.ran("keys", "status").output.splitlines()
    assert lines[0].split()[:4] == [new, "seals", "0", "records"]
    assert lines[1].split()[:4] == [old, "opens", "2", "records"]
    refused = house.ran("keys", "retire")
    assert refused.exit_code == 1
    assert f"{old} wraps 2 records yet" in refused.output
    assert house.ran("keys", "rewrap").output == "2 records wrapped anew\n"
    assert house.ran("keys", "retire", "00000000").exit_code == 1
    assert house.ran("keys", "retire", new).exit_code == 1
    assert house.ran("keys", "retire", old).output == f"retired: {old}\n"
    assert house.ids() == [new]
    acts = run(house.acts())
    assert [act for act in acts if act.startswith("key_ring")] == [
        "key_ring.rotate",
        "key_ring.retire",
    ]


def test_waiting_without_servers_wraps_from_here(house: House) -> None:
    answer = house.ran("keys", "rotate", "--wait")
    assert answer.exit_code == 0, answer.output
    assert "records left: 0" in answer.output
    assert house.ran("keys", "retire").exit_code == 0


def test_a_key_that_a_server_seals_with_is_not_retired(house: House) -> None:
    """A replica that has not seen the new key yet: a cut network, a file that is not there."""
    house.ran("keys", "rotate", "--wait")
    new, old = house.ids()

    async def announced() -> None:
        store = Store(house.store)
        await Replicas(store).announce([bytes.fromhex(old)], bytes.fromhex(old))
        await store.close()

    run(announced())
    refused = house.ran("keys", "retire")
    assert refused.exit_code == 1
    assert f"{old}: a running server seals with it yet" in refused.output
    assert "1 of 1 replicas" in house.ran("keys", "status").output
    late = house.ran("keys", "rotate", "--wait", "--timeout", "0")
    assert late.exit_code == 1
    assert "not done in time" in late.output
    assert house.ran("keys", "rewrap").exit_code == 1
    assert house.ran("keys", "retire", "--force").exit_code == 0
    assert new not in house.ids()[1:]


def test_a_retired_key_that_is_still_needed_is_told_by_doctor(house: House) -> None:
    house.ran("keys", "rotate")
    (_, old) = house.ids()
    assert "2 record(s) are wrapped by an older key" in house.ran("doctor", "--offline").output
    house.ran("keys", "retire", "--force")
    assert f"{old}  gone         2 records that do not open" in house.ran("keys", "status").output
    told = house.ran("doctor", "--offline")
    assert told.exit_code == 1
    assert "2 record(s) open under none of its keys" in told.output


def test_keys_in_memory_have_no_status() -> None:
    answer = CliRunner().invoke(main, ["keys", "status"], env={"UCAL_STORE": "memory:"})
    assert answer.exit_code == 1
    assert "in memory alone" in answer.output


@pytest.mark.parametrize(
    ("days", "told"),
    [
        (-1, "fail  TLS: the certificate has ended"),
        (3, "note  TLS: the certificate ends in 3"),
        (90, "ok    TLS: the certificate ends in 90 days"),
    ],
)
def test_doctor_tells_when_the_certificate_ends(
    house: House, tmp_path: Path, days: float, told: str
) -> None:
    key, cert = Authority().leaf(dns=["localhost"], days=days)
    for name, text in (("crt", cert), ("key", key)):
        (tmp_path / name).write_bytes(text)
    house.more = {"UCAL_TLS_CERT": f"{tmp_path}/crt", "UCAL_TLS_KEY": f"{tmp_path}/key"}
    assert told in house.ran("doctor", "--offline").output


def test_the_commands_with_a_ring_that_a_vault_wraps(house: House, vault: OpenBao) -> None:
    house.more = {
        "UCAL_KEYRING": "vault:transit/ucal",
        "UCAL_VAULT_ADDRESS": vault.address,
        "UCAL_VAULT_TOKEN": vault.token,
    }
    house.store = house.store.replace("ucal.db", "other.db")
    assert "there are no keys yet" not in house.ran("doctor", "--offline").output

    async def started() -> None:
        store = Store(house.store)
        await store.open()
        await store.close()

    run(started())
    assert "no keys yet" in house.ran("keys", "list").output
    assert house.ran("keys", "rotate").exit_code == 0
    assert house.ran("keys", "rotate").exit_code == 0
    assert len(house.ran("keys", "list").output.splitlines()) == 2
    told = house.ran("doctor", "--offline").output
    assert "takes the service's sign-in" in told
    assert "2 key(s) in the store, which the vault unwraps" in told
    assert house.ran("keys", "retire").exit_code == 0
    assert len(house.ran("keys", "list").output.splitlines()) == 1
    vault.seal()
    try:
        sealed = house.ran("doctor", "--offline")
        assert sealed.exit_code == 1
        assert "the operator's vault is sealed" in sealed.output
        assert "is sealed" in house.ran("keys", "rotate").output
    finally:
        vault.unseal()
