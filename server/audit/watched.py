"""Where acts on connections meet their record, whoever asks for them: RPC, page or command.

The store records what it writes (`server.audit.entries`); here is what it never sees.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from google.protobuf.field_mask_pb2 import FieldMask

from server.audit import entries
from server.audit.entries import Books, Entry
from server.connections.authorizations import Authorizations
from server.connections.directory import Directory, Tested
from server.connections.resolver import Metadata
from server.connections.tickets import Tickets
from ucal.v1 import connection_pb2

_BROUGHT = "-"


class WatchedDirectory(Directory):
    """A directory whose failures and tests are recorded."""

    @property
    def books(self) -> Books:
        """Where the record is kept."""
        return self._store

    @asynccontextmanager
    async def _watching(self, act: str, connection_id: str) -> AsyncIterator[None]:
        """Record that `act` has failed, if it does. The store records one that has not."""
        try:
            yield
        except Exception as error:
            static = self._static.get(connection_id)
            about = (
                (static.id, static.provider, self._region)
                if static is not None
                else await entries.known(self.books, connection_id)
            )
            await entries.noted(self.books, Entry(act, *about, result=entries.result_of(error)))
            raise

    async def create(
        self, asked: connection_pb2.Connection, request_id: str
    ) -> connection_pb2.Connection:
        """See `Directory.create`."""
        async with self._watching(entries.CREATED, asked.id):
            return await super().create(asked, request_id)

    async def update(
        self,
        connection_id: str,
        asked: connection_pb2.Connection,
        mask: FieldMask | None,
    ) -> connection_pb2.Connection:
        """See `Directory.update`."""
        async with self._watching(entries.UPDATED, connection_id):
            return await super().update(connection_id, asked, mask)

    async def delete(
        self, connection_id: str, *, etag: str, revoke: bool, allow_missing: bool
    ) -> bool:
        """See `Directory.delete`."""
        async with self._watching(entries.DELETED, connection_id):
            return await super().delete(
                connection_id, etag=etag, revoke=revoke, allow_missing=allow_missing
            )

    async def test(self, connection_id: str, metadata: Metadata) -> Tested:
        """See `Directory.test`. Credentials that a call brings along belong to no connection."""
        if connection_id == _BROUGHT:
            return await super().test(connection_id, metadata)
        async with self._watching(entries.TESTED, connection_id):
            tested = await super().test(connection_id, metadata)
        await entries.noted(
            self.books,
            Entry(
                entries.TESTED,
                connection_id,
                provider=tested.resolved.provider.name,
                region=self._region,
                result=tested.error.reason if tested.error is not None else entries.OK,
            ),
        )
        return tested


class WatchedTickets(Tickets):
    """Links, the making of which is recorded: whoever has one may do what its maker might."""

    _directory: WatchedDirectory

    async def issue(self, request: connection_pb2.CreateConnectLinkRequest) -> tuple[str, int]:
        """See `Tickets.issue`."""
        books = self._directory.books
        try:
            issued = await super().issue(request)
        except Exception as error:
            about = await entries.known(books, request.connection_id)
            await entries.noted(
                books, Entry(entries.LINKED, *about, result=entries.result_of(error))
            )
            raise
        made = Entry(entries.LINKED, request.connection_id, request.provider)
        await entries.noted(books, made)
        return issued


class WatchedAuthorizations(Authorizations):
    """Dances whose ends are recorded. What is made or changed by one is recorded besides."""

    _directory: WatchedDirectory

    async def complete(self, state: str, code: str, browser: str = "") -> connection_pb2.Connection:
        """See `Authorizations.complete`."""
        books = self._directory.books
        try:
            made = await super().complete(state, code, browser)
        except Exception as error:
            await entries.noted(books, Entry(entries.AUTHORIZED, result=entries.result_of(error)))
            raise
        await entries.noted(books, Entry(entries.AUTHORIZED, made.id, made.provider, made.region))
        return made
