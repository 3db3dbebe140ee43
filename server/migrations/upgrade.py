"""Bringing a store to the newest schema at start, one process at a time."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from server.settings_model import SettingsError

HEAD = "0005"
# Any number will do, as long as no other program of the same database takes it.
_LOCK = 0x7563616C
_NO_RIGHT = "42501"  # insufficient_privilege, PostgreSQL, appendix A


class OlderStoreError(SettingsError):
    """The store has to be brought up to date, and not by this role of the database."""

    def __init__(self) -> None:
        super().__init__(
            "store",
            "is of an older version, and this role of the database may not change it: run a "
            "command that opens it as the owner of the tables first (ucal audit export)",
        )


class NewerStoreError(SettingsError):
    """The store was written by a newer version of the service."""

    def __init__(self) -> None:
        super().__init__("store", "was written by a newer version of ucal; run that version")


async def upgrade(engine: AsyncEngine) -> None:
    """Bring the schema behind `engine` to `HEAD`; returns at once when it is there.

    Raises:
        NewerStoreError: the schema is one that this version does not know.
        OlderStoreError: it is older, and the role may not change it.
        sqlalchemy.exc.SQLAlchemyError: the store cannot be reached or written.
    """
    plain = engine.execution_options(isolation_level="AUTOCOMMIT")
    async with plain.connect() as connection:
        if await connection.run_sync(version) != HEAD:
            await connection.run_sync(_upgrade)


def version(connection: Connection) -> str | None:
    """The revision that a store is of; None: it has no tables yet."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return str(found) if found is not None else None


def _upgrade(connection: Connection) -> None:
    """Alembic's upgrade in a transaction that holds the lock from its beginning."""
    # Imported here: a store that is up to date, the usual case, starts 0.1 s sooner without.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    _begin(connection)
    try:
        if version(connection) != HEAD:
            command.upgrade(config, "head")
    except CommandError:
        connection.exec_driver_sql("ROLLBACK")
        raise NewerStoreError from None
    except BaseException as error:
        connection.exec_driver_sql("ROLLBACK")
        if isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", "") == _NO_RIGHT:
            raise OlderStoreError from None
        raise
    connection.exec_driver_sql("COMMIT")


def _begin(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.exec_driver_sql("BEGIN")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
