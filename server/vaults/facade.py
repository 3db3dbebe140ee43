"""The vaults of one process: made as the settings say, tended while it runs, closed at its end."""

import asyncio
import contextlib

from providers.core.errors import Kind, ProviderError
from server.settings_model import Settings
from server.vaults import aws, kv
from server.vaults.aws import AwsSecrets
from server.vaults.cache import SecretCache
from server.vaults.client import VaultClient
from server.vaults.kv import KvSecrets

_TEND_SECONDS = 10.0


class Vaults:
    """What secrets are read from: "vault" and "aws", as far as they are set up.

    Attributes:
        client: of the Vault or OpenBao; None: there is none.
    """

    def __init__(self, settings: Settings) -> None:
        """Nothing is asked yet.

        Raises:
            SettingsError: a library is missing.
        """
        self.client = VaultClient(settings.vault) if settings.vault.address else None
        self._kv = KvSecrets(self.client) if self.client is not None else None
        self._aws = AwsSecrets(settings.aws) if settings.aws.region else None
        self._allowed = settings.secrets
        self._cache = SecretCache(settings.secrets.fresh_seconds, settings.secrets.stale_seconds)
        self._tending: asyncio.Task[None] | None = None

    def serves(self, store: str) -> bool:
        """Whether secrets of "vault" or "aws" can be referred to at all."""
        return (self._kv if store == "vault" else self._aws) is not None

    def allows(self, store: str, key: str) -> bool:
        """Whether a connection made over the API may refer to `key`."""
        if store == "vault":
            found = kv.split_key(key)
            return found is not None and kv.is_below(found[0], self._allowed.vault_path)
        prefix = self._allowed.aws_prefix
        return bool(prefix) and key.startswith(prefix) and aws.split_key(key) is not None

    async def read(self, store: str, key: str) -> str:
        """The secret at `key`; whether it may be read was asked before.

        Raises:
            ProviderError: see `KvSecrets.read` and `AwsSecrets.read`.
        """
        reader = self._kv if store == "vault" else self._aws
        if reader is None:
            raise ProviderError(
                Kind.PRECONDITION,
                f"the secret that this connection refers to cannot be had: no {store} is set up",
                reason="SECRET_UNAVAILABLE",
            )
        return await self._cache.get(f"{store}:{key}", lambda: reader.read(key))

    def start(self) -> None:
        """Keep the token of the vault alive from now on."""
        if self.client is not None:
            self._tending = asyncio.get_running_loop().create_task(self._tend(self.client))

    async def _tend(self, client: VaultClient) -> None:
        while True:
            await asyncio.sleep(_TEND_SECONDS)
            # Who needs the vault and cannot have it says so.
            with contextlib.suppress(ProviderError):
                await client.tend()

    async def close(self) -> None:
        """Ask nothing any more."""
        if self._tending is not None:
            self._tending.cancel()
            await asyncio.gather(self._tending, return_exceptions=True)
        await self._cache.close()
        for each in (self.client, self._aws):
            if each is not None:
                each.close()
