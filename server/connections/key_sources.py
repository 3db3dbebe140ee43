"""Where the key ring's keys come from: a file that may change, or what stands still.

Keys that a vault wraps are in `server.vaults.transit`.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from server.connections.keyring import KeyRing, KeyRingError, read_file


class KeySource(Protocol):
    """Looked at every second while the service runs."""

    async def changed(self) -> Sequence[bytes] | None:
        """The keys, if they are others than those that were told last; None: they are the same.

        Raises:
            KeyRingError: what is there cannot be used: the keys at hand stay in use.
            ProviderError: it cannot be reached; as above.
        """

    def expired(self) -> bool:
        """Whether the keys at hand may be used no longer, because the source was away too long."""


class StillKeys:
    """Keys that never change while the process runs: from its environment."""

    async def changed(self) -> Sequence[bytes] | None:
        """Part of KeySource."""
        return None

    def expired(self) -> bool:
        """Part of KeySource."""
        return False


class FileKeys:
    """A key file. Its place is looked at, so links that are turned to another file are followed."""

    def __init__(self, path: Path, ring: KeyRing) -> None:
        """`ring`: what the file held when the process started."""
        self._path = path
        self._told: Sequence[bytes] = [key.material for key in map(ring.find, ring.ids) if key]
        self._seen: tuple[int, int, int] | None = None

    async def changed(self) -> Sequence[bytes] | None:
        """Part of KeySource."""
        return await asyncio.to_thread(self._changed)

    def _changed(self) -> Sequence[bytes] | None:
        try:
            status = self._path.stat()
        except OSError as error:
            self._seen = None
            raise KeyRingError(f"cannot read the key file {self._path}: {error.strerror}") from None
        look = (status.st_ino, status.st_mtime_ns, status.st_size)
        if look == self._seen:
            return None
        found = read_file(self._path)
        self._seen = look
        if list(found) == list(self._told):
            return None
        self._told = found
        return found

    def expired(self) -> bool:
        """Part of KeySource."""
        return False
