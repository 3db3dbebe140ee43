"""Which networks callers may come from."""

import ipaddress
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

from providers.core.errors import Kind, ProviderError
from server.interceptors.wrap import Context, Stream, Unary, Wrapping

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Peers(Wrapping):
    """Refuses callers whose address is in none of the networks; unix sockets have no address."""

    def __init__(self, networks: Sequence[str]) -> None:
        """`networks`: CIDR; empty: everybody may call."""
        self._networks: tuple[Network, ...] = tuple(map(ipaddress.ip_network, networks))

    def allows(self, peer: str) -> bool:
        """Whether a caller at `peer`, as gRPC writes it ("ipv4:192.0.2.1:5000"), may call."""
        if not self._networks or peer.startswith("unix:"):
            return True
        host = unquote(peer.partition(":")[2]).rpartition(":")[0].strip("[]").partition("%")[0]
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None) or address
        return any(mapped in network for network in self._networks)

    def _check(self, context: Context) -> None:
        if not self.allows(context.peer()):
            raise ProviderError(
                Kind.FORBIDDEN,
                "calls from this address are not taken here",
                reason="ADDRESS_REFUSED",
            )

    def unary(self, method: str, inner: Unary) -> Unary:
        """Around a call with one answer."""
        del method
        if not self._networks:
            return inner

        async def call(request: Any, context: Context) -> Any:
            self._check(context)
            return await inner(request, context)

        return call

    def stream(self, method: str, inner: Stream) -> Stream:
        """Around a call with a stream of answers."""
        del method
        if not self._networks:
            return inner

        async def call(request: Any, context: Context) -> Any:
            self._check(context)
            async for message in inner(request, context):
                yield message

        return call
