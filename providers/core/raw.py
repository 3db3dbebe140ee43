"""`raw`: the provider's exact object as google.protobuf.Struct."""

from collections.abc import Mapping
from typing import Any

from google.protobuf.struct_pb2 import Struct

# Doubles, which Struct has for numbers, hold integers exactly up to here.
_EXACT = 2**53
_MAX_DEPTH = 60


def fill_raw(target: Struct, found: Mapping[str, Any], own_id: str) -> None:
    """Copy `found` into `target`, and the provider's own id beside it as "__id".

    Integers that a double cannot hold are kept as text.
    """
    target.Clear()
    target.update({name: _plain(value, 0) for name, value in found.items()})
    target.update({"__id": own_id})


def _plain(value: Any, depth: int) -> Any:
    if depth > _MAX_DEPTH:
        return None
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return value if -_EXACT <= value <= _EXACT else str(value)
    if isinstance(value, float | str):
        return value
    if isinstance(value, Mapping):
        return {str(name): _plain(each, depth + 1) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each, depth + 1) for each in value]
    return str(value)
