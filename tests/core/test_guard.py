"""R19: no connection to an address inside, however it is spelt, named or answered."""

import ipaddress
import socket

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from providers.core.errors import Kind, ProviderError
from providers.core.guard import (
    ForbiddenAddressError,
    Guard,
    GuardedResolver,
    is_public,
    literal,
)
from providers.core.http import Door, Http
from providers.core.transport import Transport
from tests.core.upstream import door, failure, serving

SPELLINGS = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "2130706433",
    "017700000001",
    "0177.0.0.1",
    "0x7f000001",
    "0x7f.0.0.1",
    "0X7F.1",
    "127.0.0.1.",
    "127.0.0.0x1",
    "1.2.3.4.5",
    "0",
    "0.0.0.0",
    "[::]",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::808:808]",
    "[64:ff9b:1::a00:1]",
    "[2002:7f00:1::]",
    "[2001:0:4136:e378::1]",
    "[fe80::1]",
    "[fe80::1%25eth0]",
    "[fe80::1%eth0]",
    "[fc00::1]",
    "[fec0::1]",
    "[ff02::1]",
    "[2001:db8::1]",
    "[100::1]",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "169.254.169.254",
    "168.63.129.16",
    "192.0.0.192",
    "192.0.2.1",
    "198.18.0.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "localhost",
    "LOCALHOST.",
    "x.localhost",
    "١٢٧.٠.٠.١",
    "１２７.0.0.1",
    "127。0。0。1",
    "ⓛocalhost",
    "a..b",
    "-a.example",
    "a b.example",
    "a_b.0x",
    "",
    ".",
    "x" * 64 + ".example",
]


@pytest.mark.parametrize("host", SPELLINGS)
async def test_no_spelling_of_an_address_inside_is_called(host: str) -> None:
    with pytest.raises(ProviderError) as caught:
        Guard().check_url("https", host)
    assert caught.value.kind is Kind.INVALID
    assert caught.value.violations[0][0] == "base_url"
    async with Transport(Guard()) as transport:
        error = await failure(_get(Door(transport), f"https://{host}/x"))
        assert error.kind is Kind.INVALID, error


async def _get(way: Door, url: str) -> None:
    await Http(way, url).send("GET", "")


@pytest.mark.parametrize(
    "url",
    [
        "https://user@example.com/",
        "https://user:secret@example.com/",
        "https://example.com@127.0.0.1/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "http://example.com/",
        "//example.com/",
        "https:///x",
        "https://exa mple.com/",
        "https://example.com:99999/",
        "https://[::1/",
    ],
)
async def test_a_url_that_is_no_plain_https_url_is_refused(url: str) -> None:
    async with door(guard=Guard()) as way:
        error = await failure(_get(way, url))
    assert error.kind is Kind.INVALID, error


@pytest.mark.parametrize(
    "host",
    [
        "example.com",
        "example.com.",
        "a-b.c_d.example",
        "xn--p1ai",
        "1.1.1.1",
        "[2606:4700:4700::1111]",
        "3com.example",
        "0x.example",
    ],
)
def test_public_names_and_addresses_pass(host: str) -> None:
    Guard().check_url("https", host)


@given(st.integers(0, 2**32 - 1))
def test_numbers_are_read_as_addresses_by_nobody(number: int) -> None:
    for spelling in (
        str(number),
        hex(number),
        f"0{number:o}",
        f"{number >> 24}.{number & 0xFFFFFF}",
    ):
        with pytest.raises(ValueError):
            literal(spelling)


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_inside_is_none_outside_in_ipv6(address: ipaddress.IPv4Address) -> None:
    low = int(address)
    inner = [
        ipaddress.IPv6Address(0xFFFF << 32 | low),
        ipaddress.IPv6Address(low),
        ipaddress.IPv6Address((0x64FF9B << 96) | low),
        ipaddress.IPv6Address((0x2002 << 112) | (low << 80)),
    ]
    assert is_public(inner[0]) == is_public(address)
    assert not any(map(is_public, inner[1:]))
    if address.is_private or address.is_loopback or address.is_link_local:
        assert not is_public(address)


def test_the_operator_may_list_hosts_ports_suffixes_and_networks() -> None:
    guard = Guard(
        ["caldav.corp", ".lab.corp", "10.1.1.1:8443", "[::1]:5232", "one.corp:8080"],
        ["192.168.7.0/24"],
    )
    for scheme, host, port in [
        ("http", "caldav.corp", 80),
        ("http", "CalDAV.corp.", 9999),
        ("http", "x.y.lab.corp", None),
        ("https", "10.1.1.1", 8443),
        ("http", "::1", 5232),
        ("http", "[::1]", 5232),
        ("http", "one.corp", 8080),
        ("http", "192.168.7.9", None),
        ("https", "::ffff:192.168.7.9", None),
    ]:
        guard.check_url(scheme, host, port)
    for scheme, host, port in [
        ("http", "caldav.corp.example", None),
        ("http", "lab.corp", None),
        ("http", "evil-lab.corp", None),
        ("https", "10.1.1.1", 443),
        ("http", "::1", 80),
        ("http", "one.corp", 80),
        ("http", "192.168.8.9", None),
    ]:
        with pytest.raises(ProviderError):
            guard.check_url(scheme, host, port)


@pytest.mark.parametrize("entry", ["", ".", "a/b", "[]"])
def test_an_entry_that_is_no_host_is_refused_at_start(entry: str) -> None:
    with pytest.raises(ValueError):
        Guard([entry])
    with pytest.raises(ValueError):
        Guard([], ["example.com"])


class Answers(GuardedResolver):
    """Stands for DNS: names lead where the test says, each time to the next answer."""

    def __init__(self, guard: Guard, answers: list[list[str]]) -> None:
        super().__init__(guard)
        self.answers = answers

    def look_up(self, host: str, port: int, family: socket.AddressFamily) -> list[str]:
        return self.answers.pop(0)


@pytest.mark.parametrize(
    "answer",
    [
        ["127.0.0.1"],
        ["93.184.216.34", "10.0.0.1"],
        ["::ffff:169.254.169.254"],
        ["fe80::1%eth0"],
        ["64:ff9b::a00:1"],
    ],
)
async def test_one_bad_answer_refuses_the_name(answer: list[str]) -> None:
    resolver = Answers(Guard(), [answer])
    with pytest.raises(ForbiddenAddressError):
        await resolver.resolve("evil.example", 443)
    await resolver.close()


async def test_what_is_connected_to_is_what_was_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: a name that led outside leads inside now. Each connection asks once."""
    asked: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        return web.Response(text=request.headers["host"], headers={"connection": "close"})

    def look_up(self: GuardedResolver, host: str, port: int, family: object) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if host == "inside.example" else ["127.0.0.2"]

    monkeypatch.setattr(GuardedResolver, "look_up", look_up)
    async with serving(handler) as origin:
        port = origin.rpartition(":")[2]
        listed = Guard(["inside.example"])
        async with door(guard=listed) as way:
            reply = await Http(way, f"http://inside.example:{port}").send("GET", "/")
            assert reply.content.decode() == f"inside.example:{port}"
            error = await failure(Http(way, f"https://other.example:{port}").send("GET", "/"))
            assert (error.kind, error.reason) == (Kind.INVALID, "ADDRESS_NOT_ALLOWED")
    assert asked == ["inside.example", "other.example"]


async def test_a_name_that_leads_nowhere_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    def look_up(self: GuardedResolver, host: str, port: int, family: object) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    monkeypatch.setattr(GuardedResolver, "look_up", look_up)
    async with door(guard=Guard()) as way:
        error = await failure(Http(way, "https://nowhere.example").send("POST", "/"))
    assert error.kind is Kind.UNAVAILABLE
    assert "nowhere" not in str(error)
