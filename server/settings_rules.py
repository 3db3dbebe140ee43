"""Rules that types cannot tell: addresses, URLs, names, and what goes together with what."""

import ipaddress
import re
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from providers.core.guard import Guard
from providers.core.settings import ProviderSettings
from providers.registry import PROVIDERS
from server.settings_access import check_access, is_spiffe
from server.settings_model import DEFAULT_STORE, Settings, SettingsError, StaticConnection
from server.settings_vaults import check_vaults

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
CONNECTION_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_LABEL = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_LEVELS = ("debug", "info", "warning", "error")
_MODES = ("open", "api_key", "oidc", "mtls")
_MAX_CONNECTIONS = 10_000


def check(settings: Settings) -> None:
    """Hold `settings` against every rule.

    Raises:
        SettingsError: the first rule that is broken.
    """
    for rule in _RULES:
        rule(settings)


def split_address(address: str, key: str) -> tuple[str, int]:
    """Host and port of "host:port"; "unix:path" is ("unix:path", 0).

    Raises:
        SettingsError: neither.
    """
    if address.startswith("unix:"):
        if not address.removeprefix("unix:"):
            raise SettingsError(key, "names no path after unix:")
        return address, 0
    host, colon, port = address.rpartition(":")
    if not colon or not host or not (port.isascii() and port.isdigit() and int(port) < 65536):
        raise SettingsError(key, 'must be "host:port" or "unix:path"')
    return host.strip("[]"), int(port)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches `host` (of `split_address`)."""
    if host.startswith("unix:") or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _addresses(settings: Settings) -> None:
    split_address(settings.listen, "listen")
    if settings.http_listen:
        host, _ = split_address(settings.http_listen, "http_listen")
        if host.startswith("unix:"):
            raise SettingsError("http_listen", 'must be "host:port", or empty for no HTTP')
    for key in ("public_url", "traces", "metrics_otlp"):
        if getattr(settings, key):
            _url(getattr(settings, key), key)
    for uri in settings.redirect_uris:
        _redirect(uri)


def _redirect(uri: str) -> None:
    """An https URI, an http one of this machine, or an app's own scheme (RFC 8252)."""
    parts = urlsplit(uri)
    if not parts.scheme or parts.fragment or (parts.scheme != "http" and not uri.isascii()):
        raise SettingsError("redirect_uris", "must be absolute URIs without fragment")
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise SettingsError("redirect_uris", "must be https, but for this machine's own")


def _url(text: str, key: str) -> None:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise SettingsError(key, "is no URL") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        raise SettingsError(key, "must be an http or https URL")
    if parts.username is not None or parts.query or parts.fragment:
        raise SettingsError(key, "must have neither user, query nor fragment")


def _names(settings: Settings) -> None:
    for key in ("region", "environment"):
        if not _NAME.fullmatch(getattr(settings, key)):
            raise SettingsError(key, "must be 1 to 32 of a-z, 0-9 and -")
    if settings.log_level not in _LEVELS:
        raise SettingsError("log_level", f"must be one of {', '.join(_LEVELS)}")


def _places(settings: Settings) -> None:
    """Store, bus and key ring, and which go together."""
    store, bus = settings.store, settings.bus
    if store != "memory:" and not store.startswith(("sqlite:///", "postgresql://")):
        raise SettingsError("store", "must be sqlite:///path, postgresql://... or memory:")
    if bus not in {"memory:", "postgresql:"} and not bus.startswith("nats://"):
        raise SettingsError("bus", "must be memory:, postgresql: or nats://...")
    if bus == "postgresql:" and not store.startswith("postgresql://"):
        raise SettingsError("bus", "postgresql: needs a store of postgresql://...")
    if not settings.keyring and store not in {"memory:", DEFAULT_STORE}:
        raise SettingsError(
            "keyring",
            "must be set beside a store of your own: a key file, env:NAME or vault:MOUNT/KEY",
        )


def _doors(settings: Settings) -> None:
    """TLS and access: nothing is open to a network unless somebody said so."""
    tls, access = settings.tls, settings.access
    if bool(tls.cert) != bool(tls.key):
        raise SettingsError("tls.key" if tls.cert else "tls.cert", "is needed beside the other")
    if tls.client_ca and not tls.cert:
        raise SettingsError("tls.client_ca", "needs tls.cert and tls.key")
    if tls.http and not tls.cert:
        raise SettingsError("tls.http", "needs tls.cert and tls.key")
    host, _ = split_address(settings.listen, "listen")
    loopback = is_loopback(host)
    if not loopback and not tls.cert and not tls.insecure:
        raise SettingsError(
            "listen",
            "plaintext is served on loopback only: set tls.cert and tls.key, or tls.insecure",
        )
    if not access.mode or any(mode not in _MODES for mode in access.mode):
        raise SettingsError("access.mode", f"must be of {', '.join(_MODES)}")
    if "open" in access.mode and len(access.mode) > 1:
        raise SettingsError("access.mode", "open goes with nothing else")
    if "open" in access.mode and not loopback and not tls.insecure:
        raise SettingsError("access.mode", "open is for loopback; choose api_key, oidc or mtls")
    if "mtls" in access.mode and not tls.client_ca:
        raise SettingsError("access.mode", "mtls needs tls.client_ca")


def _networks(settings: Settings) -> None:
    proxies = settings.access.trusted_proxies
    proxies = tuple(each for each in proxies if each != "unix" and not is_spiffe(each))
    _cidrs(settings.access.ip_allow_list, "access.ip_allow_list")
    _cidrs(proxies, "access.trusted_proxies")
    _cidrs(settings.allowed_networks, "allowed_networks")
    try:
        Guard(settings.allowed_hosts)
    except ValueError:
        raise SettingsError(
            "allowed_hosts", "must be hosts like dav.internal, .internal or 10.0.0.7:8443"
        ) from None


def _cidrs(found: Iterable[str], key: str) -> None:
    for text in found:
        try:
            ipaddress.ip_network(text)
        except ValueError:
            raise SettingsError(key, "must be networks like 10.1.0.0/16") from None


def _limits(settings: Settings) -> None:
    limits = settings.limits
    for name, value in limits.shown():
        if not isinstance(value, int | float) or not 0 <= value < 1e9:
            raise SettingsError(f"limits.{name}", "must be a number from 0 to 10^9")
    for name in ("max_calls", "max_streams", "default_deadline"):
        if not getattr(limits, name):
            raise SettingsError(f"limits.{name}", "must be more than 0")


def _providers(settings: Settings) -> None:
    for name, provider in settings.providers.items():
        if name not in PROVIDERS:
            raise SettingsError(f"providers.{name}", f"must be one of {', '.join(PROVIDERS)}")
        for key, url in urls_of(provider):
            _url(url, f"providers.{name}.{key}")


def urls_of(provider: ProviderSettings) -> list[tuple[str, str]]:
    """Keys and values of the URLs that are set for a provider."""
    named = ("base_url", "authorize_url", "token_url", "revoke_url")
    found = [(key, getattr(provider, key)) for key in named]
    found += [(key, value) for key, value in provider.extra.items() if key.endswith("_url")]
    return [(key, url) for key, url in found if url]


def _connections(settings: Settings) -> None:
    if len(settings.connections) > _MAX_CONNECTIONS:
        raise SettingsError("connections", f"are more than {_MAX_CONNECTIONS}")
    seen: set[str] = set()
    for connection in settings.connections:
        if not CONNECTION_ID.fullmatch(connection.id):
            raise SettingsError(
                "connections.id", "must be 1 to 64 of A-Z, a-z, 0-9, _ and -, no sign first"
            )
        if connection.id in seen:
            raise SettingsError("connections.id", f"{connection.id} is there twice")
        seen.add(connection.id)
        _connection(connection)


def _connection(connection: StaticConnection) -> None:
    where = f"connections.{connection.id}"
    if connection.provider not in PROVIDERS:
        raise SettingsError(f"{where}.provider", f"must be one of {', '.join(PROVIDERS)}")
    if connection.base_url:
        _url(connection.base_url, f"{where}.base_url")
    if not all(map(_LABEL.fullmatch, connection.labels)):
        raise SettingsError(f"{where}.labels", "must have keys of A-Z, a-z, 0-9, _, . and -")


_RULES: tuple[Callable[[Settings], None], ...] = (
    _addresses,
    _names,
    _places,
    _doors,
    check_access,
    _networks,
    check_vaults,
    _limits,
    _providers,
    _connections,
)
