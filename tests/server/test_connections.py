"""Connections: found by id, by settings, or brought along; administered without giving away."""

import asyncio
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from providers.core.errors import Kind
from server.connections.facade import Connections
from tests.server.house import CANARY, basic, field, house, named, oauth, refused
from tests.server.vendor import VendorServer
from ucal.v1 import connection_pb2

ACTIVE = connection_pb2.CONNECTION_STATE_ACTIVE


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
