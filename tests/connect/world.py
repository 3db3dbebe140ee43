"""A service with pages, the vendor of tests.server.vendor, and its authorize page."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from aiohttp import ClientSession, CookieJar

from server.connect.commands import Commands
from server.connect.origin import Origin
from server.connect.pages import ConnectPages
from server.connections.facade import Connections
from server.http import HttpServer
from server.service import running
from server.settings import parse
from tests.connect.authorize import AuthorizePage
from tests.ports import free_port
from tests.server.house import house
from tests.server.vendor import VendorServer
from tests.serving import QUICK
from ucal.v1 import connection_pb2, connection_pb2_grpc

APP = "http://127.0.0.1:9/back?from=ucal"


@dataclass(frozen=True)
class World:
    """A running service.

    Attributes:
        base: of its HTTP side.
        address: of gRPC.
        rpc: stub of ConnectionService.
    """

    base: str
    address: str
    rpc: Any
    page: AuthorizePage

    async def link(self, provider: str = "vendor", **fields: Any) -> str:
        """A link, made by the RPC."""
        request = connection_pb2.CreateConnectLinkRequest(provider=provider, **fields)
        return str((await self.rpc.CreateConnectLink(request)).url)

    async def connections(self) -> list[connection_pb2.Connection]:
        """All of them."""
        found = await self.rpc.ListConnections(connection_pb2.ListConnectionsRequest())
        return list(found.connections)


def browser() -> ClientSession:
    """A browser without a window: it keeps cookies."""
    return ClientSession(cookie_jar=CookieJar(unsafe=True))


@asynccontextmanager
async def pages(
    vendor: VendorServer, *, public_url: str = "", is_open: bool = True, **more: Any
) -> AsyncIterator[tuple[str, Connections]]:
    """The pages alone, without gRPC: where they are, and what they are about."""
    given = {"public_url": public_url, "allowed_hosts": ["127.0.0.1"], "redirect_uris": [APP]}
    async with house(vendor, **given, **more) as found:
        origin = Origin(public_url, is_open=is_open)
        commands = Commands(parse({"store": "memory:"}))
        http = HttpServer(_ready, ConnectPages(found, origin, commands).routes())
        port = await http.start("127.0.0.1", 0)
        origin.address = f"127.0.0.1:{port}"
        try:
            yield f"http://127.0.0.1:{port}", found
        finally:
            await http.stop()


async def _ready() -> str:
    return ""


@asynccontextmanager
async def world(
    vendor: VendorServer, *, with_oauth: Mapping[str, bool] | None = None, **more: Any
) -> AsyncIterator[World]:
    """The service.

    Args:
        with_oauth: further providers that have a client; true: their dances end at the vendor's.
        more: settings, on top.
    """
    async with AuthorizePage(vendor).running() as page:
        providers = vendor.settings()
        providers["vendor"]["authorize_url"] = page.url
        for name, here in (with_oauth or {}).items():
            client = {"client_id": "client", "client_secret": "client-secret"}
            at = ("authorize_url", "token_url") if here else ()
            urls = {key: providers["vendor"][key].replace("{tenant}", "common") for key in at}
            providers[name] = client | urls
        given = {
            "listen": f"127.0.0.1:{free_port()}",
            "http_listen": "127.0.0.1:0",
            "store": "memory:",
            "log_level": "error",
            "limits": QUICK,
            "allowed_hosts": ["127.0.0.1"],
            "redirect_uris": [APP],
            "providers": providers,
            **more,
        }
        async with (
            running(parse(given)) as service,
            grpc.aio.insecure_channel(service.address) as channel,
        ):
            stub = connection_pb2_grpc.ConnectionServiceStub(channel)
            page.redirects = {f"http://{service.http_address}/oauth/callback"}
            yield World(f"http://{service.http_address}", service.address, stub, page)
