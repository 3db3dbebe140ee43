"""`ucal audit`: the record of administrative acts, for whoever keeps watch over the operator."""

import asyncio
import re
import sys
from datetime import UTC, datetime, timedelta

import click

from providers.core.errors import ProviderError
from server.audit import export
from server.connections.store import Store
from server.migrations import NewerStoreError
from server.settings import SettingsError, load

_AGO = re.compile(r"([0-9]{1,6})([hd])")


class _Moment(click.ParamType[datetime]):
    """A point in time: RFC 3339, a date, or how long ago ("36h", "7d"); UTC unless it says."""

    name = "time"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Part of click.ParamType."""
        text = str(value)
        ago = _AGO.fullmatch(text)
        try:
            if ago is not None:
                hours = int(ago[1]) * (24 if ago[2] == "d" else 1)
                return datetime.now(UTC) - timedelta(hours=hours)
            found = datetime.fromisoformat(text)
        except (ValueError, OverflowError):
            self.fail(f"{text!r} is no time such as 2026-11-01, 2026-11-01T08:00:00Z or 7d")
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found


@click.group(epilog="Example: ucal audit export --since 7d")
def audit() -> None:
    """The record of administrative acts: who, which connection, when, how it ended."""


@audit.command(
    "export", epilog="Example: ucal audit export --since 2026-11-01 --format csv > audit.csv"
)
@click.option("--since", type=_Moment(), help="From here on, e.g. 2026-11-01 or 7d.")
@click.option("--until", type=_Moment(), help="Up to here, this moment not included.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "csv"]),
    default="jsonl",
    show_default=True,
    help="JSON objects by line, or comma-separated values with a heading.",
)
@click.option("--config", envvar="UCAL_CONFIG", default="", help="Settings file (TOML).")
@click.option("--store", "given", default="", help="Read this store; no settings are needed then.")
def export_(
    since: datetime | None, until: datetime | None, form: str, config: str, given: str
) -> None:
    """Write the record to standard output, oldest first. Reads the store; keys are not needed."""
    try:
        setting = given or load(config=config).store
        asyncio.run(_export(setting, since, until, form))
    except (SettingsError, NewerStoreError) as error:
        raise click.ClickException(str(error)) from None
    except ProviderError as error:
        raise click.ClickException(error.message) from None


async def _export(setting: str, since: datetime | None, until: datetime | None, form: str) -> None:
    store = Store(setting)
    line = export.jsonl if form == "jsonl" else export.comma_separated
    try:
        await store.open()
        if form == "csv":
            sys.stdout.write(f"{export.heading()}\n")
        async for row in export.rows(store, since, until):
            sys.stdout.write(f"{line(row)}\n")
    finally:
        await store.close()
