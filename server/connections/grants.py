"""Credentials in use, kept fresh: one refresh at a time for a connection, in all replicas (P64).

A refresh runs in a task of its own, because a caller who gives up must not lose the only copy of a
rotated token, and holds a lease in the store meanwhile. What comes back is stored before it is
used. Credentials that callers bring along are refreshed too, and handed back, never stored.
"""

import asyncio
import contextlib
import contextvars
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from providers.core.auth import Credentials
from providers.core.errors import Kind, ProviderError
from providers.core.http import Http
from server.connections.bounded import Bounded
from server.connections.keeper import Holding, Keeper, Owner, account_key
from server.connections.store import Store
from server.connections.token_endpoint import (
    DeadGrantError,
    TokenClient,
    refresh,
    revoke,
    service_token,
)
from server.log import LOG
from server.providers import ProviderPool
from ucal.v1 import connection_pb2

OAuth = connection_pb2.OAuthCredentials
ServiceAccount = connection_pb2.ServiceAccountCredentials
_REAUTHORIZATION_REQUIRED = connection_pb2.CONNECTION_STATE_REAUTHORIZATION_REQUIRED

_ENDPOINT_SECONDS = 20.0
# A lost answer is asked for again at once: the vendor may have spent the old token, and those that
# allow for it give the new one out again for some seconds only. Where it was spent for good,
# nothing else would have saved it either.
_PAUSES = (0.2, 1.0)
# Longer than any refresh takes.
_LEASE_SECONDS = 40.0
_FIRST_WAIT, _LONGEST_WAIT = 0.02, 0.5
_CLOSE_SECONDS = 10.0
_REMEMBERED = 10_000
# How long refreshed tokens of callers are at hand for their other calls under way.
_RECENT_SECONDS = 60.0
_EARLY = timedelta(seconds=60)


class LiveGrant:
    """The credentials of one connection during one call (`providers.core.auth.Grant`).

    Attributes:
        rotated: set when credentials that the caller brought were refreshed: the caller must be
            told, the old ones may be dead.
    """

    def __init__(self, grants: "Grants", owner: Owner, held: Holding) -> None:
        self._grants = grants
        self._owner = owner
        self._held = held
        self.rotated: OAuth | None = None

    @property
    def credentials(self) -> Credentials | None:
        """What the connection holds now; None for providers that need none."""
        return self._held.credentials

    async def renew(self, stale: str) -> str:
        """A working access token in place of `stale`; see `Grant`."""
        held = self._held.credentials
        if isinstance(held, ServiceAccount):
            return (await self._grants.minted(self._owner, held, stale)).access_token
        if not isinstance(held, OAuth) or not held.refresh_token:
            raise _over(self._owner)
        self._held = await self._grants.renewed(self._owner, self._held, stale)
        fresh = self._held.credentials
        if not isinstance(fresh, OAuth):
            raise _busy()
        if not self._owner.name:
            self.rotated = fresh
        return fresh.access_token


class Grants:
    """Loads, refreshes and saves credentials."""

    def __init__(
        self,
        store: Store,
        keeper: Keeper,
        pool: ProviderPool,
    ) -> None:
        self._store = store
        self._keeper = keeper
        self._pool = pool
        self._flights: dict[str, asyncio.Task[Holding]] = {}
        self._tokens: Bounded[str, OAuth] = Bounded(_REMEMBERED)
        self._recent: Bounded[str, Holding] = Bounded(_REMEMBERED, seconds=_RECENT_SECONDS)
        self._dead: Bounded[str, bool] = Bounded(_REMEMBERED)

    def live(self, owner: Owner, held: Holding) -> LiveGrant:
        """The grant of one call."""
        return LiveGrant(self, owner, held)

    # -- one at a time in this process

    async def renewed(self, owner: Owner, held: Holding, stale: str) -> Holding:
        """OAuth credentials whose access token is another than `stale`.

        Raises:
            ProviderError: see `providers.core.auth.Grant.renew`.
        """
        while True:
            if self._dead.get(_dead_key(owner, held)):
                raise _over(owner)
            recent = None if owner.name else self._recent.get(owner.key)
            if recent is not None and _token(recent) != stale:
                return recent
            found, ours = await self._single(
                owner.key, partial(self._refreshed, owner, held, stale)
            )
            # What another's flight brought may be the very token that was refused here.
            if ours or _token(found) != stale:
                return found
            held = found

    async def minted(self, owner: Owner, account: ServiceAccount, stale: str) -> OAuth:
        """A token of a service account: the one at hand while it lives, else a new one.

        Raises:
            ProviderError: see `providers.core.auth.Grant.renew`.
        """
        at_hand = self._tokens.get(owner.key)
        if at_hand is not None and at_hand.access_token != stale and _lives(at_hand):
            return at_hand
        found, _ = await self._single(owner.key, partial(self._minted, owner, account))
        if not isinstance(found.credentials, OAuth):
            raise _busy()
        return found.credentials

    async def _single(
        self, key: str, work: Callable[[], Coroutine[Any, Any, Holding]]
    ) -> tuple[Holding, bool]:
        """What the flight under way brings, or, if there is none, one of ours (True)."""
        flight = self._flights.get(key)
        ours = flight is None
        if flight is None:
            # A context of its own: the caller's deadline must not end it.
            flight = asyncio.get_running_loop().create_task(work(), context=contextvars.Context())
            self._flights[key] = flight
            flight.add_done_callback(lambda done: self._landed(key, done))
        return await asyncio.shield(flight), ours

    def _landed(self, key: str, flight: "asyncio.Task[Holding]") -> None:
        self._flights.pop(key, None)
        if not flight.cancelled():
            flight.exception()  # those who wait have got it; nobody may be left

    # -- one at a time in all replicas

    async def _refreshed(self, owner: Owner, held: Holding, stale: str) -> Holding:
        if not owner.name:
            return await self._refreshed_for_caller(owner, held)

        async def meanwhile() -> Holding | None:
            now = await self._keeper.read(owner)
            return self._adopted(owner, now) if _token(now) not in {stale, ""} else None

        async with self._leased(owner, meanwhile) as brought:
            return brought or await self._under_lease(owner, stale)

    @contextlib.asynccontextmanager
    async def _leased(
        self, owner: Owner, meanwhile: Callable[[], Awaitable[Holding | None]]
    ) -> AsyncIterator[Holding | None]:
        """Hold the lease of `owner`; or, without it, what `meanwhile` has found while waiting.

        Raises:
            ProviderError: UNAVAILABLE, somebody else has it all the time.
        """
        lease, holder = f"refresh/{owner.name}", secrets.token_hex(8)
        wait, end = _FIRST_WAIT, asyncio.get_running_loop().time() + _LEASE_SECONDS
        while not await self._store.lease(lease, holder, _LEASE_SECONDS):
            found = await meanwhile()
            if found is not None:
                yield found
                return
            if asyncio.get_running_loop().time() > end:
                raise _busy()
            await asyncio.sleep(wait)
            wait = min(_LONGEST_WAIT, wait * 2)
        try:
            yield None
        finally:
            with contextlib.suppress(ProviderError):  # it ends by itself
                await self._store.release(lease, holder)

    async def _refreshed_for_caller(self, owner: Owner, held: Holding) -> Holding:
        try:
            fresh = Holding(await self._asked(owner, held))
        except DeadGrantError:
            self._dead.put(_dead_key(owner, held), value=True)
            raise _over(owner) from None
        self._recent.put(owner.key, fresh)
        return fresh

    async def _under_lease(self, owner: Owner, stale: str) -> Holding:
        while True:
            now = await self._living(owner)
            if not isinstance(now.credentials, OAuth) or not now.credentials.refresh_token:
                raise _busy()  # entered anew, as something else
            if now.credentials.access_token != stale:
                return self._adopted(owner, now)
            try:
                fresh = await self._asked(owner, now)
            except DeadGrantError:
                again = await self._keeper.read(owner)
                if again.version != now.version:
                    continue  # somebody else was faster, or it was entered anew (P64)
                await self._buried(owner, now)
                raise _over(owner) from None
            return await self._keeper.save(owner, fresh, now.version)

    async def _living(self, owner: Owner) -> Holding:
        """What the store holds, unless another replica has found out that it is over.

        Raises:
            ProviderError: REAUTHORIZATION_REQUIRED.
        """
        if owner.name != owner.connection_id:
            return await self._keeper.read(owner)
        record = await self._store.get(owner.connection_id)
        if record is None:
            return await self._keeper.read(owner)
        now = self._keeper.holding(owner, record.grant)
        if record.connection.state == _REAUTHORIZATION_REQUIRED:
            self._dead.put(_dead_key(owner, now), value=True)
            self._keeper.changed(owner, None)
            raise _over(owner)
        return now

    def _adopted(self, owner: Owner, now: Holding) -> Holding:
        self._keeper.changed(owner, now)
        return now

    async def _asked(self, owner: Owner, held: Holding) -> OAuth:
        """New tokens from the vendor."""
        old = held.credentials
        if not isinstance(old, OAuth):
            raise _busy()
        client = self._client(owner, (old.client_id, old.client_secret), "")
        http = self._endpoint(owner, client)  # all tries together have its time
        for pause in _PAUSES:
            try:
                return await refresh(http, client, old)
            except ProviderError as error:
                if error.reason != "TOKEN_ENDPOINT_UNAVAILABLE" or not client.habits.rotates:
                    raise
            await asyncio.sleep(pause)
        return await refresh(http, client, old)

    def _endpoint(self, owner: Owner, client: TokenClient) -> Http:
        until = asyncio.get_running_loop().time() + _ENDPOINT_SECONDS
        return self._pool.endpoint(owner.provider.name, client.token_url, until=until)

    async def _buried(self, owner: Owner, now: Holding) -> None:
        """Note that the grant is over, so that nobody asks the vendor again."""
        self._dead.put(_dead_key(owner, now), value=True)
        marked = await self._store.mark(
            owner.connection_id, _REAUTHORIZATION_REQUIRED, grant_version=now.version
        )
        if marked or owner.name != owner.connection_id:
            LOG.warning(
                "a connection must be authorized anew", extra={"provider": owner.provider.name}
            )
        self._keeper.changed(owner, None)

    async def revoke(self, owner: Owner, held: Holding) -> None:
        """Have the vendor forget the grant (RFC 7009): what a refresh under way brings, too.

        Raises:
            ProviderError: UNSUPPORTED when the vendor cannot, or the credentials are no OAuth
                tokens; else what the endpoint says.
        """
        _revocable(owner, held)

        async def nothing() -> None:
            """What comes meanwhile is waited for."""

        async with self._leased(owner, nothing):
            old = _revocable(owner, await self._keeper.read(owner))
            client = self._client(owner, (old.client_id, old.client_secret), "")
            until = asyncio.get_running_loop().time() + _ENDPOINT_SECONDS
            http = self._pool.endpoint(owner.provider.name, client.revoke_url, until=until)
            await revoke(http, client, old)

    async def _minted(self, owner: Owner, account: ServiceAccount) -> Holding:
        client = self._client(owner, (account.client_id, account.private_key), account.tenant_id)
        try:
            found = await service_token(self._endpoint(owner, client), client, account)
        except DeadGrantError:
            raise _over(owner) from None
        self._tokens.put(owner.key, found)
        return Holding(found)

    def _client(self, owner: Owner, client: tuple[str, str], tenant: str) -> TokenClient:
        habits = owner.provider.oauth
        if habits is None:
            raise ProviderError(
                Kind.PRECONDITION,
                f"{owner.provider.display_name} has no token endpoint: use other credentials",
                reason="OAUTH_NOT_SUPPORTED",
            )
        return TokenClient.of(habits, owner.provider.settings, client=client, tenant=tenant)

    async def close(self) -> None:
        """Wait for refreshes under way."""
        tasks = list(self._flights.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=_CLOSE_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)


def _dead_key(owner: Owner, held: Holding) -> str:
    """The same refresh token, when it is entered anew, is given another chance."""
    token = held.credentials.refresh_token if isinstance(held.credentials, OAuth) else ""
    return account_key(owner.key, str(held.version), token)


def _token(held: Holding) -> str:
    return held.credentials.access_token if isinstance(held.credentials, OAuth) else ""


def _revocable(owner: Owner, held: Holding) -> OAuth:
    """The tokens, if the vendor can be told to forget them.

    Raises:
        ProviderError: UNSUPPORTED.
    """
    old, habits = held.credentials, owner.provider.oauth
    url = owner.provider.settings.revoke_url or (habits.revoke_url if habits else "")
    if isinstance(old, OAuth) and url:
        return old
    raise ProviderError(
        Kind.UNSUPPORTED,
        f"{owner.provider.display_name} cannot revoke these credentials: "
        "do it there, and delete the connection without revoke",
        violations=[("revoke", "is not possible here")],
        metadata={"capability": "revoke"},
    )


def _lives(token: OAuth) -> bool:
    if not token.HasField("expires_at"):
        return True
    return token.expires_at.ToDatetime(tzinfo=UTC) - datetime.now(UTC) > _EARLY


def _busy() -> ProviderError:
    return ProviderError(
        Kind.UNAVAILABLE,
        "the credentials of this connection are being changed: try again",
        reason="CREDENTIALS_CHANGING",
        retry_after=1.0,
    )


def _over(owner: Owner) -> ProviderError:
    told = (
        "authorize the connection anew"
        if owner.name
        else "bring a fresh access token, or credentials with a refresh token"
    )
    return ProviderError(
        Kind.REAUTHORIZATION_REQUIRED,
        f"{owner.provider.display_name} does not take the credentials any more: {told}",
    )
