"""Credentials that callers bring, that settings and secrets hold, and of service accounts."""

import asyncio
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc import jwt
from joserfc.jwk import RSAKey

from providers.core.auth import OAuthConfig
from providers.core.errors import Kind, ProviderError
from server.connections.facade import Connections
from server.connections.resolver import Resolved
from tests.server.house import call, house
from tests.server.vendor import Vendor, VendorServer
from ucal.v1 import connection_pb2

# -- brought by callers

BROUGHT = {"ucal-provider": "vendor"}


def packed(**tokens: Any) -> dict[str, Any]:
    found = connection_pb2.OAuthCredentials(**tokens).SerializeToString()
    return {**BROUGHT, "ucal-credentials-bin": found}


async def brought(found: Connections, metadata: dict[str, Any]) -> Resolved:
    resolved = await found.resolve("-", metadata)
    await resolved.call.http.send("GET", "/calendars")
    return resolved


async def test_rotated_credentials_go_back_to_the_caller_and_nothing_is_stored(
    connections: Connections, vendor: VendorServer
) -> None:
    vendor.refresh.add("r0")
    resolved = await brought(connections, packed(access_token="old", refresh_token="r0"))
    ((name, value),) = resolved.trailing_metadata()
    assert name == "ucal-rotated-credentials-bin"
    assert isinstance(value, bytes)
    back = connection_pb2.OAuthCredentials.FromString(value)
    assert (back.access_token, back.refresh_token) == ("access-1", "refresh-1")
    assert await connections.store.list(after="", provider="", size=10) == []
    again = await brought(connections, {**BROUGHT, "ucal-credentials-bin": value})
    assert again.trailing_metadata() == ()
    assert len(vendor.asked) == 1


async def test_parallel_calls_with_the_same_brought_token_refresh_once(
    connections: Connections, vendor: VendorServer
) -> None:
    """P64, also for the call that comes just after."""
    vendor.refresh.add("r0")
    metadata = packed(access_token="old", refresh_token="r0")
    found = await asyncio.gather(*(brought(connections, metadata) for _ in range(20)))
    found.append(await brought(connections, metadata))
    assert len(vendor.asked) == 1
    assert len({each.trailing_metadata() for each in found}) == 1


async def test_a_dead_brought_token_is_said_to_be_dead(
    connections: Connections, vendor: VendorServer
) -> None:
    for _ in range(2):
        with pytest.raises(ProviderError) as failed:
            await brought(connections, packed(access_token="old", refresh_token="dead"))
        assert failed.value.kind is Kind.REAUTHORIZATION_REQUIRED
        assert "bring" in failed.value.message
    assert len(vendor.asked) == 1


async def test_callers_with_other_tokens_do_not_share_anything(
    connections: Connections, vendor: VendorServer
) -> None:
    vendor.refresh |= {"r0", "s0"}
    first, second = await asyncio.gather(
        brought(connections, packed(access_token="old", refresh_token="r0")),
        brought(connections, packed(access_token="old", refresh_token="s0")),
    )
    assert first.account_key != second.account_key
    assert first.trailing_metadata() != second.trailing_metadata()
    assert len(vendor.asked) == 2


# -- static connections and secrets

STATIC = {
    "id": "s",
    "provider": "vendor",
    "credentials": {"access_token": "old", "refresh_token": "env:TOKEN"},
}


async def test_a_static_connection_outlives_the_rotation_of_its_token(
    vendor: VendorServer, shared: dict[str, Any]
) -> None:
    """The settings file cannot change; what grew out of it is in the store."""
    vendor.refresh.add("r0")
    options: dict[str, Any] = {**shared, "connections": [STATIC], "environment": {"TOKEN": "r0"}}
    async with house(vendor, **options) as first:
        assert (await call(first, "s")).status == 200
    vendor.access.clear()
    async with house(vendor, **options) as second:
        assert (await call(second, "s")).status == 200
    assert [form["refresh_token"] for form in vendor.asked] == ["r0", "refresh-1"]
    # Another secret in the settings makes the stored row worthless.
    vendor.refresh, vendor.access = {"t0"}, set()
    async with house(vendor, **{**options, "environment": {"TOKEN": "t0"}}) as third:
        assert (await call(third, "s")).status == 200
    assert vendor.asked[-1]["refresh_token"] == "t0"


async def test_while_the_keys_are_away_a_used_up_token_is_not_presented_again(
    vendor: VendorServer, shared: dict[str, Any]
) -> None:
    """The row is the only copy of what a refresh brought: P64's vendors end grants for the old."""
    vendor.refresh.add("r0")
    options: dict[str, Any] = {**shared, "connections": [STATIC], "environment": {"TOKEN": "r0"}}
    async with house(vendor, **options) as first:
        assert (await call(first, "s")).status == 200
    async with house(vendor, **options) as second:
        second.ring.close()
        with pytest.raises(ProviderError) as failed:
            await call(second, "s")
        assert (failed.value.kind, failed.value.reason) == (Kind.UNAVAILABLE, "KEYS_UNAVAILABLE")
    assert [form["refresh_token"] for form in vendor.asked] == ["r0"]


async def test_a_referred_secret_is_refreshed_too(vendor: VendorServer) -> None:
    vendor.refresh.add("r0")
    made = connection_pb2.Connection(id="a", provider="vendor")
    made.secret_reference.store, made.secret_reference.key = "env", "UCAL_SECRET_A"
    secret = '{"oauth": {"access_token": "old", "refresh_token": "r0"}}'
    async with house(vendor, environment={"UCAL_SECRET_A": secret}) as found:
        await found.directory.create(made, "")
        assert (await call(found)).status == 200
        vendor.access.clear()
        assert (await call(found)).status == 200
    assert [form["refresh_token"] for form in vendor.asked] == ["r0", "refresh-1"]


# -- service accounts


async def test_a_service_account_gets_a_token_and_keeps_it_while_it_lives(
    connections: Connections, vendor: VendorServer
) -> None:
    made = connection_pb2.Connection(id="a", provider="vendor")
    made.service_account.client_id = "app"
    made.service_account.private_key = "app-secret"
    made.service_account.tenant_id = "contoso"
    await connections.directory.create(made, "")
    await asyncio.gather(*(call(connections) for _ in range(10)))
    assert vendor.asked == [
        {
            "grant_type": "client_credentials",
            "scope": "read write",
            "client_id": "app",
            "client_secret": "app-secret",
            "path": "/oauth/contoso/token",
        }
    ]
    vendor.access.clear()
    assert (await call(connections)).status == 200
    assert len(vendor.asked) == 2


async def test_a_service_account_signs_for_itself(
    connections: Connections, vendor: VendorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RFC 7523."""
    monkeypatch.setattr(
        Vendor,
        "oauth",
        OAuthConfig(
            "https://a.example", "https://b.example", tenant="common", service_grant="jwt_bearer"
        ),
    )
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    made = connection_pb2.Connection(id="a", provider="vendor")
    made.service_account.client_id = "robot"
    made.service_account.private_key = pem
    made.service_account.key_id = "k1"
    made.service_account.subject = "ann@example.com"
    made.service_account.scopes.append("read")
    await connections.directory.create(made, "")
    await call(connections)
    form = vendor.asked[0]
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    token = jwt.decode(form["assertion"], RSAKey.import_key(pem))
    assert token.header == {"alg": "RS256", "typ": "JWT", "kid": "k1"}
    assert token.claims["iss"] == "robot"
    assert token.claims["sub"] == "ann@example.com"
    assert token.claims["scope"] == "read"
    assert token.claims["aud"] == f"{vendor.url}/oauth/common/token"
    assert 0 < token.claims["exp"] - token.claims["iat"] <= 3600


async def test_a_private_key_that_is_none_is_told_without_its_text(
    connections: Connections, vendor: VendorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        Vendor,
        "oauth",
        OAuthConfig(
            "https://a.example", "https://b.example", tenant="common", service_grant="jwt_bearer"
        ),
    )
    made = connection_pb2.Connection(id="a", provider="vendor")
    made.service_account.private_key = "canary-key"
    await connections.directory.create(made, "")
    with pytest.raises(ProviderError) as failed:
        await call(connections)
    assert failed.value.reason == "PRIVATE_KEY_MALFORMED"
    assert "canary" not in str(failed.value)
