"""Whether what was written is what is read: everything sent is there; more may be."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf.message import Message

_TAG = re.compile(r"<[^>]*>")
_ENTITIES = {"&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&nbsp;": " "}
# Repeated messages are matched by what people tell them apart by.
_KEYS: Mapping[str, Callable[[Any], object]] = {
    "Attendee": lambda a: a.email.lower(),
    "Reminder": lambda r: (r.minutes_before, r.method or 1),
    "Attachment": lambda a: a.url,
    "WebinarPanelist": lambda p: p.email.lower(),
    "RegistrationField": lambda f: f.name,
    "LinkQuestion": lambda q: q.label or q.name,
}
# Zero values that mean the same as another value (contract).
_SAME: Mapping[str, frozenset[int]] = {
    "role": frozenset({0, 1}),
    "method": frozenset({0, 1}),
    "visibility": frozenset({0, 1}),
    "show_as": frozenset({0, 1}),
    "type": frozenset({0, 1}),
    "status": frozenset({0, 1}),
}


def kept(sent: Message, got: Message, field: str) -> str:
    """Why `field` of `sent` is not what `got` has; "" when it is."""
    wanted, found = getattr(sent, field), getattr(got, field)
    return _differs(field, wanted, found)


def _differs(name: str, wanted: Any, found: Any) -> str:
    if isinstance(wanted, Message):
        return _message(name, wanted, found)
    if hasattr(wanted, "items"):
        lost = {key: value for key, value in wanted.items() if found.get(key) != value}
        return f"{name}: lost {lost}" if lost else ""
    if name == "rules":
        return _unequal(name, _rules(wanted), _rules(found))
    if not isinstance(wanted, str) and hasattr(wanted, "__len__") and hasattr(wanted, "append"):
        return _repeated(name, list(wanted), list(found))
    if isinstance(wanted, str):
        return _text(name, wanted, found)
    same = _SAME.get(name, frozenset())
    return "" if {wanted, found} <= same else _unequal(name, wanted, found)


def _unequal(name: str, wanted: object, found: object) -> str:
    return "" if wanted == found else f"{name}: sent {wanted!r}, read {found!r}"


def _message(name: str, wanted: Message, found: Message) -> str:
    kind = wanted.DESCRIPTOR.name
    if kind in ("Timestamp", "Duration", "Date", "DateTime"):
        return _unequal(name, str(wanted), str(found))
    if kind == "Conference":
        return _conference(wanted, found)
    for field, value in wanted.ListFields():
        if field.name == "time_zone" and value == "UTC" and not found.time_zone:  # type: ignore[attr-defined]
            continue
        differs = _differs(field.name, value, getattr(found, field.name))
        if differs:
            return f"{name}.{differs}"
    oneofs = wanted.DESCRIPTOR.oneofs_by_name
    if "value" in oneofs and wanted.WhichOneof("value") != found.WhichOneof("value"):
        return f"{name}: sent a {wanted.WhichOneof('value')}, read a {found.WhichOneof('value')}"
    return ""


def _conference(wanted: Any, found: Any) -> str:
    """An attached call keeps its link; one that was asked for has a link, or is coming."""
    if wanted.join_url:
        return _unequal("conference.join_url", wanted.join_url, found.join_url)
    if wanted.kind != found.kind:
        return f"conference.kind: asked for {wanted.kind}, got {found.kind}"
    pending = 1
    return "" if found.join_url or found.state == pending else "conference: no link, none coming"


def _repeated(name: str, wanted: list[Any], found: list[Any]) -> str:
    if wanted and isinstance(wanted[0], Message):
        key = _KEYS.get(wanted[0].DESCRIPTOR.name)
        if key is not None:
            return _keyed(name, key, wanted, found)
        if len(wanted) != len(found):
            return f"{name}: sent {len(wanted)}, read {len(found)}"
        pairs = zip(wanted, found, strict=True)
        return next((d for w, f in pairs if (d := _message(name, w, f))), "")
    return _unequal(name, sorted(wanted), sorted(found))


def _keyed(name: str, key: Callable[[Any], object], wanted: list[Any], found: list[Any]) -> str:
    there = {key(item): item for item in found}
    for item in wanted:
        if key(item) not in there:
            return f"{name}: {key(item)!r} is gone"
        differs = "" if name == "overrides" else _message(name, item, there[key(item)])
        if differs:
            return differs
    more = set(there) - {key(item) for item in wanted}
    # The organizer and the account itself are listed by many providers.
    more = {k for k in more if not _added_by_provider(there[k])}
    return f"{name}: {sorted(map(str, more))} came from nowhere" if more else ""


def _added_by_provider(item: Any) -> bool:
    names = item.DESCRIPTOR.fields_by_name
    return any(name in names and getattr(item, name) for name in ("is_organizer", "is_self")) or (
        "RegistrationField" in item.DESCRIPTOR.full_name
    )


def _text(name: str, wanted: str, found: str) -> str:
    if name in ("email", "color"):
        return _unequal(name, wanted.lower(), found.lower())
    if name == "description":  # HTML where the provider keeps HTML
        return _unequal(name, _plain(wanted), _plain(found))
    if name == "price_amount":
        return "" if float(wanted) == float(found or "nan") else _unequal(name, wanted, found)
    return _unequal(name, wanted, found)


def _plain(text: str) -> str:
    text = _TAG.sub(" ", text) if "<" in text else text
    for entity, character in _ENTITIES.items():
        text = text.replace(entity, character)
    return " ".join(text.split())


def _rules(lines: Any) -> list[str]:
    """RFC 5545 lines with their parts in one order, defaults left out."""
    found = []
    for line in lines:
        head, _, value = line.partition(":")
        parts = sorted(set(value.upper().split(";")) - {"INTERVAL=1", "WKST=MO"})
        found.append(f"{head.upper()}:{';'.join(parts)}")
    return sorted(found)
