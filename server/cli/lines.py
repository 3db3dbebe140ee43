"""Messages of a watch as lines for people, and lines as a terminal takes them."""

import shutil
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

from ucal.v1 import types_pb2, watch_pb2

# Columns that are left beside an indentation.
_LEAST = 20


def line_of(message: watch_pb2.WatchEventsResponse) -> Iterator[str]:
    """The lines that tell `message`; heartbeats tell nothing."""
    form = message.WhichOneof("message")
    if form == "opened":
        every = message.opened.poll_interval.seconds
        source = word(watch_pb2.WatchSource.Name(message.opened.source))
        yield f"watching: {source}, a look at the provider every {every} s"
    elif form == "changes":
        for change in message.changes.changes:
            yield _change(change)
    elif form == "synced":
        yield "synced: everything there is has been told"
    elif form == "reset":
        yield f"reset: {message.reset.cause.message}; the state follows anew"
    elif form == "degraded":
        yield f"degraded: {message.degraded.cause.message}; the watch goes on"
    elif form == "closing":
        yield "closing: this stream ends soon, resuming"


def word(name: str) -> str:
    """The last part of an enum value's name: "event" of RESOURCE_KIND_EVENT."""
    return name.rpartition("_")[2].lower()


def _change(change: watch_pb2.Change) -> str:
    kind = word(types_pb2.ResourceKind.Name(change.kind))
    type_ = word(watch_pb2.ChangeType.Name(change.type))
    name = change.id or f"digest {change.id_digest.hex()}"
    form = change.WhichOneof("resource")
    resource = getattr(change, form) if form else None
    return plain(f"{type_:<8} {kind:<9} {name}{_about(resource)}")


def _about(resource: Any) -> str:
    if resource is None:
        return ""
    title = getattr(resource, "subject", "") or getattr(resource, "name", "")
    start = getattr(resource, "start_at", None)
    return f"  {when(start)}  {title}".rstrip() if start is not None else f"  {title}".rstrip()


def fitted(line: str, indent: int) -> str:
    """`line` as it is, or on a terminal in as many as it takes, all but the first indented."""
    if not sys.stdout.isatty():
        return line
    width = shutil.get_terminal_size().columns
    further = " " * min(indent, max(width - _LEAST, 0))
    parts = textwrap.wrap(
        line, width, subsequent_indent=further, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(parts) or line


def plain(text: str) -> str:
    """`text` in one line, without what a terminal would obey: strangers wrote it."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "" for c in text)


def when(time: types_pb2.EventTime) -> str:
    """`time` in short: "2026-11-25 09:00 UTC (Europe/Berlin)", a date, or a wall time."""
    form = time.WhichOneof("value")
    if form == "timestamp":
        text = time.timestamp.ToDatetime().strftime("%Y-%m-%d %H:%M UTC")
        return f"{text} ({time.time_zone})" if time.time_zone not in {"", "UTC"} else text
    if form == "date":
        return f"{time.date.year:04}-{time.date.month:02}-{time.date.day:02}"
    if form == "floating":
        at = time.floating
        return f"{at.year:04}-{at.month:02}-{at.day:02} {at.hours:02}:{at.minutes:02}"
    return ""
