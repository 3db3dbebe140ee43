"""What a watch has told of a feed so far: nine bytes an object, in memory and in resume tokens.

Five bytes of SHA-256 of the id, which are `Change.id_digest` too, and four of its version. Two ids
of five thousand share their five bytes once in 90,000 calendars; a change is missed because the
four bytes agree once in four billion.
"""

import hashlib
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

import msgspec

ID_BYTES = 5
VERSION_BYTES = 4
RECORD_BYTES = ID_BYTES + VERSION_BYTES

# Versions that no object has.
UNCERTAIN = b"\0\0\0\0"
GONE = b"\0\0\0\1"
_INSTEAD = b"\0\0\0\2"

# Differ from one read to the next without a change of the recording: signed links age.
_VOLATILE = {"Recording": ("expires_at",)}
_VOLATILE_MEDIA = ("url", "expires_at")


def id_digest(resource_id: str) -> bytes:
    """First five bytes of SHA-256 of the id."""
    return hashlib.sha256(resource_id.encode()).digest()[:ID_BYTES]


def version_of_etag(etag: str) -> bytes:
    """The version of an object of which only the etag is known; UNCERTAIN for an empty one."""
    if not etag:
        return UNCERTAIN
    return _version(hashlib.sha256(b"etag:" + etag.encode()).digest())


def version_of(resource: Any) -> bytes:
    """The version of `resource`: its etag's, or that of its content where it has none."""
    etag: str = getattr(resource, "etag", "")
    if etag:
        return version_of_etag(etag)
    return _version(hashlib.sha256(_content(resource)).digest())


def version_of_change(change: Any, cursor: str) -> bytes:
    """The version of an object of which the provider, asked from `cursor`, told the id alone."""
    content = change.SerializeToString(deterministic=True)
    return _version(hashlib.sha256(content + b"\0" + cursor.encode()).digest())


def _version(digest: bytes) -> bytes:
    version = digest[:VERSION_BYTES]
    return _INSTEAD if version in (UNCERTAIN, GONE) else version


def _content(resource: Any) -> bytes:
    """What is compared of a resource without an etag: everything but `raw` and links that age."""
    name = resource.DESCRIPTOR.name
    if resource.HasField("raw") or name in _VOLATILE:
        copy = type(resource)()
        copy.CopyFrom(resource)
        copy.ClearField("raw")
        for field in _VOLATILE.get(name, ()):
            copy.ClearField(field)
        for media in getattr(copy, "media", ()):
            for field in _VOLATILE_MEDIA:
                media.ClearField(field)
        resource = copy
    content: bytes = resource.SerializeToString(deterministic=True)
    return content


class _Digests(Sequence[bytes]):
    """The ids' digests of packed records, for bisection."""

    def __init__(self, packed: bytes) -> None:
        self._packed = packed

    def __len__(self) -> int:
        return len(self._packed) // RECORD_BYTES

    def __getitem__(self, index: Any) -> Any:
        start = index * RECORD_BYTES
        if start >= len(self._packed):
            raise IndexError(index)
        return self._packed[start : start + ID_BYTES]


class Known:
    """Immutable map of id digests to versions.

    Attributes:
        records: nine bytes an object, sorted.
        complete: an id that is not in the map is not there. False: nothing follows from absence.
        ids: the ids themselves in the order of `records`, as MessagePack; empty when not kept.
    """

    __slots__ = ("complete", "ids", "records")

    def __init__(self, records: bytes = b"", *, complete: bool = True, ids: bytes = b"") -> None:
        self.records = records
        self.complete = complete
        self.ids = ids

    @classmethod
    def of(cls, versions: Mapping[bytes, bytes], *, complete: bool = True) -> Self:
        """The map of digests to versions."""
        return cls(_pack(versions.items()), complete=complete)

    @classmethod
    def with_ids(cls, versions: Mapping[str, bytes]) -> Self:
        """The map of whole ids to versions; where digests agree the versions are mingled."""
        by_digest: dict[bytes, tuple[str, bytes]] = {}
        for resource_id, version in versions.items():
            digest = id_digest(resource_id)
            if digest in by_digest:
                version = mingled(by_digest[digest][1], version)  # noqa: PLW2901
            by_digest[digest] = (resource_id, version)
        ordered = sorted(by_digest.items())
        ids = msgspec.msgpack.encode([name for _, (name, _) in ordered]) if ordered else b""
        return cls(_pack((digest, version) for digest, (_, version) in ordered), ids=ids)

    def __len__(self) -> int:
        return len(self.records) // RECORD_BYTES

    def version(self, digest: bytes) -> bytes | None:
        """The version told of the object; None if it is not in the map."""
        keys = _Digests(self.records)
        index = bisect_left(keys, digest)
        if index == len(keys) or keys[index] != digest:
            return None
        start = index * RECORD_BYTES + ID_BYTES
        return self.records[start : start + VERSION_BYTES]

    def versions(self) -> dict[bytes, bytes]:
        """The whole map."""
        packed = self.records
        return {
            packed[at : at + ID_BYTES]: packed[at + ID_BYTES : at + RECORD_BYTES]
            for at in range(0, len(packed), RECORD_BYTES)
        }

    def names(self) -> dict[bytes, str]:
        """Ids by digest, as far as they were kept."""
        if not self.ids:
            return {}
        names = msgspec.msgpack.decode(self.ids, type=list[str])
        return dict(zip(_Digests(self.records), names, strict=True))

    def updated(self, changes: Mapping[bytes, bytes | None]) -> "Known":
        """The map after `changes`; None takes an object out. Ids stay if all of them are known."""
        if not changes:
            return self
        versions = self.versions()
        for digest, version in changes.items():
            if version is None:
                versions.pop(digest, None)
            else:
                versions[digest] = version
        names = self.names()
        ids = b""
        if names and versions.keys() <= names.keys():
            ids = msgspec.msgpack.encode([names[digest] for digest in sorted(versions)])
        return Known(_pack(versions.items()), complete=self.complete, ids=ids)

    def without_ids(self) -> "Known":
        """The same with digests alone."""
        return Known(self.records, complete=self.complete)

    def joined(self, other: "Known") -> "Known":
        """One map for two watchers of the same point of a feed.

        What they disagree upon becomes UNCERTAIN, so that whatever the provider says of it next is
        told to both: once too often to one of them rather than never to the other.
        """
        if not self.complete:
            return other
        if not other.complete or self.records == other.records:
            return self
        mine, theirs = self.versions(), other.versions()
        for digest in mine.keys() | theirs.keys():
            if mine.get(digest) != theirs.get(digest):
                mine[digest] = UNCERTAIN
        return Known(_pack(mine.items()))


def mingled(one: bytes, other: bytes) -> bytes:
    """One version for two objects whose digests agree, whichever comes first."""
    return _version(bytes(a ^ b for a, b in zip(one, other, strict=True)))


def _pack(items: Iterable[tuple[bytes, bytes]]) -> bytes:
    return b"".join(digest + version for digest, version in sorted(items))
