"""Marked messages: every string of a message, or of a provider's answer, holds the word."""

import json
import re
from collections.abc import Callable
from typing import Any

from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from tests.zero_storage.words import CORE, EMAIL, TEXT, URL

DEPTH = 6
_STRINGS = (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES)
NEVER = (
    "google.protobuf.Any", "google.protobuf.FieldMask", "google.protobuf.Struct",
    "google.type.DateTime",  # its only string is a zone
)  # fmt: skip


def word_for(name: str) -> str:
    """A marked value such as people write into a field called `name`."""
    if "email" in name:
        return EMAIL
    if "url" in name or name.endswith("uri"):
        return URL
    if name == "id" or name.endswith(("_id", "_ids", "token", "etag", "cursor")):
        return CORE
    return TEXT


def fill(
    message: Any, *, keep: frozenset[str] = frozenset(), choice: int = 0, depth: int = 0
) -> int:
    """Put a marked value into every string field, at every depth; how many there are.

    `keep`: names of fields to leave as they are. `choice`: which members of oneofs are filled, one
    of as many as `variants` tells.
    """
    count = 0
    for field in message.DESCRIPTOR.fields:
        below = _below(field, choice)
        if field.name in keep or below is None:
            continue
        if field.message_type is None:
            count += _fill_plain(message, field)
        elif field.message_type.GetOptions().map_entry:
            count += _fill_map(message, field)
        elif depth < DEPTH and field.message_type.full_name not in NEVER:
            count += _fill_inner(message, field, below, depth)
    return count


def variants(descriptor: Descriptor, depth: int = 0) -> int:
    """How many choices it takes until each member of each oneof has been filled."""
    most = 1
    for field in descriptor.fields:
        own = len(field.containing_oneof.fields) if field.containing_oneof else 1
        kind = field.message_type
        deeper = kind is not None and kind != descriptor and depth < DEPTH
        most = max(most, own * (variants(kind, depth + 1) if deeper and kind is not None else 1))
    return most


def _below(field: FieldDescriptor, choice: int) -> int | None:
    """The choice for what is in `field`; None when another member of its oneof is chosen."""
    oneof = field.containing_oneof
    if oneof is None:
        return choice
    rest, index = divmod(choice, len(oneof.fields))
    return rest if oneof.fields[index] == field else None


def _fill_plain(message: Any, field: FieldDescriptor) -> int:
    if field.type not in _STRINGS:
        return 0
    word: Any = word_for(field.name)
    if field.type == FieldDescriptor.TYPE_BYTES:
        word = word.encode()
    if field.is_repeated:
        getattr(message, field.name).append(word)
    else:
        setattr(message, field.name, word)
    return 1


def _fill_map(message: Any, field: FieldDescriptor) -> int:
    assert field.message_type is not None
    value = field.message_type.fields_by_name["value"]
    if value.type == FieldDescriptor.TYPE_STRING:
        getattr(message, field.name)[CORE] = TEXT
        return 1
    return 0


def _fill_inner(message: Any, field: FieldDescriptor, choice: int, depth: int) -> int:
    assert field.message_type is not None
    if field.message_type.full_name == message.DESCRIPTOR.full_name:
        return 0
    inner = message_factory.GetMessageClass(field.message_type)()
    count = fill(inner, choice=choice, depth=depth + 1)
    if not count:
        return 0
    target = getattr(message, field.name)
    if field.is_repeated:
        target.add().CopyFrom(inner)
    else:
        target.CopyFrom(inner)
    return count


# Free text of people, as the contract calls it: what can be marked without changing what is asked.
_FREE = frozenset({
    "name", "subject", "description", "location", "display_name", "reason", "comment", "title",
    "email", "message",
})  # fmt: skip


def write_on(message: Message, kept: Callable[[str], bool] = lambda _: True) -> int:
    """Mark the free text that is there already; how many fields that are."""
    count = 0
    for field, value in message.ListFields():
        if field.type == FieldDescriptor.TYPE_STRING and not field.is_repeated:
            if field.name in _FREE and kept(field.name):
                setattr(message, field.name, _written(field.name, value))
                count += 1
        elif field.message_type is not None and not field.message_type.GetOptions().map_entry:
            for inner in value if field.is_repeated else [value]:
                count += write_on(inner, kept)
    return count


def _written(name: str, value: str) -> str:
    if name == "email":
        return f"{CORE}.{value}"
    return f"{value} {CORE}"


# -- what providers answer

_STRUCTURE = re.compile(
    r"[0-9T:.+\-Z ]*"  # times and numbers
    r"|[A-Za-z0-9_.:|=+/*-]*"  # ids, enumerations, zones, tokens: one word of ASCII
    r"|[a-z]+://\S*"
    r"|[A-Z-]+[:;].*",  # lines of a calendar
    re.DOTALL,
)
_EMAIL = re.compile(r"[\w.+-]+@[\w.-]+")
_TEXT_KEYS = re.compile(
    r"(?i)(^|_|[a-z])(title|subject|summary|description|displayname|notes?|text|topic|agenda|body"
    r"|message|content|firstname|lastname|reason|comments?|error_?description|detail)$"
)


def marked_json(body: bytes) -> bytes:
    """`body` with the word in each string that is somebody's text; other bodies as they are."""
    try:
        found = json.loads(body)
    except ValueError:
        return body
    return json.dumps(_marked("", found)).encode()


def _marked(key: str, value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _marked(name, each) for name, each in value.items()}
    if isinstance(value, list):
        return [_marked(key, each) for each in value]
    if not isinstance(value, str) or not value:
        return value
    if _TEXT_KEYS.search(key) or not (_STRUCTURE.fullmatch(value) or _EMAIL.search(value)):
        return f"{value} {CORE}"
    return value
