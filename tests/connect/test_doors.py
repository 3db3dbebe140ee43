"""Who may open a page, and the headers that every page has."""

import asyncio
import base64
import hashlib
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession
from google.protobuf.duration_pb2 import Duration

import server.connect
from providers.core.errors import Kind, ProviderError
from providers.registry import PROVIDERS
from tests.connect.person import back, text_of
from tests.connect.world import APP, World, browser, pages
from tests.server.house import oauth
from tests.server.vendor import VendorServer
from ucal.v1 import connection_pb2

pb = connection_pb2


@pytest.fixture
async def person() -> AsyncIterator[ClientSession]:
    """Somebody's browser."""
    async with browser() as found:
        yield found


# -- doors


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "127.0.0.1.evil.example"},
        {"host": "evil.example:8080"},
        {"host": "x@127.0.0.1"},
        {"x-forwarded-for": "192.0.2.1"},
        {"forwarded": "for=192.0.2.1"},
        {"via": "1.1 tunnel"},
        {"x-forwarded-proto": "https"},
        {"x-forwarded-port": "443"},
        {"cf-connecting-ip": "192.0.2.1"},
    ],
)
async def test_a_bare_page_is_for_this_machine_alone(
    here: World, person: ClientSession, headers: dict[str, str]
) -> None:
    """By name too: DNS rebinding makes a page of the internet a caller from loopback."""
    async with person.get(f"{here.base}/connect/vendor", headers=headers) as answer:
        assert answer.status == 403
        assert "needs a link" in await answer.text()
    async with person.get(f"{here.base}/connect/vendor", headers={"host": "localhost"}) as answer:
        assert answer.status == 200


async def test_a_proxy_that_adds_nothing_is_told_by_its_http_1_0(here: World) -> None:
    """nginx with a bare `proxy_pass`: its upstream's own name as the host, and no header more."""
    host = here.base.removeprefix("http://")
    reader, writer = await asyncio.open_connection(*host.split(":"))
    writer.write(f"GET /connect/vendor HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
    status = await reader.readline()
    writer.close()
    assert b" 403 " in status


async def test_where_access_is_not_open_a_link_is_needed(
    vendor: VendorServer, person: ClientSession
) -> None:
    async with pages(vendor, is_open=False) as (base, found):
        await text_of(person, f"{base}/connect/vendor", 403)
        token, _ = await found.tickets.issue(pb.CreateConnectLinkRequest(provider="vendor"))
        await text_of(person, f"{base}/connect/vendor?link={token}")
        assert "damaged" in await text_of(person, f"{base}/connect/plain?link={token}", 400)
        assert "damaged" in await text_of(person, f"{base}/connect/vendor?link={token}x", 400)
        page = found.sealer("page").seal(b"x").decode()
        await text_of(person, f"{base}/connect/vendor?link={page}", 400)


async def test_a_link_ends(vendor: VendorServer, person: ClientSession) -> None:
    async with pages(vendor, is_open=False) as (base, found):
        found.tickets._now = lambda: time.time() - 61
        request = pb.CreateConnectLinkRequest(provider="vendor", lifetime=Duration(seconds=60))
        token, until = await found.tickets.issue(request)
        assert until < time.time()
        found.tickets._now = time.time
        assert "too old" in await text_of(person, f"{base}/connect/vendor?link={token}", 410)


async def test_a_bare_page_moves_to_where_the_vendor_sends_people_back_to(
    vendor: VendorServer, person: ClientSession
) -> None:
    async with pages(vendor, public_url="https://ucal.example/p") as (base, found):
        answer = await back(person, f"{base}/connect/vendor")
        where, _, token = answer.headers["location"].partition("?link=")
        assert where == "https://ucal.example/p/connect/vendor"
        assert found.tickets.open(token).provider == "vendor"


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"provider": "nothing"}, "provider"),
        ({"return_uri": f"{APP}x"}, "return_uri"),
        ({"provider": "plain", "scopes": ["a"]}, "scopes"),
        ({"connection_id": "mine", "labels": {"a": "b"}}, "labels"),
        ({"connection_id": "mine", "display_name": "a"}, "display_name"),
        ({"connection_id": "mine", "provider": "plain"}, "connection_id"),
        ({"labels": {f"k{n}": "v" * 256 for n in range(20)}}, "labels"),
    ],
)
async def test_links_that_are_not_made(
    vendor: VendorServer, fields: dict[str, object], path: str
) -> None:
    async with pages(vendor) as (_, found):
        await found.directory.create(oauth("mine", access_token="a"), "")
        wanted = {"provider": "vendor", **fields}
        with pytest.raises(ProviderError) as caught:
            await found.tickets.issue(pb.CreateConnectLinkRequest(**wanted))  # type: ignore[arg-type]
    assert caught.value.kind is Kind.INVALID
    assert [field for field, _ in caught.value.violations] == [path]


async def test_a_connection_of_the_settings_is_not_renewed(vendor: VendorServer) -> None:
    static = [{"id": "fixed", "provider": "plain"}]
    async with pages(vendor, connections=static) as (_, found):
        request = pb.CreateConnectLinkRequest(provider="plain", connection_id="fixed")
        with pytest.raises(ProviderError) as caught:
            await found.tickets.issue(request)
        assert caught.value.reason == "STATIC_CONNECTION"
        gone = pb.CreateConnectLinkRequest(provider="plain", connection_id="gone")
        with pytest.raises(ProviderError) as caught:
            await found.tickets.issue(gone)
        assert caught.value.kind is Kind.NOT_FOUND


# -- headers


def _directives(policy: str) -> dict[str, str]:
    return {each.split()[0]: " ".join(each.split()[1:]) for each in policy.split(";")}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/connect/vendor", 200),
        ("/connect/vendor?with=password", 200),
        ("/connect/nothing", 404),
        ("/connect/vendor/done", 410),
        ("/oauth/callback", 400),
        ("/connect/vendor/go", 403),
        ("/connect/icon.svg", 200),
    ],
)
async def test_headers(here: World, person: ClientSession, path: str, status: int) -> None:
    async with person.get(f"{here.base}{path}") as answer:
        assert answer.status == status
        text, headers = await answer.text(), answer.headers
    policy = _directives(headers["content-security-policy"])
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["base-uri"] == "'none'"
    assert policy["form-action"] == ("'self'" if "<form" in text else "'none'")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert "strict-transport-security" not in headers
    if "<style>" in text:
        style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
        assert style
        digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
        assert policy["style-src"] == f"'sha256-{digest}'"
        for banned in (" style=", "<script", "javascript:", " onclick", "@import", "url("):
            assert banned not in text
        foreign = re.findall(r'(?:src|action)="(https?://[^"]+)"', text)
        assert all(each.startswith(here.base) for each in foreign)


async def test_over_https_the_cookie_and_the_site_are_for_https_only(
    vendor: VendorServer, person: ClientSession
) -> None:
    async with pages(vendor, public_url="https://ucal.example") as (base, found):
        token, _ = await found.tickets.issue(pb.CreateConnectLinkRequest(provider="vendor"))
        answer = await back(person, f"{base}/connect/vendor?link={token}")
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-ucal-connect=")
        assert {"HttpOnly", "Secure", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
        assert "Domain" not in cookie


async def test_a_cookie_stays_and_a_strange_one_is_replaced(
    here: World, person: ClientSession
) -> None:
    first = await back(person, f"{here.base}/connect/vendor")
    assert "Secure" not in first.headers["set-cookie"]
    again = await back(person, f"{here.base}/connect/vendor")
    assert again.cookies["ucal-connect"].value == first.cookies["ucal-connect"].value
    async with (
        browser() as odd,
        odd.get(f"{here.base}/connect/vendor", headers={"cookie": "ucal-connect=short"}) as answer,
    ):
        assert len(answer.cookies["ucal-connect"].value) == 32


def test_the_pages_name_no_provider() -> None:
    folder = Path(server.connect.__file__).parent
    names = [name for name in PROVIDERS if name != "sandbox"]
    for path in folder.rglob("*.*"):
        if path.suffix in {".py", ".html"}:
            words = set(re.findall(r"[a-z_]+", path.read_text().lower()))
            assert not words & set(names), path
