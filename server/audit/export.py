"""The record as lines, in the order it was written, a page at a time: it may be long."""

import csv
import io
import json
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from server.connections.store import Store
from server.connections.tables import AUDIT

_PAGE = 1000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
COLUMNS = tuple(column.name for column in AUDIT.columns)

Line = Callable[[Mapping[str, Any]], str]


async def rows(
    store: Store, since: datetime | None, until: datetime | None
) -> AsyncIterator[Mapping[str, Any]]:
    """Every entry from `since` (inclusive) to `until` (exclusive); None: no bound.

    `at` is RFC 3339, UTC, by the database's clock.

    Raises:
        ProviderError: UNAVAILABLE, the store cannot be reached.
    """
    query = select(AUDIT).order_by(AUDIT.c.id).limit(_PAGE)
    if since is not None:
        query = query.where(AUDIT.c.at >= micros(since))
    if until is not None:
        query = query.where(AUDIT.c.at < micros(until))
    last = 0
    while True:
        async with store.one() as database:
            found = await database.execute(query.where(AUDIT.c.id > last))
            page = found.mappings().all()
        for row in page:
            yield dict(row) | {"at": stamp(row["at"])}
        if len(page) < _PAGE:
            return
        last = page[-1]["id"]


def micros(when: datetime) -> int:
    """`when` as the record has it."""
    return (when - _EPOCH) // timedelta(microseconds=1)


def stamp(at: int) -> str:
    """`at` of the record as people read it: RFC 3339, UTC."""
    when = _EPOCH + timedelta(microseconds=at)
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def jsonl(row: Mapping[str, Any]) -> str:
    """One JSON object."""
    return json.dumps(row)


def comma_separated(row: Mapping[str, Any]) -> str:
    """One row of RFC 4180, without the line's end."""
    return _csv([row[name] for name in COLUMNS])


def heading() -> str:
    """The first row of `comma_separated` ones."""
    return _csv(COLUMNS)


def _csv(values: Any) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(values)
    return text.getvalue()
