"""The topics that are watched in this process, found by connection and by kind."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Collection, ItemsView
from dataclasses import dataclass
from typing import Final, TypeAlias

from providers.core.operations import ResourceKind
from providers.core.push import Subscription, Topic
from server.watch.scope import Unit

RETRY_SECONDS: Final = 60.0

Key: TypeAlias = tuple[str, Unit]


def account_digest(provider: str, account: str) -> bytes:
    """What stands for an account of a provider, here and on the bus; empty for none."""
    if not account:
        return b""
    text = f"{provider}\0account\0{account}"
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()[:12]


@dataclass(eq=False, slots=True)
class Registration:
    """A topic that is watched in this process.

    Attributes:
        name: of its row.
        watchers: how many watches want it.
        made: the subscription; None while there is none.
        version: of the row that `made` was read from.
        refused: why there is none.
        retry_at: when it is tried again, on the engine's clock.
        pause: until the time after that.
        making: what has one made just now.
    """

    provider: str
    name: str
    topic: Topic
    watchers: int = 0
    made: Subscription | None = None
    version: int = 0
    refused: str = ""
    retry_at: float = float("inf")
    pause: float = RETRY_SECONDS
    making: asyncio.Task[None] | None = None


class Book:
    """Registrations by connection and unit. Deliveries look things up here by the thousand."""

    def __init__(self) -> None:
        self._all: dict[Key, Registration] = {}
        self._at: dict[str, dict[Unit, Registration]] = {}
        self._accounts: dict[str, bytes] = {}
        self._kinds: dict[tuple[str, ResourceKind], Counter[str]] = {}

    def get(self, key: Key) -> Registration | None:
        """What is known of `key`."""
        return self._all.get(key)

    def items(self) -> ItemsView[Key, Registration]:
        """Everything."""
        return self._all.items()

    def at(self, connection_id: str) -> Collection[Registration]:
        """Everything of one connection."""
        return self._at.get(connection_id, {}).values()

    def connections(
        self, provider: str, kind: ResourceKind, account: bytes = b""
    ) -> Collection[str]:
        """Connections of `provider` where `kind` is watched; not those known of other accounts."""
        found = self._kinds.get((provider, kind), {}).keys()
        if not account:
            return found
        return [each for each in found if self._accounts.get(each, account) == account]

    def belongs(self, connection_id: str, account: bytes) -> None:
        """Know the digest of the account of a connection that is watched; empty: forget it."""
        if account and connection_id in self._at:
            self._accounts[connection_id] = account
        else:
            self._accounts.pop(connection_id, None)

    def add(self, key: Key, found: Registration) -> Registration:
        """Know `found` from now on."""
        connection_id, unit = key
        self._all[key] = found
        self._at.setdefault(connection_id, {})[unit] = found
        self._kinds.setdefault((found.provider, unit.kind), Counter())[connection_id] += 1
        return found

    def remove(self, key: Key) -> None:
        """Know it no longer."""
        connection_id, unit = key
        found = self._all.pop(key)
        units = self._at[connection_id]
        del units[unit]
        if not units:
            del self._at[connection_id]
            self._accounts.pop(connection_id, None)
        counted = self._kinds[found.provider, unit.kind]
        counted[connection_id] -= 1
        if not counted[connection_id]:
            del counted[connection_id]
