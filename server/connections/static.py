"""Static connections: those that the settings file names, as long as it does."""

from collections.abc import Iterable

from providers.core.auth import Credentials
from server.connections.secret_references import SecretReader, parse_secret, parse_table, seed_of
from server.settings_model import StaticConnection
from ucal.v1 import connection_pb2

# A name that no id of a stored connection can have.
PREFIX = "static/"


class StaticConnections:
    """The connections of the settings file, by id."""

    def __init__(
        self, found: Iterable[StaticConnection], reader: SecretReader, region: str
    ) -> None:
        self._by_id = {each.id: each for each in found}
        self._reader = reader
        self._region = region

    def __contains__(self, connection_id: str) -> bool:
        return connection_id in self._by_id

    def get(self, connection_id: str) -> StaticConnection | None:
        """The connection, if the file names it."""
        return self._by_id.get(connection_id)

    def behind(self, after: str, provider: str) -> list[connection_pb2.Connection]:
        """Those whose ids come after `after`, in order; `provider` "" for all."""
        return [
            self.message(each)
            for own_id, each in sorted(self._by_id.items())
            if own_id > after and provider in {"", each.provider}
        ]

    def message(self, each: StaticConnection) -> connection_pb2.Connection:
        """The contract's record of `each`."""
        return connection_pb2.Connection(
            id=each.id,
            provider=each.provider,
            display_name=each.display_name,
            base_url=each.base_url,
            labels=each.labels,
            state=connection_pb2.CONNECTION_STATE_ACTIVE,
            region=self._region,
            is_static=True,
        )

    async def credentials(self, each: StaticConnection) -> tuple[Credentials | None, str]:
        """Its credentials, with secrets looked up now, and the digest of what they grew out of.

        Raises:
            ProviderError: PRECONDITION, SECRET_UNAVAILABLE or SECRET_MALFORMED.
        """
        if not each.credentials:
            return None, ""
        if isinstance(each.credentials, str):
            secret = await self._reader.setting(each.credentials)
            return parse_secret(secret), seed_of(secret)
        table: dict[str, object] = {}
        for name, value in each.credentials.items():
            table[name] = await self._reader.setting(value) if isinstance(value, str) else value
        found = parse_table(table)
        return found, seed_of(found.SerializeToString(deterministic=True).hex())
