"""Which addresses may be connected to: the guard against server-side request forgery.

A base URL that a user gave can name, or resolve to, a machine inside the operator's network. The
guard refuses every address that is not public, in all its spellings, unless the operator lists the
host or network. It is asked when the name is resolved, so that the address that was checked is the
address that is connected to. Which hosts are a provider's own is not decided here.
"""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias

from aiohttp.abc import AbstractResolver, ResolveResult

from providers.core.errors import ProviderError

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_PORTS = {"https": 443, "http": 80}
# Global to `ipaddress` or behind something that is: an IPv4 address may hide in them, or a machine
# of the cloud's own.
_REFUSED_NETWORKS: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "100.64.0.0/10",  # carrier-grade NAT; Alibaba's metadata are at 100.100.100.200
        "168.63.129.16/32",  # Azure's metadata
        "192.0.0.0/24",  # IETF protocol assignments; Oracle's metadata
        "192.88.99.0/24",  # 6to4 relays
        "198.18.0.0/15",  # benchmarking
        "::/96",  # IPv4-compatible, deprecated
        "64:ff9b::/96",  # NAT64
        "64:ff9b:1::/48",  # local NAT64
        "100::/64",  # discard
        "2001::/32",  # Teredo
        "2002::/16",  # 6to4
        "fec0::/10",  # site-local, deprecated
    )
)
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
# A last label that the C library reads as a number: 2130706433, 0x7f.1, 0177.0.0.1, 127.1.
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")
_HOST_AND_PORT = re.compile(r"(\[[^\]]*\]|[^:]*):([0-9]{1,5})")
_LOOKUPS_AT_ONCE = 16
_REFUSAL = (
    "leads to an address that is not public; the operator can list it in allowed_hosts or "
    "allowed_networks"
)


class ForbiddenAddressError(OSError):
    """A name led to an address that may not be connected to."""


class Guard:
    """Decides about hosts and addresses."""

    def __init__(
        self, allowed_hosts: Iterable[str] = (), allowed_networks: Iterable[str] = ()
    ) -> None:
        """A guard with the operator's exceptions.

        Args:
            allowed_hosts: names that may lead anywhere, and may be spoken to without TLS: `host`,
                `.suffix` for every host below it, or an address; each may end with `:port`.
            allowed_networks: CIDR networks that may be connected to; the addresses in them, when a
                URL spells them, may be spoken to without TLS.

        Raises:
            ValueError: a network is none, or a host is empty.
        """
        self._hosts = frozenset(_host_and_port(text) for text in allowed_hosts)
        self._networks = tuple(
            ipaddress.ip_network(text.strip(), strict=False) for text in allowed_networks
        )

    def trusts(self, host: str, port: int) -> bool:
        """Whether the operator listed `host`, or the network of the address that it spells."""
        plain = _plain(host)
        address = _address(plain)
        if address is not None:
            plain = str(address)
        if (plain, None) in self._hosts or (plain, port) in self._hosts:
            return True
        if address is not None:
            return self._listed(address)
        return any(
            name.startswith(".") and plain.endswith(name) and allowed in (None, port)
            for name, allowed in self._hosts
        )

    def allows(self, address: Address) -> bool:
        """Whether `address` may be connected to."""
        return is_public(address) or self._listed(address)

    def _listed(self, address: Address) -> bool:
        inner = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        return any(
            each in network
            for network in self._networks
            for each in (address, inner)
            if each is not None and each.version == network.version
        )

    def check_url(
        self, scheme: str, host: str, port: int | None = None, *, field: str = "base_url"
    ) -> None:
        """Refuse what can be refused without resolving.

        Raises:
            ProviderError: INVALID in `field`.
        """
        if scheme not in _PORTS:
            raise ProviderError.invalid(field, "must be an https URL")
        try:
            address = literal(host)
        except ValueError as error:
            raise ProviderError.invalid(field, str(error)) from None
        if self.trusts(host, port or _PORTS[scheme]):
            return
        if scheme != "https":
            raise ProviderError.invalid(field, "must be an https URL")
        plain = _plain(host)
        local = plain == "localhost" or plain.endswith(".localhost")
        if local or (address is not None and not is_public(address)):
            raise ProviderError.invalid(field, _REFUSAL, reason="ADDRESS_NOT_ALLOWED")


def _host_and_port(text: str) -> tuple[str, int | None]:
    text = text.strip()
    found = _HOST_AND_PORT.fullmatch(text)
    host, port = (found[1], int(found[2])) if found else (text, None)
    plain = _plain(host)
    if not plain.strip(".") or "/" in plain:
        raise ValueError(f"not a host: {text!r}")
    address = _address(plain)
    return (plain if address is None else str(address)), port


def _plain(host: str) -> str:
    return host.strip("[]").rstrip(".").lower()


def _address(plain: str) -> Address | None:
    try:
        return ipaddress.ip_address(plain)
    except ValueError:
        return None


def literal(host: str) -> Address | None:
    """The address that `host` spells in the one usual way; None when it is a name.

    Raises:
        ValueError: it is neither: an address in a spelling that only some readers understand
            (decimal, octal, hexadecimal, short, with a zone id, with digits that are not ASCII),
            or no host name. Says which, in words for the caller.
    """
    plain = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if "%" in plain:
        raise ValueError("names no host")
    address = _address(plain)
    if address is not None:
        return address
    labels = plain.lower().removesuffix(".").split(".")
    if _NUMBER.fullmatch(labels[-1]):
        raise ValueError("is an address in a spelling that is not taken")
    if len(plain) > 254 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError("names no host")
    return None


def is_public(address: Address) -> bool:
    """Whether `address` is out on the internet, and hides no other address."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return is_public(address.ipv4_mapped)
    if any(
        address.version == network.version and address in network for network in _REFUSED_NETWORKS
    ):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


class GuardedResolver(AbstractResolver):
    """Resolves names, and hands out only what the guard allows.

    One bad address among several refuses the name: it is how rebinding looks. Lookups have threads
    of their own: a name server that does not answer keeps nobody else from the loop's.
    """

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._threads = ThreadPoolExecutor(_LOOKUPS_AT_ONCE, thread_name_prefix="lookup")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Part of aiohttp's AbstractResolver.

        Raises:
            ForbiddenAddressError: the name leads to an address that is not allowed.
            OSError: the name leads nowhere.
        """
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, self.look_up, host, port, family)
        if not self._guard.trusts(host, port) and not all(map(self._allowed, found)):
            raise ForbiddenAddressError("the name leads to an address that is not public")
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in found
        ]

    def _allowed(self, text: str) -> bool:
        address = _address(text)  # None: with a zone id
        return address is not None and self._guard.allows(address)

    def look_up(self, host: str, port: int, family: socket.AddressFamily) -> list[str]:
        """The addresses of `host`; blocks."""
        infos = socket.getaddrinfo(
            host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
        )
        return list(dict.fromkeys(str(info[4][0]) for info in infos))

    async def close(self) -> None:
        """Part of aiohttp's AbstractResolver."""
        self._threads.shutdown(wait=False, cancel_futures=True)
