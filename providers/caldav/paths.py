"""Paths, hrefs and the ids made of them.

A server may write one path in many ways (`%40` or `@`, absolute or not); ids are made of one
canonical way, so that equal resources have equal ids (RFC 3986 section 6.2.2) and resources that
differ, if only in case, have different ones (P69). No requests here.

    calendar   /alice@example.com/team/
    event      /alice@example.com/team/|3b1f.ics
    instance   /alice@example.com/team/|3b1f.ics#20261201T080000Z
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, unquote_to_bytes, urlsplit

MAX_PATH = 2048
# What stays escaped in the canonical form: the escape, separators of paths and ids, controls.
_ESCAPED = re.compile(r"[%/#|\x00-\x1f\x7f]")
_ORIGIN = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*|^//[^/?#]*")


@dataclass(frozen=True, slots=True)
class EventId:
    """What an event's id is made of.

    Attributes:
        calendar: canonical path of the collection, with "/" at both ends.
        name: canonical last segment of the resource's path.
        instance: RECURRENCE-ID as `series.key_of` writes it; "" for the resource itself.
    """

    calendar: str
    name: str
    instance: str = ""

    def __str__(self) -> str:
        mark = "#" if self.instance else ""
        return f"{self.calendar}|{self.name}{mark}{self.instance}"

    @property
    def path(self) -> str:
        """Canonical path of the resource."""
        return self.calendar + self.name

    @property
    def whole(self) -> "EventId":
        """The resource that holds this instance."""
        return EventId(self.calendar, self.name)


def canonical(href: str) -> str:
    """The path in `href`, unescaped as far as that leaves no doubt."""
    path = _ORIGIN.sub("", href.strip(), count=1)
    path = path.partition("#")[0].partition("?")[0]
    folder, slash, name = path.rpartition("/")
    return f"{_folder(folder)}{slash}{_segment(name)}"


@lru_cache(maxsize=1024)
def _folder(path: str) -> str:
    """The same of all segments but the last, which a list repeats for each of its objects."""
    return "/".join([_segment(segment) for segment in path.split("/")])


def _segment(segment: str) -> str:
    if "%" not in segment:
        return _escape(segment)
    plain = unquote_to_bytes(segment)
    try:
        return _escape(plain.decode())
    except UnicodeDecodeError:
        return quote(plain)


def _escape(segment: str) -> str:
    if _ESCAPED.search(segment) is None:
        return segment
    return _ESCAPED.sub(lambda found: f"%{ord(found[0]):02X}", segment)


def quoted(path: str) -> str:
    """A canonical path as it goes into a request."""
    return quote(path, safe="/%")


def is_safe(path: str) -> bool:
    """Whether a canonical path that a caller sent means one place and cannot climb out of it."""
    segments = path.split("/")
    return (
        len(path) <= MAX_PATH
        and path.startswith("/")
        and "" not in segments[1:-1]
        and not any(segment in {".", ".."} for segment in segments)
    )


def collection(href: str) -> str:
    """Canonical path of a collection, with "/" at its end."""
    path = canonical(href)
    return path if path.endswith("/") else path + "/"


def child(path: str, parent: str) -> str:
    """Name of the member of `parent` that `path` is; "" for the parent itself and all else."""
    name = path[len(parent) :] if path.startswith(parent) else ""
    return "" if "/" in name else name


def origin(url: str) -> str:
    """Scheme, host and port of an absolute URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def parse_event_id(id: str) -> EventId | None:
    """The parts of an id, None for what is no id of ours."""
    calendar, bar, rest = id.partition("|")
    name, _, instance = rest.partition("#")
    calendar, name = canonical(calendar), _segment(name)
    if not (bar and name and calendar.endswith("/") and is_safe(calendar) and is_safe("/" + name)):
        return None
    return EventId(calendar, name, instance)
