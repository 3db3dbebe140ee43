"""`raw`: the provider's exact object as google.protobuf.Struct."""

import math
from collections.abc import Mapping
from typing import Any

import msgspec
from google.protobuf.struct_pb2 import NULL_VALUE, Struct, Value

# Doubles, which Struct has for numbers, hold integers exactly up to here.
_EXACT = 2**53
# A level costs up to three of the hundred nested messages that readers of protobuf take.
_MAX_DEPTH = 28
OWN_ID = "__id"


def fill_raw(target: Struct, found: Mapping[str, Any], own_id: str) -> None:
    """Copy `found` into `target`, and the provider's own id beside it as "__id".

    What a Struct cannot hold is kept as text: integers that a double would round, numbers that are
    not finite, and, as JSON, what is nested more than 28 levels deep.

    Raises:
        TypeError: `found` holds something that is not JSON.
    """
    target.Clear()
    for name, value in found.items():
        _fill(target.fields[name], value, 1)
    target.fields[OWN_ID].string_value = own_id


def _fill(target: Value, value: object, depth: int) -> None:
    if value is None:
        target.null_value = NULL_VALUE
    elif isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, str):
        target.string_value = value
    elif isinstance(value, int | float):
        if (isinstance(value, int) and abs(value) > _EXACT) or not math.isfinite(value):
            target.string_value = str(value)
        else:
            target.number_value = value
    elif not isinstance(value, Mapping | list | tuple):
        raise TypeError(f"not JSON: {type(value).__name__}")
    elif depth > _MAX_DEPTH:
        target.string_value = msgspec.json.encode(value).decode()
    elif isinstance(value, Mapping):
        target.struct_value.SetInParent()
        for name, each in value.items():
            _fill(target.struct_value.fields[str(name)], each, depth + 1)
    else:
        target.list_value.SetInParent()
        for each in value:
            _fill(target.list_value.values.add(), each, depth + 1)
