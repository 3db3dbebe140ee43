"""Where the settings put the key ring, and what looks after it there."""

import os
from collections.abc import Mapping
from pathlib import Path

from server.connections.key_sources import FileKeys, KeySource, StillKeys
from server.connections.keyring import KeyRing
from server.connections.store import Store
from server.settings_model import DEFAULT_KEYRING, DEFAULT_STORE, Settings
from server.vaults.facade import Vaults
from server.vaults.transit import TransitKeys, TransitRing

_VAULT = "vault:"


def key_place(settings: Settings) -> str:
    """The setting `keyring`, or what stands for it with the default store; "": keys are made."""
    return settings.keyring or (DEFAULT_KEYRING if settings.store == DEFAULT_STORE else "")


def key_ring(settings: Settings, environment: Mapping[str, str] = os.environ) -> KeyRing:
    """The key ring of `settings`: named, or made for the default store, or in memory for memory.

    One that a vault wraps is closed: its source opens it.

    Raises:
        KeyRingError: it cannot be read or made.
    """
    place = key_place(settings)
    if not place:
        return KeyRing.generate()
    if place.startswith(_VAULT):
        return KeyRing.closed()
    return KeyRing.from_setting(place, create=not settings.keyring, environment=environment)


def key_source(settings: Settings, ring: KeyRing, store: Store, vaults: Vaults) -> KeySource | None:
    """Where the keys of `ring` may change; None for keys that were made for this process."""
    place = key_place(settings)
    if not place:
        return None
    if place.startswith(_VAULT) and vaults.client is not None:
        transit = TransitRing(place, settings.region, store, vaults.client)
        return TransitKeys(transit, keys_seconds=settings.vault.keys_seconds)
    if place.startswith("env:"):
        return StillKeys()
    return FileKeys(Path(place).expanduser(), ring)
