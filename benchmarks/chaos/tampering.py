"""R13: rows of the store are changed, cut, swapped, copied; nothing but the right one ever opens.

Each change is written to the database and read back by the service's own way to a call.
"""

import base64
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import update

from providers.core.errors import ProviderError
from server.connections.facade import Connections
from server.connections.store import Store
from server.connections.tables import CONNECTIONS, GRANTS
from server.settings import parse
from ucal.v1 import connection_pb2


@dataclass
class Outcome:
    """What became of the changes.

    Attributes:
        refused: by kind of change.
        opened: changes after which something opened: there must be none.
        well: the rows of before open again in the end.
    """

    refused: Counter[str] = field(default_factory=Counter)
    opened: list[str] = field(default_factory=list)
    well: bool = False


class _Tampering:
    """Changes rows of a store."""

    def __init__(self, found: Connections, outcome: Outcome) -> None:
        self._found = found
        self._outcome = outcome

    async def write(self, name: str, sealed: bytes) -> None:
        async with self._found.store.one() as database:
            await database.execute(
                update(GRANTS).where(GRANTS.c.name == name).values(sealed=sealed)
            )

    def forget(self, name: str) -> None:
        """What is in memory is no matter here."""
        self._found._resolver.forget(name)  # noqa: SLF001

    async def attempt(self, kind: str, name: str) -> None:
        """What a call of connection `name` comes to now."""
        self.forget(name)
        try:
            await self._found.resolve(name, {})
        except ProviderError as error:
            self._outcome.refused[kind] += error.reason == "CREDENTIALS_UNREADABLE"
            if error.reason != "CREDENTIALS_UNREADABLE":
                self._outcome.opened.append(f"{kind}: {error.reason}")
        else:
            self._outcome.opened.append(f"{kind}: opens")

    async def moved(self, name: str, column: str, value: str) -> None:
        async with self._found.store.one() as database:
            await database.execute(
                update(CONNECTIONS).where(CONNECTIONS.c.id == name).values({column: value})
            )


def key_file(folder: Path, name: str, material: bytes) -> str:
    """Path of a key file that holds `material`."""
    path = folder / name
    path.write_text(base64.b64encode(material).decode())
    path.chmod(0o600)
    return str(path)


@asynccontextmanager
async def replica(store: str, keyring: str, region: str = "us") -> AsyncIterator[Connections]:
    """A service's connections, without its servers."""
    found = Connections(parse({"store": store, "keyring": keyring, "region": region}))
    try:
        await found.open()
        yield found
    finally:
        await found.close()


def account(own_id: str, length: int = 60) -> connection_pb2.Connection:
    """A connection with an access token of so many signs."""
    made = connection_pb2.Connection(id=own_id, provider="google_calendar")
    made.oauth.access_token = f"access token of {own_id} ".ljust(length, "x")
    made.oauth.refresh_token = f"refresh token of {own_id}"
    made.oauth.client_id = "client"
    return made


def _flips(sealed: bytes) -> Iterator[bytes]:
    for bit in range(len(sealed) * 8):
        at, mask = bit // 8, 1 << bit % 8
        yield sealed[:at] + bytes([sealed[at] ^ mask]) + sealed[at + 1 :]


async def tampered(folder: Path, store: str, *, length: int = 60) -> Outcome:
    """Try every change, on a row whose access token has `length` signs.

    Raises:
        ProviderError: the store cannot be reached.
    """
    outcome = Outcome()
    ours = key_file(folder, "ours", b"o" * 32)
    async with replica(store, ours) as found:
        names = ("ann", "bob")
        for name in names:
            await found.directory.create(account(name, length), "")
        rows = await _rows(found.store, names)
        tampering = _Tampering(found, outcome)
        await _changed(tampering, rows)
        await _swapped(tampering, rows)
        await _elsewhere(tampering)
        await found.resolve("ann", {})
        await found.resolve("bob", {})
        outcome.well = True
    theirs = key_file(folder, "theirs", b"t" * 32)
    async with replica(store, theirs) as found:
        await _Tampering(found, outcome).attempt("another key", "ann")
    return outcome


async def _rows(store: Store, names: tuple[str, ...]) -> dict[str, bytes]:
    found = {}
    for name in names:
        row = await store.grant(name)
        if row is not None:
            found[name] = row.sealed
    return found


async def _changed(tampering: _Tampering, rows: dict[str, bytes]) -> None:
    sealed = rows["ann"]
    for changed in _flips(sealed):
        await tampering.write("ann", changed)
        await tampering.attempt("bit flipped", "ann")
    for length in range(len(sealed)):
        await tampering.write("ann", sealed[:length])
        await tampering.attempt("truncated", "ann")
    for longer in (sealed + b"\0", b"\0" + sealed, sealed * 2):
        await tampering.write("ann", longer)
        await tampering.attempt("extended", "ann")
    await tampering.write("ann", sealed)


async def _swapped(tampering: _Tampering, rows: dict[str, bytes]) -> None:
    """Rows of two tenants change places: whole, and their wrapped keys alone."""
    ann, bob = rows["ann"], rows["bob"]
    for name, sealed in (("ann", bob), ("bob", ann)):
        await tampering.write(name, sealed)
    for name in rows:
        await tampering.attempt("row swapped", name)
    head = 1 + 4 + 12 + 48
    await tampering.write("ann", bob[:head] + ann[head:])
    await tampering.write("bob", ann[:head] + bob[head:])
    for name in rows:
        await tampering.attempt("key swapped", name)
    for name, sealed in rows.items():
        await tampering.write(name, sealed)


async def _elsewhere(tampering: _Tampering) -> None:
    """The row itself is whole, what it is bound to has changed."""
    await tampering.moved("ann", "provider", "zoom")
    await tampering.attempt("provider changed", "ann")
    await tampering.moved("ann", "provider", "google_calendar")
    tampering.forget("ann")
    tampering.forget("bob")
