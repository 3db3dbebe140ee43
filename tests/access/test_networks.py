"""The list of networks that may call is kept to."""

import grpc
import pytest

from server.interceptors.peers import Peers
from server.settings_model import Access
from tests.serving import serving
from ucal.v1 import provider_pb2, provider_pb2_grpc


@pytest.mark.parametrize(
    ("peer", "allowed"),
    [
        ("ipv4:192.0.2.7:5000", True),
        ("ipv4:192.0.3.7:5000", False),
        ("ipv6:[2001:db8::1]:5000", True),
        ("ipv6:%5B2001:db8::1%5D:5000", True),
        ("ipv6:[2001:db9::1]:5000", False),
        ("ipv6:[::ffff:192.0.2.7]:5000", True),
        ("unix:", True),
        ("", False),
        ("ipv4:nonsense", False),
    ],
)
def test_addresses_are_held_against_the_networks(peer: str, *, allowed: bool) -> None:
    assert Peers(["192.0.2.0/24", "2001:db8::/32"]).allows(peer) is allowed


def test_without_networks_everybody_may_call() -> None:
    assert Peers([]).allows("ipv4:203.0.113.9:1")


@pytest.mark.parametrize(("network", "served"), [("127.0.0.0/8", True), ("192.0.2.0/24", False)])
async def test_the_setting_is_enforced(network: str, *, served: bool) -> None:
    async with serving([], access=Access(ip_allow_list=(network,))) as channel:
        stub = provider_pb2_grpc.ProviderServiceStub(channel)
        request = provider_pb2.ListProvidersRequest(page_size=1)
        if served:
            assert len((await stub.ListProviders(request)).providers) == 1
            return
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.ListProviders(request)
    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
