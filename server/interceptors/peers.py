"""Which networks callers may come from, also through a proxy that is trusted to tell."""

import ipaddress
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import unquote

from providers.core.errors import Kind, ProviderError
from server.interceptors.wrap import Context, Stream, Unary, Wrapping
from server.settings_access import is_spiffe

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_UNIX = "unix"
_FORWARDED = "x-forwarded-for"
# More than any chain of proxies has; the rest is somebody's noise.
_MOST_HOPS = 64


class Peers(Wrapping):
    """Refuses callers whose address is in none of the networks; unix sockets have no address."""

    def __init__(self, networks: Sequence[str], proxies: Sequence[str] = ()) -> None:
        """An allow-list.

        Args:
            networks: CIDR; empty: everybody may call.
            proxies: networks, or "unix", whose `x-forwarded-for` is believed; others, SPIFFE ids,
                say nothing of addresses.
        """
        self._networks: tuple[Network, ...] = tuple(map(ipaddress.ip_network, networks))
        self._proxies: tuple[Network, ...] = tuple(
            ipaddress.ip_network(each) for each in proxies if each != _UNIX and not is_spiffe(each)
        )
        self._trusts_unix = _UNIX in proxies

    def allows(self, peer: str, forwarded: Iterable[str] = ()) -> bool:
        """Whether a caller may call.

        Args:
            peer: who is connected, as gRPC writes it ("ipv4:192.0.2.1:5000").
            forwarded: values of `x-forwarded-for`, in the order in which they came.
        """
        if not self._networks:
            return True
        if peer.startswith("unix:"):
            return not self._trusts_unix or self._behind(None, forwarded)
        address = _address(unquote(peer.partition(":")[2]).rpartition(":")[0])
        if address is None:
            return False
        if _among(address, self._proxies):
            return self._behind(address, forwarded)
        return _among(address, self._networks)

    def _behind(self, proxy: Address | None, forwarded: Iterable[str]) -> bool:
        """Whether the caller behind a trusted proxy may call.

        Each proxy adds the address that it was called from at the right end. The first one from
        the right that is no trusted proxy is the caller's; what stands left of it anybody can
        have written.
        """
        caller = proxy
        hops = ",".join(forwarded).split(",")[-_MOST_HOPS:]
        for text in reversed(hops):
            if not text.strip():
                break
            caller = _address(_without_port(text.strip()))
            if caller is None:
                return False
            if not _among(caller, self._proxies):
                break
        return caller is None or _among(caller, self._networks)

    def _check(self, context: Context) -> None:
        metadata = context.invocation_metadata() or ()
        forwarded = [str(value) for name, value in metadata if name == _FORWARDED]
        if not self.allows(context.peer(), forwarded):
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


def _address(host: str) -> Address | None:
    try:
        found = ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return None
    mapped: Address | None = getattr(found, "ipv4_mapped", None)
    return mapped or found


def _among(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks)


def _without_port(text: str) -> str:
    """The host of "192.0.2.1:5000" or "[2001:db8::1]:5000", as some proxies write it."""
    if text.startswith("["):
        return text.partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text
