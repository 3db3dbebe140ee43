"""The store's schema, forward from every released version. `run` brings a store up to `HEAD`.

There is no table for anything of a calendar, and none may be added.
"""

from server.migrations.upgrade import HEAD, NewerStoreError, OlderStoreError, upgrade

__all__ = ["HEAD", "NewerStoreError", "OlderStoreError", "upgrade"]
