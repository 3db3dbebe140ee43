"""`ucal keys`: the key file under which everything is sealed. No key is shown but new ones."""

import base64
import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from server.cli.webhooks import PREFIX
from server.connections.keyring import KEY_BYTES, KeyRing, KeyRingError
from server.settings import DEFAULT_KEYRING, SettingsError, load


@click.group(epilog="Example: ucal keys rotate")
def keys() -> None:
    """Keys that seal credentials and tokens: make, list, rotate."""


def _with_ring(command: click.decorators.FC) -> click.decorators.FC:
    return click.option(
        "--file",
        "setting",
        default="",
        help="Key file; default: the setting keyring, as ucal serve reads it.",
    )(command)


def _setting(given: str) -> str:
    """The key ring's place: as given, else as the settings say.

    Raises:
        click.ClickException: the settings cannot be read.
    """
    if given:
        return given
    try:
        return load().keyring or DEFAULT_KEYRING
    except SettingsError as error:
        raise click.ClickException(str(error)) from None


def _fresh() -> str:
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


@keys.command(epilog="Example: ucal keys generate --file ucal.keys")
@click.option(
    "--file", "path", type=click.Path(path_type=Path), help="Make this key file, mode 0600."
)
@click.option("--webhook", is_flag=True, help="A secret of Standard Webhooks, for watch --post.")
def generate(path: Path | None, webhook: bool) -> None:
    """Print a new key, for a secret store of yours, or make a key file."""
    text = f"{PREFIX}{_fresh()}" if webhook else _fresh()
    if path is None:
        click.echo(text)
        return
    try:
        if webhook:
            _write_new(path, f"{text}\n")
        elif path.exists():
            raise click.ClickException(f"{path} is there already; ucal keys rotate adds a key")
        else:
            KeyRing.from_file(path, create=True)
    except (KeyRingError, OSError) as error:
        raise click.ClickException(_told(error)) from None
    click.echo(f"made {path}")


@keys.command("list", epilog="Example: ucal keys list --file ucal.keys")
@_with_ring
def list_(setting: str) -> None:
    """The ids of the keys, the sealing one first. Ids are derived from keys and are no secret."""
    try:
        ring = KeyRing.from_setting(_setting(setting))
    except KeyRingError as error:
        raise click.ClickException(str(error)) from None
    for place, own_id in enumerate(ring.ids):
        click.echo(f"{own_id.hex()}  {'opens' if place else 'seals and opens'}")


@keys.command(epilog="Example: ucal keys rotate --file ucal.keys")
@_with_ring
def rotate(setting: str) -> None:
    """Put a new key first in the key file, in one step; the old ones stay and go on opening.

    Servers read their keys when they start: restart all that use the file. With several, hand the
    new file to all of them before the first one is restarted, and expect that a token which a
    restarted one has sealed is refused by one that was not.
    """
    where = _setting(setting)
    if where.startswith("env:"):
        raise click.ClickException(
            f"the keys are in the variable {where.removeprefix('env:')}: put what "
            "ucal keys generate prints in front of them, with a comma, and restart the servers"
        )
    path = Path(where).expanduser()
    try:
        ring = _rotate(path.resolve())
    except (KeyRingError, OSError) as error:
        raise click.ClickException(_told(error)) from None
    click.echo(
        f"{ring.primary.id.hex()}  seals from now on, {len(ring.ids) - 1} older open: {path}"
    )
    click.echo("Running servers keep their old keys: restart every one that uses this file.")


def _rotate(path: Path) -> KeyRing:
    """Write the file anew with one more key in front; what it becomes is read before it counts.

    Raises:
        KeyRingError: it is no key file, or is full.
        OSError: it cannot be written.
    """
    KeyRing.from_file(path)
    with _locked(path) as (text, status):
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            _write_new(draft, _in_front(text), owner=(status.st_uid, status.st_gid))
            ring = KeyRing.from_file(draft)
            draft.replace(path)
            _sync_folder(path.parent)
        finally:
            draft.unlink(missing_ok=True)
        return ring


def _in_front(text: str) -> str:
    """`text` with a new key before the first line that is no comment."""
    lines = text.splitlines()
    first = next(n for n, line in enumerate(lines) if line.partition("#")[0].strip())
    return "\n".join([*lines[:first], _fresh(), *lines[first:]]) + "\n"


@contextmanager
def _locked(path: Path) -> Iterator[tuple[str, os.stat_result]]:
    """The file's text, while nobody else rotates it: of two, the second sees the first's key."""
    while True:
        with path.open(encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            status = os.fstat(file.fileno())
            if os.path.samestat(status, path.stat()):
                yield file.read(), status
                return


def _write_new(path: Path, text: str, owner: tuple[int, int] | None = None) -> None:
    """Write a file that was not there, for its owner alone, down to the disk.

    Raises:
        OSError: it is there, or cannot be written.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        made = os.fstat(descriptor)
        # An administrator rotates for the service's user: who could not read it any more else.
        if owner is not None and owner != (made.st_uid, made.st_gid):
            os.fchown(descriptor, *owner)
        file.write(text)
        file.flush()
        os.fsync(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _told(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}"
    return str(error)
