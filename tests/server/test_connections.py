"""Connections: found by id, by settings, or brought along; administered without giving away."""

import asyncio
import base64
import contextlib
import logging
import socket
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from providers.core.errors import Kind, ProviderError
from server.connections import brought
from server.connections.facade import Connections
from server.connections.key_places import key_ring
from server.connections.keyring import KeyRingError
from server.connections.secret_references import SecretReader, parse_secret
from server.connections.store import Store
from server.settings import SettingsError, parse
from server.vaults.facade import Vaults
from tests.server.house import basic, house, oauth
from tests.server.vendor import VendorServer
from ucal.v1 import connection_pb2

ACTIVE = connection_pb2.CONNECTION_STATE_ACTIVE
CANARY = "canary-77ab"


async def refused(work: Any) -> ProviderError:
    with pytest.raises(ProviderError) as failed:
        await work
    assert CANARY not in f"{failed.value} {failed.value.violations} {failed.value.metadata}"
    return failed.value


def field(error: ProviderError) -> str:
    assert error.kind is Kind.INVALID
    return error.violations[0][0]


# -- making, reading, listing


async def test_create_answers_without_credentials(connections: Connections) -> None:
    asked = basic("", display_name="Board", labels={"team": "blue"})
    made = await connections.directory.create(asked, "")
    assert made.id.startswith("c")
    assert made.WhichOneof("credentials") is None
    assert (made.provider, made.display_name, dict(made.labels)) == (
        "vendor",
        "Board",
        {"team": "blue"},
    )
    assert (made.state, made.region, made.is_static) == (ACTIVE, "us", False)
    assert made.etag
    assert made.created_at == made.updated_at
    assert await connections.directory.get(made.id) == made


async def test_scopes_of_tokens_are_shown(connections: Connections) -> None:
    made = await connections.directory.create(oauth(access_token="x", scopes=["read"]), "")
    assert made.granted_scopes == ["read"]


async def test_what_callers_may_not_write_is_not_taken(connections: Connections) -> None:
    asked = basic(
        state=connection_pb2.CONNECTION_STATE_DISABLED,
        region="eu",
        etag="x",
        granted_scopes=["all"],
        is_static=True,
    )
    asked.created_at.seconds = 1
    made = await connections.directory.create(asked, "")
    assert (made.state, made.region, made.is_static) == (ACTIVE, "us", False)
    assert made.granted_scopes == []
    assert made.etag != "x"
    assert made.created_at.seconds > 1


async def test_an_id_is_there_once(connections: Connections) -> None:
    await connections.directory.create(basic(), "")
    error = await refused(connections.directory.create(basic(), ""))
    assert error.kind is Kind.ALREADY_EXISTS
    assert error.resource == ("connection", "a")


REQUEST = "5f3f2f36-6a5c-4ed7-9b8e-3d6a2d7ad001"


async def test_a_request_makes_one_connection(connections: Connections) -> None:
    made = await asyncio.gather(
        *(connections.directory.create(basic(""), REQUEST) for _ in range(8))
    )
    assert len({each.id for each in made}) == 1
    found, _ = await connections.directory.list(after="", provider="", size=10)
    assert len(found) == 1
    error = await refused(connections.directory.create(basic("other"), REQUEST))
    assert (error.reason, field(error)) == ("REQUEST_ID_REUSED", "request_id")


def _without(**fields: Any) -> connection_pb2.Connection:
    return connection_pb2.Connection(id="a", **fields)


BAD: list[tuple[str, connection_pb2.Connection]] = [
    ("connection.provider", _without(provider="nope")),
    ("connection.provider", _without()),
    ("connection", _without(provider="vendor")),
    ("connection.oauth.access_token", oauth(scopes=["x"])),
    ("connection.oauth.access_token", oauth(access_token=f"{CANARY}\n")),
    ("connection.oauth.access_token", oauth(access_token=f"{CANARY}é")),
    ("connection.oauth.refresh_token", oauth(refresh_token="x" * 70_000)),
    ("connection.oauth.scopes", oauth(access_token="x", scopes=[f"{CANARY}\0"])),
    (
        "connection.basic.username",
        _without(provider="vendor", basic=connection_pb2.BasicCredentials(password=CANARY)),
    ),
    (
        "connection.basic.username",
        _without(provider="vendor", basic=connection_pb2.BasicCredentials(username="a:b")),
    ),
    (
        "connection.basic.password",
        _without(
            provider="vendor",
            basic=connection_pb2.BasicCredentials(username="a", password=f"{CANARY}\r\n"),
        ),
    ),
    (
        "connection.api_key.api_key",
        _without(provider="vendor", api_key=connection_pb2.ApiKeyCredentials(account_id="1")),
    ),
    (
        "connection.service_account.private_key",
        _without(
            provider="vendor",
            service_account=connection_pb2.ServiceAccountCredentials(client_id="x"),
        ),
    ),
    (
        "connection.api_key",
        _without(
            provider="selfhosted",
            base_url="https://dav.example.com",
            api_key=connection_pb2.ApiKeyCredentials(api_key=CANARY),
        ),
    ),
    (
        "connection.basic",
        _without(provider="plain", basic=connection_pb2.BasicCredentials(username="a")),
    ),
    (
        "connection.secret_reference.store",
        _without(
            provider="vendor",
            secret_reference=connection_pb2.SecretReference(store="memory", key="x"),
        ),
    ),
    (
        "connection.secret_reference.key",
        _without(
            provider="vendor",
            secret_reference=connection_pb2.SecretReference(store="env", key="UCAL_KEYRING"),
        ),
    ),
    (
        "connection.secret_reference.key",
        _without(
            provider="vendor",
            secret_reference=connection_pb2.SecretReference(store="file", key="/etc/passwd"),
        ),
    ),
    ("connection.base_url", basic(base_url="https://elsewhere.example.com")),
]


@pytest.mark.parametrize(("path", "asked"), BAD)
async def test_bad_connections_are_refused_at_their_field(
    connections: Connections, path: str, asked: connection_pb2.Connection
) -> None:
    assert field(await refused(connections.directory.create(asked, ""))) == path
    assert (await connections.directory.list(after="", provider="", size=9)) == ([], "")


async def test_a_time_that_is_none_is_refused(connections: Connections) -> None:
    asked = oauth(access_token="x")
    asked.oauth.expires_at.seconds = 1 << 60
    error = await refused(connections.directory.create(asked, ""))
    assert field(error) == "connection.oauth.expires_at"


async def test_a_provider_without_accounts_needs_no_credentials(connections: Connections) -> None:
    await connections.directory.create(_without(provider="plain"), "")
    resolved = await connections.resolve("a", {})
    assert resolved.provider.name == "plain"
    assert resolved.call.connection_id == "a"


async def test_list_merges_static_and_stored_page_by_page(vendor: VendorServer) -> None:
    static = [
        {"id": own_id, "provider": provider}
        for own_id, provider in [("b", "plain"), ("d", "plain"), ("m", "plain"), ("z", "vendor")]
    ]
    async with house(vendor, connections=static) as found:
        for own_id in ("a", "c", "e", "f"):
            await found.directory.create(
                _without(provider="plain") if not own_id else named(own_id), ""
            )
        for size in range(1, 10):
            seen: list[str] = []
            after = ""
            while True:
                page, after = await found.directory.list(after=after, provider="", size=size)
                assert len(page) <= size
                seen += [each.id for each in page]
                if not after:
                    break
            assert seen == ["a", "b", "c", "d", "e", "f", "m", "z"]
        page, _ = await found.directory.list(after="", provider="vendor", size=9)
        assert [(each.id, each.is_static) for each in page] == [("z", True)]


def named(own_id: str) -> connection_pb2.Connection:
    return connection_pb2.Connection(id=own_id, provider="plain")


# -- changing


async def test_update_writes_what_is_set(connections: Connections) -> None:
    before = await connections.directory.create(basic(display_name="A", labels={"a": "1"}), "")
    asked = connection_pb2.Connection(
        display_name="B", state=connection_pb2.CONNECTION_STATE_REAUTHORIZATION_REQUIRED
    )
    after = await connections.directory.update("a", asked, None)
    assert (after.display_name, dict(after.labels), after.state) == ("B", {"a": "1"}, ACTIVE)
    assert after.etag != before.etag
    assert after.created_at == before.created_at


async def test_a_mask_clears(connections: Connections) -> None:
    await connections.directory.create(basic(display_name="A", labels={"a": "1"}), "")
    mask = FieldMask(paths=["display_name", "labels"])
    after = await connections.directory.update("a", connection_pb2.Connection(), mask)
    assert (after.display_name, dict(after.labels)) == ("", {})


@pytest.mark.parametrize(
    ("path", "asked", "mask"),
    [
        ("update_mask", connection_pb2.Connection(), None),
        ("update_mask", connection_pb2.Connection(display_name="x"), ["*"]),
        ("update_mask", connection_pb2.Connection(display_name="x"), []),
        ("update_mask", connection_pb2.Connection(), ["nope"]),
        ("update_mask", connection_pb2.Connection(), ["state"]),
        ("update_mask", connection_pb2.Connection(), ["id"]),
        ("update_mask", connection_pb2.Connection(), ["labels.team"]),
        ("connection.oauth", basic(), ["basic", "oauth"]),
        ("connection.basic", connection_pb2.Connection(), ["basic"]),
        ("connection.oauth", basic(), ["oauth"]),
        ("connection.id", connection_pb2.Connection(id="b", display_name="x"), None),
        ("connection.provider", connection_pb2.Connection(provider="plain"), None),
        ("connection.base_url", connection_pb2.Connection(base_url="https://x.example"), None),
    ],
)
async def test_bad_updates_are_refused_and_change_nothing(
    connections: Connections, path: str, asked: connection_pb2.Connection, mask: list[str] | None
) -> None:
    before = await connections.directory.create(basic(), "")
    found = FieldMask(paths=mask) if mask is not None else None
    error = await refused(connections.directory.update("a", asked, found))
    assert field(error) == path
    assert await connections.directory.get("a") == before


async def test_etags(connections: Connections) -> None:
    made = await connections.directory.create(basic(), "")
    asked = connection_pb2.Connection(display_name="B", etag=made.etag)
    after = await connections.directory.update("a", asked, None)
    for work in (
        connections.directory.update("a", asked, None),
        connections.directory.delete("a", etag=made.etag, revoke=False, allow_missing=False),
    ):
        error = await refused(work)
        assert (error.kind, error.reason) == (Kind.CONFLICT, "ETAG_MISMATCH")
    assert not await connections.directory.delete(
        "a", etag=after.etag, revoke=False, allow_missing=False
    )


async def test_of_updates_with_one_etag_one_wins(connections: Connections) -> None:
    made = await connections.directory.create(basic(), "")
    results = await asyncio.gather(
        *(
            connections.directory.update(
                "a", connection_pb2.Connection(display_name=str(n), etag=made.etag), None
            )
            for n in range(8)
        ),
        return_exceptions=True,
    )
    won = [each for each in results if isinstance(each, connection_pb2.Connection)]
    assert len(won) == 1
    assert (await connections.directory.get("a")).display_name == won[0].display_name


async def test_new_credentials_count_at_once(
    connections: Connections, vendor: VendorServer
) -> None:
    vendor.access |= {"one", "two"}
    await connections.directory.create(oauth(access_token="one"), "")
    first = await connections.resolve("a", {})
    await first.call.http.send("GET", "/calendars")
    await connections.directory.update("a", oauth("", access_token="two"), None)
    second = await connections.resolve("a", {})
    await second.call.http.send("GET", "/calendars")
    assert vendor.calls == {"Bearer one": 1, "Bearer two": 1}
    assert first.account_key != second.account_key


async def test_kinds_of_credentials_can_be_exchanged(
    connections: Connections, vendor: VendorServer
) -> None:
    await connections.directory.create(oauth(access_token="x", scopes=["read"]), "")
    changed = await connections.directory.update("a", basic(""), FieldMask(paths=["basic"]))
    assert changed.granted_scopes == []
    resolved = await connections.resolve("a", {})
    assert (await resolved.call.http.send("GET", "/calendars")).status == 200


async def test_another_host_needs_the_credentials_again(vendor: VendorServer) -> None:
    """Whoever may only rename things must not have the password sent to a host of theirs."""
    async with house(vendor) as found:
        made = connection_pb2.Connection(
            id="a", provider="selfhosted", base_url="https://dav.example.com/x"
        )
        made.basic.username, made.basic.password = "ann", "secret"
        await found.directory.create(made, "")
        for theirs in ("https://evil.example.com/x", "https://dav.example.com:444/x"):
            error = await refused(
                found.directory.update("a", connection_pb2.Connection(base_url=theirs), None)
            )
            assert (error.reason, field(error)) == ("CREDENTIALS_NEEDED", "connection.base_url")
        same = connection_pb2.Connection(base_url="https://dav.example.com/y")
        assert (await found.directory.update("a", same, None)).base_url == same.base_url
        other = connection_pb2.Connection(base_url="https://new.example.com/")
        other.basic.username, other.basic.password = "ann", "new"
        assert (await found.directory.update("a", other, None)).base_url == other.base_url


async def test_delete_forgets_at_once(connections: Connections) -> None:
    await connections.directory.create(basic(), "")
    await connections.resolve("a", {})
    assert not await connections.directory.delete("a", etag="", revoke=False, allow_missing=False)
    for work in (
        connections.resolve("a", {}),
        connections.directory.get("a"),
        connections.directory.update("a", connection_pb2.Connection(display_name="x"), None),
        connections.directory.delete("a", etag="", revoke=False, allow_missing=False),
        connections.directory.test("a", {}),
    ):
        error = await refused(work)
        assert (error.kind, error.resource) == (Kind.NOT_FOUND, ("connection", "a"))
    assert await connections.directory.delete("a", etag="", revoke=False, allow_missing=True)


async def test_what_cannot_be_revoked_is_not_forgotten(connections: Connections) -> None:
    await connections.directory.create(basic(), "")
    error = await refused(
        connections.directory.delete("a", etag="", revoke=True, allow_missing=False)
    )
    assert (error.kind, error.metadata) == (Kind.UNSUPPORTED, {"capability": "revoke"})
    assert (await connections.directory.get("a")).id == "a"


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


def bring(**metadata: str | bytes) -> dict[str, str | bytes]:
    return {f"ucal-{name.replace('_', '-')}": value for name, value in metadata.items()}


PAIR = base64.b64encode(b"ann:secret").decode()


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


# -- base URLs given by users (SSRF)


@pytest.mark.parametrize(
    "url",
    [
        "http://dav.example.com/",
        "https://127.0.0.1/",
        "https://localhost/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://169.254.169.254/latest/meta-data/",
        "https://10.0.0.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://0177.0.0.1/",
        "https://user@dav.example.com/",
        "https://dav.example.com/?q=1",
        "https://dav.example.com/#x",
        "https://dav.example.com:99999/",
        "https://dav.example.com/ x",
        "https://dav.example.com\\@evil.example/",
        "https:///x",
        "ftp://dav.example.com/",
        "//dav.example.com/",
        "dav.example.com",
        "file:///etc/passwd",
        "https://dav.example.com/é",
        "https://dav.example.com\n.evil.example/",
    ],
)
async def test_base_urls_that_lead_inside_or_nowhere_are_refused(
    connections: Connections, url: str
) -> None:
    made = basic(base_url=url)
    made.provider = "selfhosted"
    assert field(await refused(connections.directory.create(made, ""))) == "connection.base_url"
    metadata = bring(provider="selfhosted", credentials=f"Basic {PAIR}", base_url=url)
    if url.strip() == url and url.isascii():
        error = await refused(connections.resolve("-", metadata))
        assert field(error) == "metadata.ucal-base-url"


async def test_the_hosts_of_the_operators_own_urls_are_closed_to_callers(
    connections: Connections, vendor: VendorServer
) -> None:
    """The vendor's double runs on loopback, by the operator's word: nobody else may name it."""
    metadata = bring(provider="selfhosted", credentials=f"Basic {PAIR}", base_url=vendor.url)
    assert field(await refused(connections.resolve("-", metadata))) == "metadata.ucal-base-url"


async def test_what_the_operator_lists_may_be_named(vendor: VendorServer) -> None:
    async with house(vendor, allowed_networks=["127.0.0.0/8"]) as found:
        metadata = bring(provider="selfhosted", credentials=f"Basic {PAIR}", base_url=vendor.url)
        resolved = await found.resolve("-", metadata)
        assert (await resolved.call.http.send("GET", "/calendars")).status == 200


async def test_a_name_that_leads_inside_is_refused_when_it_is_connected_to(
    vendor: VendorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rebound(*args: Any, **options: Any) -> Any:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 443))]

    async with house(vendor) as found:
        monkeypatch.setattr(socket, "getaddrinfo", rebound)
        loop = asyncio.get_running_loop()

        async def resolve(host: Any, port: Any, **options: Any) -> Any:
            return rebound()

        monkeypatch.setattr(type(loop), "getaddrinfo", resolve, raising=False)
        metadata = bring(
            provider="selfhosted",
            credentials=f"Basic {PAIR}",
            base_url="https://rebinding.example.com/",
        )
        resolved = await found.resolve("-", metadata)
        error = await refused(resolved.call.http.send("GET", "/calendars"))
        assert (error.kind, error.reason) == (Kind.INVALID, "ADDRESS_NOT_ALLOWED")


# -- static connections and secrets

STATIC: dict[str, Any] = {
    "id": "work",
    "provider": "vendor",
    "display_name": "Work",
    "labels": {"team": "blue"},
    "credentials": {"username": "ann", "password": "env:PASSWORD"},
}


async def test_a_static_connection(vendor: VendorServer) -> None:
    options: Any = {"connections": [STATIC], "environment": {"PASSWORD": "secret"}}
    async with house(vendor, **options) as found:
        resolved = await found.resolve("work", {})
        assert (await resolved.call.http.send("GET", "/calendars")).status == 200
        shown = await found.directory.get("work")
        assert shown.is_static
        assert (shown.display_name, dict(shown.labels)) == ("Work", {"team": "blue"})
        assert shown.WhichOneof("credentials") is None
        for work in (
            found.directory.update("work", connection_pb2.Connection(display_name="x"), None),
            found.directory.delete("work", etag="", revoke=False, allow_missing=True),
        ):
            error = await refused(work)
            assert (error.kind, error.reason) == (Kind.PRECONDITION, "STATIC_CONNECTION")
        error = await refused(found.directory.create(basic("work"), ""))
        assert error.kind is Kind.ALREADY_EXISTS


async def test_a_static_connection_may_be_on_loopback(vendor: VendorServer) -> None:
    """It is how `make run` reaches its CalDAV server: the operator wrote the URL."""
    static = {
        "id": "local",
        "provider": "selfhosted",
        "base_url": vendor.url,
        "credentials": {"username": "ann", "password": "secret"},
    }
    async with house(vendor, connections=[static]) as found:
        resolved = await found.resolve("local", {})
        assert (await resolved.call.http.send("GET", "/calendars")).status == 200
        assert (await found.directory.test("local", {})).account.name == "Ann"


async def test_a_secret_of_the_settings_that_cannot_be_had(
    vendor: VendorServer, tmp_path: Path
) -> None:
    for password, reason in (
        ("env:MISSING", "SECRET_UNAVAILABLE"),
        (f"file:{tmp_path}/missing", "SECRET_UNAVAILABLE"),
        ("vault:x", "SECRET_UNAVAILABLE"),
    ):
        static = STATIC | {"credentials": {"username": "ann", "password": password}}
        async with house(vendor, connections=[static]) as found:
            error = await refused(found.resolve("work", {}))
            assert (error.kind, error.reason) == (Kind.PRECONDITION, reason)


async def test_a_secret_in_a_file_is_read_anew(vendor: VendorServer, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text('{"username": "ann", "password": "wrong"}\n')
    static = STATIC | {"credentials": f"file:{secret}"}
    async with house(vendor, connections=[static]) as found:
        tested = await found.directory.test("work", {})
        assert tested.error is not None
        assert tested.error.kind is Kind.UNAUTHENTICATED
        secret.write_text('{"username": "ann", "password": "secret"}\n')
        assert (await found.directory.test("work", {})).error is None


async def test_a_connection_that_refers_to_a_secret(vendor: VendorServer) -> None:
    made = connection_pb2.Connection(id="a", provider="vendor")
    made.secret_reference.store, made.secret_reference.key = "env", "UCAL_SECRET_A"
    environment = {"UCAL_SECRET_A": '{"basic": {"username": "ann", "password": "secret"}}'}
    async with house(vendor, environment=environment) as found:
        shown = await found.directory.create(made, "")
        assert shown.secret_reference == made.secret_reference
        resolved = await found.resolve("a", {})
        assert (await resolved.call.http.send("GET", "/calendars")).status == 200
        changed = await found.directory.update("a", basic(""), None)
        assert not changed.HasField("secret_reference")


@pytest.mark.parametrize(
    ("secret", "kind"),
    [
        ("key", "api_key"),
        ('{"api_key": "k"}', "api_key"),
        ('{"username": "u", "password": "p"}', "basic"),
        ('{"access_token": "t", "expires_at": "2027-01-01T00:00:00Z"}', "oauth"),
        ('{"refresh_token": "t", "scopes": ["a"]}', "oauth"),
        ('{"client_id": "c", "private_key": "k"}', "service_account"),
        ('{"service_account": {"client_id": "c", "private_key": "k"}}', "service_account"),
    ],
)
def test_secrets_hold_every_kind_of_credentials(secret: str, kind: str) -> None:
    holder = connection_pb2.Connection()
    getattr(holder, kind).CopyFrom(parse_secret(secret))
    assert holder.WhichOneof("credentials") == kind


@pytest.mark.parametrize(
    "secret",
    [
        "{",
        "{}",
        f'{{"{CANARY}": 1}}',
        f'{{"password": {{"{CANARY}": 1}}}}',
        f'{{"basic": {{"{CANARY}": 1}}}}',
        f'{{"provider": {{"{CANARY}": 1}}}}',
        '{"secret_reference": {"store": "env"}}',
        f'{{"access_token": "t", "expires_at": "{CANARY}"}}',
    ],
)
def test_malformed_secrets_are_told_without_their_text(secret: str) -> None:
    with pytest.raises(ProviderError) as failed:
        parse_secret(secret)
    assert failed.value.reason == "SECRET_MALFORMED"
    assert CANARY not in str(failed.value)


def reference(store: str, key: str) -> connection_pb2.SecretReference:
    return connection_pb2.SecretReference(store=store, key=key)


def secret_reader(environment: dict[str, str], **allowed: str) -> SecretReader:
    settings = parse({"store": "memory:", "secrets": allowed})
    return SecretReader(settings.secrets, Vaults(settings), environment)


@pytest.mark.parametrize(
    ("store", "key"),
    [
        ("env", "PATH"),
        ("env", "UCAL_STORE"),
        ("env", ""),
        ("file", "../outside"),
        ("file", "/etc/passwd"),
        ("file", "link"),
        ("file", "."),
        ("file", "a\0b"),
        ("file", "x" * 2000),
    ],
)
def test_connections_of_the_api_reach_only_what_is_set_apart(
    tmp_path: Path, store: str, key: str
) -> None:
    """Else who may create connections could have any file sent to a server of theirs."""
    folder = tmp_path / "apart"
    folder.mkdir()
    (tmp_path / "outside").write_text("secret")
    (folder / "link").symlink_to(tmp_path / "outside")
    reader = secret_reader({"PATH": "x", "UCAL_STORE": "x"}, folder=str(folder))
    with pytest.raises(ProviderError) as failed:
        reader.check(reference(store, key), "connection.secret_reference")
    assert field(failed.value) == "connection.secret_reference.key"


async def test_files_that_are_set_apart_are_read(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "key").write_text("k\n")
    (tmp_path / "large").write_text("x" * 70_000)
    reader = secret_reader({}, folder=str(tmp_path))
    assert await reader.referred(reference("file", "a/key")) == "k"
    for key in ("missing", "large", "a"):
        assert (await refused(reader.referred(reference("file", key)))).reason == (
            "SECRET_UNAVAILABLE"
        )


@pytest.mark.parametrize("store", ["vault", "aws"])
def test_stores_that_nobody_has_set_up_say_so(store: str) -> None:
    with pytest.raises(ProviderError) as failed:
        secret_reader({}).check(reference(store, "x"), "f")
    assert failed.value.kind is Kind.UNSUPPORTED


# -- key rings of settings, mistakes at start


def test_key_rings_of_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    made = key_ring(parse({}))
    assert (tmp_path / ".local/state/ucal/keys").stat().st_mode & 0o777 == 0o600
    assert key_ring(parse({})).ids == made.ids
    assert key_ring(parse({"store": "memory:"})).ids != made.ids
    with pytest.raises(KeyRingError):
        key_ring(parse({"keyring": str(tmp_path / "missing")}))


async def test_a_providers_mistake_in_settings_shows_at_start(
    vendor: VendorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.server.vendor import Plain

    def refuse(self: Plain, settings: Any) -> None:
        raise ValueError("speed must be a number")

    monkeypatch.setattr(Plain, "__init__", refuse)
    with pytest.raises(SettingsError, match=r"providers\.plain: speed must be a number"):
        Connections(parse({"store": "memory:", "providers": {"plain": {"speed": "x"}}}))
