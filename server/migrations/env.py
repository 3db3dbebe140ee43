"""Alembic's entry: migrations run on the connection that `upgrade` hands over, in its transaction.

A new revision: `alembic -c alembic.ini revision` needs a configuration of the developer's own;
copying the newest file of `versions` does as well.
"""

from alembic import context

from server.connections.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
context.run_migrations()
