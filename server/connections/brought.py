"""Credentials that a caller brings along in metadata: `connection_id: "-"`. Nothing is stored.

    ucal-provider: <name>
    ucal-credentials: Bearer <token> | Basic <base64> | ApiKey <key>
    ucal-credentials-bin: a serialized ucal.v1.OAuthCredentials, with a refresh token
    ucal-base-url: <url>                          where the provider is self-hosted

Of the two kinds of credentials one is given. What a refresh has brought comes back in the trailing
metadata `ucal-rotated-credentials-bin`, in the very form of `ucal-credentials-bin`.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field

from google.protobuf.message import DecodeError

from providers.core.auth import Credentials
from providers.core.errors import ProviderError
from ucal.v1 import connection_pb2

CONNECTION_ID = "-"
PROVIDER = "ucal-provider"
CREDENTIALS = "ucal-credentials"
CREDENTIALS_BIN = "ucal-credentials-bin"
BASE_URL = "ucal-base-url"
ROTATED = "ucal-rotated-credentials-bin"
_FORMS = "Bearer <token>, Basic <base64> or ApiKey <key>"


@dataclass(frozen=True, slots=True)
class Brought:
    """What a caller brought."""

    provider: str
    base_url: str
    credentials: Credentials | None = field(repr=False)


def parse(metadata: Mapping[str, str | bytes]) -> Brought:
    """What `metadata` brings.

    Raises:
        ProviderError: INVALID, naming the key; no value is told.
    """
    provider = _text(metadata, PROVIDER)
    if not provider:
        raise ProviderError.invalid(
            f"metadata.{PROVIDER}", 'is needed beside connection_id "-": the name of a provider'
        )
    return Brought(provider, _text(metadata, BASE_URL), _credentials(metadata))


def _credentials(metadata: Mapping[str, str | bytes]) -> Credentials | None:
    text, packed = _text(metadata, CREDENTIALS), metadata.get(CREDENTIALS_BIN)
    if text and packed:
        raise ProviderError.invalid(
            f"metadata.{CREDENTIALS_BIN}", f"excludes {CREDENTIALS}: bring one of them"
        )
    if packed:
        return _unpack(packed)
    if not text:
        return None
    scheme, _, value = text.partition(" ")
    value = value.strip()
    if scheme.lower() == "bearer" and value:
        return connection_pb2.OAuthCredentials(access_token=value)
    if scheme.lower() == "apikey" and value:
        return connection_pb2.ApiKeyCredentials(api_key=value)
    if scheme.lower() == "basic" and value:
        return _basic(value)
    raise ProviderError.invalid(f"metadata.{CREDENTIALS}", f"must be {_FORMS}")


def _basic(value: str) -> Credentials:
    try:
        username, colon, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        colon = username = password = ""
    if not colon:
        raise ProviderError.invalid(
            f"metadata.{CREDENTIALS}", "is not Basic: user:password in base64 (RFC 7617)"
        )
    return connection_pb2.BasicCredentials(username=username, password=password)


def _unpack(packed: str | bytes) -> Credentials:
    try:
        data = packed if isinstance(packed, bytes) else packed.encode("latin-1")
        return connection_pb2.OAuthCredentials.FromString(data)
    except (DecodeError, UnicodeEncodeError):
        raise ProviderError.invalid(
            f"metadata.{CREDENTIALS_BIN}", "is no serialized ucal.v1.OAuthCredentials"
        ) from None


def _text(metadata: Mapping[str, str | bytes], key: str) -> str:
    value = metadata.get(key, "")
    return value.strip() if isinstance(value, str) else ""
