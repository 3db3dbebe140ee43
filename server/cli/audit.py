"""`ucal audit`: the record of administrative acts, for whoever keeps watch over the operator."""

import asyncio
import re
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import click

from providers.core.errors import ProviderError
from server.audit import export
from server.audit.prune import PruneError, outlook, prune
from server.connections.store import Store
from server.settings import SettingsError, load

T = TypeVar("T")
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


def _with_store(command: Callable[..., None]) -> Callable[..., None]:
    """Where the record is."""
    options = (
        click.option("--config", envvar="UCAL_CONFIG", default="", help="Settings file (TOML)."),
        click.option(
            "--store", "given", default="", help="Of this store; no settings are needed then."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


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
@_with_store
def export_(
    since: datetime | None, until: datetime | None, form: str, config: str, given: str
) -> None:
    """Write the record to standard output, oldest first. Reads the store; keys are not needed."""
    line = export.jsonl if form == "jsonl" else export.comma_separated

    async def write(store: Store) -> None:
        if form == "csv":
            sys.stdout.write(f"{export.heading()}\n")
        async for row in export.rows(store, since, until):
            sys.stdout.write(f"{line(row)}\n")

    _with_record(config, given, write)


@audit.command("prune", epilog="Example: ucal audit prune --before 400d")
@click.option(
    "--before",
    type=_Moment(),
    required=True,
    help="Acts from before this go, e.g. 2026-11-01 or 400d; at least a day ago.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@_with_store
def prune_(before: datetime, yes: bool, config: str, given: str) -> None:
    """Remove the oldest acts from the record, for good. Says what would go, and asks.

    That it was done is an act too, and stays. Export what you have to keep before.
    """
    found = _with_record(config, given, lambda store: outlook(store, before))
    if not found.count:
        click.echo("nothing is that old")
        return
    click.echo(f"{found.count} acts, from {found.first} to {found.last}", err=True)
    if not yes:
        click.confirm("Remove them for good?", abort=True, err=True)
    count = _with_record(config, given, lambda store: prune(store, before))
    click.echo(f"removed {count}")


def _with_record(config: str, given: str, work: Callable[[Store], Awaitable[T]]) -> T:
    """What `work` makes of the store that is named."""

    async def run(setting: str) -> T:
        store = Store(setting)
        try:
            await store.open()
            return await work(store)
        finally:
            await store.close()

    try:
        return asyncio.run(run(given or load(config=config).store))
    except (SettingsError, PruneError) as error:
        raise click.ClickException(str(error)) from None
    except ProviderError as error:
        raise click.ClickException(error.message) from None
