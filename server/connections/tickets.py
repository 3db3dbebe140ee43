"""Links to the page on which a person connects an account: sealed, short-lived, good for one
connection. What stands in a link is a ticket; nothing is stored until it is used.
"""

import secrets
import time
from collections.abc import Callable, Sequence
from datetime import timedelta

import msgspec

from providers.core.errors import Kind, ProviderError
from server.connections.directory import Directory
from server.connections.once import Once
from server.connections.sealer import SKEW, ExpiredTokenError, Sealer
from server.connections.store import Store
from server.interceptors.scope import SCOPE
from server.providers import ProviderPool
from ucal.v1 import connection_pb2, provider_pb2

LIFETIME = timedelta(hours=1)
LONGEST = timedelta(days=1)
_CONTEXT = b"ucal.link/1"
# It travels in addresses, to the vendor's page and back too: servers take 8 KiB of them.
_LARGEST = 2048
# A SPIFFE id may be as long; the audit record keeps no more of it either.
CALLER_SIGNS = 240
_BY_PERSONS = {
    provider_pb2.AUTH_KIND_NONE,
    provider_pb2.AUTH_KIND_OAUTH,
    provider_pb2.AUTH_KIND_BASIC,
    provider_pb2.AUTH_KIND_API_KEY,
}


class Ticket(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """What a person may connect, and what becomes of it.

    Attributes:
        provider: its name.
        connection_id: to be authorized anew; "": a new connection is made.
        display_name: of the new connection.
        labels: of the new connection.
        scopes: of OAuth; empty: the provider's own.
        return_uri: where the person goes at the end; "": nowhere.
        nonce: tells links apart; "": no link, the page was opened without.
        until: seconds since 1970.
        caller: who asked for the link; "": access is open, or the page was opened without one.
    """

    provider: str
    connection_id: str = ""
    display_name: str = ""
    labels: dict[str, str] = {}
    scopes: tuple[str, ...] = ()
    return_uri: str = ""
    nonce: str = ""
    until: int = 0
    caller: str = ""


def known_caller() -> str:
    """Who calls; "" where that is not known, or access is open."""
    scope = SCOPE.get(None)
    return scope.caller if scope is not None and scope.access is not None else ""


class UsedLinkError(Exception):
    """The link has made its connection."""


class Tickets:
    """Makes links' tokens, opens them, and sees to it that each is used once."""

    def __init__(
        self,
        *,
        directory: Directory,
        store: Store,
        pool: ProviderPool,
        sealer: Sealer,
        redirects: Sequence[str],
        now: Callable[[], float] = time.time,
    ) -> None:
        """`redirects`: URIs that people may be sent back to, exactly; `now`: seconds since 1970."""
        self._directory = directory
        self._pool = pool
        self._sealer = sealer
        self._redirects = frozenset(redirects)
        self._once = Once(store, "link")
        self._now = now

    async def issue(self, request: connection_pb2.CreateConnectLinkRequest) -> tuple[str, int]:
        """A token for what `request` asks, and its end in seconds since 1970.

        Raises:
            ProviderError: INVALID; NOT_FOUND for the connection to authorize anew; PRECONDITION
                when it cannot be.
        """
        provider = self._pool.get(request.provider, "provider")
        if not _BY_PERSONS & set(provider.auth_kinds):
            raise ProviderError.invalid("provider", "is not connected by a person")
        if request.scopes and provider.oauth is None:
            raise ProviderError.invalid("scopes", f"are of OAuth: {provider.display_name} has none")
        if request.return_uri and request.return_uri not in self._redirects:
            raise ProviderError.invalid(
                "return_uri", "is not on this server's allow-list: the operator sets redirect_uris"
            )
        if request.connection_id:
            await self._check_known(request)
        life = request.lifetime.ToSeconds() if request.HasField("lifetime") else 0
        ticket = Ticket(
            provider=request.provider,
            connection_id=request.connection_id,
            display_name=request.display_name,
            labels=dict(request.labels),
            scopes=tuple(request.scopes),
            return_uri=request.return_uri,
            nonce=secrets.token_urlsafe(12),
            until=int(self._now()) + (life or int(LIFETIME.total_seconds())),
            caller=known_caller()[:CALLER_SIGNS],
        )
        return self.seal(ticket), ticket.until

    async def _check_known(self, request: connection_pb2.CreateConnectLinkRequest) -> None:
        if request.labels or request.display_name:
            field = "labels" if request.labels else "display_name"
            raise ProviderError.invalid(field, "cannot be given beside connection_id")
        known = await self._directory.here(request.connection_id)
        if known.provider != request.provider:
            raise ProviderError.invalid("connection_id", f"is no connection of {request.provider}")
        if known.is_static:
            raise ProviderError(
                Kind.PRECONDITION,
                "the connection comes from the settings file: change it there",
                reason="STATIC_CONNECTION",
            )

    def seal(self, ticket: Ticket) -> str:
        """The token of `ticket`.

        Raises:
            ProviderError: INVALID, it is too large for an address.
        """
        plain = msgspec.msgpack.encode(ticket)
        if len(plain) > _LARGEST:
            raise ProviderError.invalid(
                "labels", "are too large for a link, with name, scopes and return_uri: 2 KiB"
            )
        return self._sealer.seal(plain, bound_to=_CONTEXT).decode()

    def open(self, token: str) -> Ticket:
        """What stands in a link.

        Raises:
            InvalidTokenError, ForeignTokenError: it is none of ours.
            ExpiredTokenError: it is too old.
        """
        plain = self._sealer.open(token, bound_to=_CONTEXT, max_age=LONGEST)
        ticket = msgspec.msgpack.decode(plain, type=Ticket)
        if ticket.until < self._now():
            raise ExpiredTokenError(
                Kind.CURSOR_EXPIRED, "the link is too old", reason="TOKEN_EXPIRED"
            )
        return ticket

    async def is_used(self, ticket: Ticket) -> bool:
        """Whether the link has made its connection."""
        return bool(ticket.nonce) and await self._once.is_taken(ticket.nonce)

    async def take(self, ticket: Ticket, holder: str) -> None:
        """Use the link up; the same `holder` may come again.

        Raises:
            UsedLinkError: somebody was first.
        """
        # As long as any replica opens it, whatever its clock says.
        left = max(ticket.until - self._now(), 0) + SKEW
        if ticket.nonce and not await self._once.take(ticket.nonce, holder, left):
            raise UsedLinkError

    async def give_back(self, ticket: Ticket, holder: str) -> None:
        """It came to nothing: the link is good again."""
        if ticket.nonce:
            await self._once.give_back(ticket.nonce, holder)
