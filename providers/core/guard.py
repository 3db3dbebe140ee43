"""Which addresses may be connected to: the guard against server-side request forgery.

A base URL that a user gave can name, or resolve to, a machine inside the operator's network. The
guard refuses every address that is not public, in all its spellings, unless the operator lists the
host or network. It is asked when the name is resolved, so that the address that was checked is the
address that is connected to.
"""

import ipaddress
import re
import socket
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from aiohttp.abc import AbstractResolver, ResolveResult

from providers.core.errors import ProviderError

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAT64 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))
_REFUSED_NETWORKS: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "100.64.0.0/10",  # carrier-grade NAT
        "192.0.0.0/24",  # IETF protocol assignments
        "192.88.99.0/24",  # 6to4 relays
        "198.18.0.0/15",  # benchmarking
        "::/96",  # IPv4-compatible, deprecated
        "100::/64",  # discard
        "2001::/32",  # Teredo
        "2002::/16",  # 6to4
        "fec0::/10",  # site-local, deprecated
    )
)
# Numbers in the spellings that the C library still takes: 2130706433, 0x7f.1, 0177.0.0.1.
_NUMERIC = re.compile(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+)){0,3}", re.IGNORECASE)


class ForbiddenAddressError(OSError):
    """A name led to an address that may not be connected to."""


class Guard:
    """Decides about hosts and addresses."""

    def __init__(
        self, allowed_hosts: Iterable[str] = (), allowed_networks: Iterable[str] = ()
    ) -> None:
        """A guard with the operator's exceptions.

        Args:
            allowed_hosts: names that may lead anywhere, and may be spoken to without TLS.
            allowed_networks: CIDR networks that may be connected to, with or without TLS.

        Raises:
            ValueError: a network is none.
        """
        self._hosts = frozenset(_plain(host) for host in allowed_hosts)
        self._networks = tuple(
            ipaddress.ip_network(text, strict=False) for text in allowed_networks
        )

    def trusts(self, host: str) -> bool:
        """Whether the operator listed `host`, or the network of the address that it spells."""
        plain = _plain(host)
        if plain in self._hosts:
            return True
        address = literal(plain)
        return address is not None and self._listed(address)

    def allows(self, address: Address) -> bool:
        """Whether `address` may be connected to."""
        return self._listed(address) or is_public(address)

    def _listed(self, address: Address) -> bool:
        inner = embedded(address) or address
        return any(
            each in network
            for network in self._networks
            for each in {address, inner}
            if each.version == network.version
        )

    def check_url(self, scheme: str, host: str, field: str = "base_url") -> None:
        """Refuse what can be refused without resolving.

        Raises:
            ProviderError: INVALID in `field`.
        """
        plain = _plain(host)
        trusted = self.trusts(plain)
        if scheme != "https" and not (scheme == "http" and trusted):
            raise ProviderError.invalid(field, "must be an https URL")
        address = literal(plain)
        if address is None and _NUMERIC.fullmatch(plain):
            raise ProviderError.invalid(field, "is an address in a spelling that is not taken")
        if not plain or "%" in plain:
            raise ProviderError.invalid(field, "names no host")
        if address is not None and not trusted and not is_public(address):
            raise ProviderError.invalid(field, _REFUSAL, reason="ADDRESS_NOT_ALLOWED")
        if (plain == "localhost" or plain.endswith(".localhost")) and not trusted:
            raise ProviderError.invalid(field, _REFUSAL, reason="ADDRESS_NOT_ALLOWED")


_REFUSAL = (
    "leads to an address that is not public; the operator can list it in allowed_hosts or "
    "allowed_networks"
)


def _plain(host: str) -> str:
    return host.strip().strip("[]").rstrip(".").lower()


def literal(host: str) -> Address | None:
    """The address that `host` spells in the usual way; None for names and odd spellings."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def embedded(address: Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address inside an IPv6 one: mapped, NAT64, 6to4."""
    if address.version == 4:
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if any(address in network for network in _NAT64):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.sixtofour


def is_public(address: Address) -> bool:
    """Whether `address`, and the one inside it, are out on the internet."""
    inner = embedded(address)
    if inner is not None and not is_public(inner):
        return False
    if any(address in network for network in _NAT64):
        return True
    if any(
        address.version == network.version and address in network for network in _REFUSED_NETWORKS
    ):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


class GuardedResolver(AbstractResolver):
    """Resolves names, and hands out only what the guard allows.

    One bad address among several refuses the name: it is how rebinding looks.
    """

    def __init__(self, guard: Guard, inner: AbstractResolver) -> None:
        self._guard = guard
        self._inner = inner

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Part of aiohttp's AbstractResolver.

        Raises:
            ForbiddenAddressError: the name leads to an address that is not allowed.
        """
        found = await self._inner.resolve(host, port, family)
        if not self._guard.trusts(host) and not self._all_allowed(found):
            raise ForbiddenAddressError("the name leads to an address that is not public")
        return found

    def _all_allowed(self, found: Sequence[ResolveResult]) -> bool:
        for each in found:
            address = literal(each["host"].partition("%")[0])
            if address is None or not self._guard.allows(address):
                return False
        return True

    async def close(self) -> None:
        """Part of aiohttp's AbstractResolver."""
        await self._inner.close()
