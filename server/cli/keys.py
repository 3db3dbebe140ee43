"""`ucal keys`: the keys under which everything is sealed. No key is shown but new ones."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import click

from providers.core.errors import ProviderError
from server.cli.key_file import add_key, new_key, write_new
from server.cli.ring import Ring, View, ring_of
from server.cli.webhooks import PREFIX
from server.connections.keyring import KeyRing, KeyRingError
from server.settings import DEFAULT_KEYRING, Settings, SettingsError, load

T = TypeVar("T")
_POLL_SECONDS = 0.5
# Longer than a replica takes to see a key, or to write what it has sealed.
_SETTLE_SECONDS = 3.0


@click.group(epilog="Example: ucal keys rotate --wait")
def keys() -> None:
    """Keys that seal credentials and tokens: make, list, rotate, retire."""


_FILE = click.option(
    "--file",
    "path",
    default="",
    help="Key file; default: the setting keyring, as ucal serve reads it.",
)


def _loaded() -> Settings:
    try:
        return load()
    except SettingsError as error:
        raise click.ClickException(str(error)) from None


def _run(work: Callable[[Ring], Coroutine[Any, Any, T]]) -> T:
    """`work` with the ring of the settings; what goes wrong is one line."""

    async def run() -> T:
        async with ring_of(_loaded()) as ring:
            return await work(ring)

    try:
        return asyncio.run(run())
    except (SettingsError, ProviderError, OSError) as error:
        raise click.ClickException(_told(error)) from None


@keys.command(epilog="Example: ucal keys generate --file ucal.keys")
@click.option(
    "--file", "path", type=click.Path(path_type=Path), help="Make this key file, mode 0600."
)
@click.option("--webhook", is_flag=True, help="A secret of Standard Webhooks, for watch --post.")
def generate(path: Path | None, webhook: bool) -> None:
    """Print a new key, for a secret store of yours, or make a key file."""
    text = f"{PREFIX}{new_key()}" if webhook else new_key()
    if path is None:
        click.echo(text)
        return
    try:
        if webhook:
            write_new(path, f"{text}\n")
        elif path.exists():
            raise click.ClickException(f"{path} is there already; ucal keys rotate adds a key")
        else:
            KeyRing.from_file(path, create=True)
    except (KeyRingError, OSError) as error:
        raise click.ClickException(_told(error)) from None
    click.echo(f"made {path}")


@keys.command("list", epilog="Example: ucal keys list --file ucal.keys")
@_FILE
def list_(path: str) -> None:
    """The ids of the keys, the newest first. Ids are derived from keys and are no secret."""
    place = path or _loaded().keyring or DEFAULT_KEYRING
    if place.startswith("vault:"):
        ids = tuple(_run(Ring.view).keys)
    else:
        try:
            ids = KeyRing.from_setting(place).ids
        except KeyRingError as error:
            raise click.ClickException(str(error)) from None
    for number, own_id in enumerate(ids):
        click.echo(f"{own_id.hex()}  {'opens' if number else 'seals and opens'}")


@keys.command(epilog="Example: ucal keys rotate --wait")
@_FILE
@click.option("--wait", is_flag=True, help="Until every record is wrapped by the new key.")
@click.option("--timeout", default=600.0, show_default=True, help="Seconds to wait at most.")
def rotate(path: str, wait: bool, timeout: float) -> None:
    """Put a new key in front, in one step; the old ones stay and go on opening.

    Servers that run see it within seconds, without a restart and without a failed call: it seals
    as soon as all replicas have it, and then every stored record is wrapped anew. With key files on
    several machines, hand the new file to all of them.
    """
    if path:
        if wait:
            raise click.UsageError("--wait goes with the key ring of the settings, not with --file")
        _rotate_file(Path(path).expanduser())
        return
    made = _run(Ring.rotate)
    click.echo(f"{made.hex()}  is the new key: it seals once all replicas have it")
    if wait:
        _run(lambda ring: _finished(ring, timeout))
    else:
        click.echo("ucal keys status shows how far it is.")


def _rotate_file(path: Path) -> None:
    try:
        ring = add_key(path.resolve())
    except (KeyRingError, OSError) as error:
        raise click.ClickException(_told(error)) from None
    click.echo(f"{ring.ids[0].hex()}  is the new key, {len(ring.ids) - 1} older open: {path}")
    click.echo("Servers that read this file see it within seconds.")


async def _finished(ring: Ring, timeout: float) -> None:
    """Tell how far it is until it is done.

    Raises:
        click.ClickException: it is not in time.
    """
    deadline, said = time.monotonic() + timeout, ""
    while True:
        view = await ring.view()
        if not view.seen and view.stale:
            await ring.rewrap()
            continue
        now = f"{view.agreed} of {len(view.seen)} replicas seal with it; records left: {view.stale}"
        if now != said:
            click.echo(now)
        said = now
        if view.agreed == len(view.seen) and not view.stale:
            return
        if time.monotonic() > deadline:
            raise click.ClickException("it is not done in time: ucal keys status shows how far")
        await asyncio.sleep(_POLL_SECONDS)


@keys.command(epilog="Example: ucal keys status")
def status() -> None:
    """Keys, how many records each of them wraps, and how many of the running servers have it."""
    view = _run(Ring.view)
    for key in view.keys:
        role = "seals" if view.seals(key) else "opens"
        records = view.records.get(key, 0)
        replicas = f"{view.having(key)} of {len(view.seen)} replicas"
        click.echo(f"{key.hex()}  {role}  {records:>7} records  {replicas}")
    for key, number in view.records.items():
        if key not in view.keys:
            click.echo(f"{key.hex()}  gone   {number:>7} records that do not open")


@keys.command(epilog="Example: ucal keys rewrap")
def rewrap() -> None:
    """Wrap every record by the newest key from here; running servers do it by themselves."""
    click.echo(f"{_run(Ring.rewrap)} records wrapped anew")


@keys.command(epilog="Example: ucal keys retire")
@click.argument("key_ids", nargs=-1, metavar="[ID]...")
@click.option("--force", is_flag=True, help="Even if records are lost, or a server seals with it.")
def retire(key_ids: tuple[str, ...], force: bool) -> None:
    """Take old keys out, for ever: those named, else all but the newest.

    Refused while a record is wrapped by one of them, or a running server seals with it. Page and
    resume tokens that it sealed end: clients of watches begin anew.
    """
    gone = _run(lambda ring: _retired(ring, key_ids, force=force))
    click.echo(f"retired: {', '.join(key.hex() for key in gone)}" if gone else "no key is old")


async def _retired(ring: Ring, key_ids: tuple[str, ...], *, force: bool) -> list[bytes]:
    view = await ring.view()
    gone = [key for key in view.keys[1:] if not key_ids or key.hex() in key_ids]
    unknown = set(key_ids) - {key.hex() for key in gone}
    if unknown:
        raise click.ClickException(f"no old key of the ring: {', '.join(sorted(unknown))}")
    if gone and not force:
        _refuse(view, gone)
        # What was sealed before the servers agreed may still be on its way to the store.
        await asyncio.sleep(_SETTLE_SECONDS)
        _refuse(await ring.view(), gone)
    if gone:
        await ring.retire(gone)
    return gone


def _refuse(view: View, gone: list[bytes]) -> None:
    for key in gone:
        if view.records.get(key, 0):
            raise click.ClickException(
                f"{key.hex()} wraps {view.records[key]} records yet: a running server wraps them "
                "anew, or ucal keys rewrap"
            )
        if view.seals(key):
            raise click.ClickException(f"{key.hex()}: a running server seals with it yet")


def _told(error: Exception) -> str:
    if isinstance(error, ProviderError):
        return error.message
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}"
    return str(error)
