"""iCalendar as a tree of content lines (RFC 5545 section 3, RFC 6868), read fast and leniently.

A line is three texts: its name in upper case, its parameters as they stand (";TZID=Europe/Berlin",
"" without any), its value as it stands. What nobody touches is written back by `ical_write`
character by character, whatever it is; time zones are not even taken apart. What lines mean is for
others to say.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from providers.core.errors import Kind, ProviderError

Line: TypeAlias = tuple[str, str, str]
"""Name, parameters, value."""

MAX_BYTES = 16 * 1024 * 1024
MAX_DEPTH = 8
MAX_LINES = 200_000

_PARAMS = r'(?:;[^":\n]*(?:"[^"\n]*"[^":\n]*)*)?'
_LINE = re.compile(rf"^([A-Za-z0-9-]+)({_PARAMS}):(.*)$", re.MULTILINE)
_BROKEN = re.compile(r"([^;:]{1,256})((?:;[^:]*)?):(.*)")
_ZONE = re.compile(r"^(BEGIN|END):VTIMEZONE[ \t]*(?:\n|\Z)", re.MULTILINE | re.IGNORECASE)
_TZID = re.compile(rf"^TZID{_PARAMS}:(.*)$", re.MULTILINE | re.IGNORECASE)
_FILLED = re.compile(r"^.*\S.*$", re.MULTILINE)
_PARAMETER = re.compile(r';([^=;:"]+)=((?:"[^"]*"|[^";:])*)')
_ITEM = re.compile(r"(?:[^,\\]|\\.)+", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_MEANT = {"n": "\n", "N": "\n"}
_CARET = re.compile(r"\^(['n^])")
_CARETS = {"'": '"', "n": "\n", "^": "^"}


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

    def put_all(self, names: Iterable[str], lines: Iterable[Line]) -> None:
        """Put `lines` in place of every line of those names."""
        old = frozenset(names)
        at = next((i for i, line in enumerate(self.lines) if line[0] in old), len(self.lines))
        kept = [line for line in self.lines if line[0] not in old]
        self.lines = [*kept[:at], *lines, *kept[at:]]

    def drop(self, *names: str) -> None:
        """Remove every line of those names."""
        self.lines = [line for line in self.lines if line[0] not in names]

    def copy(self) -> "Component":
        """A copy that can be changed by itself."""
        return Component(self.name, list(self.lines), [part.copy() for part in self.parts])


@dataclass(slots=True)
class Document:
    r"""A VCALENDAR.

    Attributes:
        zones: text of each VTIMEZONE, lines unfolded, "\n" at their ends, by the TZID that
            parameters name.
    """

    root: Component
    zones: dict[str, str] = field(default_factory=dict)

    @property
    def events(self) -> list[Component]:
        """The VEVENTs, in order."""
        return [part for part in self.root.parts if part.name == "VEVENT"]


def read(data: str | bytes) -> Document:
    """The first VCALENDAR in `data`; text that is no content line is passed over.

    Raises:
        ProviderError: PROVIDER_FAULT when there is none, or it is nested or long beyond reason.
    """
    text, zones = _without_zones(unfold(data))
    for part in components(text):
        if part.name == "VCALENDAR":
            return Document(part, zones)
    raise unreadable()


def _without_zones(text: str) -> tuple[str, dict[str, str]]:
    """What is left without the VTIMEZONEs, and their texts by TZID."""
    if "VTIMEZONE" not in text.upper():
        return text, {}
    zones: dict[str, str] = {}
    rest: list[str] = []
    begin = -1
    end = 0
    for found in _ZONE.finditer(text):
        if found[1].upper() == "BEGIN":
            begin = found.start() if begin < 0 else begin
        elif begin >= 0:
            zone = text[begin : found.end()]
            name = _TZID.search(zone)
            tzid = unescape(name[1].strip()) if name is not None else ""
            if tzid and tzid not in zones:  # else it stays where it is
                zones[tzid] = zone
                rest.append(text[end:begin])
                end = found.end()
            begin = -1
    return ("".join(rest) + text[end:], zones) if rest else (text, zones)


def components(text: str) -> list[Component]:
    """The outermost components in unfolded text.

    One that is not closed ends with the text, an END without its BEGIN is passed over.

    Raises:
        ProviderError: PROVIDER_FAULT when they are nested or long beyond reason.
    """
    top = Component("")
    stack = [top]
    add = top.lines.append
    for line in _lines_of(text):
        name = line[0]
        if name == "BEGIN":
            part = Component(line[2].strip().upper())
            stack[-1].parts.append(part)
            stack.append(part)
            if len(stack) > MAX_DEPTH:
                raise unreadable()
        elif name == "END":
            _close(stack, line[2].strip().upper())
        else:
            add(line)
            continue
        add = stack[-1].lines.append
    return top.parts


def _close(stack: list[Component], name: str) -> None:
    """Close the innermost component of that name, and what was left open in it."""
    for depth in range(len(stack) - 1, 0, -1):
        if stack[depth].name == name:
            del stack[depth:]
            return


def _lines_of(text: str) -> Iterator[Line]:
    found: list[Line] = _LINE.findall(text)
    if len(found) > MAX_LINES:
        raise unreadable()
    if len(found) != text.count("\n") + (not text.endswith("\n")):
        return _salvaged(text)
    if "".join([line[0] for line in found]).isupper():  # as nearly all of them are
        return iter(found)
    return (line if line[0].isupper() else (line[0].upper(), line[1], line[2]) for line in found)


def _salvaged(text: str) -> Iterator[Line]:
    """The lines of a text of which not all are as they should be: odd names, open quotes."""
    for index, found in enumerate(_FILLED.finditer(text)):
        if index > MAX_LINES:
            raise unreadable()
        line = _LINE.fullmatch(found[0]) or _BROKEN.fullmatch(found[0].strip(" \t"))
        if line is not None:
            yield line[1].upper(), line[2], line[3]


def unreadable() -> ProviderError:
    """The error of data that is no iCalendar."""
    return ProviderError(
        Kind.PROVIDER_FAULT, "the provider holds calendar data that cannot be read as iCalendar"
    )


def unfold(data: str | bytes) -> str:
    r"""Joined lines with "\n" between them.

    Octets are joined before they are decoded: some writers fold in the middle of a character.

    Raises:
        ProviderError: PROVIDER_FAULT when it is long beyond reason.
    """
    if len(data) > MAX_BYTES:
        raise unreadable()
    if isinstance(data, bytes):
        plain = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        joined = plain.replace(b"\n ", b"").replace(b"\n\t", b"")
        return joined.decode("utf-8-sig", errors="replace")
    text = data.removeprefix("\ufeff")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\n " in text:
        text = text.replace("\n ", "")
    return text.replace("\n\t", "") if "\n\t" in text else text


def unescape(value: str) -> str:
    """A TEXT value as people read it (RFC 5545 section 3.3.11)."""
    if "\\" not in value:
        return value
    return _ESCAPE.sub(lambda found: _MEANT.get(found[1], found[1]), value)


def split(value: str) -> Iterator[str]:
    """The parts of a list of TEXT, unescaped."""
    for part in _ITEM.findall(value):
        yield unescape(part)


def param(line: Line, name: str) -> str:
    """A parameter's value, without quotes and carets; "" without it (RFC 5545 3.2, RFC 6868)."""
    params = line[1]
    if not params:
        return ""
    for found in _PARAMETER.finditer(params):
        if found[1].strip().upper() == name:
            return plain(found[2])
    return ""


def plain(value: str) -> str:
    """A parameter's value as `params_of` has it, without quotes and carets (RFC 6868)."""
    value = value.strip('"')
    return _CARET.sub(lambda mark: _CARETS[mark[1]], value) if "^" in value else value


def params_of(line: Line) -> dict[str, str]:
    """All parameters as they stand, by upper-case name, quotes kept."""
    return {found[1].strip().upper(): found[2] for found in _PARAMETER.finditer(line[1])}
