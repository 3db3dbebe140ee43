"""What `ucal doctor` finds about the store: whether it answers, its schema, its clock.

Nothing is made here: a file that the doctor's user made could not be opened by the service's.
"""

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from providers.core.errors import ProviderError
from server.cli.reach import SKEW_SECONDS, Finding
from server.connections.store import Store
from server.migrations.upgrade import HEAD, version
from server.settings import Settings, SettingsError

_SECONDS = 3.0
_FILE = "sqlite:///"
_MUTE = {"sqlite": "is it a database, and may this user read and write it?"}


def is_there(settings: Settings) -> bool:
    """Whether there is a store to look into: a file that is yet to be made is none."""
    path = _path(settings)
    return path is None or (path.exists() and path.stat().st_size > 0)


def _path(settings: Settings) -> Path | None:
    if not settings.store.startswith(_FILE):
        return None
    return Path(settings.store.removeprefix(_FILE)).expanduser()


async def store_check(settings: Settings) -> list[Finding]:
    """The store, as far as the service would come with it."""
    kind = settings.store.partition(":")[0]
    if kind == "memory":
        advice = "connections made by calls are forgotten when the service ends"
        return [Finding("note", "store: in memory", advice)]
    if not is_there(settings):
        return [_to_be_made(settings)]
    try:
        store = Store(settings.store)
    except SettingsError as error:
        return [Finding("fail", "store", str(error))]
    try:
        async with asyncio.timeout(_SECONDS), store.one() as database:
            schema = await database.run_sync(version)
            ahead = await _ahead(database)
    except (ProviderError, TimeoutError):
        return [
            Finding(
                "fail",
                f"store: {kind} does not answer",
                _MUTE.get(kind, "check the setting `store`, and the way there"),
            )
        ]
    finally:
        await store.close()
    return [Finding("ok", f"store: {kind} answers"), *_schema(schema), *_clock(ahead)]


def _to_be_made(settings: Settings) -> Finding:
    """A file that the first start makes, with its folders."""
    path = _path(settings)
    folder = path.parent if path is not None else Path()
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        advice = "let the service's user write there, or set `store`"
        return Finding("fail", f"store: no file can be made in {folder}", advice)
    return Finding("note", "store: none yet", "ucal serve makes it on its first start")


def _schema(found: str | None) -> Iterator[Finding]:
    if found == HEAD:
        return
    if found is None:
        yield Finding("note", "store: empty", "ucal serve makes its tables on its first start")
    elif found < HEAD:
        yield Finding(
            "note",
            f"store: its schema is {found}, this version's is {HEAD}",
            "ucal serve brings it there when it starts; back it up first, as an older ucal does "
            "not open it afterwards",
        )
    else:
        yield Finding(
            "fail",
            f"store: its schema is {found}, this version knows {HEAD}",
            "run the ucal that wrote it, or restore the backup from before",
        )


async def _ahead(database: AsyncConnection) -> float | None:
    """Seconds by which this clock is ahead of the database's; None: it has none of its own."""
    if database.dialect.name == "sqlite":
        return None
    asked = time.time()
    answer = await database.execute(text("SELECT extract(epoch FROM clock_timestamp())"))
    return (asked + time.time()) / 2 - float(answer.scalar_one())


def _clock(ahead: float | None) -> Iterator[Finding]:
    if ahead is None:
        return
    if abs(ahead) <= SKEW_SECONDS:
        yield Finding("ok", "store: clocks agree")
        return
    way = "ahead of" if ahead > 0 else "behind"
    yield Finding(
        "fail",
        f"store: this clock is {abs(ahead):.0f} s {way} the database's",
        "set both by NTP: what ends by the one would not have ended by the other",
    )
