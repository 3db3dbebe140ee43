"""Partial responses: Google's `fields` parameter, `a,b(c,d),e/f`, really applied."""

from typing import Any

from tests.providers.google.double.faults import Problem

Mask = dict[str, "Mask"]


def parse(text: str) -> Mask:
    """The mask as a tree; an empty tree takes everything."""
    mask, rest = _list(text)
    if rest:
        raise Problem(400, "invalidParameter", "Invalid field selection")
    return mask


def _list(text: str) -> tuple[Mask, str]:
    found: Mask = {}
    while text:
        end = next((i for i, char in enumerate(text) if char in ",()/"), len(text))
        name, text = text[:end], text[end:]
        if not name:
            raise Problem(400, "invalidParameter", "Invalid field selection")
        node = found.setdefault(name, {})
        while text.startswith("/"):
            end = next((i for i, c in enumerate(text[1:], 1) if c in ",()/"), len(text))
            node, text = node.setdefault(text[1:end], {}), text[end:]
        if text.startswith("("):
            inner, text = _list(text[1:])
            node.update(inner)
            if not text.startswith(")"):
                raise Problem(400, "invalidParameter", "Invalid field selection")
            text = text[1:]
        if not text.startswith(","):
            break
        text = text[1:]
    return found, text


def trim(value: Any, mask: Mask) -> Any:
    """What the mask leaves of `value`."""
    if not mask or "*" in mask:
        return value
    if isinstance(value, list):
        return [trim(each, mask) for each in value]
    if isinstance(value, dict):
        return {name: trim(value[name], inner) for name, inner in mask.items() if name in value}
    return value
