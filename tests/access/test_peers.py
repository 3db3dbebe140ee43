"""The IP allow-list behind a proxy: who is believed, and who is not."""

from typing import Any

import pytest

from server.interceptors.peers import Peers
from server.settings_model import Access
from tests.access.door import Door
from tests.serving import serving
from ucal.v1 import provider_pb2

PEERS = Peers(["192.0.2.0/24", "2001:db8::/32"], ["10.0.0.0/8", "fd00::/8"])
PROXY = "ipv4:10.1.2.3:4000"


@pytest.mark.parametrize(
    ("peer", "forwarded", "allowed"),
    [
        # The proxy tells: what stands right of the caller are proxies of ours.
        (PROXY, ["192.0.2.7"], True),
        (PROXY, ["203.0.113.9"], False),
        (PROXY, ["192.0.2.7, 10.9.9.9"], True),
        (PROXY, ["203.0.113.9, 10.9.9.9"], False),
        (PROXY, ["192.0.2.7", "10.9.9.9, 10.8.8.8"], True),
        ("ipv6:[fd00::1]:4000", ["2001:db8::5"], True),
        ("ipv6:[::ffff:10.1.2.3]:4000", ["192.0.2.7"], True),
        # What the caller itself wrote stands left, and counts for nothing.
        (PROXY, ["192.0.2.7, 203.0.113.9"], False),
        (PROXY, ["192.0.2.7, 203.0.113.9, 10.9.9.9"], False),
        (PROXY, ["192.0.2.7", "203.0.113.9"], False),
        (PROXY, ["10.5.5.5, 203.0.113.9"], False),
        # Spellings.
        (PROXY, ["192.0.2.7:5123"], True),
        (PROXY, ["[2001:db8::5]:5123"], True),
        (PROXY, ["::ffff:192.0.2.7"], True),
        (PROXY, ["unknown"], False),
        (PROXY, ["192.0.2.7, garbage"], False),
        (PROXY, ["garbage, 192.0.2.7"], True),
        (PROXY, ["192.0.2.7, "], False),
        (PROXY, ["0xC0.0.2.7"], False),
        (PROXY, ["3221225991"], False),
        (PROXY, ["192.0.2.7,".rjust(200_000, "1")], False),
        # Without the header it is the proxy itself that calls.
        (PROXY, [], False),
        # From anywhere else the header is nothing but words.
        ("ipv4:203.0.113.9:4000", ["192.0.2.7"], False),
        ("ipv4:192.0.2.9:4000", ["203.0.113.9"], True),
        ("ipv6:[2001:db9::1]:4000", ["192.0.2.7"], False),
    ],
)
def test_who_calls_behind_a_proxy(peer: str, forwarded: list[str], *, allowed: bool) -> None:
    assert PEERS.allows(peer, forwarded) is allowed


def test_a_proxy_on_a_unix_socket_is_believed_when_it_is_named() -> None:
    named = Peers(["192.0.2.0/24"], ["unix"])
    assert named.allows("unix:", ["192.0.2.7"])
    assert not named.allows("unix:", ["203.0.113.9"])
    assert named.allows("unix:", [])
    unnamed = Peers(["192.0.2.0/24"])
    assert unnamed.allows("unix:", ["203.0.113.9"])


@pytest.mark.parametrize(
    ("proxies", "caller", "code"),
    [
        (("127.0.0.0/8",), "192.0.2.7", "OK"),
        (("127.0.0.0/8",), "203.0.113.9", "PERMISSION_DENIED"),
        (("127.0.0.0/8",), "192.0.2.7, 203.0.113.9", "PERMISSION_DENIED"),
        ((), "192.0.2.7", "PERMISSION_DENIED"),
    ],
)
async def test_the_settings_are_enforced(proxies: Any, caller: str, code: str) -> None:
    access = Access(ip_allow_list=("192.0.2.0/24",), trusted_proxies=proxies)
    async with serving([], access=access) as channel:
        refusal = await Door(channel).refusal(
            "ListProviders", provider_pb2.ListProvidersRequest(), x_forwarded_for=caller
        )
    assert refusal.code == code
