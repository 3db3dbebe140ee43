"""Writing the fields that a request names, and nothing else. Pure."""

from collections.abc import Iterable
from typing import Any

from google.protobuf.message import Message


def take(target: Message, source: Message, names: Iterable[str]) -> None:
    """Copy those of the fields `names` that are set in `source`."""
    wanted = frozenset(names)
    for field, _ in source.ListFields():
        if field.name in wanted:
            _copy(target, source, field.name)


def apply(target: Message, source: Message, paths: Iterable[str]) -> None:
    """Make the fields at the dotted `paths` of `target` equal to those of `source`.

    What is unset in `source` is cleared. The server has checked that the paths exist.
    """
    for path in paths:
        *parents, name = path.split(".")
        into: Any = target
        out: Any = source
        for parent in parents:
            into, out = getattr(into, parent), getattr(out, parent)
        into.ClearField(name)
        _copy(into, out, name)
        if parents:
            into.SetInParent()


def _copy(target: Any, source: Any, name: str) -> None:
    field = source.DESCRIPTOR.fields_by_name[name]
    if field.is_repeated:
        getattr(target, name).MergeFrom(getattr(source, name))
    elif field.message_type is not None:
        if source.HasField(name):
            getattr(target, name).CopyFrom(getattr(source, name))
    elif not field.has_presence or source.HasField(name):
        setattr(target, name, getattr(source, name))


def roots(paths: Iterable[str]) -> frozenset[str]:
    """Names of the top-level fields that `paths` touch."""
    return frozenset(path.partition(".")[0] for path in paths)
