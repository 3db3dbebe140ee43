"""Base URLs that users give (SSRF)."""

import asyncio
import socket
from typing import Any

import pytest

from providers.core.errors import Kind
from server.connections.facade import Connections
from tests.server.house import PAIR, basic, bring, field, house, refused
from tests.server.vendor import VendorServer

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
