"""From a connection's id, or from what a caller brings along, to a call."""

import base64
import contextlib
import logging
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from providers.core.errors import Kind, ProviderError
from server.connections import brought
from server.connections.facade import Connections
from server.connections.store import Store
from tests.server.house import CANARY, PAIR, basic, bring, field, house, named, oauth, refused
from tests.server.vendor import VendorServer
from ucal.v1 import connection_pb2

# -- resolving


@pytest.mark.parametrize(
    "unknown", ["nope", "", "a/b", "static/a", "-a", "x" * 65, "é", "a\n", "../a", "'; DROP"]
)
async def test_unknown_connections_are_not_found(connections: Connections, unknown: str) -> None:
    error = await refused(connections.resolve(unknown, {}))
    assert error.kind is Kind.NOT_FOUND


async def test_a_connection_of_another_region_is_refused_with_its_name(
    vendor: VendorServer, tmp_path: Path
) -> None:
    shared: Any = {"store": f"sqlite:///{tmp_path}/ucal.db", "keyring": str(_keys(tmp_path))}
    async with house(vendor, region="eu", **shared) as there:
        await there.directory.create(basic(), "")
    async with house(vendor, region="au", **shared) as here:
        error = await refused(here.resolve("a", {}))
        assert (error.reason, error.metadata) == ("WRONG_REGION", {"region": "eu"})


def _keys(folder: Path, byte: bytes = b"k") -> Path:
    path = folder / f"keys-{byte.hex()}"
    path.write_text(base64.b64encode(byte * 32).decode())
    path.chmod(0o600)
    return path


async def test_under_another_key_ring_nothing_opens(vendor: VendorServer, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/ucal.db"
    async with house(vendor, store=store, keyring=str(_keys(tmp_path))) as one:
        await one.directory.create(basic(), "")
    async with house(vendor, store=store, keyring=str(_keys(tmp_path, b"o"))) as other:
        error = await refused(other.resolve("a", {}))
        assert (error.kind, error.reason) == (Kind.PRECONDITION, "CREDENTIALS_UNREADABLE")


async def test_rows_swapped_between_connections_do_not_open(
    vendor: VendorServer, tmp_path: Path
) -> None:
    """R13: never another tenant's token."""
    path = tmp_path / "ucal.db"
    settings: Any = {"store": f"sqlite:///{path}", "keyring": str(_keys(tmp_path))}
    async with house(vendor, **settings) as found:
        await found.directory.create(basic("a"), "")
        await found.directory.create(basic("b"), "")
    with sqlite3.connect(path) as database:
        rows = dict(database.execute("SELECT name, sealed FROM grants"))
        database.execute("UPDATE grants SET sealed = ? WHERE name = 'a'", [rows["b"]])
    database.close()
    async with house(vendor, **settings) as found:
        assert (await refused(found.resolve("a", {}))).reason == "CREDENTIALS_UNREADABLE"
        await found.resolve("b", {})


async def test_no_secret_reaches_the_disk_or_the_log(
    vendor: VendorServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Canary: the files of the store are searched while it is open and after."""
    caplog.set_level(logging.DEBUG)
    settings: Any = {
        "store": f"sqlite:///{tmp_path}/ucal.db",
        "keyring": str(_keys(tmp_path)),
        "environment": {"UCAL_SECRET_A": f'{{"refresh_token": "{CANARY}-4"}}'},
    }

    def search() -> None:
        for file in tmp_path.iterdir():
            assert CANARY.encode() not in file.read_bytes(), file
        assert CANARY not in caplog.text

    vendor.refresh |= {f"{CANARY}-2", f"{CANARY}-4"}
    vendor.rotates = False
    async with house(vendor, **settings) as found:
        await found.directory.create(
            oauth("a", access_token=f"{CANARY}-1", refresh_token=f"{CANARY}-2"), ""
        )
        made = basic("b")
        made.basic.password = f"{CANARY}-3"
        await found.directory.create(made, "")
        referring = connection_pb2.Connection(id="c", provider="vendor")
        referring.secret_reference.store, referring.secret_reference.key = "env", "UCAL_SECRET_A"
        await found.directory.create(referring, "")
        for own_id in ("a", "c"):
            resolved = await found.resolve(own_id, {})
            await resolved.call.http.send("GET", "/calendars")
            assert CANARY not in repr(resolved)
            assert CANARY not in repr(found._resolver._entries.get(own_id))
        await refused((await found.resolve("b", {})).call.http.send("GET", "/calendars"))
        search()
    search()


async def test_what_was_found_is_remembered_and_the_store_may_go_away(
    connections: Connections, vendor: VendorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R16: calls of connections in use go on while the store is down."""
    await connections.directory.create(basic(), "")
    await connections.resolve("a", {})

    async def down(self: Store, connection_id: str) -> None:
        raise ProviderError(Kind.UNAVAILABLE, "down", reason="STORE_UNAVAILABLE")

    monkeypatch.setattr(Store, "get", down)
    assert (await connections.resolve("a", {})).connection_id == "a"
    assert (await refused(connections.resolve("b", {}))).reason == "STORE_UNAVAILABLE"


async def test_hints_reach_their_provider_only(connections: Connections) -> None:
    await connections.directory.create(named("a"), "")
    metadata = {"ucal-plain-latency": "5", "ucal-vendor-x": "1", "authorization": "Bearer k"}
    resolved = await connections.resolve("a", metadata)
    assert resolved.call.hints == {"latency": "5"}


async def test_the_deadline_can_be_another(connections: Connections) -> None:
    await connections.directory.create(named("a"), "")
    resolved = await connections.resolve("a", {})
    assert resolved.until(5.0).http.deadline == 5.0
    assert resolved.until(5.0).connection_id == "a"


# -- credentials brought by the caller


@pytest.mark.parametrize(
    ("credentials", "header"),
    [
        ("Bearer good", "Bearer good"),
        ("bearer  good ", "Bearer good"),
        (f"Basic {PAIR}", f"Basic {PAIR}"),
        ("ApiKey good", "Bearer good"),
    ],
)
async def test_brought_credentials_are_used_and_not_stored(
    connections: Connections, vendor: VendorServer, credentials: str, header: str
) -> None:
    vendor.access.add("good")
    resolved = await connections.resolve("-", bring(provider="vendor", credentials=credentials))
    await resolved.call.http.send("GET", "/calendars")
    assert vendor.calls == {header: 1}
    assert resolved.call.connection_id == "-"
    assert resolved.is_brought
    assert resolved.trailing_metadata() == ()
    assert await connections.store.list(after="", provider="", size=9) == []


async def test_callers_are_told_apart(connections: Connections) -> None:
    """A provider that remembers something by account_key shows nobody another's account."""
    keys = [
        (await connections.resolve("-", metadata)).call.account_key
        for metadata in (
            bring(provider="vendor", credentials="Bearer one"),
            bring(provider="vendor", credentials="Bearer two"),
            bring(provider="vendor", credentials="ApiKey one"),
            bring(provider="plain"),
        )
    ]
    assert len(set(keys)) == len(keys)
    again = await connections.resolve("-", bring(provider="vendor", credentials="Bearer one"))
    assert again.account_key == keys[0]
    assert not any("one" in key for key in keys)


@pytest.mark.parametrize(
    ("metadata", "key"),
    [
        (bring(), "ucal-provider"),
        (bring(credentials=f"Bearer {CANARY}"), "ucal-provider"),
        (bring(provider="nope", credentials=f"Bearer {CANARY}"), "ucal-provider"),
        (bring(provider="vendor"), "ucal-credentials"),
        (bring(provider="vendor", credentials=CANARY), "ucal-credentials"),
        (bring(provider="vendor", credentials="Bearer "), "ucal-credentials"),
        (bring(provider="vendor", credentials=f"Digest {CANARY}"), "ucal-credentials"),
        (bring(provider="vendor", credentials=f"Basic {CANARY}"), "ucal-credentials"),
        (bring(provider="vendor", credentials="Basic YW5u"), "ucal-credentials"),
        (bring(provider="vendor", credentials_bin=b"\xff\xff"), "ucal-credentials-bin"),
        (
            bring(provider="vendor", credentials=f"Bearer {CANARY}", credentials_bin=b"\x0a\x01x"),
            "ucal-credentials-bin",
        ),
        (bring(provider="plain", credentials=f"Bearer {CANARY}"), "ucal-credentials.oauth"),
        (bring(provider="selfhosted", credentials=f"Basic {PAIR}"), "ucal-base-url"),
        (
            bring(provider="vendor", credentials="Bearer x", base_url="https://x.example"),
            "ucal-base-url",
        ),
    ],
)
async def test_bad_metadata_is_refused_at_its_key(
    connections: Connections, metadata: dict[str, str | bytes], key: str
) -> None:
    assert field(await refused(connections.resolve("-", metadata))) == f"metadata.{key}"


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=200), packed=st.binary(max_size=200))
def test_no_metadata_breaks_the_reader(text: str, packed: bytes) -> None:
    for metadata in (
        bring(provider="p", credentials=text),
        bring(provider="p", credentials=f"Basic {text}"),
        bring(provider="p", credentials_bin=packed),
    ):
        with contextlib.suppress(ProviderError):
            brought.parse(metadata)
