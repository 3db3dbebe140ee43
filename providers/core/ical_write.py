"""iCalendar written: content lines folded, texts escaped, parameters quoted (RFC 5545, RFC 6868).

What `ical` read and nobody touched comes out as it was.
"""

import re
from collections.abc import Iterator, Mapping

from providers.core.ical import Component, Document, Line

FOLD = 75
"""Octets of the longest physical line, without its CRLF."""

_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_BREAKS = re.compile("[\x00-\x08\x0a-\x1f\x7f]")
_TO_BE_QUOTED = re.compile(r"[:;,\s]")
_NAME = re.compile(r"[A-Z0-9-]+")


def write(document: Document) -> bytes:
    """`document` with CRLF and lines of at most 75 octets, as RFC 5545 section 3.1 wants it."""
    return b"".join(fold(line) for line in _lines_of(document))


def _lines_of(document: Document) -> Iterator[str]:
    yield "BEGIN:VCALENDAR"
    yield from map(whole, document.root.lines)
    for text in document.zones.values():
        # A line that began with a space would be taken for the rest of the one before it.
        yield from filter(None, (line.lstrip(" \t") for line in text.split("\n")))
    for part in document.root.parts:
        yield from lines_of(part)
    yield "END:VCALENDAR"


def lines_of(component: Component) -> Iterator[str]:
    """The lines of a component and all its parts, unfolded."""
    yield f"BEGIN:{component.name}"
    yield from map(whole, component.lines)
    for part in component.parts:
        yield from lines_of(part)
    yield f"END:{component.name}"


def whole(line: Line) -> str:
    """One content line, unfolded. Nothing in it can break out into a line of its own."""
    text = f"{line[0]}{line[1]}:{line[2]}"
    return _BREAKS.sub("", text) if _BREAKS.search(text) else text


def fold(line: str) -> bytes:
    """One content line with its CRLF; it is cut between characters, never within one."""
    data = line.encode(errors="replace")
    if len(data) <= FOLD:
        return data + b"\r\n"
    pieces: list[bytes] = []
    start, room = 0, FOLD
    while len(data) - start > room:
        end = start + room
        while data[end] & 0xC0 == 0x80:  # the middle of a character
            end -= 1
        pieces.append(data[start:end])
        start, room = end, FOLD - 1
    pieces.append(data[start:])
    return b"\r\n ".join(pieces) + b"\r\n"


def escape(text: str) -> str:
    """A TEXT value (RFC 5545 section 3.3.11), without the controls that it cannot hold."""
    text = _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return text.replace("\n", "\\n")


def quote(value: str) -> str:
    """A parameter's value, quoted where it has to be, carets doubled (RFC 6868)."""
    value = _CONTROLS.sub("", value.replace("\r\n", "\n").replace("\r", "\n"))
    value = value.replace("^", "^^").replace('"', "^'").replace("\n", "^n")
    return f'"{value}"' if _TO_BE_QUOTED.search(value) else value


def join_params(params: Mapping[str, str]) -> str:
    """Parameters as they stand in a line; the inverse of `ical.params_of`. Values are quoted ones.

    Raises:
        ValueError: a name that is none.
    """
    for name in params:
        if not _NAME.fullmatch(name):
            raise ValueError("is no name of a parameter")
    return "".join(f";{name}={value}" for name, value in params.items())
