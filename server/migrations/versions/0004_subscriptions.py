"""What replicas share of watches: subscriptions at providers, and whose turn it is to ask."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "subscriptions",
        sa.Column("name", sa.String(160), primary_key=True),
        sa.Column("connection_id", sa.String(64), nullable=False),
        sa.Column("provider", sa.String(64), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("renew_at", sa.BigInteger, nullable=True),
        sa.Column("wanted_until", sa.BigInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    op.create_index("subscriptions_by_connection", "subscriptions", ["connection_id"])
    op.create_table(
        "turns",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("holder", sa.String(64), nullable=False),
        sa.Column("every", sa.BigInteger, nullable=False),
    )
    op.create_index("turns_by_holder", "turns", ["holder"])
