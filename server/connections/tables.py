"""The store's tables, as queries are written against them. Migrations make them.

Nothing of a calendar has a column here. Times are microseconds since 1970, of leases milliseconds
on the database's clock.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
)

METADATA = MetaData()

CONNECTIONS = Table(
    "connections",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("provider", String(64), nullable=False),
    Column("display_name", String(256), nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("base_url", String(2048), nullable=False),
    Column("labels", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("secret_store", String(16), nullable=False),
    Column("secret_key", String(1024), nullable=False),
    Column("region", String(32), nullable=False),
    # UUID of CreateConnection: makes the call idempotent.
    Column("request_id", String(36), nullable=True, unique=True),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    # Counts what administrators write, and is the etag; refreshes do not count.
    Column("version", BigInteger, nullable=False),
    Index("connections_by_provider", "provider", "id"),
)

# Credentials in use. For connections whose credentials came in by CreateConnection: these; for
# those that refer to a secret, and static ones: what a refresh has made of them since.
GRANTS = Table(
    "grants",
    METADATA,
    Column("name", String(80), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("version", BigInteger, nullable=False),
)

LEASES = Table(
    "leases",
    METADATA,
    Column("name", String(200), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("until", BigInteger, nullable=False),
)
