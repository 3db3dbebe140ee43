"""The key ring as an administrator changes it: wherever it is, with the records that it seals."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from server.audit.entries import RING_RETIRED, RING_ROTATED, Entry, noted
from server.cli.key_file import add_key, drop_keys
from server.connections.key_places import key_place
from server.connections.keyring import KeyRing, KeyRingError
from server.connections.replicas import Replicas, Seen
from server.connections.rotation import Rewrapper
from server.connections.store import Store
from server.connections.wrapped import WrappedRecords
from server.settings import Settings
from server.vaults.facade import Vaults
from server.vaults.transit import TransitRing


@dataclass(frozen=True, slots=True)
class View:
    """Keys, the records under each, and the replicas that run.

    Attributes:
        keys: ids, in the ring's order.
        records: how many records each key wraps; of keys that are not in the ring too.
        seen: see `server.connections.replicas`.
    """

    keys: Sequence[bytes]
    records: dict[bytes, int]
    seen: Seen

    @property
    def stale(self) -> int:
        """Records that another key of the ring wraps than the first."""
        return sum(self.records.get(key, 0) for key in self.keys[1:])

    @property
    def agreed(self) -> int:
        """How many replicas seal with the first key."""
        return sum(keys.get(self.keys[0], False) for keys in self.seen.values())

    def seals(self, key: bytes) -> bool:
        """Whether any replica seals with `key`; the first key does when none runs."""
        if not self.seen:
            return key == self.keys[0]
        return any(keys.get(key, False) for keys in self.seen.values())

    def having(self, key: bytes) -> int:
        """How many replicas have `key`."""
        return sum(key in keys for keys in self.seen.values())


class Ring:
    """The ring of `settings`."""

    def __init__(self, settings: Settings, store: Store, vaults: Vaults) -> None:
        self._store = store
        self._region = settings.region
        self._replicas = Replicas(store)
        self._records = WrappedRecords(store)
        self.place = key_place(settings)
        self._transit: TransitRing | None = None
        if self.place.startswith("vault:") and vaults.client is not None:
            self._transit = TransitRing(self.place, settings.region, store, vaults.client)

    async def view(self) -> View:
        """How things are now.

        Raises:
            KeyRingError, ProviderError: the keys, or the store, cannot be had.
        """
        if self._transit is not None:
            keys = [each.id for each in await self._transit.keys()]
        else:
            keys = list((await self._opened()).ids)
        if not keys:
            raise KeyRingError("there are no keys yet: the first start makes one")
        return View(keys, await self._records.counts(), await self._replicas.seen(keys))

    async def proved(self) -> int:
        """How many keys the vault unwraps; 0: there are none yet.

        Raises:
            KeyRingError, ProviderError: it does not.
        """
        if self._transit is None:
            return 0
        keys = await self._transit.keys()
        return len(await self._transit.unwrapped(keys)) if keys else 0

    async def _opened(self) -> KeyRing:
        if self._transit is not None:
            return KeyRing(await self._transit.unwrapped(await self._transit.keys()))
        return await asyncio.to_thread(KeyRing.from_setting, self.place)

    async def rotate(self) -> bytes:
        """Put a new key in front; its id.

        Raises:
            click.ClickException: the keys are in a variable.
            KeyRingError, ProviderError, OSError: it cannot be written.
        """
        if self._transit is not None:
            made = await self._transit.rotate()
        else:
            made = (await asyncio.to_thread(add_key, self._path())).ids[0]
        await noted(self._store, Entry(RING_ROTATED, region=self._region))
        return made

    async def retire(self, keys: Sequence[bytes]) -> None:
        """Take keys out, for ever.

        Raises:
            click.ClickException: the keys are in a variable.
            KeyRingError, ProviderError, OSError: it cannot be written.
        """
        if self._transit is not None:
            await self._transit.retire(keys)
        else:
            await asyncio.to_thread(drop_keys, self._path(), keys)
        await noted(self._store, Entry(RING_RETIRED, region=self._region))

    def _path(self) -> Path:
        if self.place.startswith("env:"):
            raise click.ClickException(
                f"the keys are in the variable {self.place.removeprefix('env:')}: change them "
                "there, put what ucal keys generate prints in front of them, with a comma, or "
                "take old ones out, and restart the servers"
            )
        return Path(self.place).expanduser().resolve()

    async def rewrap(self) -> int:
        """Wrap records anew from here; how many.

        Raises:
            click.ClickException: servers run: they may not have the newest key yet.
            KeyRingError, ProviderError: the keys, or the store, cannot be had.
        """
        ring = await self._opened()
        if await self._replicas.seen(ring.ids):
            raise click.ClickException("the servers that run do it by themselves: ucal keys status")
        return await Rewrapper(self._store, ring, self._replicas.name, self._region).run()


@asynccontextmanager
async def ring_of(settings: Settings) -> AsyncIterator[Ring]:
    """The ring of `settings`, with its store; what was opened is closed in the end.

    Raises:
        click.ClickException: there is no ring, or no store, that outlives a process.
        SettingsError: the store or a vault cannot be used as it is set up.
    """
    if not key_place(settings) or settings.store == "memory:":
        raise click.ClickException(
            "keys or store of these settings live in memory alone: name a key file with --file"
        )
    store, vaults = Store(settings.store), Vaults(settings)
    try:
        yield Ring(settings, store, vaults)
    finally:
        await vaults.close()
        await store.close()
