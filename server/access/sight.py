"""What policies ask of a connection, known without opening its credentials.

Remembered for seconds, absence too: an id that is not there is answered as fast, and in the same
words, as one that the caller may not see.
"""

from collections.abc import Mapping
from typing import Protocol

from providers.core.errors import Kind, ProviderError
from server.access.policy import Facts
from server.connections import brought
from server.connections.bounded import Bounded
from server.settings_rules import CONNECTION_ID
from ucal.v1 import connection_pb2

_ENTRIES = 10_000
_SECONDS = 5.0


class Directory(Protocol):
    """Where connections are looked up."""

    async def get(self, connection_id: str) -> connection_pb2.Connection:
        """One connection.

        Raises:
            ProviderError: NOT_FOUND.
        """


def facts_of(connection: connection_pb2.Connection) -> Facts:
    """What policies ask of `connection`."""
    return Facts(connection.id, connection.provider, dict(connection.labels))


class Sight:
    """Looks connections up."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._known: Bounded[str, Facts] = Bounded(_ENTRIES, seconds=_SECONDS)
        # Apart, so that made-up ids push out nothing but one another.
        self._absent: Bounded[str, bool] = Bounded(_ENTRIES, seconds=_SECONDS)
        self._brought: Bounded[str, Facts] = Bounded(_ENTRIES)

    async def look(
        self, connection_id: str, metadata: Mapping[str, str | bytes], *, anew: bool = False
    ) -> Facts | None:
        """The connection; None: there is none. `anew`: as the store has it now.

        Raises:
            ProviderError: UNAVAILABLE, the store cannot be reached.
        """
        if connection_id == brought.CONNECTION_ID:
            return self._of_metadata(metadata)
        if anew:
            self.forget(connection_id)
        known = self._known.get(connection_id)
        if known is not None or self._absent.get(connection_id):
            return known
        found = await self._found(connection_id)
        if found is None:
            self._absent.put(connection_id, True)
        else:
            self._known.put(connection_id, found)
        return found

    async def _found(self, connection_id: str) -> Facts | None:
        if not CONNECTION_ID.fullmatch(connection_id):
            return None
        try:
            return facts_of(await self._directory.get(connection_id))
        except ProviderError as error:
            if error.kind is not Kind.NOT_FOUND:
                raise
            return None

    def _of_metadata(self, metadata: Mapping[str, str | bytes]) -> Facts:
        name = metadata.get(brought.PROVIDER, "")
        provider = name.strip() if isinstance(name, str) else ""
        known = self._brought.get(provider)
        if known is None:
            known = Facts(brought.CONNECTION_ID, provider)
            self._brought.put(provider, known)
        return known

    def forget(self, connection_id: str) -> None:
        """Look the connection up again."""
        self._known.drop(connection_id)
        self._absent.drop(connection_id)
