"""The file in which `ucal watch` keeps its place: a resume token, replaced in one step."""

import os
from pathlib import Path

import click

_MAX_BYTES = 64 * 1024


class LostPlaceError(Exception):
    """The place cannot be kept; the watch must not go on as if it could."""


class Place:
    """Reads and writes the file, or nothing where none is wanted."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._fresh = Path() if path is None else path.with_name(f"{path.name}.new")

    def read(self) -> bytes:
        """The token; empty when the watch begins here.

        Raises:
            click.BadParameter: it cannot be read or written, or holds no token. Beginning anew
                would leave out in silence what has changed since.
        """
        if self._path is None:
            return b""
        try:
            self._fresh.touch()
            self._fresh.unlink()
        except OSError as error:
            raise click.BadParameter(f"cannot write {self._path}: {error.strerror}") from None
        try:
            with self._path.open("rb") as file:
                token = file.read(_MAX_BYTES + 1)
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise click.BadParameter(f"cannot read {self._path}: {error.strerror}") from None
        if not 0 < len(token) <= _MAX_BYTES:
            raise click.BadParameter(
                f"{self._path} holds no resume token; remove it to begin anew, without what has "
                "changed since"
            )
        return token

    def keep(self, token: bytes) -> None:
        """Replace the file: neither a cut in the middle nor one of power must lose the place.

        Raises:
            LostPlaceError: it cannot be written.
        """
        if self._path is None:
            return
        try:
            with self._fresh.open("wb") as file:
                file.write(token)
                file.flush()
                os.fsync(file.fileno())
            self._fresh.replace(self._path)
        except OSError as error:
            raise LostPlaceError(f"cannot write {self._path}: {error.strerror}") from None
