"""R19: the guard's edges: what just passes, what it says, and how names are looked up."""

import asyncio
import ipaddress
import socket
import threading
from typing import Any

import pytest

from providers.core.errors import ProviderError
from providers.core.guard import Guard, GuardedResolver, literal

V4, V6 = "93.184.216.34", "2606:4700:4700::1111"
NUMERIC = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
AT_ONCE = 16


def refused(guard: Guard, scheme: str, host: str, **more: Any) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        guard.check_url(scheme, host, **more)
    return caught.value


def test_public_and_listed_addresses_may_be_connected_to_and_no_others() -> None:
    # A network with host bits set, and blanks around it, is read as what it means.
    guard = Guard([], [" 10.1.2.3/16 "])
    for text, allowed in [(V4, True), (V6, True), ("10.1.9.9", True), ("10.2.0.1", False)]:
        assert guard.allows(ipaddress.ip_address(text)) is allowed, text


@pytest.mark.parametrize(
    ("scheme", "host", "reason", "words"),
    [
        ("ftp", "example.com", "", "https"),
        ("http", "example.com", "", "https"),
        ("https", "2130706433", "", "spelling"),
        ("https", "a b.example", "", "no host"),
        ("https", "10.0.0.1", "ADDRESS_NOT_ALLOWED", "allowed_hosts"),
        ("https", "localhost", "ADDRESS_NOT_ALLOWED", "allowed_hosts"),
    ],
)
def test_a_refusal_names_the_field_and_what_is_wrong(
    scheme: str, host: str, reason: str, words: str
) -> None:
    error = refused(Guard(), scheme, host, field="connection.base_url")
    [(field, description)] = error.violations
    assert field == "connection.base_url"
    assert words in description
    if reason:
        assert error.reason == reason


def test_a_listed_address_is_meant_in_every_spelling_of_it() -> None:
    guard = Guard(["[0:0:0:0:0:0:0:1]:5232"])
    assert guard.trusts("::1", 5232)
    assert guard.trusts("[0::1]", 5232)
    assert not guard.trusts("::1", 5233)


def test_a_name_is_not_taken_for_one_that_is_nearly_it() -> None:
    guard = Guard(["box.corp"])
    assert guard.trusts("box.corp", 443)
    for near in ("Xbox.corp", "box.corpX", "box.corp]x", "box.cor"):
        assert not guard.trusts(near, 443), near


def test_an_entry_that_is_no_host_is_named_to_the_operator() -> None:
    with pytest.raises(ValueError, match="'a/b'"):
        Guard(["a/b"])


def test_an_address_is_read_whole() -> None:
    assert literal(f"[{V6}]") == ipaddress.ip_address(V6)
    assert literal(V4) == ipaddress.ip_address(V4)
    # Half a bracket, and a zone: an address to some readers, a name to others.
    for spelling in (f"[{V4}", f"{V4}]", f"[{V6}", f"{V6}%eth0", f"[{V6}%25eth0]"):
        with pytest.raises(ValueError):
            literal(spelling)


def test_the_longest_name_that_dns_knows_passes() -> None:
    longest = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 61])
    assert len(longest) == 253
    assert literal(f"{longest}.") is None
    with pytest.raises(ValueError, match="no host"):
        literal(f"{longest}d.")


class Names:
    """Stands for the C library's resolver; keeps what it was asked, and by which thread."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses
        self.asked: list[tuple[object, ...]] = []
        self.threads: set[str] = set()

    def __call__(
        self, host: str, port: int, family: int = 0, kind: int = 0, *, flags: int = 0
    ) -> list[tuple[object, ...]]:
        self.asked.append((host, port, family, kind, flags))
        self.threads.add(threading.current_thread().name)
        return [(family, kind, 0, "", (address, port)) for address in self.addresses]


async def test_a_name_is_asked_for_as_it_will_be_connected_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = Names(V4, V6, V4)
    resolver = GuardedResolver(Guard())
    monkeypatch.setattr("providers.core.guard.socket.getaddrinfo", names)
    found = await resolver.resolve("example.com", 8443, socket.AF_INET6)
    assert names.asked == [
        ("example.com", 8443, socket.AF_INET6, socket.SOCK_STREAM, socket.AI_ADDRCONFIG)
    ]
    rest = {"hostname": "example.com", "port": 8443, "proto": socket.IPPROTO_TCP, "flags": NUMERIC}
    assert found == [
        {"host": V4, "family": socket.AF_INET, **rest},
        {"host": V6, "family": socket.AF_INET6, **rest},
    ]
    # Not in the loop's own threads, which others need.
    assert all(name.startswith("lookup") for name in names.threads)
    [first, _] = await resolver.resolve("example.com")
    assert first["port"] == 0
    await resolver.close()


async def test_a_port_that_is_not_listed_does_not_lead_inside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("providers.core.guard.socket.getaddrinfo", Names("10.0.0.7"))
    resolver = GuardedResolver(Guard(["one.corp:8080"]))
    [found] = await resolver.resolve("one.corp", 8080)
    assert found["host"] == "10.0.0.7"
    with pytest.raises(OSError, match="not public"):
        await resolver.resolve("one.corp", 8081)
    await resolver.close()


class Stuck(GuardedResolver):
    """A name server that answers when it is let."""

    def __init__(self) -> None:
        super().__init__(Guard())
        self.full = threading.Barrier(AT_ONCE + 1)
        self.answer = threading.Event()
        self.asked: list[str] = []
        self.answered: list[str] = []

    def look_up(self, host: str, port: int, family: socket.AddressFamily) -> list[str]:
        self.asked.append(host)
        self.full.wait(30)
        self.answer.wait(30)
        self.answered.append(host)
        return [V4]


async def test_a_silent_name_server_holds_neither_the_loop_nor_the_end() -> None:
    resolver = Stuck()
    lookups = [asyncio.ensure_future(resolver.resolve(f"{n}.example")) for n in range(AT_ONCE + 4)]
    # Sixteen are under way together, no more: and the loop's own threads are free for this.
    await asyncio.to_thread(resolver.full.wait, 30)
    await resolver.close()
    assert resolver.answered == [], "the end waited for answers"
    resolver.answer.set()
    ended = await asyncio.gather(*lookups, return_exceptions=True)
    assert len(resolver.asked) == AT_ONCE
    assert sum(isinstance(each, asyncio.CancelledError) for each in ended) == 4
