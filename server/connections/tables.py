"""The store's tables, as queries are written against them. Migrations make them.

Nothing of a calendar has a column here. Times are microseconds since 1970, of leases milliseconds
on the database's clock.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
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

# Keys that callers sign in with; `hash` is all that is kept of the secret, `grants` is JSON.
API_KEYS = Table(
    "api_keys",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("hash", LargeBinary, nullable=False),
    Column("name", String(128), nullable=False),
    Column("environment", String(32), nullable=False),
    Column("grants", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=True),
    Column("last_used_at", BigInteger, nullable=True),
    Column("revoked_at", BigInteger, nullable=True),
)

# Administrative acts; triggers refuse to change a row or take one out.
AUDIT = Table(
    "audit",
    METADATA,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("actor", String(256), nullable=False),
    Column("act", String(64), nullable=False),
    Column("connection_id", String(64), nullable=False),
    Column("provider", String(64), nullable=False),
    Column("region", String(32), nullable=False),
    Column("result", String(64), nullable=False),
)

# Subscriptions at providers. `name` digests the topic, `sealed` holds it: calendar ids may be
# personal.
SUBSCRIPTIONS = Table(
    "subscriptions",
    METADATA,
    Column("name", String(160), primary_key=True),
    Column("connection_id", String(64), nullable=False),
    Column("provider", String(64), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("renew_at", BigInteger, nullable=True),
    Column("wanted_until", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Index("subscriptions_by_connection", "connection_id"),
)

# Who of several replicas asks the provider for what a feed watches. `name` is a keyed digest,
# `every` the milliseconds between two questions. A row counts while the lease of its holder does.
TURNS = Table(
    "turns",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("every", BigInteger, nullable=False),
    Index("turns_by_holder", "holder"),
)

# Keys of a ring that a vault wraps (`server.vaults.transit`). `ring` names region, mount and key of
# the vault; the highest place is the newest key.
RING_KEYS = Table(
    "ring_keys",
    METADATA,
    Column("ring", String(200), primary_key=True),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("key_id", String(8), nullable=False),
    Column("wrapped", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)
