"""Lists as tables for people. What strangers wrote is shown, never obeyed: no escape codes."""

import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import click
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from server.cli.client import to_json
from server.cli.lines import plain, when

# The first ones that any row fills are shown, in this order; then whatever else is short.
_FIRST = (
    "start_at", "subject", "name", "end_at", "display_name", "email", "status", "state", "type",
    "kind", "provider", "text", "url", "join_url", "is_primary", "access_role", "id",
)  # fmt: skip
_LAST = ("created_at", "updated_at")
# The same in every row, or not for eyes.
_NEVER = frozenset({"connection_id", "etag", "raw", "uid", "region"})
_COLUMNS = 7
_LONGEST = 60
_WIDE = 400
_LEAST_ID = 36
_LEAST = 20
_BETWEEN = 3


def rows_field(answer: Any) -> FieldDescriptor | None:
    """The field of `answer`, a Descriptor, that holds its rows; None: it is no list's answer."""
    if not answer.name.startswith("List"):
        return None
    rows = (each for each in answer.fields if each.is_repeated and each.message_type)
    return next(rows, None)


def printer(
    as_table: bool | None, *, is_list: bool, compact: bool = False
) -> Callable[[Message], None]:
    """What prints an answer: a table when asked for, or for a list on a terminal; else JSON.

    Raises:
        click.UsageError: a table is asked for of what is no list.
    """
    if as_table and not is_list:
        raise click.UsageError("only lists have tables; leave out --table")
    wished = as_table if as_table is not None else is_list and sys.stdout.isatty() and not compact
    if wished:
        return show_table
    indent = None if compact else 2
    return lambda answer: click.echo(to_json(answer, indent=indent))


def show_table(answer: Message) -> None:
    """Print `answer`, of a list, as a table as wide as the terminal, or as need be when piped."""
    field = rows_field(answer.DESCRIPTOR)
    if field is None or field.message_type is None:
        return
    rows = list(getattr(answer, field.name))
    if rows:
        _print(field.message_type, rows)
    else:
        click.echo(f"no {field.name}")
    further = getattr(answer, "next_page_token", "")
    if further:
        click.echo(f"there is more: the same again with page_token={further}", err=True)
    for lost in getattr(answer, "unreachable", ()):
        click.echo(f"not reached: {plain(str(lost)).strip()}", err=True)


def _print(kind: Descriptor, rows: Sequence[Any]) -> None:
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else _WIDE
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    columns = list(_columns(kind, rows))
    widths = _widths(columns, rows, width)
    for name, room in widths.items():
        # Ids are copied into the next command: they are folded, not cut.
        if name == "id":
            table.add_column(name, overflow="fold", width=room)
        else:
            table.add_column(name, overflow="ellipsis", no_wrap=True, width=room)
    shown = [field for field in columns if field.name in widths]
    for row in rows:
        table.add_row(*(Text(_cell(row, field)) for field in shown))
    # Not as a terminal: rich takes dumb ones for 80 wide, whatever they are.
    Console(file=sys.stdout, width=width, highlight=False, force_terminal=False).print(table)


def _widths(columns: list[FieldDescriptor], rows: Sequence[Any], width: int) -> dict[str, int]:
    """How wide each column is. Without room for all, those at the end go; the id stays."""
    wished = {
        field.name: max(len(field.name), *(cell_len(_cell(row, field)) for row in rows))
        for field in columns
    }
    least = {
        name: min(room, _LEAST_ID if name == "id" else _LEAST) for name, room in wished.items()
    }
    while len(least) > 2 and sum(least.values()) + _BETWEEN * len(least) > width:
        del least[next(name for name in reversed(least) if name != "id")]
    left = width - sum(least.values()) - _BETWEEN * len(least)
    for name in sorted(least, key=lambda each: each != "id"):
        more = max(0, min(left, wished[name] - least[name]))
        least[name] += more
        left -= more
    return least


def _columns(kind: Descriptor, rows: Sequence[Any]) -> Iterator[FieldDescriptor]:
    """The fields that are worth a column."""
    order = {name: place for place, name in enumerate(_FIRST)}
    known = [each for each in kind.fields if each.name in order]
    known.sort(key=lambda each: order[each.name])
    hidden = {*order, *_NEVER, *_LAST}
    other = [each for each in kind.fields if each.name not in hidden]
    last = [each for each in kind.fields if each.name in _LAST]
    filled = [each for each in (*known, *other, *last) if any(_cell(row, each) for row in rows)]
    cut = [each for each in filled[_COLUMNS:] if each.name == "id"]
    yield from (*filled[: _COLUMNS - len(cut)], *cut)


def _cell(row: Any, field: FieldDescriptor) -> str:
    if field.is_repeated:
        return ""
    value = getattr(row, field.name)
    kind = field.message_type
    if kind is not None:
        return _message(value, kind) if row.HasField(field.name) else ""
    if field.enum_type is not None:
        name: str = field.enum_type.values_by_number[value].name if value else ""
        prefix = field.enum_type.values[0].name.removesuffix("UNSPECIFIED")
        return name.removeprefix(prefix).lower()
    if field.type == FieldDescriptor.TYPE_BOOL:
        return "yes" if value else ""
    if field.type == FieldDescriptor.TYPE_BYTES:
        return ""
    return _short(str(value), field.name) if value else ""


def _message(value: Any, kind: Descriptor) -> str:
    if kind.name == "EventTime":
        return when(value).partition(" (")[0]  # the zone has no room here
    if kind.full_name == "google.protobuf.Timestamp":
        return str(value.ToDatetime().strftime("%Y-%m-%d %H:%M UTC"))
    if kind.full_name == "google.protobuf.Duration":
        return f"{value.ToTimedelta().total_seconds():g} s"
    return ""


def _short(text: str, name: str) -> str:
    text = plain(text)
    return text if len(text) <= _LONGEST or name == "id" else f"{text[: _LONGEST - 1]}…"
