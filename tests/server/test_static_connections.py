"""Connections of the settings file, and secrets that connections refer to."""

from pathlib import Path
from typing import Any

import pytest

from providers.core.errors import Kind, ProviderError
from server.connections.facade import Connections
from server.connections.key_places import key_ring
from server.connections.keyring import KeyRingError
from server.connections.secret_references import SecretReader, parse_secret
from server.settings import SettingsError, parse
from server.vaults.facade import Vaults
from tests.server.house import CANARY, basic, field, house, refused
from tests.server.vendor import VendorServer
from ucal.v1 import connection_pb2

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
