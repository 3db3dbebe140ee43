"""The providers of this process: one object each, made when first asked for, and their doors out.

There are two doors. What the operator names (vendors, settings, static connections) goes through
one whose guard trusts just these hosts; base URLs that came in by the API go through one that knows
the operator's allow-lists alone, so that nobody reaches a gateway inside by naming it.
"""

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import SplitResult, urlsplit

import httpx

from providers.core.auth import Grant
from providers.core.call import Call
from providers.core.errors import ProviderError
from providers.core.guard import Guard
from providers.core.http import Door, Http
from providers.core.provider import Provider
from providers.core.settings import ProviderSettings
from providers.core.transport import Transport
from providers.registry import PROVIDERS, provider_class
from server.interceptors.scope import SCOPE, Scope
from server.settings import Settings, SettingsError
from server.settings_rules import urls_of
from ucal.v1 import provider_pb2

Around: TypeAlias = Callable[[httpx.AsyncBaseTransport], httpx.AsyncBaseTransport]

_HINT = "ucal-{}-"
_NO_SCOPE = Scope()
_NEEDS_ACCOUNT = {
    provider_pb2.AUTH_KIND_OAUTH,
    provider_pb2.AUTH_KIND_BASIC,
    provider_pb2.AUTH_KIND_API_KEY,
    provider_pb2.AUTH_KIND_SERVICE_ACCOUNT,
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a connection's requests go.

    Attributes:
        base_url: API root; "": the provider has none, for it sends nothing.
        trusted: the operator named it.
    """

    base_url: str
    trusted: bool


@dataclass(frozen=True, slots=True)
class Doors:
    """The two ways out of this process."""

    operators: Door
    callers: Door
    _transports: tuple[Transport, Transport] = field(repr=False)

    @classmethod
    def of(
        cls,
        settings: Settings,
        *,
        verify: ssl.SSLContext | None = None,
        around: Around | None = None,
    ) -> "Doors":
        """`verify`: TLS authorities, for tests; `around`: what is to see every request.

        Raises:
            SettingsError: an allowed network is none.
        """
        try:
            strict = Guard(settings.allowed_hosts, settings.allowed_networks)
            named = (*settings.allowed_hosts, *_named_hosts(settings))
            trusting = Guard(named, settings.allowed_networks)
        except ValueError:
            raise SettingsError("allowed_networks", "must be networks like 10.1.0.0/16") from None
        pair = Transport(trusting, verify=verify), Transport(strict, verify=verify)
        ways = pair if around is None else (around(pair[0]), around(pair[1]))
        return cls(Door(ways[0]), Door(ways[1]), pair)

    def check(self, url: str, field: str) -> None:
        """Refuse a base URL of a caller that can be refused without resolving its name.

        Raises:
            ProviderError: INVALID in `field`.
        """
        parts = _split(url, field)
        guard = self._transports[1].guard
        guard.check_url(parts.scheme, parts.hostname or "", parts.port, field=field)

    def to(self, place: Place) -> Door:
        """The door for `place`."""
        return self.operators if place.trusted else self.callers

    async def close(self) -> None:
        """Close every connection."""
        for transport in self._transports:
            await transport.aclose()


def _split(url: str, field: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises for a port that is none
    except ValueError:
        raise ProviderError.invalid(field, "is no URL") from None
    if parts.username is not None or parts.fragment or parts.query:
        raise ProviderError.invalid(field, "must have neither user, query nor fragment")
    if not url.isascii() or not url.isprintable() or any(sign in url for sign in ' \\"<>^`{|}'):
        raise ProviderError.invalid(field, "holds signs that have no place in a URL")
    return parts


def _named_hosts(settings: Settings) -> list[str]:
    urls = [url for each in settings.providers.values() for _, url in urls_of(each)]
    urls += [each.base_url for each in settings.connections if each.base_url]
    urls += [url for each in settings.access.issuers for url in (each.issuer, each.jwks_url) if url]
    of_issuers = [host for each in settings.access.issuers for host in each.hosts]
    return [*map(_host_and_port, urls), *of_issuers]


def _host_and_port(url: str) -> str:
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    host = parts.hostname or ""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class ProviderPool:
    """Finds providers by name, and makes the calls that they are handed."""

    def __init__(self, settings: Mapping[str, ProviderSettings], doors: Doors) -> None:
        self._settings = settings
        self.doors = doors
        self._made: dict[str, Provider] = {}

    def settings_of(self, name: str) -> ProviderSettings:
        """What the operator set for the provider `name`."""
        return self._settings.get(name) or ProviderSettings()

    def get(self, name: str, field: str = "connection.provider") -> Provider:
        """The provider called `name`.

        Raises:
            ProviderError: INVALID in `field`: there is none.
            SettingsError: its settings cannot be used.
        """
        found = self._made.get(name)
        if found is None:
            if name not in PROVIDERS:
                raise ProviderError.invalid(field, f"must be one of {', '.join(PROVIDERS)}")
            try:
                found = provider_class(name)(self.settings_of(name))
            except ValueError as error:
                raise SettingsError(f"providers.{name}", str(error)) from None
            self._made[name] = found
        return found

    def issuers(self) -> frozenset[str]:
        """How the authorization servers of the providers that have settings call themselves."""
        found = (self.get(name).oauth for name in self._settings)
        return frozenset(each.issuer for each in found if each is not None and each.issuer)

    def check_settings(self) -> None:
        """Make the providers that have settings, so that mistakes show at start.

        Raises:
            SettingsError: with the provider's own words.
        """
        for name in self._settings:
            self.get(name)

    def place(
        self,
        provider: Provider,
        base_url: str,
        *,
        trusted: bool,
        field: str = "connection.base_url",
    ) -> Place:
        """Where requests go for a connection that names `base_url`, or "" for the provider's own.

        `trusted`: the operator wrote it.

        Raises:
            ProviderError: INVALID in `field`: it is missing, not taken by this provider, or leads
                where nothing of a caller's may lead.
        """
        own = provider.settings.base_url or provider.base_url
        if not base_url:
            if not own and names_base_url(provider):
                raise ProviderError.invalid(field, f"{provider.display_name} needs one")
            return Place(own, trusted=True)
        if base_url == own:
            return Place(own, trusted=True)
        if not names_base_url(provider) and not trusted:
            raise ProviderError.invalid(field, f"{provider.display_name} takes none; leave it out")
        if not trusted:
            self.doors.check(base_url, field)
        return Place(base_url, trusted)

    def call(
        self,
        provider: Provider,
        place: Place,
        grant: Grant,
        *,
        connection_id: str,
        account_key: str,
        metadata: Mapping[str, str | bytes],
    ) -> Call:
        """What `provider` is handed for one call.

        Raises:
            ProviderError: UNAUTHENTICATED: the credentials cannot stand in a header.
        """
        http = Http(
            door=self.doors.to(place),
            base_url=place.base_url,
            auth=provider.auth(grant),
            allowed_hosts=provider.allowed_hosts,
            deadline=deadline,
            classify=provider.classify,
            provider=provider.name,
        )
        return Call(
            connection_id=connection_id,
            http=http,
            hints=hints(provider.name, metadata),
            account_key=account_key,
        )

    def endpoint(self, provider: str, url: str, *, until: float) -> Http:
        """An unsigned way to an OAuth endpoint that the operator or the vendor named.

        `until`: loop time; the caller's deadline does not count, for a rotated token that nobody
        waits for is lost.
        """
        return Http(door=self.doors.operators, base_url=url, deadline=until, provider=provider)

    async def close(self) -> None:
        """Close every provider, and the doors."""
        for provider in self._made.values():
            await provider.close()
        await self.doors.close()


def deadline() -> float:
    """Loop time at which the caller of the present task stops waiting."""
    return SCOPE.get(_NO_SCOPE).deadline


def names_base_url(provider: Provider | type[Provider]) -> bool:
    """Whether connections name the API root: it is self-hosted, or has none of its own."""
    signs_in = any(kind in _NEEDS_ACCOUNT for kind in provider.auth_kinds)
    return provider.self_hosted or (signs_in and not provider.base_url)


def hints(provider: str, metadata: Mapping[str, str | bytes]) -> dict[str, str]:
    """Metadata addressed to `provider` alone, by name without the prefix."""
    prefix = _HINT.format(provider)
    return {
        name.removeprefix(prefix): value
        for name, value in metadata.items()
        if name.startswith(prefix) and isinstance(value, str)
    }
