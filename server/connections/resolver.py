"""From a connection's id to a provider and a call: what every RPC begins with.

What was found is remembered for seconds, so that the store is not on the path of every call; a
change made by another replica is seen when they are over.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from providers.core.auth import Credentials
from providers.core.call import Call
from providers.core.errors import Kind, ProviderError
from providers.core.provider import Provider
from server.connections import brought, credentials
from server.connections.bounded import Bounded
from server.connections.grants import Grants, LiveGrant
from server.connections.keeper import Holding, Keeper, Owner, account_key
from server.connections.records import Record, credentials_of
from server.connections.secret_references import SecretReader, parse_secret, seed_of
from server.connections.static import PREFIX, StaticConnections
from server.connections.store import Store
from server.providers import Place, ProviderPool
from server.settings_model import StaticConnection
from server.settings_rules import CONNECTION_ID
from ucal.v1 import connection_pb2

_ENTRIES = 10_000
_SECONDS = 5.0
Metadata = Mapping[str, str | bytes]


@dataclass(frozen=True, slots=True)
class Entry:
    """A connection, ready for calls.

    Attributes:
        record: of a stored connection.
    """

    owner: Owner
    place: Place
    held: Holding
    record: Record | None = None


@dataclass(frozen=True, slots=True)
class Resolved:
    """A connection for one call.

    Attributes:
        connection_id: as the caller named it.
        provider: its provider.
        call: what the provider's methods are handed.
        account_key: equal only for the same credentials at the same place; changes when an
            administrator changes the connection, not when a token is refreshed.
        is_brought: the caller brought the credentials.
    """

    connection_id: str
    provider: Provider
    call: Call
    account_key: str
    is_brought: bool
    _grant: LiveGrant = field(repr=False)

    def trailing_metadata(self) -> tuple[tuple[str, str | bytes], ...]:
        """What the caller must be told at the end: credentials of theirs that were refreshed."""
        fresh = self._grant.rotated
        return ((brought.ROTATED, fresh.SerializeToString()),) if fresh is not None else ()

    def until(self, deadline: float) -> Call:
        """`call` with another deadline, in the loop's time."""
        return replace(self.call, http=replace(self.call.http, deadline=deadline))


class Resolver:
    """Finds connections: stored, static, and those that callers bring along."""

    def __init__(
        self,
        *,
        store: Store,
        keeper: Keeper,
        grants: Grants,
        pool: ProviderPool,
        static: StaticConnections,
        reader: SecretReader,
        region: str,
    ) -> None:
        self._store = store
        self._keeper = keeper
        self._grants = grants
        self._pool = pool
        self._static = static
        self._reader = reader
        self._region = region
        self._entries: Bounded[str, Entry] = Bounded(_ENTRIES, seconds=_SECONDS)
        keeper.changed = self._note

    def _note(self, owner: Owner, held: Holding | None) -> None:
        """Keep up with refreshes; None: the state has changed too."""
        entry = self._entries.get(owner.connection_id)
        if entry is None or entry.owner.key != owner.key:
            return
        if held is None:
            self._entries.drop(owner.connection_id)
        else:
            self._entries.put(owner.connection_id, replace(entry, held=held))

    def forget(self, connection_id: str) -> None:
        """Look the connection up again."""
        self._entries.drop(connection_id)

    async def resolve(self, connection_id: str, metadata: Metadata) -> Resolved:
        """The connection that `connection_id` and a call's metadata name.

        Raises:
            ProviderError: NOT_FOUND; INVALID for bad metadata; REAUTHORIZATION_REQUIRED;
                PRECONDITION when its secret or its region is elsewhere; UNAVAILABLE when the store
                cannot be asked.
        """
        entry = await self.entry(connection_id, metadata)
        self._usable(entry)
        return self.resolved(entry, metadata)

    async def entry(self, connection_id: str, metadata: Metadata) -> Entry:
        """`resolve`, without asking whether the connection's state allows calls."""
        if connection_id == brought.CONNECTION_ID:
            return self._brought(metadata)
        entry = self._entries.get(connection_id)
        if entry is None:
            entry = await self._found(connection_id)
            self._entries.put(connection_id, entry)
        return entry

    async def _found(self, connection_id: str) -> Entry:
        if not CONNECTION_ID.fullmatch(connection_id):
            raise ProviderError.not_found("connection", connection_id[:64])
        static = self._static.get(connection_id)
        if static is not None:
            return await self._of_settings(static)
        record = await self._store.get(connection_id)
        if record is None:
            raise ProviderError.not_found("connection", connection_id)
        return await self.stored(record)

    async def stored(self, record: Record) -> Entry:
        """A stored connection, with its credentials open.

        Raises:
            ProviderError: PRECONDITION, see `resolve`.
        """
        connection = record.connection
        in_region(connection, self._region)
        provider = self._pool.get(connection.provider)
        seed, origin = "", None
        if connection.HasField("secret_reference"):
            secret = await self._reader.referred(connection.secret_reference)
            origin, seed = parse_secret(secret), seed_of(secret)
            credentials.check(provider, origin, "connection.secret_reference")
        owner = Owner(
            provider=provider,
            connection_id=connection.id,
            key=account_key("stored", connection.id, connection.etag, seed),
            region=connection.region,
            name=connection.id,
            seed=seed,
            origin=origin,
        )
        place = self._pool.place(provider, connection.base_url, trusted=False)
        return Entry(owner, place, self._keeper.holding(owner, record.grant), record)

    async def _of_settings(self, static: StaticConnection) -> Entry:
        provider = self._pool.get(static.provider)
        origin, seed = await self._static.credentials(static)
        credentials.check(provider, origin, f"connections.{static.id}.credentials")
        owner = Owner(
            provider=provider,
            connection_id=static.id,
            key=account_key("static", static.id, static.base_url, seed),
            region=self._region,
            name=f"{PREFIX}{static.id}",
            seed=seed,
            origin=origin,
        )
        place = self._pool.place(
            provider, static.base_url, trusted=True, field=f"connections.{static.id}.base_url"
        )
        return Entry(owner, place, await self._grown(owner))

    async def _grown(self, owner: Owner) -> Holding:
        """What refreshes have made of a static connection's credentials."""
        if isinstance(owner.origin, connection_pb2.OAuthCredentials):
            return await self._keeper.read(owner)
        return Holding(owner.origin)

    def _brought(self, metadata: Metadata) -> Entry:
        found = brought.parse(metadata)
        provider = self._pool.get(found.provider, f"metadata.{brought.PROVIDER}")
        credentials.check(provider, found.credentials, f"metadata.{brought.CREDENTIALS}")
        place = self._pool.place(
            provider, found.base_url, trusted=False, field=f"metadata.{brought.BASE_URL}"
        )
        return _unstored(provider, place, found.credentials)

    def untried(self, asked: connection_pb2.Connection) -> Resolved:
        """A connection that is not there yet, so that its credentials can be tried first.

        Raises:
            ProviderError: INVALID; UNAUTHENTICATED: the credentials cannot stand in a header.
        """
        provider, held = self._pool.get(asked.provider), credentials_of(asked)
        credentials.check(provider, held, "connection")
        place = self._pool.place(provider, asked.base_url, trusted=False)
        return self.resolved(_unstored(provider, place, held), {})

    def _usable(self, entry: Entry) -> None:
        if entry.record is None:
            return
        state = entry.record.connection.state
        if state == connection_pb2.CONNECTION_STATE_REAUTHORIZATION_REQUIRED:
            raise ProviderError(
                Kind.REAUTHORIZATION_REQUIRED,
                f"{entry.owner.provider.display_name} does not take the credentials any more: "
                "authorize the connection anew, or test it if you know better",
            )
        if state == connection_pb2.CONNECTION_STATE_DISABLED:
            raise ProviderError(
                Kind.FORBIDDEN,
                "the connection was switched off by an administrator",
                reason="CONNECTION_DISABLED",
            )

    def resolved(self, entry: Entry, metadata: Metadata) -> Resolved:
        """`entry` for one call.

        Raises:
            ProviderError: UNAUTHENTICATED: the credentials cannot stand in a header.
        """
        owner = entry.owner
        grant = self._grants.live(owner, entry.held)
        call = self._pool.call(
            owner.provider,
            entry.place,
            grant,
            connection_id=owner.connection_id,
            account_key=owner.key,
            metadata=metadata,
        )
        return Resolved(owner.connection_id, owner.provider, call, owner.key, not owner.name, grant)


def _unstored(provider: Provider, place: Place, held: Credentials | None) -> Entry:
    owner = Owner(
        provider=provider,
        connection_id=brought.CONNECTION_ID,
        key=account_key("brought", provider.name, place.base_url, _bytes(held)),
        origin=held,
    )
    return Entry(owner, place, Holding(held))


def in_region(connection: connection_pb2.Connection, region: str) -> None:
    """Refuse a connection of another region than `region`.

    Raises:
        ProviderError: PRECONDITION, WRONG_REGION, naming the right one.
    """
    if connection.region != region:
        raise ProviderError(
            Kind.PRECONDITION,
            f"the connection belongs to the region {connection.region}: call a server there",
            reason="WRONG_REGION",
            metadata={"region": connection.region},
        )


def _bytes(found: Credentials | None) -> bytes:
    if found is None:
        return b""
    return type(found).__name__.encode() + found.SerializeToString(deterministic=True)
