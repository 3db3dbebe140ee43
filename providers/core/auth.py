"""How requests are signed: bearer, basic, API key, OAuth 2 with refresh, JWT grants."""

import base64
from collections.abc import AsyncGenerator, Container, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeAlias

import httpx

from providers.core.errors import Kind, ProviderError
from ucal.v1 import connection_pb2

Credentials: TypeAlias = (
    connection_pb2.OAuthCredentials
    | connection_pb2.BasicCredentials
    | connection_pb2.ApiKeyCredentials
    | connection_pb2.ServiceAccountCredentials
)

# A token that ends sooner is renewed before it is used: clocks differ, requests take time.
_EARLY = timedelta(seconds=60)


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
        tenant: what stands for "{tenant}" in the URLs when neither credentials nor settings tell.
        dead_answers: what the token endpoint says, beside the words of RFC 6749, of a grant that is
            over: values of `error`, `reason` or `code` in its body, in lower case.
        service_grant: how service accounts get tokens: "client_credentials", "jwt_bearer"
            (RFC 7523), or "account_credentials" (client_credentials with an account id).
        service_scopes: those that a service account asks for when its credentials name none;
            empty: `scopes`.
        issuer: how the authorization server calls itself in the `iss` of its answers (RFC 9207);
            "": not known, or it is another for each tenant.
    """

    authorize_url: str
    token_url: str
    revoke_url: str = ""
    scopes: tuple[str, ...] = ()
    client_auth: str = "post"
    pkce: bool = True
    authorize_params: Mapping[str, str] = field(default_factory=dict)
    rotates: bool = False
    dead_answers: frozenset[str] = frozenset()
    scope_separator: str = " "
    tenant: str = ""
    service_grant: str = "client_credentials"
    service_scopes: tuple[str, ...] = ()
    issuer: str = ""


class BearerAuth(httpx.Auth):
    """`Authorization: Bearer`, renewed before its end and once more when it is refused.

    For OAuth tokens and for service accounts: those have no token to show, and `renew("")` answers
    with the one at hand as long as it lives.

    Args:
        refused: statuses that say the token is not taken; some vendors answer 403 to a dead one.
    """

    def __init__(self, grant: Grant, refused: Container[int] = (401,)) -> None:
        self._grant = grant
        self._refused = refused
        self._token = ""

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Part of httpx.Auth."""
        token = await self._present()
        request.headers["authorization"] = f"Bearer {_sendable(token)}"
        response = yield request
        if response.status_code in self._refused and _renewable(self._grant.credentials):
            self._token = await self._grant.renew(token)
            request.headers["authorization"] = f"Bearer {_sendable(self._token)}"
            yield request

    async def _present(self) -> str:
        credentials = self._grant.credentials
        if not isinstance(credentials, connection_pb2.OAuthCredentials):
            self._token = self._token or await self._grant.renew("")
            return self._token
        token = credentials.access_token
        left = _left(credentials)
        if not _renewable(credentials) or left > _EARLY:
            return token
        try:
            return await self._grant.renew(token)
        except ProviderError as error:
            # The token endpoint is down, but the token lives yet.
            if error.kind is Kind.UNAVAILABLE and left > timedelta():
                return token
            raise


def _left(credentials: connection_pb2.OAuthCredentials) -> timedelta:
    """How long the access token lives yet."""
    if not credentials.access_token:
        return timedelta()
    if not credentials.HasField("expires_at"):
        return timedelta.max
    return credentials.expires_at.ToDatetime(tzinfo=UTC) - datetime.now(UTC)


def _renewable(credentials: Credentials | None) -> bool:
    if isinstance(credentials, connection_pb2.OAuthCredentials):
        return bool(credentials.refresh_token)
    return isinstance(credentials, connection_pb2.ServiceAccountCredentials)


class Unsigned(httpx.Auth):
    """Adds nothing."""


UNSIGNED = Unsigned()


class HeaderAuth(httpx.Auth):
    """One header that never changes."""

    def __init__(self, header: str, value: str) -> None:
        self._header = header
        self._value = _sendable(value)

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Part of httpx.Auth."""
        request.headers[self._header] = self._value
        yield request


def basic(username: str, password: str) -> HeaderAuth:
    """HTTP Basic in UTF-8 (RFC 7617)."""
    pair = base64.b64encode(f"{username}:{password}".encode()).decode()
    return HeaderAuth("Authorization", f"Basic {pair}")


def auth_for(grant: Grant, *, api_key: ApiKeyHeader | None = None) -> httpx.Auth:
    """The usual way to sign with the kind of credentials that `grant` holds.

    Raises:
        ProviderError: UNAUTHENTICATED when they cannot stand in a header.
    """
    credentials = grant.credentials
    if credentials is None:
        return UNSIGNED
    if isinstance(credentials, connection_pb2.BasicCredentials):
        return basic(credentials.username, credentials.password)
    if isinstance(credentials, connection_pb2.ApiKeyCredentials):
        place = api_key or ApiKeyHeader()
        return HeaderAuth(place.header, place.prefix + credentials.api_key)
    return BearerAuth(grant)


def _sendable(value: str) -> str:
    """`value`, if a header can carry it.

    Raises:
        ProviderError: UNAUTHENTICATED, without a word of it.
    """
    if value.isascii() and value.isprintable():
        return value
    raise ProviderError(
        Kind.UNAUTHENTICATED,
        "the connection's credentials hold signs that cannot be sent: enter them anew",
        reason="REAUTHORIZATION_REQUIRED",
    )
