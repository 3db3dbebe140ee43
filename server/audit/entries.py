"""One line of the record, and how it is written.

An act that writes to the store is recorded in the same transaction: there is none without its
record, and no record of one that did not happen; a store that cannot take the record refuses the
act. What only asks (a test), or has failed, is recorded right after, by itself: if that cannot be
done, the answer of the call stands and the log says so.
"""

import os
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import ColumnElement, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from providers.core.errors import ProviderError
from server.connections.tables import AUDIT, CONNECTIONS
from server.interceptors.scope import SCOPE
from server.log import LOG

OK = "OK"
FAULT = "ADAPTER_FAULT"
# The act is the service's own, not a caller's.
SERVICE = "ucal"

CREATED = "connection.create"
UPDATED = "connection.update"
DELETED = "connection.delete"
TESTED = "connection.test"
AUTHORIZED = "connection.authorize"
LINKED = "connection.link"
ACTIVE = "connection.active"
DEAD = "connection.reauthorization_required"
KEY_MADE = "api_key.create"
KEY_REVOKED = "api_key.revoke"
RING_ROTATED = "key_ring.rotate"
RING_RETIRED = "key_ring.retire"
AUDIT_PRUNED = "audit.prune"


class Recording(Protocol):
    """What `record` needs of the store."""

    def now(self) -> ColumnElement[int]:
        """The database's clock, milliseconds since 1970."""


class Books(Recording, Protocol):
    """What `noted` needs of the store."""

    def one(self) -> Any:
        """For a single statement."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is recorded of an act.

    Attributes:
        act: one of the names above.
        connection_id: "" when it is about none, or about one that is not there.
        provider: registry name; "" when it is not known.
        region: of the connection; "" when it is not known.
        result: OK, or the reason (ErrorInfo) of the failure.
        actor: who; "" for the caller of the call under way.
    """

    act: str
    connection_id: str = ""
    provider: str = ""
    region: str = ""
    result: str = OK
    actor: str = ""


def caller() -> str:
    """Who acts: the caller of the call under way, or the user of the command line by number."""
    scope = SCOPE.get(None)
    return scope.caller if scope is not None else f"cli:{os.getuid()}"


async def record(store: Recording, database: AsyncConnection, entry: Entry) -> None:
    """Write `entry` in the transaction under way, by the database's clock.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: it cannot be written; the transaction must not end well.
    """
    await database.execute(
        insert(AUDIT).values(
            at=store.now() * 1000,
            actor=(entry.actor or caller())[:256],
            act=entry.act,
            connection_id=entry.connection_id[:64],
            provider=entry.provider[:64],
            region=entry.region[:32],
            result=entry.result[:64],
        )
    )


async def noted(store: Books, entry: Entry) -> None:
    """Write `entry` by itself; a store that is away is logged."""
    try:
        async with store.one() as database:
            await record(store, database, entry)
    except ProviderError as error:
        LOG.error(
            "an administrative act could not be recorded",
            extra={"kind": entry.act, "provider": entry.provider, "reason": error.reason},
        )


async def known(store: Books, connection_id: str) -> tuple[str, str, str]:
    """Id, provider and region of a connection that is stored; empty when there is none.

    A failed call may name anything, an address for example, and only ids that were taken before
    may be recorded. A store that is away knows none.
    """
    query = select(CONNECTIONS.c.id, CONNECTIONS.c.provider, CONNECTIONS.c.region)
    try:
        async with store.one() as database:
            found = await database.execute(query.where(CONNECTIONS.c.id == connection_id))
            row = found.first()
    except ProviderError:
        return "", "", ""
    return ("", "", "") if row is None else (row[0], row[1], row[2])


def result_of(error: Exception) -> str:
    """What is recorded of a failure: never its text."""
    return error.reason if isinstance(error, ProviderError) else FAULT
