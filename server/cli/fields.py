"""Requests written as `field=value` words: `window.start_at=2027-03-01T00:00:00Z page_size=5`.

The words become protobuf's JSON, guided by the descriptor; whether values fit is judged by
protobuf's own parser in `server.cli.client`. No call is made here.
"""

import difflib
import json
from collections.abc import Iterable, Sequence
from typing import Any

import click
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

_NUMBERS = frozenset(
    {
        FieldDescriptor.CPPTYPE_INT32,
        FieldDescriptor.CPPTYPE_INT64,
        FieldDescriptor.CPPTYPE_UINT32,
        FieldDescriptor.CPPTYPE_UINT64,
        FieldDescriptor.CPPTYPE_DOUBLE,
        FieldDescriptor.CPPTYPE_FLOAT,
    }
)


def request_text(descriptor: Descriptor, words: Sequence[str], standard_input: str) -> str:
    """The JSON that `words` stand for: a JSON object or "-" first, if any, then fields.

    Raises:
        click.BadParameter: a word is neither, or names no field; the field and near names are told.
    """
    text, pairs = "{}", words
    if words and (words[0] == "-" or words[0].lstrip().startswith("{")):
        text, pairs = (standard_input if words[0] == "-" else words[0]), words[1:]
    if not pairs:
        return text
    try:
        request = json.loads(text)
    except ValueError as error:
        raise click.BadParameter(f"not a {descriptor.name}: {error}") from None
    if not isinstance(request, dict):
        raise click.BadParameter(f"not a {descriptor.name}: a JSON object is needed")
    for word in pairs:
        path, equals, value = word.partition("=")
        if not equals or not path:
            raise click.BadParameter(
                f"{word!r} is neither field=value nor, as the first word, a JSON object"
            )
        _put(request, descriptor, path, value)
    return json.dumps(request)


def _put(request: dict[str, Any], descriptor: Descriptor, path: str, value: str) -> None:
    """Write `value` at the dotted `path`; a repeated field takes one more with every word."""
    at, owner, parts = request, descriptor, path.split(".")
    for position, name in enumerate(parts):
        field = _field(owner, name, path)
        rest = parts[position + 1 :]
        if is_map(field):
            _put_entry(at.setdefault(field.name, {}), field, ".".join(rest), value, path)
            return
        if not rest:
            _set(at, field, value, path)
            return
        if field.message_type is None or field.is_repeated:
            raise click.BadParameter(
                f"{path}: {field.name} has no fields by name; give JSON: {field.name}=..."
            )
        at, owner = at.setdefault(field.name, {}), field.message_type
        if not isinstance(at, dict):
            raise click.BadParameter(f"{path}: {field.name} was given as one value before")


def _field(owner: Descriptor, name: str, path: str) -> FieldDescriptor:
    if name in owner.fields_by_name:
        return owner.fields_by_name[name]
    near = difflib.get_close_matches(name, owner.fields_by_name, n=3)
    there = ", ".join(near or owner.fields_by_name)
    raise click.BadParameter(f"{path}: {owner.name} has no field {name!r}; there are {there}")


def is_map(field: FieldDescriptor) -> bool:
    """Whether `field` is a map."""
    kind = field.message_type
    return field.is_repeated and kind is not None and kind.GetOptions().map_entry


def _put_entry(
    entries: dict[str, Any], field: FieldDescriptor, key: str, value: str, path: str
) -> None:
    """Add to a map: one entry by its key, or a JSON object of entries."""
    if key and field.message_type is not None:
        entries[key] = _value(field.message_type.fields_by_name["value"], value, path)
        return
    given = _json(value, path)
    if not isinstance(given, dict):
        raise click.BadParameter(f"{path}: needs a key, {path}.KEY=..., or a JSON object")
    entries.update(given)


def _set(at: dict[str, Any], field: FieldDescriptor, value: str, path: str) -> None:
    if not field.is_repeated:
        at[field.name] = _value(field, value, path)
        return
    given = _json(value, path) if value.startswith("[") else [_value(field, value, path)]
    at.setdefault(field.name, []).extend(given)


def _value(field: FieldDescriptor, text: str, path: str) -> Any:
    """`text` as JSON has it for `field`: strings stay as they are, however they look."""
    kind = field.cpp_type
    if kind == FieldDescriptor.CPPTYPE_MESSAGE:
        return _json(text, path) if text.startswith(("{", "[")) else text
    if field.enum_type is not None:
        return _enum(field.enum_type, text, path)
    if kind == FieldDescriptor.CPPTYPE_BOOL:
        if text not in {"true", "false"}:
            raise click.BadParameter(f"{path}: {text!r} is neither true nor false")
        return text == "true"
    if kind in _NUMBERS:
        try:
            return json.loads(text)
        except ValueError:
            raise click.BadParameter(f"{path}: {text!r} is no number") from None
    return text


def _json(text: str, path: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise click.BadParameter(f"{path}: not JSON: {error}") from None


def _enum(kind: EnumDescriptor, text: str, path: str) -> str:
    """The value whose name is `text`, whole or without the prefix that all of them have."""
    names = list(kind.values_by_name)
    if text in names:
        return text
    prefix = names[0].removesuffix("UNSPECIFIED")
    full = f"{prefix}{text.upper().replace('-', '_')}"
    if full in names:
        return full
    short = ", ".join(name.removeprefix(prefix).lower() for name in names[1:])
    raise click.BadParameter(f"{path}: {text!r} is none of {short}")


def suggestions(descriptor: Descriptor, begun: str) -> Iterable[str]:
    """What the word `begun` may become, for the shell: "connection_id="."""
    at = descriptor
    head, dot, tail = begun.rpartition(".")
    for name in head.split(".") if dot else ():
        field = at.fields_by_name.get(name)
        if field is None or field.message_type is None:
            return
        at = field.message_type
    for field in at.fields:
        if field.name.startswith(tail):
            yield f"{head}{dot}{field.name}{'.' if _leads_on(field) else '='}"


def _leads_on(field: FieldDescriptor) -> bool:
    kind = field.message_type
    if kind is None:
        return False
    return is_map(field) or (not field.is_repeated and kind.file.package != "google.protobuf")
