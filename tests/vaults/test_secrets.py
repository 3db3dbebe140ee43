"""Bring your own vault: secrets of a real OpenBao, KV 1 and 2; what is allowed, what is told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from joserfc import jwt
from joserfc.jwk import RSAKey

from providers.core.errors import Kind, ProviderError
from server.connections.facade import Connections
from server.settings import SettingsError, parse
from server.vaults import facade
from server.vaults.cache import SecretCache
from server.vaults.facade import Vaults
from server.vaults.kv import split_key
from tests.authority import Authority
from tests.loopback import served
from tests.server.house import house
from tests.server.vendor import VendorServer
from tests.vaults.openbao import OpenBao, secret_name
from ucal.v1 import connection_pb2

ANN = {"username": "ann", "password": "secret"}


def options(vault: OpenBao, **more: Any) -> dict[str, Any]:
    """Settings with nothing fresh for long, unless a test says so."""
    secrets = {
        "vault_path": "secret/tenants", "fresh_seconds": 0.001, **more.pop("secrets", {}),
    }  # fmt: skip
    return {"vault": vault.settings(**more), "secrets": secrets}


def referring(key: str, store: str = "vault") -> connection_pb2.Connection:
    made = connection_pb2.Connection(id="a", provider="vendor")
    made.secret_reference.store, made.secret_reference.key = store, key
    return made


async def call(found: Connections, own_id: str = "a") -> int:
    found._resolver.forget(own_id)
    resolved = await found.resolve(own_id, {})
    return (await resolved.call.http.send("GET", "/calendars")).status


async def refused(found: Connections, own_id: str = "a") -> ProviderError:
    with pytest.raises(ProviderError) as failed:
        await call(found, own_id)
    assert "secret/" not in str(failed.value)
    return failed.value


@asynccontextmanager
async def connected(
    vendor: VendorServer, vault: OpenBao, **more: Any
) -> AsyncIterator[tuple[Connections, str]]:
    """A connection "a" whose password is in the vault, and where."""
    name = secret_name()
    vault.client().secrets.kv.v2.create_or_update_secret(name, ANN, mount_point="secret")
    async with house(vendor, **options(vault, **more)) as found:
        await found.directory.create(referring(f"secret/{name}"), "")
        yield found, name


# -- what is read


async def test_a_secret_of_kv_2_is_read_and_its_change_is_seen(
    vendor: VendorServer, vault: OpenBao
) -> None:
    async with connected(vendor, vault) as (found, name):
        assert await call(found) == 200
        wrong = {**ANN, "password": "other"}
        vault.client().secrets.kv.v2.create_or_update_secret(name, wrong, mount_point="secret")
        assert (await refused(found)).kind is Kind.UNAUTHENTICATED


async def test_a_secret_of_kv_1_and_one_field_of_many(vendor: VendorServer, vault: OpenBao) -> None:
    vendor.access.add("k-1")
    name = secret_name()
    vault.client().secrets.kv.v1.create_or_update_secret(
        name, {"key": "k-1", "other": "x"}, mount_point="old"
    )
    settings = options(vault, secrets={"vault_path": "old/tenants"})
    async with house(vendor, **settings) as found:
        await found.directory.create(referring(f"old/{name}#key"), "")
        assert await call(found) == 200
        await found.directory.update("a", referring(f"old/{name}#none"), None)
        assert (await refused(found)).reason == "SECRET_UNAVAILABLE"


async def test_the_settings_file_may_refer_to_anything_its_policy_allows(
    vendor: VendorServer, vault: OpenBao
) -> None:
    name = secret_name()
    vault.client().secrets.kv.v2.create_or_update_secret(name, ANN, mount_point="secret")
    static = {
        "id": "s", "provider": "vendor",
        "credentials": {"username": "ann", "password": f"vault:secret/{name}#password"},
    }  # fmt: skip
    settings = options(vault, secrets={"vault_path": ""})
    async with house(vendor, connections=[static], **settings) as found:
        assert await call(found, "s") == 200


async def test_a_vault_is_not_asked_for_what_is_fresh(vendor: VendorServer, vault: OpenBao) -> None:
    async with connected(vendor, vault, secrets={"fresh_seconds": 60}) as (found, _):
        assert await call(found) == 200
        vault.client().auth.token.revoke(vault.token)
        assert await call(found) == 200


# -- what callers may refer to


@pytest.mark.parametrize(
    "key",
    [
        "secret/other/a",
        "secret/tenants-evil/a",
        "secret/tenants",
        "secret/tenants/",
        "secret/tenants/../other/a",
        "secret/tenants/./a",
        "secret/tenants//a",
        "/secret/tenants/a",
        "secret/tenants/a%2f..%2f..%2fother",
        "secret/tenants/a?version=1",
        "secret/tenants/a#b#c",
        "secret/tenants/a\n",
        "secret/tenants/\u0430",
        "sys/seal-status",
        "transit/keys/ucal",
        "",
    ],
)
async def test_callers_reach_only_what_is_set_apart(
    vendor: VendorServer, vault: OpenBao, key: str
) -> None:
    """Else who may create connections could have any secret sent to a server of theirs."""
    async with house(vendor, **options(vault)) as found:
        with pytest.raises(ProviderError) as failed:
            await found.directory.create(referring(key), "")
        assert failed.value.kind is Kind.INVALID
        assert failed.value.violations[0][0] == "connection.secret_reference.key"


async def test_without_a_path_set_apart_callers_reach_nothing(
    vendor: VendorServer, vault: OpenBao
) -> None:
    async with house(vendor, **options(vault, secrets={"vault_path": ""})) as found:
        with pytest.raises(ProviderError) as failed:
            await found.directory.create(referring("secret/tenants/a"), "")
        assert failed.value.kind is Kind.INVALID


def test_paths_are_split_once() -> None:
    assert split_key("a/b/c#d") == ("a/b/c", "d")
    assert split_key("a/b") == ("a/b", "")
    assert split_key("a") is None


# -- what is told


async def test_secrets_that_are_not_there_or_not_allowed(
    vendor: VendorServer, vault: OpenBao
) -> None:
    root = vault.client()
    root.secrets.kv.v2.create_or_update_secret("closed/a", ANN, mount_point="secret")
    settings = options(vault, secrets={"vault_path": "secret"})
    async with house(vendor, **settings) as found:
        await found.directory.create(referring("secret/tenants/nothing"), "")
        gone = await refused(found)
        assert (gone.kind, gone.reason) == (Kind.PRECONDITION, "SECRET_UNAVAILABLE")
        await found.directory.update("a", referring("secret/closed/a"), None)
        denied = await refused(found)
        assert (denied.kind, denied.reason) == (Kind.PRECONDITION, "SECRET_DENIED")


async def test_a_deleted_secret_is_not_served_from_memory(
    vendor: VendorServer, vault: OpenBao
) -> None:
    async with connected(vendor, vault) as (found, name):
        assert await call(found) == 200
        vault.client().secrets.kv.v2.delete_latest_version_of_secret(name, mount_point="secret")
        assert (await refused(found)).reason == "SECRET_UNAVAILABLE"


async def test_a_sealed_vault_is_told_after_the_time_of_what_is_in_memory(
    vendor: VendorServer, vault: OpenBao
) -> None:
    """R15 for secrets: served for their time, then a documented code; unsealed, it goes on."""
    async with connected(vendor, vault) as (found, _):
        assert await call(found) == 200
        vault.seal()
        try:
            assert await call(found) == 200
            found._vaults._cache._held._values.clear()  # the hour is over
            sealed = await refused(found)
            assert (sealed.kind, sealed.reason) == (Kind.UNAVAILABLE, "VAULT_SEALED")
            assert sealed.retry_after
        finally:
            vault.unseal()
        assert await call(found) == 200


async def test_a_killed_vault_is_told_and_comes_back(vendor: VendorServer, vault: OpenBao) -> None:
    async with connected(vendor, vault, secrets={"stale_seconds": 0.001}) as (found, _):
        vault.kill()
        try:
            down = await refused(found)
            assert (down.kind, down.reason) == (Kind.UNAVAILABLE, "VAULT_UNREACHABLE")
        finally:
            vault.start()
        assert await call(found) == 200


async def test_a_revoked_token_is_told(vendor: VendorServer, vault: OpenBao) -> None:
    async with connected(vendor, vault, secrets={"stale_seconds": 0.001}) as (found, _):
        assert await call(found) == 200
        vault.client().auth.token.revoke(vault.token)
        over = await refused(found)
        assert (over.kind, over.reason) == (Kind.UNAVAILABLE, "VAULT_TOKEN_REFUSED")


# -- signing in


async def test_a_role_signs_in_again_when_its_token_is_over(
    vendor: VendorServer, vault: OpenBao, tmp_path: Path
) -> None:
    root = vault.client()
    root.auth.approle.create_or_update_approle("ucal", token_policies=["ucal"], token_ttl="1h")
    role = root.auth.approle.read_role_id("ucal")["data"]["role_id"]
    secret = root.auth.approle.generate_secret_id("ucal")["data"]["secret_id"]
    path = tmp_path / "secret-id"
    path.write_text(secret)
    own = {"auth": "approle", "role": role, "secret_id_file": str(path), "token": ""}
    async with connected(vendor, vault, secrets={"stale_seconds": 0.001}, **own) as (found, _):
        assert await call(found) == 200
        client = found._vaults.client
        assert client is not None
        root.auth.token.revoke(client._client.token)
        assert await call(found) == 200
    path.write_text("wrong")
    async with connected(vendor, vault, **own) as (found, _):
        assert (await refused(found)).reason == "VAULT_TOKEN_REFUSED"


async def test_a_token_is_renewed_before_its_end(
    vendor: VendorServer, vault: OpenBao, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facade, "_TEND_SECONDS", 0.05)
    vault.token = vault.fresh_token("2s")
    async with connected(vendor, vault) as (found, _):
        assert await call(found) == 200
        root = vault.client()

        def end() -> str:
            told = root.auth.token.lookup(vault.token)["data"]
            return str(told.get("last_renewal_time") or "")

        first = await asyncio.to_thread(end)
        async with asyncio.timeout(60):
            while await asyncio.to_thread(end) == first:
                await asyncio.sleep(0.05)
        assert await call(found) == 200


@asynccontextmanager
async def reviewing(name: str) -> AsyncIterator[str]:
    """The API server of a cluster, as far as OpenBao asks it (authentication.k8s.io/v1)."""

    async def review(request: web.Request) -> web.Response:
        asked = await request.json()
        user = {"username": f"system:serviceaccount:prod:{name}", "uid": "u-1"}
        return web.json_response(
            {**asked, "status": {"authenticated": True, "user": user}}, status=201
        )

    app = web.Application()
    app.router.add_post("/apis/authentication.k8s.io/v1/tokenreviews", review)
    async with served(app) as url:
        yield url


async def test_a_pod_signs_in_by_its_service_account(
    vendor: VendorServer, vault: OpenBao, tmp_path: Path
) -> None:
    claims = {
        "iss": "kubernetes/serviceaccount",
        "sub": "system:serviceaccount:prod:ucal",
        "kubernetes.io/serviceaccount/namespace": "prod",
        "kubernetes.io/serviceaccount/service-account.name": "ucal",
        "kubernetes.io/serviceaccount/service-account.uid": "u-1",
    }
    path = tmp_path / "jwt"
    path.write_text(jwt.encode({"alg": "RS256"}, claims, RSAKey.generate_key(2048)))

    def prepare(host: str) -> None:
        root = vault.client()
        root.sys.enable_auth_method("kubernetes", path="pods")
        root.auth.kubernetes.configure(
            host,
            kubernetes_ca_cert=Authority().pem.decode(),
            token_reviewer_jwt="reviewer",
            mount_point="pods",
            disable_local_ca_jwt=True,
        )
        root.auth.kubernetes.create_role(
            "ucal", ["ucal"], ["prod"], policies=["ucal"], mount_point="pods"
        )

    own = {
        "auth": "kubernetes", "auth_mount": "pods", "role": "ucal", "jwt_file": str(path),
        "token": "",
    }  # fmt: skip
    async with reviewing("ucal") as host:
        await asyncio.to_thread(prepare, host)
        try:
            async with connected(vendor, vault, **own) as (found, _):
                assert await call(found) == 200
        finally:
            await asyncio.to_thread(lambda: vault.client().sys.disable_auth_method("pods"))


# -- memory


async def test_fresh_stale_and_gone() -> None:
    time = [0.0]
    cache = SecretCache(10, 100, now=lambda: time[0])
    asked: list[str] = []
    fails: list[ProviderError] = []

    async def fetch() -> str:
        asked.append("")
        if fails:
            raise fails[0]
        return f"secret {len(asked)}"

    assert await asyncio.gather(*(cache.get("a", fetch) for _ in range(9))) == ["secret 1"] * 9
    time[0] = 9
    assert await cache.get("a", fetch) == "secret 1"
    time[0] = 11
    assert await cache.get("a", fetch) == "secret 2"
    fails.append(ProviderError(Kind.UNAVAILABLE, "away"))
    time[0] = 110
    assert await cache.get("a", fetch) == "secret 2"
    time[0] = 112
    with pytest.raises(ProviderError):
        await cache.get("a", fetch)
    await cache.close()


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"keyring": "vault:transit/ucal"}, "keyring"),
        ({"keyring": "vault:ucal", "vault": {"address": "http://a", "token": "x"}}, "keyring"),
        ({"keyring": "vault:a/../b", "vault": {"address": "http://a", "token": "x"}}, "keyring"),
        ({"vault": {"address": "http://a"}}, "vault.token"),
        ({"vault": {"address": "http://a", "token": "x", "token_file": "y"}}, "vault.token"),
        ({"vault": {"address": "ftp://a", "token": "x"}}, "vault.address"),
        ({"vault": {"address": "http://a:b", "token": "x"}}, "vault.address"),
        ({"vault": {"address": "http://a", "auth": "ldap"}}, "vault.auth"),
        ({"vault": {"address": "http://a", "auth": "kubernetes"}}, "vault.role"),
        ({"vault": {"address": "http://a", "auth": "approle", "role": "x"}}, "vault.secret_id"),
        ({"vault": {"address": "http://a", "token": "x", "timeout": 0}}, "vault.timeout"),
        ({"secrets": {"vault_path": "a/../b"}}, "secrets.vault_path"),
        ({"secrets": {"fresh_seconds": -1}}, "secrets.fresh_seconds"),
        ({"aws": {"endpoint": "x"}}, "aws.endpoint"),
    ],
)
def test_settings_that_cannot_work(given: dict[str, Any], key: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parse({"store": "memory:", **given})
    assert refused.value.key == key


def test_settings_show_no_token() -> None:
    settings = parse({"vault": {"address": "http://a", "token": "canary-token"}})
    assert "canary" not in repr(settings)


async def test_nothing_is_asked_at_start() -> None:
    vaults = Vaults(parse({"vault": {"address": "http://127.0.0.1:1", "token": "x"}}))
    assert vaults.serves("vault")
    assert not vaults.serves("aws")
    await vaults.close()
