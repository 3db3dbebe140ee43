"""Points of a feed: where a watch stands, and from where the provider can be asked to go on."""

import hashlib
from collections.abc import Hashable
from dataclasses import dataclass, field

from server.watch.known import Known


@dataclass(frozen=True, slots=True, eq=False)
class Position:
    """A point. Compared by identity; `key` tells whether two are the same point.

    Attributes:
        cursor: the provider's cursor; "" before the beginning, and for kinds that are listed.
        known: what has been told up to here.
        anchor: for kinds that are listed: first second of the window, Unix time.
        at: when the provider was asked, Unix time.
    """

    cursor: str = ""
    known: Known = field(default_factory=Known)
    anchor: int = 0
    at: int = 0

    @property
    def key(self) -> Hashable:
        """Equal for positions from which the same things are told."""
        return (self.cursor, self.anchor, self.known.complete, self.known.records)

    @property
    def digest(self) -> bytes:
        """Equal for equal points, on every replica."""
        digest = hashlib.blake2b(self.cursor.encode(), digest_size=8)
        digest.update(f"\0{self.anchor}\0{self.known.complete}\0".encode() + self.known.records)
        return digest.digest()
