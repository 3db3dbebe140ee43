"""Connections put together: what the rest of the server uses."""

import os
import ssl
from collections.abc import Mapping

from server.audit.watched import WatchedAuthorizations, WatchedDirectory, WatchedTickets
from server.connections.envelope import Envelope
from server.connections.grants import Grants
from server.connections.keeper import Keeper
from server.connections.key_places import key_ring, key_source
from server.connections.resolver import Metadata, Resolved, Resolver
from server.connections.rotation import Rotation
from server.connections.sealer import Sealer
from server.connections.secret_references import SecretReader
from server.connections.static import StaticConnections
from server.connections.store import Store
from server.providers import Around, Doors, ProviderPool
from server.settings_model import Settings
from server.vaults.facade import Vaults
from ucal.v1 import connection_pb2


class Connections:
    """Store, key ring, providers and what connects them, for one process.

    `open` first, `close` last.

    Attributes:
        ring: the keys; `sealer` makes what seals tokens with them.
        store: connections at rest, and leases.
        pool: providers.
        directory: what administrators do.
        authorizations: how people connect their accounts.
        tickets: links for them.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        environment: Mapping[str, str] = os.environ,
        verify: ssl.SSLContext | None = None,
        around: Around | None = None,
    ) -> None:
        """`environment`: of secret references; `verify`: TLS authorities, for tests; `around`:
        what is to see every request to a provider.

        Raises:
            SettingsError: the settings cannot be used (KeyRingError, StoreSettingError).
        """
        self._region = settings.region
        self.ring = key_ring(settings, environment)
        self.store = Store(settings.store)
        self._vaults = Vaults(settings)
        source = key_source(settings, self.ring, self.store, self._vaults)
        self._rotation = (
            Rotation(self.store, self.ring, source, settings.region) if source is not None else None
        )
        self.pool = ProviderPool(
            settings.providers, Doors.of(settings, verify=verify, around=around)
        )
        self.pool.check_settings()
        self._keeper = Keeper(self.store, Envelope(self.ring))
        self._grants = Grants(self.store, self._keeper, self.pool)
        reader = SecretReader(settings.secrets, self._vaults, environment)
        static = StaticConnections(settings.connections, reader, settings.region)
        self._resolver = Resolver(
            store=self.store,
            keeper=self._keeper,
            grants=self._grants,
            pool=self.pool,
            static=static,
            reader=reader,
            region=settings.region,
        )
        self.directory = WatchedDirectory(
            store=self.store,
            keeper=self._keeper,
            grants=self._grants,
            pool=self.pool,
            static=static,
            reader=reader,
            resolver=self._resolver,
            region=settings.region,
        )
        self.authorizations = WatchedAuthorizations(
            directory=self.directory,
            store=self.store,
            pool=self.pool,
            sealer=self.sealer("oauth"),
            redirects=settings.redirect_uris,
            public_url=settings.public_url,
        )
        self.tickets = WatchedTickets(
            directory=self.directory,
            store=self.store,
            pool=self.pool,
            sealer=self.sealer("link"),
            redirects=settings.redirect_uris,
        )

    def sealer(self, purpose: str) -> Sealer:
        """What seals tokens for `purpose` in this server's region."""
        return Sealer(self.ring, purpose, self._region)

    async def open(self) -> None:
        """Bring the store's schema up to date, then fetch the keys.

        Raises:
            ProviderError: UNAVAILABLE, the store or the keys' vault cannot be reached.
            NewerStoreError, OlderStoreError: it is of another version, and stays so.
        """
        await self.store.open()
        if self._rotation is not None:
            await self._rotation.open()
        self._vaults.start()

    @property
    def trouble(self) -> str:
        """What works only for a while yet, in a sentence; "": nothing."""
        return self._rotation.trouble if self._rotation is not None else ""

    async def resolve(self, connection_id: str, metadata: Metadata) -> Resolved:
        """See `Resolver.resolve`."""
        return await self._resolver.resolve(connection_id, metadata)

    def untried(self, asked: connection_pb2.Connection) -> Resolved:
        """See `Resolver.untried`."""
        return self._resolver.untried(asked)

    async def close(self) -> None:
        """End refreshes under way, then the store, the providers and their sockets."""
        await self._grants.close()
        await self._keeper.close()
        if self._rotation is not None:
            await self._rotation.close()
        await self._vaults.close()
        await self.store.close()
        await self.pool.close()
