"""Connections as administrators see them: made, read, listed, changed, forgotten, tested."""

import hashlib
import secrets
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import urlsplit

from google.protobuf.field_mask_pb2 import FieldMask

from providers.core.auth import Credentials
from providers.core.call import Account
from providers.core.errors import Kind, ProviderError
from server.connections import credentials, masks
from server.connections.grants import Grants
from server.connections.keeper import Keeper, Owner
from server.connections.records import Record, credentials_of
from server.connections.resolver import Entry, Metadata, Resolved, Resolver, in_region
from server.connections.secret_references import SecretReader
from server.connections.static import StaticConnections
from server.connections.store import Store, TakenError
from server.interceptors.scope import SCOPE
from server.providers import ProviderPool
from ucal.v1 import connection_pb2

_ACTIVE = connection_pb2.CONNECTION_STATE_ACTIVE
_ID_BYTES = 10
_TRIES = 5
_MOST_READ = 1000
Sees: TypeAlias = Callable[[connection_pb2.Connection], bool]


@dataclass(frozen=True, slots=True)
class Tested:
    """What a test has found.

    Attributes:
        account: who the credentials belong to, if the provider tells.
        error: what the provider says against them.
    """

    resolved: Resolved
    account: Account
    error: ProviderError | None


class Directory:
    """What the RPCs of ConnectionService do. No answer holds credentials."""

    def __init__(
        self,
        *,
        store: Store,
        keeper: Keeper,
        grants: Grants,
        pool: ProviderPool,
        static: StaticConnections,
        reader: SecretReader,
        resolver: Resolver,
        region: str,
    ) -> None:
        self._store = store
        self._keeper = keeper
        self._grants = grants
        self._pool = pool
        self._static = static
        self._reader = reader
        self._resolver = resolver
        self._region = region

    async def get(self, connection_id: str) -> connection_pb2.Connection:
        """One connection.

        Raises:
            ProviderError: NOT_FOUND.
        """
        static = self._static.get(connection_id)
        if static is not None:
            return self._static.message(static)
        return (await self._record(connection_id)).connection

    async def here(self, connection_id: str) -> connection_pb2.Connection:
        """One connection of this region.

        Raises:
            ProviderError: NOT_FOUND; PRECONDITION, naming the region that it belongs to.
        """
        found = await self.get(connection_id)
        in_region(found, self._region)
        return found

    async def _record(self, connection_id: str) -> Record:
        record = await self._store.get(connection_id)
        if record is None:
            raise ProviderError.not_found("connection", connection_id[:64])
        return record

    async def list(
        self, *, after: str, provider: str, size: int, sees: Sees | None = None
    ) -> tuple[Sequence[connection_pb2.Connection], str]:
        """At most `size` connections behind the id `after`, and the id to go on from, or "".

        `sees`: which of them there are for whoever asks; None: all. Pages are full of these, so
        that neither holes nor tokens tell of others.
        """
        if sees is None:
            return await self._page(after=after, provider=provider, size=size)
        found: list[connection_pb2.Connection] = []
        while True:
            page, after = await self._page(after=after, provider=provider, size=_MOST_READ)
            found += filter(sees, page)
            if len(found) > size:
                return found[:size], found[size - 1].id
            if not after:
                return found, ""

    async def _page(
        self, *, after: str, provider: str, size: int
    ) -> tuple[Sequence[connection_pb2.Connection], str]:
        stored = await self._store.list(after=after, provider=provider, size=size + 1)
        found = [each.connection for each in stored if each.connection.id not in self._static]
        more = len(stored) > size
        last = stored[-1].connection.id if more else ""
        fixed = self._static.behind(after, provider)
        # Beyond the last stored one that was read there may be others in between.
        found += [each for each in fixed if not more or each.id <= last]
        found.sort(key=lambda each: each.id)
        if len(found) > size:
            return found[:size], found[size - 1].id
        return found, last if more else ""

    async def create(
        self, asked: connection_pb2.Connection, request_id: str
    ) -> connection_pb2.Connection:
        """Make a connection; the same `request_id` makes one only.

        Raises:
            ProviderError: INVALID, ALREADY_EXISTS.
        """
        request_id = _of_caller(request_id)
        if request_id:
            made = await self._store.made_by(request_id)
            if made is not None:
                return _same(made, asked)
        new = connection_pb2.Connection(
            id=asked.id or f"c{secrets.token_hex(_ID_BYTES)}",
            provider=asked.provider,
            display_name=asked.display_name,
            base_url=asked.base_url,
            labels=asked.labels,
            state=_ACTIVE,
            region=self._region,
        )
        held = await self._entered(asked, new, "connection")
        sealed = self._keeper.seal(self._owner(new), held) if held is not None else b""
        if new.id in self._static:
            raise _taken(new.id)
        try:
            await self._store.insert(new, sealed, request_id)
        except TakenError:
            made = await self._store.made_by(request_id) if request_id else None
            if made is None:
                raise _taken(new.id) from None
            return _same(made, asked)
        self._resolver.forget(new.id)
        return (await self._record(new.id)).connection

    def _owner(self, connection: connection_pb2.Connection) -> Owner:
        return Owner(
            provider=self._pool.get(connection.provider),
            connection_id=connection.id,
            key="",
            region=connection.region,
            name=connection.id,
        )

    async def _entered(
        self, asked: connection_pb2.Connection, target: connection_pb2.Connection, field: str
    ) -> Credentials | None:
        """Check provider, base URL and credentials; write to `target` what is no secret."""
        provider = self._pool.get(asked.provider or target.provider, f"{field}.provider")
        self._pool.place(provider, target.base_url, trusted=False, field=f"{field}.base_url")
        if asked.HasField("secret_reference"):
            self._reader.check(asked.secret_reference, f"{field}.secret_reference")
            target.secret_reference.CopyFrom(asked.secret_reference)
            del target.granted_scopes[:]
            return None
        held = credentials_of(asked)
        credentials.check(provider, held, field)
        target.ClearField("secret_reference")
        target.granted_scopes[:] = getattr(held, "scopes", ())
        return held

    async def update(
        self,
        connection_id: str,
        asked: connection_pb2.Connection,
        mask: FieldMask | None,
    ) -> connection_pb2.Connection:
        """Change a connection, or its credentials.

        Raises:
            ProviderError: NOT_FOUND, INVALID, CONFLICT when the etag has moved on, PRECONDITION
                for a static connection.
        """
        self._refuse_static(connection_id)
        for _ in range(_TRIES):
            record = await self._record(connection_id)
            in_region(record.connection, self._region)
            _match(asked.etag, record)
            paths = masks.paths(asked, mask, record.connection)
            changed, sealed = await self._changed(record, asked, paths)
            if await self._store.update(changed, record.version, sealed):
                self._forget(connection_id)
                return (await self._record(connection_id)).connection
        raise _moved_on()

    async def _changed(
        self, record: Record, asked: connection_pb2.Connection, paths: Sequence[str]
    ) -> tuple[connection_pb2.Connection, bytes | None]:
        """The connection with `paths` of `asked`, and its credentials if they are among them."""
        new = connection_pb2.Connection()
        new.CopyFrom(record.connection)
        for name in ("display_name", "base_url"):
            if name in paths:
                setattr(new, name, getattr(asked, name))
        if "labels" in paths:
            new.ClearField("labels")
            new.labels.update(asked.labels)
        if any(name in masks.CREDENTIALS for name in paths):
            held = await self._entered(asked, new, "connection")
            new.state = _ACTIVE
            return new, self._keeper.seal(self._owner(new), held) if held is not None else b""
        if _origin(new.base_url) != _origin(record.connection.base_url):
            # Whoever may only rename things must not have the password sent to a host of theirs.
            raise ProviderError.invalid(
                "connection.base_url",
                "names another host: enter the credentials again with it",
                reason="CREDENTIALS_NEEDED",
            )
        provider = self._pool.get(new.provider)
        self._pool.place(provider, new.base_url, trusted=False)
        return new, None

    def _refuse_static(self, connection_id: str) -> None:
        if connection_id in self._static:
            raise ProviderError(
                Kind.PRECONDITION,
                "the connection comes from the settings file: change it there",
                reason="STATIC_CONNECTION",
            )

    async def delete(
        self, connection_id: str, *, etag: str, revoke: bool, allow_missing: bool
    ) -> bool:
        """Forget a connection; true when it was gone before (with `allow_missing`).

        Raises:
            ProviderError: NOT_FOUND, CONFLICT, PRECONDITION; with `revoke` what the provider says,
                and then nothing has been forgotten.
        """
        self._refuse_static(connection_id)
        record = await self._store.get(connection_id)
        if record is None and allow_missing:
            return True
        if record is None:
            raise ProviderError.not_found("connection", connection_id[:64])
        in_region(record.connection, self._region)
        _match(etag, record)
        if revoke:
            entry = await self._resolver.stored(record)
            await self._grants.revoke(entry.owner, entry.held)
        if not await self._store.delete(connection_id, record.version if etag else None) and etag:
            raise _moved_on()
        self._forget(connection_id)
        return False

    def _forget(self, connection_id: str) -> None:
        self._keeper.forget(connection_id)
        self._resolver.forget(connection_id)

    async def test(self, connection_id: str, metadata: Metadata) -> Tested:
        """Ask the provider whether the credentials work; if so, the connection is active again.

        Raises:
            ProviderError: as `Resolver.resolve`; what the provider says is part of the answer.
        """
        self._resolver.forget(connection_id)
        entry = await self._resolver.entry(connection_id, metadata)
        resolved = self._resolver.resolved(entry, metadata)
        try:
            account = await resolved.provider.test_connection(resolved.call)
        except ProviderError as error:
            return Tested(resolved, Account(), error)
        await self._revive(entry)
        return Tested(resolved, account, None)

    async def _revive(self, entry: Entry) -> None:
        record = entry.record
        if record is not None and record.connection.state != _ACTIVE:
            version = record.grant.version if record.grant is not None else 0
            await self._store.mark(record.connection.id, _ACTIVE, grant_version=version)
            self._resolver.forget(record.connection.id)


def _of_caller(request_id: str) -> str:
    """`request_id`, apart from what other callers call theirs: a known one tells of a connection.

    Under open access all are one caller.
    """
    scope = SCOPE.get(None)
    if not request_id or scope is None or scope.access is None:
        return request_id
    digest = hashlib.sha256(f"{scope.caller}\0{request_id}".encode()).digest()
    return str(uuid.UUID(bytes=digest[:16], version=4))


def _same(made: Record, asked: connection_pb2.Connection) -> connection_pb2.Connection:
    """The connection that an earlier call of this request made."""
    if asked.id not in {"", made.connection.id} or asked.provider != made.connection.provider:
        raise ProviderError.invalid(
            "request_id", "has made another connection already", reason="REQUEST_ID_REUSED"
        )
    return made.connection


def _taken(connection_id: str) -> ProviderError:
    return ProviderError(
        Kind.ALREADY_EXISTS,
        "a connection with this id exists already",
        resource=("connection", connection_id),
    )


def _match(etag: str, record: Record) -> None:
    if etag and etag != record.connection.etag:
        raise _moved_on()


def _moved_on() -> ProviderError:
    return ProviderError(Kind.CONFLICT, "the connection has been changed since: read it again")


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
