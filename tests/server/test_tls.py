"""Transport: TLS 1.2 or newer both ways, certificates that change while serving."""

import asyncio
import socket
import ssl
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from providers.core.connector import authorities
from server.service import Service, running
from server.settings import SettingsError, parse
from server.tls import Certificates, days_left, read_identity
from tests.authority import Authority
from tests.serving import QUICK
from ucal.v1 import event_pb2, event_pb2_grpc, watch_pb2, watch_pb2_grpc

AUTHORITY, OTHER = Authority(), Authority()
OLD = ssl.TLSVersion.TLSv1_1


class Files:
    """Certificate, key and client authorities, in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.cert, self.key, self.ca = (folder / name for name in ("crt", "key", "ca"))
        self.ca.write_bytes(AUTHORITY.pem)
        self.renew()

    def renew(self, days: float = 1) -> bytes:
        """A new pair; the certificate in DER."""
        key, cert = AUTHORITY.leaf(dns=["localhost"], days=days)
        self.key.write_bytes(key)
        self.cert.write_bytes(cert)
        return der(cert)

    def tls(self, **more: Any) -> dict[str, Any]:
        return {"cert": str(self.cert), "key": str(self.key), **more}


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def der(pem: bytes) -> bytes:
    return x509.load_pem_x509_certificate(pem).public_bytes(serialization.Encoding.DER)


@asynccontextmanager
async def serving(**more: Any) -> AsyncIterator[Service]:
    given: dict[str, Any] = {
        "listen": "localhost:0",
        "http_listen": "",
        "store": "memory:",
        "connections": [{"id": "box", "provider": "sandbox"}],
        "limits": QUICK,
    }
    async with running(parse(given | more)) as service:
        yield service


@asynccontextmanager
async def channel(service: Service, **credentials: bytes) -> AsyncIterator[grpc.aio.Channel]:
    found = grpc.ssl_channel_credentials(AUTHORITY.pem, **credentials)
    # Channels of one process share their connections otherwise.
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.secure_channel(f"localhost:{service.port}", found, options=options) as made:
        yield made


def old_context(purpose: int) -> ssl.SSLContext:
    """One that speaks TLS 1.1 and nothing else."""
    context = ssl.SSLContext(purpose)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = OLD
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def shown(port: int, context: ssl.SSLContext | None = None) -> tuple[bytes, str]:
    """The certificate that a new handshake is shown, DER, and the version that is agreed upon."""
    if context is None:
        context = ssl.create_default_context(cadata=AUTHORITY.pem.decode())
        context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(("localhost", port), 5) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        return connection.getpeercert(binary_form=True) or b"", str(connection.version())


def only(version: ssl.TLSVersion) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=AUTHORITY.pem.decode())
    context.set_alpn_protocols(["h2"])
    context.minimum_version = context.maximum_version = version
    return context


async def handshake(*arguments: Any) -> tuple[bytes, str]:
    return await asyncio.to_thread(shown, *arguments)


async def listed(made: grpc.aio.Channel) -> int:
    stub: Any = event_pb2_grpc.EventServiceStub(made)
    answer = await stub.ListEvents(event_pb2.ListEventsRequest(connection_id="box", page_size=1))
    return len(answer.events)


# -- versions


async def test_callers_need_tls_1_2(files: Files) -> None:
    async with serving(tls=files.tls()) as service:
        assert (await handshake(service.port, only(ssl.TLSVersion.TLSv1_2)))[1] == "TLSv1.2"
        assert (await handshake(service.port, only(ssl.TLSVersion.TLSv1_3)))[1] == "TLSv1.3"
        old = old_context(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await handshake(service.port, old)


async def test_http_needs_tls_1_2_too(files: Files) -> None:
    tls = files.tls(http=True)
    async with serving(tls=tls, http_listen="localhost:0") as service:
        port = int(service.http_address.rpartition(":")[2])
        assert (await handshake(port, only(ssl.TLSVersion.TLSv1_2)))[1] == "TLSv1.2"
        old = old_context(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await handshake(port, old)


async def test_providers_that_speak_tls_1_1_are_refused(files: Files) -> None:
    """The way out: the same context refuses the old server and takes a new one."""
    verify = authorities()
    assert verify.minimum_version >= ssl.TLSVersion.TLSv1_2
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.minimum_version = verify.minimum_version
    client.load_verify_locations(cadata=AUTHORITY.pem.decode())
    client.set_ciphers("ALL:@SECLEVEL=0")  # so that nothing but the version stands against it

    async def greeted(server: ssl.SSLContext) -> str:
        server.load_cert_chain(files.cert, files.key)

        async def hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.close()

        listener = await asyncio.start_server(hello, "localhost", 0, ssl=server)
        async with listener:
            port = listener.sockets[0].getsockname()[1]
            return (await handshake(port, client))[1]

    assert await greeted(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)) == "TLSv1.3"
    with pytest.raises(ssl.SSLError, match=r"(?i)version|protocol"):
        await greeted(old_context(ssl.PROTOCOL_TLS_SERVER))


# -- certificates that change


async def test_a_new_certificate_is_shown_and_open_streams_live_on(files: Files) -> None:
    async with serving(tls=files.tls()) as service, channel(service) as made:
        first = (await handshake(service.port))[0]
        stub: Any = watch_pb2_grpc.WatchServiceStub(made)
        asked = watch_pb2.WatchEventsRequest(scope=watch_pb2.WatchScope(connection_id="box"))
        stream = stub.WatchEvents(asked, timeout=30)
        assert (await stream.read()).HasField("opened")
        second = files.renew()
        assert (await handshake(service.port))[0] == second != first
        assert await listed(made) == 1  # over the connection of before
        assert not stream.done()
        async with channel(service) as fresh:
            assert await listed(fresh) == 1
        stream.cancel()


async def test_http_shows_the_new_certificate(files: Files) -> None:
    tls = files.tls(http=True)
    async with serving(tls=tls, http_listen="localhost:0") as service:
        port = int(service.http_address.rpartition(":")[2])
        second = files.renew()
        assert (await handshake(port))[0] == second
        context = ssl.create_default_context(cadata=AUTHORITY.pem.decode())
        async with httpx.AsyncClient(verify=context, trust_env=False) as client:
            assert (await client.get(f"https://localhost:{port}/livez")).text == "ok\n"


def _half(files: Files) -> None:
    _, cert = AUTHORITY.leaf(dns=["localhost"])
    files.cert.write_bytes(cert)


def _rubbish(files: Files) -> None:
    files.cert.write_bytes(b"no certificate")


def _gone(files: Files) -> None:
    files.key.unlink()


@pytest.mark.parametrize("spoil", [_half, _rubbish, _gone])
async def test_files_that_do_not_go_together_are_left_alone(
    files: Files, spoil: Callable[[Files], None]
) -> None:
    async with serving(tls=files.tls()) as service:
        first = (await handshake(service.port))[0]
        spoil(files)
        assert (await handshake(service.port))[0] == first
        second = files.renew()
        assert (await handshake(service.port))[0] == second


async def test_client_authorities_change_too(files: Files) -> None:
    ours, theirs = AUTHORITY.leaf(dns=["caller"]), OTHER.leaf(dns=["caller"])
    tls = files.tls(client_ca=str(files.ca))
    async with serving(tls=tls) as service:

        async def taken(pair: tuple[bytes, bytes]) -> bool:
            key, cert = pair
            async with channel(service, private_key=key, certificate_chain=cert) as made:
                try:
                    return await listed(made) == 1
                except grpc.aio.AioRpcError as error:
                    return error.code() is not grpc.StatusCode.UNAVAILABLE

        assert (await taken(ours), await taken(theirs)) == (True, False)
        files.ca.write_bytes(OTHER.pem)
        files.renew()
        assert (await taken(ours), await taken(theirs)) == (False, True)


# -- what is refused at start


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (_half, "tls.key: is not the key of tls.cert"),
        (_rubbish, "tls.cert: or tls.client_ca is no certificate"),
        (_gone, "tls.key: cannot read"),
    ],
)
def test_bad_files_are_told_at_start(
    files: Files, spoil: Callable[[Files], None], told: str
) -> None:
    spoil(files)
    with pytest.raises(SettingsError, match=told):
        Certificates(parse({"tls": files.tls()}).tls)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.com"])
def test_plaintext_is_refused_off_loopback(host: str) -> None:
    with pytest.raises(SettingsError, match="plaintext"):
        parse({"listen": f"{host}:50051"})


def test_the_end_of_a_certificate_is_known(files: Files) -> None:
    files.renew(days=12.5)
    left = days_left(read_identity(parse({"tls": files.tls()}).tls))
    assert 12.4 < left < 12.6
