"""Where credentials are kept: sealed in the store, or, while the store is down, in memory alone."""

import asyncio
import contextlib
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from providers.core.auth import Credentials
from providers.core.errors import Kind, ProviderError
from providers.core.provider import Provider
from server.connections.envelope import Envelope
from server.connections.records import StoredGrant, pack, unpack
from server.connections.store import Store
from server.log import LOG

_SAVES = 3
_SAVE_PAUSE = 0.2
_LATER_SECONDS = 2.0
_CLOSE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose credentials they are, and where they are kept.

    Attributes:
        provider: the provider they are for.
        connection_id: as callers name it.
        key: equal only for the same credentials at the same place; lives in memory.
        region: that the connection belongs to.
        name: row in the store; "": nothing is stored.
        seed: digest of the secret that they grow out of; "": the row is the origin.
        origin: what the secret holds.
    """

    provider: Provider
    connection_id: str
    key: str
    region: str = ""
    name: str = ""
    seed: str = ""
    origin: Credentials | None = field(default=None, repr=False)

    @property
    def place(self) -> tuple[str, ...]:
        """What the sealed row is bound to."""
        return (self.region, self.provider.name, self.name, self.seed)


@dataclass(frozen=True, slots=True)
class Holding:
    """Credentials as they are now, and the version of their row; 0: there is none."""

    credentials: Credentials | None = field(repr=False)
    version: int = 0


class Keeper:
    """Reads and writes what connections hold.

    Attributes:
        changed: told what an owner holds, when it has changed; None: its state has changed too.
    """

    def __init__(self, store: Store, envelope: Envelope) -> None:
        self._store = store
        self._envelope = envelope
        self.changed: Callable[[Owner, Holding | None], None] = _nobody
        self._unsaved: dict[str, Holding] = {}
        self._savers: set[asyncio.Task[None]] = set()

    def seal(self, owner: Owner, credentials: Credentials) -> bytes:
        """`credentials` as they are stored."""
        return self._envelope.seal(pack(credentials), owner.place)

    def holding(self, owner: Owner, row: StoredGrant | None) -> Holding:
        """What `row` holds, or what the owner's secret does.

        Raises:
            ProviderError: PRECONDITION, CREDENTIALS_UNREADABLE; UNAVAILABLE, KEYS_UNAVAILABLE.
        """
        waiting = self._unsaved.get(owner.name) if owner.name else None
        if waiting is not None:
            return waiting
        if row is None:
            return Holding(owner.origin)
        try:
            return Holding(unpack(self._envelope.open(row.sealed, owner.place)), row.version)
        except ProviderError as error:
            # While the keys are away the row may hold the only token that is good yet; to present
            # the secret's, which was used up long ago, can end the grant at the provider.
            if not owner.seed or error.kind is Kind.UNAVAILABLE:
                raise
            # It grew out of a secret that has been replaced since.
            return Holding(owner.origin, row.version)

    async def read(self, owner: Owner) -> Holding:
        """What the store holds now."""
        return self.holding(owner, await self._store.grant(owner.name))

    async def save(self, owner: Owner, credentials: Credentials, version: int) -> Holding:
        """Store what a refresh has brought in place of the row `version`.

        Answers with what is held now: these, or others that an administrator has entered meanwhile.
        """
        fresh = Holding(credentials, version)
        for _ in range(_SAVES):
            with contextlib.suppress(ProviderError):
                return await self._write(owner, credentials, version)
            await asyncio.sleep(_SAVE_PAUSE)
        # The store is down, and there is no other copy: it is used from memory, and tried on.
        LOG.error("refreshed credentials wait to be stored", extra={"reason": "STORE_UNAVAILABLE"})
        self._unsaved[owner.name] = fresh
        saver = asyncio.get_running_loop().create_task(self._save_later(owner, fresh))
        self._savers.add(saver)
        saver.add_done_callback(self._savers.discard)
        self.changed(owner, fresh)
        return fresh

    async def _write(self, owner: Owner, credentials: Credentials, version: int) -> Holding:
        sealed = self.seal(owner, credentials)
        written = await self._store.save_grant(owner.name, sealed, version=version)
        self._unsaved.pop(owner.name, None)
        now = Holding(credentials, written) if written else await self.read(owner)
        self.changed(owner, now)
        return now

    async def _save_later(self, owner: Owner, fresh: Holding) -> None:
        while self._unsaved.get(owner.name) is fresh and fresh.credentials is not None:
            await asyncio.sleep(_LATER_SECONDS)
            with contextlib.suppress(ProviderError):
                await self._write(owner, fresh.credentials, fresh.version)

    def forget(self, name: str) -> None:
        """The row was written, or is gone: what waits in memory counts no more."""
        self._unsaved.pop(name, None)

    async def close(self) -> None:
        """Give what waits for the store a last chance."""
        if self._savers:
            _, late = await asyncio.wait(self._savers, timeout=_CLOSE_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)


def _nobody(owner: Owner, held: Holding | None) -> None:
    """Nobody wants to be told."""


def account_key(*parts: str | bytes) -> str:
    """A key of `Owner` for the credentials and the place in `parts`; tells nothing of them."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(4, "big") + data)
    return digest.hexdigest()
