"""The OAuth 2 dance: from a provider's name to a connection, with nothing kept in between.

What must be known again when the person comes back (whom, what for, the PKCE verifier) is sealed
into `state`: it opens for ten minutes, in this region, once. That it was used is noted as a lease
in the store, by a digest, so that no replica takes it twice.
"""

import asyncio
import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import msgspec
from google.protobuf.field_mask_pb2 import FieldMask

from providers.core import oauth
from providers.core.auth import OAuthConfig
from providers.core.errors import Kind, ProviderError
from providers.core.provider import Provider
from server.connections.directory import Directory
from server.connections.sealer import Sealer
from server.connections.store import Store
from server.connections.token_endpoint import DeadGrantError, TokenClient, exchange_code
from server.providers import ProviderPool
from ucal.v1 import connection_pb2

LIFETIME = timedelta(minutes=10)
CALLBACK = "/oauth/callback"
_ENDPOINT_SECONDS = 20.0
_CONTEXT = b"ucal.oauth/1"


class _Dance(msgspec.Struct, array_like=True, gc=False):
    """What is sealed into `state`."""

    provider: str
    redirect_uri: str
    verifier: str
    nonce: str
    scopes: list[str]
    connection_id: str


class Authorizations:
    """Begins and ends dances."""

    def __init__(
        self,
        *,
        directory: Directory,
        store: Store,
        pool: ProviderPool,
        sealer: Sealer,
        redirects: Sequence[str],
        public_url: str,
    ) -> None:
        """`redirects`: URIs, besides our own callback, that people may be sent back to."""
        self._directory = directory
        self._store = store
        self._pool = pool
        self._sealer = sealer
        self._redirects = frozenset(redirects)
        self.callback = f"{public_url.rstrip('/')}{CALLBACK}" if public_url else ""

    async def start(
        self, name: str, redirect_uri: str, scopes: Sequence[str], connection_id: str
    ) -> tuple[str, str]:
        """Where to send the person, and the state that comes back with the code.

        Raises:
            ProviderError: INVALID for a provider or redirect that is not taken; NOT_FOUND for the
                connection to authorize anew; PRECONDITION when no client is set.
        """
        provider = self._pool.get(name, "provider")
        habits = self._habits(provider)
        self._check_redirect(redirect_uri)
        if connection_id:
            known = await self._directory.get(connection_id)
            if known.provider != name:
                raise ProviderError.invalid("connection_id", f"is no connection of {name}")
        client = self._client(provider, habits)
        verifier = oauth.new_verifier() if habits.pkce else ""
        dance = _Dance(
            name, redirect_uri, verifier, secrets.token_urlsafe(12), list(scopes), connection_id
        )
        state = self._sealer.seal(msgspec.msgpack.encode(dance), bound_to=_CONTEXT).decode()
        settings = provider.settings
        url = oauth.authorization_url(
            replace(habits, authorize_url=settings.authorize_url or habits.authorize_url),
            client.client_id,
            redirect_uri=redirect_uri,
            state=state,
            verifier=verifier,
            scopes=scopes,
            tenant=settings.extra.get("tenant", ""),
        )
        return url, state

    async def complete(self, state: str, code: str) -> connection_pb2.Connection:
        """The connection that the code stands for: a new one, or the known one authorized anew.

        Raises:
            ProviderError: INVALID for a state that is not ours, too old or used, and for a code
                that the vendor does not take; else what the token endpoint says.
        """
        dance = self._open(state)
        await self._use_up(dance)
        provider = self._pool.get(dance.provider, "state")
        tokens = await self._exchanged(provider, dance, code)
        if not tokens.scopes:
            tokens.scopes.extend(dance.scopes or self._habits(provider).scopes)
        asked = connection_pb2.Connection(provider=dance.provider, oauth=tokens)
        if dance.connection_id:
            return await self._directory.update(
                dance.connection_id,
                connection_pb2.Connection(oauth=tokens),
                FieldMask(paths=["oauth"]),
            )
        return await self._directory.create(asked, "")

    def _habits(self, provider: Provider) -> OAuthConfig:
        if provider.oauth is None:
            raise ProviderError(
                Kind.UNSUPPORTED,
                f"{provider.display_name} has no OAuth: create the connection with its "
                "credentials (CreateConnection)",
                violations=[("provider", "has no OAuth")],
                metadata={"capability": "oauth"},
            )
        return provider.oauth

    def _check_redirect(self, uri: str) -> None:
        """Exactly one of those the operator named (RFC 9700 2.1), or our own callback."""
        if uri and uri in self._redirects | {self.callback}:
            return
        raise ProviderError.invalid(
            "redirect_uri", "is not on this server's allow-list: the operator sets redirect_uris"
        )

    def _client(self, provider: Provider, habits: OAuthConfig) -> TokenClient:
        client = TokenClient.of(habits, provider.settings, client=("", ""), tenant="")
        client.signed({})  # says so at once when no client is set
        return client

    def _open(self, state: str) -> _Dance:
        try:
            opened = self._sealer.open(state, bound_to=_CONTEXT, max_age=LIFETIME)
            return msgspec.msgpack.decode(opened, type=_Dance)
        except (ProviderError, msgspec.MsgspecError):
            raise _stale() from None

    async def _use_up(self, dance: _Dance) -> None:
        digest = hashlib.sha256(dance.nonce.encode()).hexdigest()[:32]
        taken = await self._store.lease(
            f"oauth:{digest}", secrets.token_hex(8), LIFETIME.total_seconds()
        )
        if not taken:
            raise _stale()

    async def _exchanged(
        self, provider: Provider, dance: _Dance, code: str
    ) -> connection_pb2.OAuthCredentials:
        client = self._client(provider, self._habits(provider))
        until = asyncio.get_running_loop().time() + _ENDPOINT_SECONDS
        http = self._pool.endpoint(provider.name, client.token_url, until=until)
        try:
            return await exchange_code(
                http,
                client,
                code=code,
                redirect_uri=dance.redirect_uri,
                verifier=dance.verifier,
            )
        except DeadGrantError:
            raise ProviderError.invalid(
                "code", "is not taken by the provider any more: begin anew with StartAuthorization"
            ) from None


def _stale() -> ProviderError:
    return ProviderError.invalid(
        "state", "is not ours, is older than ten minutes, or was used: begin anew"
    )
