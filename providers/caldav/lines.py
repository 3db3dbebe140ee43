"""iCalendar as a tree of content lines, read fast and written back as it was (RFC 5545 section 3).

A line is three texts: upper-case name, parameters as they stand (";TZID=Europe/Berlin", "" without
any) and value as it stands. What is not touched is written back character by character; time zones
are not even taken apart. What the lines mean is the business of `parsing` and `dumping`.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from providers.core.errors import Kind, ProviderError

Line: TypeAlias = tuple[str, str, str]

MAX_DEPTH = 8
MAX_LINES = 200_000
FOLD = 75
_LINE = re.compile(r'^([A-Za-z0-9-]+)((?:;[^":\n]*(?:"[^"\n]*"[^":\n]*)*)?):(.*)$', re.MULTILINE)
_ZONE = re.compile(r"^BEGIN:VTIMEZONE[ \t]*\n.*?^END:VTIMEZONE[ \t]*\n?", re.MULTILINE | re.DOTALL | re.IGNORECASE)
_TZID = re.compile(r'^TZID(?:;[^":\n]*(?:"[^"\n]*"[^":\n]*)*)?:(.*)$', re.MULTILINE | re.IGNORECASE)
_PARAMETER = re.compile(r';([^=;:"]+)=((?:"[^"]*"|[^";:])*)')
_ITEM = re.compile(r"(?:[^,\\]|\\.)+", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_CARET = re.compile(r"\^(['n^])")
_MEANT = {"n": "\n", "N": "\n"}
_UNSAFE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(slots=True)
class Component:
    """A component: its lines and its parts, each in order."""

    name: str
    lines: list[Line] = field(default_factory=list)
    parts: list["Component"] = field(default_factory=list)

    def first(self, name: str) -> Line | None:
        """The first line of that name."""
        for line in self.lines:
            if line[0] == name:
                return line
        return None

    def every(self, *names: str) -> list[Line]:
        """All lines of those names."""
        return [line for line in self.lines if line[0] in names]

    def text(self, name: str) -> str:
        """Value of the first line of that name, unescaped; "" without one."""
        line = self.first(name)
        return unescape(line[2]) if line else ""

    def put(self, name: str, value: str, params: str = "") -> None:
        """Make this the only line of that name, where the first one stood."""
        self.put_all([name], [(name, params, value)])

    def drop(self, *names: str) -> None:
        """Remove every line of those names."""
        self.lines = [line for line in self.lines if line[0] not in names]

    def put_all(self, names: Iterable[str], lines: list[Line]) -> None:
        """Put `lines` in place of every line of those names."""
        old = frozenset(names)
        at = next((i for i, line in enumerate(self.lines) if line[0] in old), len(self.lines))
        kept = [line for line in self.lines if line[0] not in old]
        self.lines = [*kept[:at], *lines, *kept[at:]]

    def copy(self) -> "Component":
        """A copy that can be changed by itself."""
        return Component(self.name, list(self.lines), [part.copy() for part in self.parts])


@dataclass(slots=True)
class Document:
    """A VCALENDAR.

    Attributes:
        zones: text of each VTIMEZONE by its TZID, lines unfolded.
    """

    root: Component
    zones: dict[str, str] = field(default_factory=dict)

    @property
    def events(self) -> list[Component]:
        """The VEVENTs, in order."""
        return [part for part in self.root.parts if part.name == "VEVENT"]


def unfold(data: str | bytes) -> str:
    """Joined lines with "\\n" between them. Octets are joined before they are decoded.

    Some writers fold in the middle of a character.
    """
    if isinstance(data, bytes):
        joined = data.replace(b"\r\n", b"\n").replace(b"\n ", b"").replace(b"\n\t", b"")
        return joined.decode(errors="replace")
    text = data.replace("\r\n", "\n") if "\r" in data else data
    if "\n " in text:
        text = text.replace("\n ", "")
    return text.replace("\n\t", "") if "\n\t" in text else text


def read(data: str | bytes) -> Document:
    """The first VCALENDAR in `data`; what is no content line is passed over.

    Raises:
        ProviderError: PROVIDER_FAULT when there is none, or it is nested or long beyond reason.
    """
    text = unfold(data)
    zones: dict[str, str] = {}
    if "VTIMEZONE" in text:
        for found in _ZONE.finditer(text):
            name = _TZID.search(found[0])
            if name is not None:
                zones.setdefault(name[1].strip(), found[0])
        text = _ZONE.sub("", text)
    found_lines: list[Line] = _LINE.findall(text)
    if len(found_lines) > MAX_LINES:
        raise unreadable()
    top = Component("")
    stack = [top]
    for name, params, value in found_lines:
        key = name.upper()
        if key == "BEGIN":
            part = Component(value.strip().upper())
            stack[-1].parts.append(part)
            stack.append(part)
            if len(stack) > MAX_DEPTH:
                raise unreadable()
        elif key == "END":
            if len(stack) > 1:
                stack.pop()
        else:
            stack[-1].lines.append((key, params, value))
    for part in top.parts:
        if part.name == "VCALENDAR":
            return Document(part, zones)
    raise unreadable()


def unreadable() -> ProviderError:
    """The error of data that is no iCalendar."""
    return ProviderError(
        Kind.PROVIDER_FAULT, "the server holds calendar data that cannot be read as iCalendar"
    )


def write(document: Document) -> bytes:
    """`document` with CRLF and lines of at most 75 octets, as RFC 5545 section 3.1 wants it."""
    out: list[str] = ["BEGIN:VCALENDAR"]
    out += [_whole(line) for line in document.root.lines]
    for text in document.zones.values():
        out += text.rstrip("\n").split("\n")
    for part in document.root.parts:
        _write(part, out)
    out.append("END:VCALENDAR")
    return b"".join(fold(line) for line in out)


def _write(component: Component, out: list[str]) -> None:
    out.append(f"BEGIN:{component.name}")
    out += [_whole(line) for line in component.lines]
    for part in component.parts:
        _write(part, out)
    out.append(f"END:{component.name}")


def _whole(line: Line) -> str:
    return f"{line[0]}{line[1]}:{line[2]}"


def fold(line: str) -> bytes:
    """One content line; it is cut between characters."""
    data = line.encode(errors="replace")
    if len(data) <= FOLD:
        return data + b"\r\n"
    pieces: list[bytes] = []
    room = FOLD
    while len(data) > room:
        end = room
        while data[end] & 0xC0 == 0x80:  # the middle of a character
            end -= 1
        pieces.append(data[:end])
        data = data[end:]
        room = FOLD - 1
    pieces.append(data)
    return b"\r\n ".join(pieces) + b"\r\n"


# -- values and parameters


def unescape(value: str) -> str:
    """A TEXT value as people read it (RFC 5545 section 3.3.11)."""
    if "\\" not in value:
        return value
    return _ESCAPE.sub(lambda found: _MEANT.get(found[1], found[1]), value)


def escape(text: str) -> str:
    """The inverse of `unescape`; control characters, which a TEXT cannot hold, are left out."""
    text = _UNSAFE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return text.replace("\n", "\\n")


def split(value: str) -> Iterator[str]:
    """The parts of a list of TEXT, unescaped."""
    for part in _ITEM.findall(value):
        yield unescape(part)


def param(line: Line, name: str) -> str:
    """A parameter's value, "" without it (RFC 5545 section 3.2, RFC 6868)."""
    params = line[1]
    if not params:
        return ""
    for found in _PARAMETER.finditer(params):
        if found[1].strip().upper() == name:
            value = found[2].strip('"')
            return _CARET.sub(_uncaret, value) if "^" in value else value
    return ""


def _uncaret(found: re.Match[str]) -> str:
    return {"'": '"', "n": "\n", "^": "^"}[found[1]]


def params_of(line: Line) -> dict[str, str]:
    """All parameters as they stand, by upper-case name, quotes kept."""
    return {found[1].strip().upper(): found[2] for found in _PARAMETER.finditer(line[1])}


def join_params(params: dict[str, str]) -> str:
    """The inverse of `params_of`."""
    return "".join(f";{name}={value}" for name, value in params.items())


def quote(value: str) -> str:
    """A parameter's value, fit to be written: quoted where it has to be (RFC 6868)."""
    value = _UNSAFE.sub("", value.replace("\r\n", "\n").replace("\r", "\n"))
    value = value.replace("^", "^^").replace('"', "^'").replace("\n", "^n")
    return f'"{value}"' if re.search(r"[:;,\s]", value) else value
