"""`ucal api-keys`: keys that callers sign in with, in the store. `ucal keys` is the key ring."""

import asyncio
import re
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import click
import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from providers.core.errors import ProviderError
from server.access.key_format import new_key, parse
from server.access.key_store import KeyRow, KeyStore
from server.cli.connections import labels_of
from server.connections.store import Store
from server.settings import Settings, SettingsError, load
from server.settings_access import check_grant
from server.settings_model import Grant

T = TypeVar("T")
_SPAN = re.compile(r"([0-9]{1,6})([mhd])")
_SECONDS = {"m": 60, "h": 3600, "d": 86_400}
_ID = re.compile(r"[a-z0-9]{16}")
_WIDE = 200

with_config = click.option(
    "--config", envvar="UCAL_CONFIG", default="", help="Settings file (TOML)."
)


class _Span(click.ParamType[float]):
    """A span of time, "90d", "12h", "30m", in seconds."""

    name = "span"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Part of click.ParamType."""
        found = _SPAN.fullmatch(str(value))
        if found is None or not int(found[1]):
            self.fail(f"{value!r} is no span of time such as 90d, 12h or 30m")
        return float(int(found[1]) * _SECONDS[found[2]])


@click.group(
    "api-keys", epilog="Example: ucal api-keys create billing --allow read --connection '*'"
)
def api_keys() -> None:
    """Keys of callers, in the store that the settings name: make, list, revoke.

    They count where access.mode holds api_key. The service need not run, nor be restarted.
    """


@api_keys.command(
    epilog="Example: ucal api-keys create acme --allow write --label tenant=acme --expires 90d"
)
@click.argument("name")
@click.option(
    "--allow", multiple=True, help="read, write, admin, a service, an RPC, *; repeatable."
)
@click.option("--connection", "ids", multiple=True, help="Id, 'acme-*', '*', or '-'; repeatable.")
@click.option("--label", "labels", multiple=True, metavar="KEY=VALUE", help="Repeatable.")
@click.option("--provider", "providers", multiple=True, help="Repeatable.")
@click.option(
    "--secret",
    "secrets",
    multiple=True,
    metavar="STORE:KEY",
    help="What its connections may refer to, 'vault:secret/acme/*'; repeatable.",
)
@click.option("--busy-only", is_flag=True, help="Free/busy and nothing else.")
@click.option(
    "--grant", "more", multiple=True, metavar="JSON", help="One more grant, as in [[policies]]."
)
@click.option("--expires", type=_Span(), default=None, help="90d, 12h, 30m; default: never.")
@click.option("--json", "as_json", is_flag=True, help="Key and all that is known of it, as JSON.")
@with_config
def create(
    name: str,
    allow: tuple[str, ...],
    ids: tuple[str, ...],
    labels: tuple[str, ...],
    providers: tuple[str, ...],
    secrets: tuple[str, ...],
    busy_only: bool,
    more: tuple[str, ...],
    expires: float | None,
    as_json: bool,
    config: str,
) -> None:
    """Make a key called NAME and print it: this once, for the store keeps its hash alone.

    Without --allow and --grant it may do what [[policies]] say of api_key:NAME.
    """
    if not re.fullmatch(r"[^\s*]{1,128}", name):
        raise click.BadParameter("must be 1 to 128 signs, without spaces and *")
    settings = _settings(config)
    grants = [_grant(text) for text in more]
    if allow:
        mask = "busy_only" if busy_only else ""
        grants.append(
            Grant(
                allow=allow, connections=ids, labels=dict(labels_of(labels)),
                providers=providers, secrets=secrets, mask=mask,
            )
        )  # fmt: skip
    elif ids or labels or providers or secrets or busy_only:
        raise click.UsageError("say what it may do there: --allow read")
    for each in grants:
        _check(each)
    made = new_key(settings.environment)
    until = time.time() + expires if expires else 0.0

    async def add(keys: KeyStore) -> KeyRow | None:
        await keys.add(
            made.id, made.hash, name=name, environment=settings.environment, grants=grants,
            expires_at=until,
        )  # fmt: skip
        return await keys.get(made.id)

    row = _with_keys(settings, add)
    if as_json and row is not None:
        click.echo(msgspec.json.format(msgspec.json.encode({"key": made.text} | _told(row))))
        return
    click.echo(made.text)
    click.echo(f"Key {made.id} ({name}). It is not shown again.", err=True)


@api_keys.command("list", epilog="Example: ucal api-keys list --json")
@click.option("--table/--json", "as_table", default=None, help="Default: a table on a terminal.")
@with_config
def list_(as_table: bool | None, config: str) -> None:
    """All keys of the store: whose they are, what they may do, when they were last used."""
    rows = _with_keys(_settings(config), lambda keys: keys.all())
    if as_table is None:
        as_table = sys.stdout.isatty()
    if as_table:
        _table(rows)
    else:
        click.echo(msgspec.json.format(msgspec.json.encode([_told(row) for row in rows])))


@api_keys.command(epilog="Example: ucal api-keys revoke 0123456789abcdef")
@click.argument("key_id")
@with_config
def revoke(key_id: str, config: str) -> None:
    """Take the key KEY_ID back, for good. Servers know within five seconds."""
    whole = parse(key_id)
    own_id = whole.id if whole is not None else key_id
    if not _ID.fullmatch(own_id):
        raise click.BadParameter("must be the id of a key: ucal api-keys list")
    if not _with_keys(_settings(config), lambda keys: keys.revoke(own_id)):
        raise click.ClickException(f"there is no key {own_id}, or it was revoked before")
    click.echo(f"revoked {own_id}")


def _settings(config: str) -> Settings:
    try:
        settings = load(config=config)
    except SettingsError as error:
        raise click.ClickException(str(error)) from None
    if settings.store == "memory:":
        raise click.ClickException("store: memory: keeps no keys; set one that lasts")
    return settings


def _grant(text: str) -> Grant:
    try:
        return msgspec.json.decode(text, type=Grant)
    except msgspec.MsgspecError as error:
        raise click.BadParameter(f"--grant: {error}") from None


def _check(grant: Grant) -> None:
    try:
        check_grant(grant, "grant")
    except SettingsError as error:
        raise click.BadParameter(str(error)) from None


def _with_keys(settings: Settings, work: Callable[[KeyStore], Awaitable[T]]) -> T:
    """What `work` makes of the keys in the store."""

    async def run() -> T:
        store = Store(settings.store)
        try:
            await store.open()
            return await work(KeyStore(store))
        finally:
            await store.close()

    try:
        return asyncio.run(run())
    except SettingsError as error:
        raise click.ClickException(str(error)) from None
    except ProviderError as error:
        raise click.ClickException(error.message) from None


def _told(row: KeyRow) -> dict[str, Any]:
    """What may be shown of a key; never its hash."""
    return {
        "id": row.id,
        "name": row.name,
        "environment": row.environment,
        "state": row.state(time.time()),
        "grants": row.grants,
        "created_at": _when(row.created_at),
        "expires_at": _when(row.expires_at),
        "last_used_at": _when(row.last_used_at),
        "revoked_at": _when(row.revoked_at),
    }


def _when(seconds: float) -> str | None:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if seconds else None


def _table(rows: Sequence[KeyRow]) -> None:
    if not rows:
        click.echo("no keys")
        return
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    names = ("id", "name", "environment", "state", "may", "expires_at", "last_used_at")
    for name in names:
        table.add_column(name, overflow="fold")
    for row in rows:
        told = _told(row) | {"may": "; ".join(map(_short, row.grants))}
        table.add_row(*(Text(str(told[name] or "")) for name in names))
    width = None if sys.stdout.isatty() else _WIDE
    Console(file=sys.stdout, width=width, highlight=False, force_terminal=False).print(table)


def _short(grant: Grant) -> str:
    """A grant in one line."""
    where = [*grant.connections, *grant.providers]
    where += [f"{key}={value}" for key, value in grant.labels.items()]
    mask = f" ({grant.mask})" if grant.mask else ""
    return f"{','.join(grant.allow)} on {','.join(where)}{mask}"
