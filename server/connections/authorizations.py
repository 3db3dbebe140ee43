"""The OAuth 2 dance: from a provider's name to a connection, with nothing kept in between.

What must be known again when the person comes back (whom, what for, the PKCE verifier) is sealed
into `state`: it opens for ten minutes, in this region, once. That it was used is noted as a lease
in the store, by a digest, so that no replica takes it twice.

A dance that began on our page is bound to the browser that it began in: an answer of the vendor's
that somebody else got cannot be slipped under another person (RFC 9700 section 4.7).
"""

import asyncio
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import msgspec
from google.protobuf.field_mask_pb2 import FieldMask

from providers.core import oauth
from providers.core.auth import OAuthConfig
from providers.core.capabilities import describe
from providers.core.errors import Kind, ProviderError
from providers.core.provider import Provider
from server.connections.directory import Directory
from server.connections.once import Once
from server.connections.sealer import SKEW, ExpiredTokenError, Sealer, TokenError
from server.connections.store import Store
from server.connections.tickets import Ticket, known_caller
from server.connections.token_endpoint import DeadGrantError, TokenClient, exchange_code
from server.interceptors.scope import SCOPE
from server.providers import ProviderPool
from ucal.v1 import connection_pb2

LIFETIME = timedelta(minutes=10)
CALLBACK = "/oauth/callback"
_ENDPOINT_SECONDS = 20.0
_CONTEXT = b"ucal.oauth/1"


class Dance(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """What is sealed into `state`.

    Attributes:
        browser: digest of the browser's cookie; "": a program began it, by the RPC.
        ticket: of a dance that began on our page.
        caller: whose call began it; "": access is open, or it began on our page.
    """

    provider: str
    redirect_uri: str
    verifier: str
    nonce: str
    scopes: list[str]
    connection_id: str
    browser: str = ""
    ticket: Ticket | None = None
    caller: str = ""


class StaleStateError(ProviderError):
    """INVALID at `state`.

    Attributes:
        why: "forged", "expired", "foreign" (of another browser or caller) or "used".
    """

    def __init__(self, why: str) -> None:
        description = "is not ours, is older than ten minutes, or was used: begin anew"
        super().__init__(Kind.INVALID, f"state: {description}", violations=[("state", description)])
        self.why = why


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
        self._once = Once(store, "oauth")
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
        self._habits(provider)
        self._check_redirect(redirect_uri)
        return await self._begun(provider, redirect_uri, scopes, connection_id)

    async def begin(self, ticket: Ticket, redirect_uri: str, browser: str) -> str:
        """Where to send a person who is on our page.

        Args:
            redirect_uri: our own callback, as this browser reaches it.
            browser: digest of what the browser keeps.

        Raises:
            ProviderError: as `start`.
        """
        provider = self._pool.get(ticket.provider, "provider")
        url, _ = await self._begun(
            provider,
            redirect_uri,
            ticket.scopes,
            ticket.connection_id,
            browser=browser,
            ticket=ticket,
        )
        return url

    async def _begun(
        self,
        provider: Provider,
        redirect_uri: str,
        scopes: Sequence[str],
        connection_id: str,
        *,
        browser: str = "",
        ticket: Ticket | None = None,
    ) -> tuple[str, str]:
        habits = self._habits(provider)
        if connection_id:
            scopes = await self._again(provider, habits, scopes, connection_id)
        client = self._client(provider, habits)
        dance = Dance(
            provider=provider.name,
            redirect_uri=redirect_uri,
            verifier=oauth.new_verifier() if habits.pkce else "",
            nonce=secrets.token_urlsafe(12),
            scopes=list(scopes),
            connection_id=connection_id,
            browser=browser,
            ticket=ticket,
            caller="" if browser else known_caller(),
        )
        state = self._sealer.seal(msgspec.msgpack.encode(dance), bound_to=_CONTEXT).decode()
        settings = provider.settings
        url = oauth.authorization_url(
            replace(habits, authorize_url=settings.authorize_url or habits.authorize_url),
            client.client_id,
            redirect_uri=redirect_uri,
            state=state,
            verifier=dance.verifier,
            scopes=scopes,
            tenant=settings.extra.get("tenant", ""),
        )
        return url, state

    async def _again(
        self, provider: Provider, habits: OAuthConfig, scopes: Sequence[str], connection_id: str
    ) -> Sequence[str]:
        """Scopes to ask for when a connection is authorized anew: those it has, and the wanted.

        Most vendors give what is asked for in place of what there was. Scopes that no operation is
        tied to, "offline_access", are not always told back; without them nothing would be renewed.
        """
        known = await self._directory.here(connection_id)
        if known.provider != provider.name:
            raise ProviderError.invalid("connection_id", f"is no connection of {provider.name}")
        wanted = scopes or habits.scopes
        if not wanted:
            return ()  # they are fixed in the app at the vendor
        tied = {
            scope
            for capability in describe(type(provider)).capabilities
            for scope in capability.oauth_scopes
        }
        basic = [scope for scope in habits.scopes if scope not in tied]
        return tuple(dict.fromkeys([*wanted, *known.granted_scopes, *basic]))

    async def complete(self, state: str, code: str, browser: str = "") -> connection_pb2.Connection:
        """The connection that the code stands for: a new one, or the known one authorized anew.

        `browser`: as in `begin`, or where a person confirmed what a program began; "": a program.

        Raises:
            ProviderError: INVALID for a state that is not ours, too old or used, and for a code
                that the vendor does not take; else what the token endpoint says.
        """
        dance = self.opened(state)
        if not self._is_theirs(dance, browser):
            raise StaleStateError("foreign")
        # As long as any replica opens it, whatever its clock says.
        lasts = LIFETIME.total_seconds() + SKEW
        if not await self._once.take(dance.nonce, secrets.token_hex(8), lasts):
            raise StaleStateError("used")
        await self._refuse_moved(dance)
        provider = self._pool.get(dance.provider, "state")
        tokens = await self._exchanged(provider, dance, code)
        if not tokens.scopes:
            tokens.scopes.extend(dance.scopes or self._habits(provider).scopes)
        if dance.connection_id:
            return await self._directory.update(
                dance.connection_id,
                connection_pb2.Connection(oauth=tokens),
                FieldMask(paths=["oauth"]),
            )
        asked = connection_pb2.Connection(provider=dance.provider, oauth=tokens)
        if dance.ticket is not None:
            asked.display_name = dance.ticket.display_name
            asked.labels.update(dance.ticket.labels)
        return await self._directory.create(asked, "")

    async def _refuse_moved(self, dance: Dance) -> None:
        """Raise if the connection to authorize anew has become another one's since it began."""
        scope = SCOPE.get(None)
        if dance.connection_id and scope is not None and scope.sees is not None:
            known = await self._directory.get(dance.connection_id)
            if not scope.sees(known):
                raise ProviderError.not_found("connection", dance.connection_id)

    def _is_theirs(self, dance: Dance, browser: str) -> bool:
        """Whether whoever ends the dance may: the browser that it began in, the program that began
        it, or a person on our page whom the vendor sent there because the program said so.
        """
        if dance.browser:
            return hmac.compare_digest(dance.browser.encode(), browser.encode())
        if browser:
            return bool(self.callback) and dance.redirect_uri == self.callback
        return dance.caller == known_caller()

    def opened(self, state: str) -> Dance:
        """What stands in `state`, used or not.

        Raises:
            StaleStateError: it is not ours, or too old.
        """
        try:
            plain = self._sealer.open(state, bound_to=_CONTEXT, max_age=LIFETIME)
            return msgspec.msgpack.decode(plain, type=Dance)
        except ExpiredTokenError:
            raise StaleStateError("expired") from None
        except (TokenError, msgspec.MsgspecError):
            raise StaleStateError("forged") from None

    def is_of(self, dance: Dance, issuers: Sequence[str]) -> bool:
        """Whether an answer whose `iss` are `issuers` can be of the vendor that the dance is with.

        RFC 9207 section 2.4, against mix-up (RFC 9700 section 4.4): a vendor that deceives us sends
        people on to another one, and would be handed the other's code. One that does not say who it
        is may be any but those that do.
        """
        own = self._habits(self._pool.get(dance.provider, "state")).issuer
        if own:
            return all(each == own for each in issuers)
        return self._pool.issuers().isdisjoint(issuers)

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

    async def _exchanged(
        self, provider: Provider, dance: Dance, code: str
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
