"""mTLS: SPIFFE ids and DNS names out of client certificates, over real TLS."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from providers.core.errors import ProviderError
from server.access.certificates import Certificates
from server.access.subjects import Subjects
from server.service import running
from tests.access.door import Door, Place, grant, place
from tests.authority import Authority
from ucal.v1 import event_pb2

AUTHORITY = Authority()
EVENTS = event_pb2.ListEventsRequest(connection_id="box", page_size=1)
POLICIES: list[dict[str, Any]] = [
    {"subjects": ["spiffe://example.org/ns/prod/*"], "allow": ["read"], "connections": ["box"]},
    {"subjects": ["dns:caller.example.org"], "allow": ["read"], "connections": ["box"]},
]


def who(
    uris: Sequence[str] = (), dns: Sequence[str] = (), *, authority: bool = False, days: float = 1
) -> str:
    """The name under which the certificate is let in, or the reason against it."""
    _, pem = AUTHORITY.leaf(uris=uris, dns=dns, authority=authority, days=days)
    try:
        caller = Certificates(("example.org",), Subjects(())).caller(pem, time.time())
    except ProviderError as error:
        return error.reason
    return caller.name if caller is not None else ""


@pytest.mark.parametrize(
    ("uris", "dns", "name"),
    [
        (["spiffe://example.org/ns/prod/web"], [], "spiffe://example.org/ns/prod/web"),
        (["spiffe://example.org/a"], ["b.example.org"], "spiffe://example.org/a"),
        ([], ["Caller.Example.org"], "dns:caller.example.org"),
        ([], [], ""),
        (["spiffe://example.org/a", "spiffe://example.org/b"], [], "CALLER_CREDENTIALS_INVALID"),
        (["spiffe://example.org/a", "https://x.example"], [], "CALLER_CREDENTIALS_INVALID"),
        (["https://example.org/a"], ["a.example.org"], "CALLER_CREDENTIALS_INVALID"),
        (["spiffe://evil.example/ns/prod/web"], [], "CALLER_CREDENTIALS_INVALID"),
        (["spiffe://example.org.evil.example/a"], [], "CALLER_CREDENTIALS_INVALID"),
        (["spiffe://example.org"], [], "CALLER_CREDENTIALS_INVALID"),
        (["spiffe://example.org/"], [], "CALLER_CREDENTIALS_INVALID"),
        (["spiffe://example.org/ns/../prod"], [], "CALLER_CREDENTIALS_INVALID"),
        (["spiffe://example.org:443/a"], [], "CALLER_CREDENTIALS_INVALID"),
        (["spiffe://user@example.org/a"], [], "CALLER_CREDENTIALS_INVALID"),
        (["spiffe://example.org/a?b"], [], "CALLER_CREDENTIALS_INVALID"),
        (["spiffe://example.org/a%2fb"], [], "CALLER_CREDENTIALS_INVALID"),
        (["SPIFFE://example.org/a"], [], "CALLER_CREDENTIALS_INVALID"),
    ],
)
def test_names_of_certificates(uris: list[str], dns: list[str], name: str) -> None:
    assert who(uris, dns) == name


def test_an_authority_and_an_old_certificate_are_nobody() -> None:
    assert who(["spiffe://example.org/a"], authority=True) == "CALLER_CREDENTIALS_INVALID"
    assert who(["spiffe://example.org/a"], days=-1) == "CALLER_CREDENTIALS_EXPIRED"


def test_without_trust_domains_no_spiffe_id_is_taken() -> None:
    _, pem = AUTHORITY.leaf(uris=["spiffe://example.org/a"])
    with pytest.raises(ProviderError):
        Certificates((), Subjects(())).caller(pem, time.time())


def tls(folder: Path, **access: Any) -> Place:
    key, certificate = AUTHORITY.leaf(dns=["localhost"])
    for name, data in (("ca", AUTHORITY.pem), ("key", key), ("cert", certificate)):
        path = folder / f"{name}.pem"
        path.write_bytes(data)
        path.chmod(0o600)
    return place(
        folder,
        tls={name: str(folder / f"{name}.pem") for name in ("key", "cert")}
        | {"client_ca": str(folder / "ca.pem")},
        access={"trust_domains": ["example.org"], **access},
        policies=POLICIES,
        connections=[{"id": "box", "provider": "sandbox"}],
    )


@asynccontextmanager
async def secure(port: int, leaf: tuple[bytes, bytes]) -> AsyncIterator[Door]:
    credentials = grpc.ssl_channel_credentials(AUTHORITY.pem, *leaf)
    async with grpc.aio.secure_channel(f"localhost:{port}", credentials) as channel:
        yield Door(channel)


async def test_the_policy_table_speaks_of_certificates(tmp_path: Path) -> None:
    async with running(tls(tmp_path, mode=["mtls"]).settings) as service:
        for names, code in (
            ({"uris": ["spiffe://example.org/ns/prod/web"]}, "OK"),
            ({"uris": ["spiffe://example.org/ns/prod"]}, "PERMISSION_DENIED"),
            ({"uris": ["spiffe://example.org/ns/production/web"]}, "PERMISSION_DENIED"),
            ({"uris": ["spiffe://evil.example/ns/prod/web"]}, "UNAUTHENTICATED"),
            ({"dns": ["caller.example.org"]}, "OK"),
            ({"dns": ["other.example.org"]}, "PERMISSION_DENIED"),
            ({}, "UNAUTHENTICATED"),
        ):
            async with secure(service.port, AUTHORITY.leaf(**names)) as door:
                assert (await door.refusal("ListEvents", EVENTS)).code == code, names
                # No mode of this server takes a bearer: it is refused, not passed over.
                refusal = await door.refusal("ListEvents", EVENTS, "some.jwt.token")
                assert refusal.code == "UNAUTHENTICATED"


async def test_a_certificate_of_another_authority_does_not_connect(tmp_path: Path) -> None:
    stranger = Authority().leaf(uris=["spiffe://example.org/ns/prod/web"])
    async with (
        running(tls(tmp_path, mode=["mtls"]).settings) as service,
        secure(service.port, stranger) as door,
    ):
        assert (await door.refusal("ListEvents", EVENTS)).code == "UNAVAILABLE"


async def test_several_modes_at_once(tmp_path: Path) -> None:
    """Any of them lets in; what is bad is refused though something good stands beside it."""
    where = tls(tmp_path, mode=["api_key", "mtls"])
    key = await where.key(grant("read", connections=("box",)))
    nothing = await where.key()
    good = AUTHORITY.leaf(uris=["spiffe://example.org/ns/prod/web"])
    weak = AUTHORITY.leaf(uris=["spiffe://example.org/elsewhere"])
    bad = AUTHORITY.leaf(uris=["spiffe://evil.example/ns/prod/web"])
    async with running(where.settings) as service:
        for leaf, bearer, code in (
            (good, "", "OK"),
            (good, key, "OK"),
            (weak, key, "OK"),
            (AUTHORITY.leaf(), key, "OK"),
            (weak, "", "PERMISSION_DENIED"),
            # The bearer is who calls: the certificate's rights are not added.
            (good, nothing, "PERMISSION_DENIED"),
            (good, key[:-1], "UNAUTHENTICATED"),
            (bad, key, "UNAUTHENTICATED"),
            (AUTHORITY.leaf(), "", "UNAUTHENTICATED"),
        ):
            async with secure(service.port, leaf) as door:
                assert (await door.refusal("ListEvents", EVENTS, bearer)).code == code
