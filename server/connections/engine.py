"""The database engine behind the setting `store`."""

import asyncio
import contextlib
import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sqlalchemy import event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from server.settings_model import SettingsError

_POOL = 5
# Of PostgreSQL. A server that froze, or that a network has lost, closes nothing: what runs beside
# the calls, as looking after the keys does, would wait for it for hours.
_CONNECT_SECONDS = 10.0
_STATEMENT_SECONDS = 60.0
_BUSY_MS = 5_000
_WAL_TRIES = 100
_WAL_PAUSE = 0.05
# synchronous=FULL: a rotated refresh token must survive a power cut, the old one is dead.
_PRAGMAS = (
    f"PRAGMA busy_timeout={_BUSY_MS}",
    "PRAGMA synchronous=FULL",
    "PRAGMA secure_delete=ON",
)


class StoreSettingError(SettingsError):
    """The setting `store` cannot be used; the text holds no password."""

    def __init__(self, problem: str) -> None:
        super().__init__("store", problem)


def make_engine(setting: str) -> AsyncEngine:
    """An engine for "memory:", "sqlite:///path" or "postgresql://...".

    Raises:
        StoreSettingError: the setting cannot be read, or its file not be made.
    """
    if setting == "memory:":
        return _sqlite(":memory:", pool_size=1)
    if setting.startswith("sqlite:///"):
        path = Path(setting.removeprefix("sqlite:///")).expanduser()
        _make_file(path)
        return _sqlite(str(path), pool_size=_POOL)
    if setting.startswith("postgresql://"):
        return _postgresql(setting)
    raise StoreSettingError("must be sqlite:///path, postgresql://... or memory:")


def _make_file(path: Path) -> None:
    """Make the database file first, so that nobody but its owner can read it.

    A file that is there is not touched: closing it would drop the locks that this process holds on
    it (POSIX), whoever holds them.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise StoreSettingError(f"cannot open {path}: {error.strerror}") from None


def _sqlite(path: str, *, pool_size: int) -> AsyncEngine:
    # One connection for memory: each would be a database of its own.
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=path),
        poolclass=AsyncAdaptedQueuePool,
        pool_size=pool_size,
        max_overflow=0,
    )

    @event.listens_for(engine.sync_engine, "connect")
    def _tune(connection: Any, record: object) -> None:
        del record
        cursor = connection.cursor()
        for pragma in _PRAGMAS:
            cursor.execute(pragma)
        cursor.close()

    return engine


async def prepare(engine: AsyncEngine) -> None:
    """Once for a database: SQLite's write-ahead log, so that readers do not wait for writers.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: the database cannot be reached.
    """
    if engine.dialect.name != "sqlite":
        return
    plain = engine.execution_options(isolation_level="AUTOCOMMIT")
    for attempt in range(_WAL_TRIES):
        try:
            async with plain.connect() as database:
                await database.exec_driver_sql("PRAGMA journal_mode=WAL")
            return
        except OperationalError:
            # Two that switch at once do not wait for one another, whatever busy_timeout says.
            if attempt == _WAL_TRIES - 1:
                raise
            await asyncio.sleep(_WAL_PAUSE)


def _postgresql(setting: str) -> AsyncEngine:
    """An engine whose connections asyncpg makes of the URL itself: it knows libpq's options
    (`sslmode`, `sslrootcert`, `application_name`, `target_session_attrs`), SQLAlchemy does not.
    """
    # Here, for a store in SQLite needs none of it.
    import asyncpg  # noqa: PLC0415

    try:
        url = make_url(setting).set(drivername="postgresql+asyncpg", query={})
        query = urlsplit(setting).query
        # As asyncpg will read them, which is sooner told here.
        parse_qsl(query, strict_parsing=bool(query))
    except (ArgumentError, ValueError):
        raise StoreSettingError("is no postgresql:// URL") from None

    async def connect() -> Any:
        try:
            return await asyncpg.connect(
                setting, timeout=_CONNECT_SECONDS, command_timeout=_STATEMENT_SECONDS
            )
        except asyncpg.exceptions.ClientConfigurationError:
            # Its text may quote the URL.
            raise StoreSettingError(
                "has an option that cannot be used: see sslmode and its files"
            ) from None

    return create_async_engine(
        url, async_creator=connect, pool_size=_POOL, max_overflow=_POOL, pool_pre_ping=True
    )
