"""Checks of credentials, wherever they come from: kind, presence, signs that can be sent."""

from collections.abc import Iterator

from google.protobuf.message import Message

from providers.core.auth import Credentials
from providers.core.errors import ProviderError
from providers.core.provider import Provider
from ucal.v1 import connection_pb2, provider_pb2

KINDS: dict[type[Message], tuple[str, provider_pb2.AuthKind.ValueType]] = {
    connection_pb2.OAuthCredentials: ("oauth", provider_pb2.AUTH_KIND_OAUTH),
    connection_pb2.BasicCredentials: ("basic", provider_pb2.AUTH_KIND_BASIC),
    connection_pb2.ApiKeyCredentials: ("api_key", provider_pb2.AUTH_KIND_API_KEY),
    connection_pb2.ServiceAccountCredentials: (
        "service_account",
        provider_pb2.AUTH_KIND_SERVICE_ACCOUNT,
    ),
}
_NAMES = {auth: name for name, auth in KINDS.values()}
_MAX_VALUE = 64 * 1024
# Goes into headers as it is, so it must be ASCII.
_ASCII = frozenset({"access_token", "api_key"})
_MULTILINE = frozenset({"private_key"})


def check(provider: Provider, credentials: Credentials | None, field: str) -> None:
    """Refuse what cannot work at `provider`; `field` is the path of what holds the credentials.

    Raises:
        ProviderError: INVALID, at the path of the value that is wrong; no value is told.
    """
    taken = [_NAMES[kind] for kind in provider.auth_kinds if kind in _NAMES]
    if credentials is None:
        if taken and provider_pb2.AUTH_KIND_NONE not in provider.auth_kinds:
            raise ProviderError.invalid(field, f"needs credentials: {', '.join(taken)}")
        return
    name, kind = KINDS[type(credentials)]
    path = f"{field}.{name}"
    if kind not in provider.auth_kinds:
        takes = ", ".join(taken) or "no credentials"
        raise ProviderError.invalid(path, f"{provider.display_name} takes {takes}")
    for key, value in _values(credentials):
        _sendable(key, value, f"{path}.{key}")
    _present(credentials, path)


def _values(credentials: Credentials) -> Iterator[tuple[str, str]]:
    for descriptor, value in credentials.ListFields():
        if isinstance(value, str):
            yield descriptor.name, value
        elif descriptor.name == "scopes":
            yield from ((descriptor.name, scope) for scope in value)


def _sendable(key: str, value: str, path: str) -> None:
    if len(value) > _MAX_VALUE:
        raise ProviderError.invalid(path, "is longer than 64 KiB")
    allowed = "\r\n\t" if key in _MULTILINE else ""
    if any(not sign.isprintable() and sign not in allowed for sign in value):
        raise ProviderError.invalid(path, "holds signs that cannot be sent")
    if key in _ASCII and not value.isascii():
        raise ProviderError.invalid(path, "holds signs that cannot be sent")


def _present(credentials: Credentials, path: str) -> None:
    if isinstance(credentials, connection_pb2.OAuthCredentials):
        if not (credentials.access_token or credentials.refresh_token):
            raise ProviderError.invalid(f"{path}.access_token", "is needed, or a refresh_token")
        _valid_time(credentials, f"{path}.expires_at")
    elif isinstance(credentials, connection_pb2.BasicCredentials):
        if not credentials.username or ":" in credentials.username:
            raise ProviderError.invalid(f"{path}.username", "is needed, without a colon (RFC 7617)")
    elif isinstance(credentials, connection_pb2.ApiKeyCredentials):
        if not credentials.api_key:
            raise ProviderError.invalid(f"{path}.api_key", "is needed")
    elif not credentials.private_key:
        raise ProviderError.invalid(f"{path}.private_key", "is needed")


def _valid_time(credentials: connection_pb2.OAuthCredentials, path: str) -> None:
    if not credentials.HasField("expires_at"):
        return
    try:
        credentials.expires_at.ToDatetime()
    except (ValueError, OverflowError):
        raise ProviderError.invalid(path, "is no time") from None
