"""API keys at rest: hashes and grants. The keys themselves are in no row."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from sqlalchemy import insert, or_, select, update

from server.audit.entries import KEY_MADE, KEY_REVOKED, Entry, record
from server.connections.store import Store
from server.connections.tables import API_KEYS
from server.settings_model import Grant

_NAMES = API_KEYS.c
_SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One row; times are seconds since 1970, 0: never.

    Attributes:
        environment: in which alone the key is taken.
        grants: what it may do by itself; policies may add to it.
    """

    id: str
    name: str
    environment: str
    grants: tuple[Grant, ...]
    created_at: float
    expires_at: float
    last_used_at: float
    revoked_at: float
    hash: bytes = field(repr=False)

    def state(self, now: float) -> str:
        """Whether it is "active", "expired" or "revoked"."""
        if self.revoked_at:
            return "revoked"
        return "expired" if self.expires_at and self.expires_at <= now else "active"


class KeyStore:
    """API keys in the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def add(
        self,
        own_id: str,
        key_hash: bytes,
        *,
        name: str,
        environment: str,
        grants: Sequence[Grant],
        expires_at: float = 0,
    ) -> None:
        """Remember a key.

        Raises:
            ProviderError: UNAVAILABLE, the store cannot be reached.
        """
        row = {
            "id": own_id,
            "hash": key_hash,
            "name": name,
            "environment": environment,
            "grants": msgspec.json.encode(grants).decode(),
            "created_at": _micros(),
            "expires_at": int(expires_at * _SECOND) or None,
        }
        async with self._store.several() as database:
            await database.execute(insert(API_KEYS).values(row))
            await record(self._store, database, _act(KEY_MADE, own_id))

    async def get(self, own_id: str) -> KeyRow | None:
        """The key called `own_id`.

        Raises:
            ProviderError: UNAVAILABLE.
        """
        async with self._store.one() as database:
            found = await database.execute(select(API_KEYS).where(_NAMES.id == own_id))
            row = found.mappings().first()
        return _row(row) if row is not None else None

    async def all(self) -> Sequence[KeyRow]:
        """Every key, the oldest first.

        Raises:
            ProviderError: UNAVAILABLE.
        """
        async with self._store.one() as database:
            found = await database.execute(select(API_KEYS).order_by(_NAMES.created_at, _NAMES.id))
            return [_row(row) for row in found.mappings()]

    async def revoke(self, own_id: str) -> bool:
        """Take a key back, for good; false: there is none, or it was taken back before.

        Raises:
            ProviderError: UNAVAILABLE.
        """
        async with self._store.several() as database:
            found = await database.execute(
                update(API_KEYS)
                .where(_NAMES.id == own_id, _NAMES.revoked_at.is_(None))
                .values(revoked_at=_micros())
            )
            if found.rowcount:
                await record(self._store, database, _act(KEY_REVOKED, own_id))
        return bool(found.rowcount)

    async def used(self, own_id: str, *, every: float) -> None:
        """Note that it is in use, unless that was noted in the last `every` seconds.

        Raises:
            ProviderError: UNAVAILABLE.
        """
        now = _micros()
        before = now - int(every * _SECOND)
        async with self._store.one() as database:
            await database.execute(
                update(API_KEYS)
                .where(
                    _NAMES.id == own_id,
                    or_(_NAMES.last_used_at.is_(None), _NAMES.last_used_at < before),
                )
                .values(last_used_at=now)
            )


def _act(act: str, own_id: str) -> Entry:
    # No connection's id has a colon.
    return Entry(act, connection_id=f"api_key:{own_id}")


def _row(row: Any) -> KeyRow:
    return KeyRow(
        id=row["id"],
        name=row["name"],
        environment=row["environment"],
        grants=msgspec.json.decode(row["grants"], type=tuple[Grant, ...]),
        created_at=row["created_at"] / _SECOND,
        expires_at=(row["expires_at"] or 0) / _SECOND,
        last_used_at=(row["last_used_at"] or 0) / _SECOND,
        revoked_at=(row["revoked_at"] or 0) / _SECOND,
        hash=row["hash"],
    )


def _micros() -> int:
    return time.time_ns() // 1000
