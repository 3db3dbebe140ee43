"""How requests are signed: bearer, basic, API key, OAuth 2 with refresh, JWT grants."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

import httpx

from ucal.v1 import connection_pb2

Credentials: TypeAlias = (
    connection_pb2.OAuthCredentials
    | connection_pb2.BasicCredentials
    | connection_pb2.ApiKeyCredentials
    | connection_pb2.ServiceAccountCredentials
)


class Grant(Protocol):
    """The credentials of one connection, kept fresh by the server."""

    @property
    def credentials(self) -> Credentials | None:
        """What the connection holds now; None for providers that need none."""

    async def renew(self, stale: str) -> str:
        """A working access token in place of `stale`, which the provider has refused or which is
        about to end. One refresh at a time for a connection, in all replicas.

        Raises:
            ProviderError: REAUTHORIZATION_REQUIRED when the refresh token is dead; UNAVAILABLE
                when the token endpoint cannot be reached.
        """


@dataclass(frozen=True, slots=True)
class ApiKeyHeader:
    """Where an API key goes: `header: <prefix><key>`."""

    header: str = "Authorization"
    prefix: str = "Bearer "


@dataclass(frozen=True, slots=True)
class OAuthConfig:
    """A vendor's OAuth 2 endpoints and habits (RFC 6749).

    Attributes:
        scopes: those asked for when the caller names none.
        client_auth: "basic" (client_secret_basic) or "post" (client_secret_post).
        pkce: the vendor understands code challenges (RFC 7636).
        authorize_params: further parameters of the authorization request.
        rotates: a refresh answers with a new refresh token and kills the old one.
        scope_separator: of the `scope` parameter.
    """

    authorize_url: str
    token_url: str
    revoke_url: str = ""
    scopes: tuple[str, ...] = ()
    client_auth: str = "post"
    pkce: bool = True
    authorize_params: Mapping[str, str] = field(default_factory=dict)
    rotates: bool = False
    scope_separator: str = " "


def auth_for(grant: Grant, *, api_key: ApiKeyHeader | None = None) -> httpx.Auth:
    """The usual way to sign with the kind of credentials that `grant` holds."""
    raise NotImplementedError
