"""Mutual TLS with SPIFFE ids: caller, Envoy, service."""

from pathlib import Path

import grpc

from tests.authority import Authority
from tests.caldav_servers import DavServer
from tests.interop.mesh.replicas import check, mesh, say, until
from ucal.v1 import provider_pb2, provider_pb2_grpc

TRUST_DOMAIN = "ucal.example"
_DENIED = grpc.StatusCode.PERMISSION_DENIED


async def mutual_tls(folder: Path, dav: DavServer) -> None:
    """The caller shows an id to Envoy, Envoy to the service; whoever cannot is not let in."""
    authority = Authority(uris=[f"spiffe://{TRUST_DOMAIN}"])
    tls = folder / "tls"
    tls.mkdir()
    (tls / "ca.pem").write_bytes(authority.pem)
    for name, place in (
        ("envoy", "ns/ucal/sa/envoy"),
        ("replica-0", "ns/ucal/sa/ucal"),
        ("replica-1", "ns/apps/sa/other"),  # poses as the service
    ):
        key, certificate = _identity(authority, place)
        (tls / f"{name}.pem").write_bytes(certificate)
        (tls / f"{name}.key").write_bytes(key)
        (tls / f"{name}.key").chmod(0o600)
    more = "\n".join(
        [
            "[tls]",
            f'cert = "{tls}/{{replica}}.pem"',
            f'key = "{tls}/{{replica}}.key"',
            f'client_ca = "{tls}/ca.pem"',
            "[access]",
            'mode = ["mtls"]',
            f'trust_domains = ["{TRUST_DOMAIN}"]',
            f'trusted_proxies = ["spiffe://{TRUST_DOMAIN}/ns/ucal/sa/envoy"]',
            "[[policies]]",
            f'subjects = ["spiffe://{TRUST_DOMAIN}/ns/apps/sa/caller"]',
            'allow = ["read"]',
            'connections = ["*"]',
        ]
    )
    async with mesh(folder, "envoy-mtls.yaml", dav, more, tls=True, good=1) as here:
        caller = _identity(authority, "ns/apps/sa/caller")
        other = _identity(authority, "ns/apps/sa/other")
        forged = _identity(Authority(), "ns/apps/sa/caller")
        cases = (
            ("a caller with its id", here.port, caller, True),
            ("a caller without certificate", here.port, None, False),
            ("another authority's certificate", here.port, forged, False),
            ("an id that may not", here.port, other, False),
            ("past Envoy with a policy's id", here.grpc_ports[0], caller, True),
            ("past Envoy without certificate", here.grpc_ports[0], None, False),
        )  # fmt: skip
        for title, port, identity, welcome in cases:
            credentials = grpc.ssl_channel_credentials(authority.pem, *(identity or (None, None)))
            let_in = await _answers(f"localhost:{port}", credentials)
            check(let_in == welcome, f"{title}: let in: {let_in}")
            say(f"mTLS: {title}: {'let in' if let_in else 'refused'}")
        await _forged(here.port, here.grpc_ports[0], authority, caller, other)
        plaintext = await _answers(f"127.0.0.1:{here.port}", None)
        check(not plaintext, "plaintext was let in beside mTLS")

        async def told_apart() -> bool:
            return await here.stat(r"cluster\.ucal\.ssl\.fail_verify_san") > 0

        await until("Envoy's refusal of a service with another id", told_apart)
        await here.healthy(1)
        say("mTLS: a service with another id: not used")


async def _forged(
    port: int,
    past: int,
    authority: Authority,
    caller: tuple[bytes, bytes],
    other: tuple[bytes, bytes],
) -> None:
    """Nobody writes for himself who he is: Envoy's word counts, and Envoy's alone."""
    uri = f"URI=spiffe://{TRUST_DOMAIN}/ns/apps/sa"
    for title, place, identity, claim, code in (
        ("a caller says it is another", port, caller, f"{uri}/other", grpc.StatusCode.OK),
        ("another says it is a caller", past, other, f"{uri}/caller", _DENIED),
    ):
        credentials = grpc.ssl_channel_credentials(authority.pem, *identity)
        async with grpc.aio.secure_channel(f"localhost:{place}", credentials) as channel:
            stub = provider_pb2_grpc.ProviderServiceStub(channel)
            call = stub.GetProvider(
                provider_pb2.GetProviderRequest(id="sandbox"),
                timeout=5,
                metadata=(("x-forwarded-client-cert", claim),),
            )
            found = await call.code()
            check(found is code, f"{title}: {found}")
            say(f"mTLS: {title}: {found.name}")


def _identity(authority: Authority, path: str) -> tuple[bytes, bytes]:
    """Key and certificate of the holder of `path` in the trust domain, on loopback."""
    return authority.leaf(
        uris=[f"spiffe://{TRUST_DOMAIN}/{path}"], dns=["localhost"], addresses=["127.0.0.1"]
    )


async def _answers(address: str, credentials: grpc.ChannelCredentials | None) -> bool:
    opened = (
        grpc.aio.secure_channel(address, credentials)
        if credentials
        else grpc.aio.insecure_channel(address)
    )
    async with opened as channel:
        stub = provider_pb2_grpc.ProviderServiceStub(channel)
        try:
            await stub.GetProvider(provider_pb2.GetProviderRequest(id="sandbox"), timeout=5)
        except grpc.aio.AioRpcError as error:
            check(
                error.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED},
                f"refused as {error.code()}: {error.details()}",
            )
            return False
        return True
