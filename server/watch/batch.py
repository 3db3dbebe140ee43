"""What a step along a feed told: typed changes, and the bytes that every watcher of it shares."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp

from providers.core import operations as ops
from providers.core.operations import ResourceKind
from server.requests.fields import nested
from server.requests.reads import trim
from server.watch.known import GONE, id_digest
from server.watch.position import Position
from server.watch.scope import Unit
from ucal.v1 import watch_pb2

# Clients take 4 MiB a message by default; a token of 64 KiB comes on top.
PART_BYTES = 1024 * 1024


@dataclass(slots=True)
class Told:
    """One change as it is told to a watcher.

    Attributes:
        type: CHANGE_TYPE_*, never UNSPECIFIED.
        id: "" when only the digest is known.
        digest: of the id; of id and type where something happened to the object, which stays.
        version: after the change; GONE for a deletion.
        calendar_id: that holds, or held, the object.
        resource: shared, never written to.
        changed_at: the provider's time, when known.
        previous_id: the id before, where the provider makes a new object on a move.
        dedup_key: the provider's own, else one is made.
        size: bytes of the resource.
        forgotten: the object is there, but no longer in what is watched.
    """

    type: watch_pb2.ChangeType.ValueType
    id: str
    digest: bytes
    version: bytes
    calendar_id: str
    resource: Any = None
    changed_at: Timestamp | None = None
    previous_id: str = ""
    dedup_key: str = ""
    size: int = 0
    forgotten: bool = False


@dataclass(frozen=True, slots=True)
class Variant:
    """How a watcher wants to be told.

    Attributes:
        paths: of the read mask; empty: everything.
        raw: with `raw`.
        max_changes: in one message.
    """

    paths: tuple[str, ...] = ()
    raw: bool = False
    max_changes: int = 100


class Part:
    """One message of a batch, encoded when it is first sent, still without a token."""

    __slots__ = ("_body", "_encode", "_token", "_whole")

    def __init__(self, encode: Callable[[], bytes]) -> None:
        self._encode: Callable[[], bytes] | None = encode
        self._body = b""
        self._token: bytes | None = None
        self._whole = b""

    @property
    def body(self) -> bytes:
        """The message."""
        if self._encode is not None:
            self._body = self._encode()
            self._encode = None
        return self._body

    def with_token(self, token: bytes) -> bytes:
        """The message with `token`; watchers with the same token share the bytes."""
        if self._token is not token:
            # Messages in protobuf may be joined end to end: fields follow in any order.
            suffix = watch_pb2.WatchEventsResponse(resume_token=token).SerializeToString()
            self._token, self._whole = token, self.body + suffix
        return self._whole


@dataclass(slots=True)
class Batch:
    """One step along a feed.

    Attributes:
        connection_id: as callers name it.
        unit: what was asked for.
        origin: position before.
        position: position after.
        told: in the order in which the service learnt of it.
        more: the provider has more already.
        observed: when the service saw it.
        cause: why the provider was asked, a label of metrics; "" where nobody waited for it.
        since: when that began, on the engine's clock.
    """

    connection_id: str
    unit: Unit
    origin: Position
    position: Position
    told: Sequence[Told]
    more: bool
    observed: Timestamp
    cause: str = ""
    since: float = 0.0
    _parts: dict[Variant, tuple[Part, ...]] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes of the resources."""
        return sum(told.size for told in self.told)

    def cut(self, count: int) -> Position:
        """The position after the first `count` changes: the same cursor, and they are known.

        Asked from there, the provider repeats the whole step, and what is known is not told again.
        """
        if count >= len(self.told):
            return self.position
        known = self.origin.known
        gone = None if known.complete else GONE
        changes: dict[bytes, bytes | None] = {}
        for told in self.told[:count]:
            is_over = told.version == GONE or told.forgotten
            changes[told.digest] = gone if is_over else told.version
            if told.previous_id:
                changes[id_digest(told.previous_id)] = gone
        return Position(
            self.origin.cursor, known.updated(changes), self.origin.anchor, self.origin.at
        )

    def parts(self, variant: Variant) -> tuple[Part, ...]:
        """The messages that tell the batch; made once for all watchers that want it so."""
        found = self._parts.get(variant)
        if found is None:
            found = self._parts[variant] = tuple(self._cut(variant))
        return found

    def forget_parts(self) -> None:
        """Give the encoded messages back; they can be made again."""
        self._parts.clear()

    def _cut(self, variant: Variant) -> Iterator[Part]:
        at = 0
        while at < len(self.told):
            end = at + fitting(self.told, at, variant.max_changes, PART_BYTES)
            yield Part(partial(self._encode, variant, at, end))
            at = end

    def _encode(self, variant: Variant, at: int, end: int) -> bytes:
        message = watch_pb2.WatchEventsResponse(observed_at=self.observed)
        self.write(message.changes.changes, self.told[at:end], variant)
        message.changes.is_partial = end < len(self.told)
        return message.SerializeToString()

    def write(self, changes: Any, told: Sequence[Told], variant: Variant) -> None:
        """Append `told` to the repeated field `changes`."""
        field_name = ops.WATCHES[self.unit.kind].resource
        for entry in told:
            change = changes.add()
            change.type = entry.type
            change.kind = self.unit.kind
            change.connection_id = self.connection_id
            change.id = entry.id
            change.calendar_id = entry.calendar_id or self.unit.calendar_id
            change.dedup_key = entry.dedup_key or _dedup_key(self.unit.kind, entry)
            change.previous_id = entry.previous_id
            if entry.changed_at is not None:
                change.changed_at.CopyFrom(entry.changed_at)
            if entry.version == GONE:
                change.id_digest = entry.digest
            elif entry.resource is not None:
                resource = getattr(change, field_name)
                resource.CopyFrom(entry.resource)
                _shape(resource, variant)


def fitting(told: Sequence[Told], start: int, most: int, room: int) -> int:
    """How many of `told` from `start` on fit in a message; at least one."""
    count = 0
    for entry in told[start : start + most]:
        room -= entry.size
        if count and room < 0:
            break
        count += 1
    return count


def _shape(resource: Any, variant: Variant) -> None:
    if not variant.raw:
        resource.ClearField("raw")
    if variant.paths and "*" not in variant.paths:
        # Names that a kind lacks are passed over; with none left the ids stay.
        paths = [path for path in variant.paths if nested(resource.DESCRIPTOR, path)]
        trim(resource, FieldMask(paths=paths or ["id"]))


def _dedup_key(kind: ResourceKind, entry: Told) -> str:
    """Equal for repeated deliveries of one change, whether told as created or as updated."""
    when = b"" if entry.changed_at is None else entry.changed_at.SerializeToString()
    name = entry.id.encode() or entry.digest
    happening = (
        bytes([entry.type])
        if entry.type in (watch_pb2.CHANGE_TYPE_STARTED, watch_pb2.CHANGE_TYPE_ENDED)
        else b""
    )
    digest = hashlib.sha256(b"\0".join((bytes([kind]), name, entry.version, when, happening)))
    return digest.hexdigest()[:24]
