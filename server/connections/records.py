"""A connection as it is stored: the contract's message, and what never leaves the server."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from providers.core.auth import Credentials
from ucal.v1 import connection_pb2

Row: TypeAlias = Mapping[str, Any]

SECRET_FIELDS = ("oauth", "basic", "api_key", "service_account")


@dataclass(frozen=True, slots=True)
class StoredGrant:
    """Sealed credentials.

    Attributes:
        sealed: an envelope.
        version: changes whenever they are written.
    """

    sealed: bytes = field(repr=False)
    version: int


@dataclass(frozen=True, slots=True)
class Record:
    """One row.

    Attributes:
        connection: without credentials; a reference to a secret is part of it.
        version: counts what administrators wrote.
        grant: credentials; None when none are stored.
        request_id: of the call that made it.
    """

    connection: connection_pb2.Connection
    version: int
    grant: StoredGrant | None = None
    request_id: str = ""


def etag(created_at: int, version: int) -> str:
    """Version of a connection as callers see it; one that was made anew has another."""
    return f"{created_at:x}-{version:x}"


def credentials_of(connection: connection_pb2.Connection) -> Credentials | None:
    """The credentials that `connection` holds itself."""
    kind = connection.WhichOneof("credentials")
    if kind is None or kind not in SECRET_FIELDS:
        return None
    found: Credentials = getattr(connection, kind)
    return found


def pack(credentials: Credentials) -> bytes:
    """`credentials` as they are sealed: a Connection with nothing else in it."""
    holder = connection_pb2.Connection()
    put(holder, credentials)
    return holder.SerializeToString()


def unpack(data: bytes) -> Credentials | None:
    """The inverse of `pack`."""
    return credentials_of(connection_pb2.Connection.FromString(data))


def put(target: connection_pb2.Connection, credentials: Credentials) -> None:
    """Write `credentials` into the field of `target` that is theirs."""
    if isinstance(credentials, connection_pb2.OAuthCredentials):
        target.oauth.CopyFrom(credentials)
    elif isinstance(credentials, connection_pb2.BasicCredentials):
        target.basic.CopyFrom(credentials)
    elif isinstance(credentials, connection_pb2.ApiKeyCredentials):
        target.api_key.CopyFrom(credentials)
    else:
        target.service_account.CopyFrom(credentials)


def to_row(connection: connection_pb2.Connection) -> dict[str, object]:
    """The columns that administrators write."""
    return {
        "display_name": connection.display_name,
        "state": int(connection.state),
        "base_url": connection.base_url,
        "labels": json.dumps(dict(connection.labels), sort_keys=True),
        "scopes": json.dumps(list(connection.granted_scopes)),
        "secret_store": connection.secret_reference.store,
        "secret_key": connection.secret_reference.key,
    }


def from_row(row: Row) -> Record:
    """A record from a row of connections, left-joined with grants."""
    connection = connection_pb2.Connection(
        id=row["id"],
        provider=row["provider"],
        display_name=row["display_name"],
        state=row["state"],
        base_url=row["base_url"],
        region=row["region"],
        etag=etag(row["created_at"], row["version"]),
        labels=json.loads(row["labels"]),
        granted_scopes=json.loads(row["scopes"]),
    )
    connection.created_at.FromMicroseconds(row["created_at"])
    connection.updated_at.FromMicroseconds(row["updated_at"])
    if row["secret_store"]:
        connection.secret_reference.store = row["secret_store"]
        connection.secret_reference.key = row["secret_key"]
    grant = None
    if row["sealed"] is not None:
        grant = StoredGrant(row["sealed"], row["grant_version"])
    return Record(connection, row["version"], grant, row["request_id"] or "")
