"""Secrets of AWS Secrets Manager, as moto's server has them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.server import ThreadedMotoServer

from providers.core.errors import Kind, ProviderError
from server.connections.facade import Connections
from server.settings import parse
from server.vaults.aws import AwsSecrets
from tests.server.house import house
from tests.server.vendor import VendorServer
from ucal.v1 import connection_pb2

REGION = "eu-central-1"


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of the service; none of the machine's."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def manager(moto: str) -> Iterator[Any]:
    client = boto3.client("secretsmanager", region_name=REGION, endpoint_url=moto)
    yield client
    for secret in client.list_secrets()["SecretList"]:
        client.delete_secret(SecretId=secret["Name"], ForceDeleteWithoutRecovery=True)
    client.close()


def options(endpoint: str, **secrets: Any) -> dict[str, Any]:
    return {
        "aws": {"region": REGION, "endpoint": endpoint, "timeout": 1},
        "secrets": {"aws_prefix": "ucal/", "fresh_seconds": 0.001, **secrets},
    }


def referring(key: str) -> connection_pb2.Connection:
    made = connection_pb2.Connection(id="a", provider="vendor")
    made.secret_reference.store, made.secret_reference.key = "aws", key
    return made


async def call(found: Connections) -> int:
    found._resolver.forget("a")
    resolved = await found.resolve("a", {})
    return (await resolved.call.http.send("GET", "/calendars")).status


async def refused(found: Connections) -> ProviderError:
    with pytest.raises(ProviderError) as failed:
        await call(found)
    return failed.value


async def test_a_secret_is_read_whole_by_field_and_as_bytes(
    vendor: VendorServer, manager: Any, moto: str
) -> None:
    vendor.access.add("k-1")
    manager.create_secret(Name="ucal/a", SecretString='{"username":"ann","password":"secret"}')
    manager.create_secret(Name="ucal/b", SecretString='{"key":"k-1","n":5}')
    manager.create_secret(Name="ucal/c", SecretBinary=b"k-1")
    async with house(vendor, **options(moto)) as found:
        await found.directory.create(referring("ucal/a"), "")
        assert await call(found) == 200
        for key in ("ucal/b#key", "ucal/c"):
            await found.directory.update("a", referring(key), None)
            assert await call(found) == 200
        for key in ("ucal/b#none", "ucal/c#key", "ucal/none"):
            await found.directory.update("a", referring(key), None)
            failed = await refused(found)
            assert (failed.kind, failed.reason) == (Kind.PRECONDITION, "SECRET_UNAVAILABLE")


@pytest.mark.parametrize("key", ["other/a", "ucal", "xucal/a", "ucal/a b", "ucal/a#b#c", "ucal/ä"])
async def test_callers_reach_only_what_is_set_apart(
    vendor: VendorServer, moto: str, key: str
) -> None:
    async with house(vendor, **options(moto)) as found:
        with pytest.raises(ProviderError) as failed:
            await found.directory.create(referring(key), "")
        assert failed.value.kind is Kind.INVALID
        assert failed.value.violations[0][0] == "connection.secret_reference.key"


async def test_a_manager_that_is_away_is_told_after_the_time_of_what_is_in_memory(
    vendor: VendorServer, manager: Any
) -> None:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    running = True
    manager.create_secret(Name="ucal/a", SecretString='{"username":"ann","password":"secret"}')
    try:
        async with house(vendor, **options(f"http://{host}:{port}")) as found:
            await found.directory.create(referring("ucal/a"), "")
            assert await call(found) == 200
            server.stop()
            running = False
            assert await call(found) == 200
            found._vaults._cache._held._values.clear()
            failed = await refused(found)
            assert (failed.kind, failed.reason) == (Kind.UNAVAILABLE, "AWS_UNREACHABLE")
    finally:
        if running:
            server.stop()


async def test_without_credentials_it_is_told(
    vendor: VendorServer, moto: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    async with house(vendor, **options(moto)) as found:
        await found.directory.create(referring("ucal/a"), "")
        failed = await refused(found)
        assert (failed.kind, failed.reason) == (Kind.UNAVAILABLE, "AWS_CREDENTIALS_REFUSED")


@pytest.mark.parametrize(
    ("code", "kind", "reason"),
    [
        ("AccessDeniedException", Kind.PRECONDITION, "SECRET_DENIED"),
        ("DecryptionFailure", Kind.PRECONDITION, "SECRET_DENIED"),
        ("ExpiredTokenException", Kind.UNAVAILABLE, "AWS_CREDENTIALS_REFUSED"),
        ("UnrecognizedClientException", Kind.UNAVAILABLE, "AWS_CREDENTIALS_REFUSED"),
        ("InvalidRequestException", Kind.PRECONDITION, "SECRET_UNAVAILABLE"),
        ("ThrottlingException", Kind.UNAVAILABLE, "AWS_UNREACHABLE"),
        ("InternalServiceError", Kind.UNAVAILABLE, "AWS_UNREACHABLE"),
    ],
)
async def test_codes_that_moto_does_not_send(
    monkeypatch: pytest.MonkeyPatch, code: str, kind: Kind, reason: str
) -> None:
    """As in the API reference of GetSecretValue; the text of AWS is not told on."""
    secrets = AwsSecrets(parse(options("http://127.0.0.1:1")).aws)

    def failing(**asked: str) -> None:
        answer: Any = {"Error": {"Code": code, "Message": "canary"}}
        raise ClientError(answer, "GetSecretValue")

    monkeypatch.setattr(secrets._client, "get_secret_value", failing)
    with pytest.raises(ProviderError) as failed:
        await secrets.read("ucal/a")
    assert (failed.value.kind, failed.value.reason) == (kind, reason)
    assert "canary" not in str(failed.value)
    secrets.close()
