"""What the contract says of its fields, read once from the descriptors."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from google.api import field_behavior_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor

# Acts on the call rather than on the resource: never dropped, never part of a mask.
CALL_FIELDS = frozenset({"etag", "send_notifications"})


def _behaviour(field: FieldDescriptor) -> list[int]:
    extension: Any = field_behavior_pb2.field_behavior
    return list(field.GetOptions().Extensions[extension])


@cache
def read_only(message: Descriptor) -> frozenset[str]:
    """Fields of `message` that callers can read and never write."""
    return frozenset(
        field.name
        for field in message.fields
        if field_behavior_pb2.OUTPUT_ONLY in _behaviour(field)
    )


@cache
def immutable(message: Descriptor) -> frozenset[str]:
    """Fields of `message` that are written on create only."""
    return frozenset(
        field.name for field in message.fields if field_behavior_pb2.IMMUTABLE in _behaviour(field)
    )


@cache
def nested(message: Descriptor, path: str) -> tuple[FieldDescriptor, ...]:
    """The fields that the dotted `path` goes through; empty when it leads nowhere.

    A path stops at repeated fields and maps, as FieldMask has it.
    """
    found: list[FieldDescriptor] = []
    current: Descriptor | None = message
    for name in path.split("."):
        if current is None or name not in current.fields_by_name:
            return ()
        field = current.fields_by_name[name]
        found.append(field)
        current = None if field.is_repeated else field.message_type
    return tuple(found)


def writable_set(resource: Any) -> Iterator[str]:
    """Names of the fields set in `resource` that a caller may write, CALL_FIELDS left out."""
    hidden = read_only(resource.DESCRIPTOR) | CALL_FIELDS
    for field, _ in resource.ListFields():
        if field.name not in hidden:
            yield field.name


def clear_read_only(resource: Any) -> None:
    """Forget what callers sent in output-only fields, as AIP-203 asks."""
    for name in read_only(resource.DESCRIPTOR):
        resource.ClearField(name)
