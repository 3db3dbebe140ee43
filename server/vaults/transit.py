"""A key ring whose keys lie in the store, wrapped by a transit key of a vault.

Neither the store nor the vault alone opens anything. The keys are unwrapped when the service
starts, and every half minute or sooner again, which shows that the vault still allows it. While it
does not, or cannot be asked, the keys at hand serve for `vault.keys_seconds`.
"""

import asyncio
import base64
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select

from providers.core.errors import ProviderError
from server.connections.keyring import KEY_BYTES, MAX_KEYS, Key, KeyRingError
from server.connections.store import Store
from server.connections.tables import RING_KEYS
from server.vaults.client import VaultClient

_LOOK_SECONDS = 2.0
_PROVE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """One key.

    Attributes:
        place: the highest is the newest.
        id: of the key, as in `Key`.
        wrapped: what transit makes of it, "vault:v1:...".
    """

    place: int
    id: bytes
    wrapped: str


class TransitRing:
    """The wrapped keys of one region, and the transit key that wraps them."""

    def __init__(self, setting: str, region: str, store: Store, vault: VaultClient) -> None:
        """`setting`: "vault:MOUNT/KEY"."""
        self._mount, _, self._name = setting.removeprefix("vault:").rpartition("/")
        self._ring = f"{region}:{self._mount}/{self._name}"
        self._store = store
        self._vault = vault
        self._bound = base64.b64encode(f"ucal key ring {region}".encode()).decode()

    async def keys(self) -> list[WrappedKey]:
        """All keys, the newest first.

        Raises:
            ProviderError: UNAVAILABLE, the store.
        """
        query = select(RING_KEYS).where(RING_KEYS.c.ring == self._ring)
        async with self._store.one() as database:
            rows = (await database.execute(query.order_by(RING_KEYS.c.place.desc()))).mappings()
            return [
                WrappedKey(row["place"], bytes.fromhex(row["key_id"]), row["wrapped"])
                for row in rows
            ]

    async def add(self, place: int) -> bytes | None:
        """Make a key at `place`, which must be above the others'; its id, or None: it is taken.

        Raises:
            ProviderError: see `VaultClient.ask`, and UNAVAILABLE, the store.
        """
        material = secrets.token_bytes(KEY_BYTES)
        key_id = Key.of(material).id
        row = {
            "ring": self._ring,
            "place": place,
            "key_id": key_id.hex(),
            "wrapped": await self._wrap(material),
            "created_at": time.time_ns() // 1000,
        }
        statement = self._store.inserting(RING_KEYS, row).on_conflict_do_nothing()
        async with self._store.one() as database:
            done = await database.execute(statement)
        return key_id if done.rowcount else None

    async def rotate(self) -> bytes:
        """Add a new key above the others; its id.

        Raises:
            KeyRingError: the ring is full.
            ProviderError: as `add`.
        """
        while True:
            keys = await self.keys()
            if len(keys) >= MAX_KEYS:
                raise KeyRingError(f"a key ring has at most {MAX_KEYS} keys: retire old ones")
            made = await self.add(keys[0].place + 1 if keys else 1)
            if made is not None:
                return made

    async def retire(self, key_ids: Sequence[bytes]) -> None:
        """Take keys out, for ever.

        Raises:
            ProviderError: UNAVAILABLE, the store.
        """
        gone = RING_KEYS.c.key_id.in_([each.hex() for each in key_ids])
        async with self._store.one() as database:
            await database.execute(delete(RING_KEYS).where(RING_KEYS.c.ring == self._ring, gone))

    async def unwrapped(self, keys: Sequence[WrappedKey]) -> list[bytes]:
        """The keys themselves.

        Raises:
            KeyRingError: the vault has no such transit key, or it did not wrap these.
            ProviderError: see `VaultClient.ask`.
        """
        batch = [{"ciphertext": each.wrapped, "associated_data": self._bound} for each in keys]

        def work(client: Any) -> Any:
            return client.secrets.transit.decrypt_data(
                self._name, batch_input=batch, mount_point=self._mount
            )

        answer = await self._vault.ask(work)
        if answer is None:
            raise KeyRingError(f"the vault has no transit key {self._mount}/{self._name}")
        return [
            _material(each, found)
            for each, found in zip(keys, answer["data"]["batch_results"], strict=True)
        ]

    async def _wrap(self, material: bytes) -> str:
        plain = base64.b64encode(material).decode()

        def work(client: Any) -> Any:
            # The key must be there: made by encrypting, it would be of a kind that nobody chose.
            client.secrets.transit.read_key(self._name, mount_point=self._mount)
            return client.secrets.transit.encrypt_data(
                self._name, plain, associated_data=self._bound, mount_point=self._mount
            )

        answer = await self._vault.ask(work)
        if answer is None:
            raise KeyRingError(
                f"the vault has no transit key {self._mount}/{self._name}: make it with "
                f"`vault write -f {self._mount}/keys/{self._name}`"
            )
        return str(answer["data"]["ciphertext"])


def _material(key: WrappedKey, found: dict[str, str]) -> bytes:
    try:
        material = base64.b64decode(found.get("plaintext", ""), validate=True)
        if Key.of(material).id == key.id:
            return material
    except ValueError:
        pass
    raise KeyRingError(f"the vault does not unwrap the key {key.id.hex()}: it wrapped another one")


class TransitKeys:
    """A `KeySource`."""

    def __init__(self, ring: TransitRing, *, keys_seconds: float) -> None:
        """`keys_seconds`: for so long keys serve that the vault did not confirm."""
        self._ring = ring
        self._seconds = keys_seconds
        self._pause = min(_PROVE_SECONDS, keys_seconds / 4)
        self._keys: list[WrappedKey] = []
        self._told: list[bytes] | None = None
        self._look_at = self._prove_at = 0.0
        self._proved_at = float("-inf")

    async def changed(self) -> Sequence[bytes] | None:
        """Part of KeySource."""
        now = asyncio.get_running_loop().time()
        if now < self._look_at:
            return None
        keys = await self._listed()
        if keys != self._keys or now >= self._prove_at:
            self._prove_at = 0.0  # until it has succeeded it is tried at every turn
            found = await self._ring.unwrapped(keys)
            now = asyncio.get_running_loop().time()
            self._keys, self._proved_at, self._prove_at = keys, now, now + self._pause
            self._look_at = now + _LOOK_SECONDS
            if found != self._told:
                self._told = found
                return found
        self._look_at = now + _LOOK_SECONDS
        return None

    async def _listed(self) -> list[WrappedKey]:
        """What the store has; the first of all replicas makes the first key."""
        try:
            keys = await self._ring.keys()
        except ProviderError:
            if self._keys:
                return self._keys
            raise
        if keys:
            return keys
        if self._keys:
            # A new one would open nothing that there is, and those at hand would be forgotten.
            raise KeyRingError("the wrapped keys are gone from the store: restore its ring_keys")
        await self._ring.add(1)
        return await self._ring.keys()

    def expired(self) -> bool:
        """Part of KeySource."""
        if asyncio.get_running_loop().time() < self._proved_at + self._seconds:
            return False
        self._told = None  # tell them again once the vault is back
        return True
