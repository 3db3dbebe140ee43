"""Secrets in the operator's own store: `SecretReference`, and "env:NAME", "file:/path",
"vault:mount/path#field", "aws:name" in settings.

A connection made over the API may refer only to what the operator has set apart for that
(`[secrets]`): else whoever may create a connection could have any file of the machine, or the
service's own keys, sent to a server of theirs. The settings file itself may refer to anything.
"""

import asyncio
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

import msgspec
from google.protobuf import json_format

from providers.core.auth import Credentials
from providers.core.errors import Kind, ProviderError
from server.connections.records import SECRET_FIELDS, credentials_of
from server.settings_model import Secrets
from server.vaults.facade import Vaults
from server.vaults.unavailable import unavailable
from ucal.v1 import connection_pb2

STORES = ("env", "file", "vault", "aws")
_OWN = ("env", "file")
_MAX_SECRET = 64 * 1024
# Which kind of credentials a table is, by the field that only this kind has, first match.
_TELLING = (
    ("private_key", "service_account"),
    ("password", "basic"),
    ("api_key", "api_key"),
    ("access_token", "oauth"),
    ("refresh_token", "oauth"),
)


class SecretReader:
    """Reads secrets, for connections of the API and for the settings file."""

    def __init__(
        self, allowed: Secrets, vaults: Vaults, environment: Mapping[str, str] = os.environ
    ) -> None:
        self._prefix = allowed.env_prefix
        self._folder = Path(allowed.folder).resolve() if allowed.folder else None
        self._vaults = vaults
        self._environment = environment

    def check(self, reference: connection_pb2.SecretReference, field: str) -> None:
        """Refuse what a connection of the API may not refer to.

        Raises:
            ProviderError: INVALID, UNSUPPORTED for a store that this server has not.
        """
        store, key = reference.store, reference.key
        if store not in STORES:
            raise ProviderError.invalid(f"{field}.store", f"is none of {', '.join(STORES)}")
        if store not in _OWN and not self._vaults.serves(store):
            raise ProviderError(
                Kind.UNSUPPORTED,
                f"secret references to {store} are not served here: the operator has set none up",
                violations=[(f"{field}.store", "is not set up")],
            )
        if not key or len(key) > 1024 or "\0" in key:
            raise ProviderError.invalid(f"{field}.key", "must be 1 to 1024 signs")
        if store == "env" and not (self._prefix and key.startswith(self._prefix)):
            raise ProviderError.invalid(
                f"{field}.key", "is no variable that the operator has set apart for connections"
            )
        if store == "file":
            self._inside(key, field)
        if store not in _OWN and not self._vaults.allows(store, key):
            raise ProviderError.invalid(
                f"{field}.key", "is no secret that the operator has set apart for connections"
            )

    def _inside(self, key: str, field: str) -> Path:
        """The file `key` below the folder; links out of it are followed and refused."""
        if self._folder is not None:
            path = (self._folder / key).resolve()
            if path.is_relative_to(self._folder) and path != self._folder:
                return path
        raise ProviderError.invalid(
            f"{field}.key", "is not below the folder that the operator has set apart"
        )

    async def referred(self, reference: connection_pb2.SecretReference) -> str:
        """The secret of a connection of the API.

        Raises:
            ProviderError: PRECONDITION, SECRET_UNAVAILABLE, SECRET_DENIED; UNAVAILABLE, its vault
                cannot be asked, see `Vaults.read`; or as `check`.
        """
        field = "connection.secret_reference"
        self.check(reference, field)
        if reference.store == "env":
            return self._variable(reference.key)
        if reference.store not in _OWN:
            return await self._vaults.read(reference.store, reference.key)
        return await asyncio.to_thread(lambda: _file(self._inside(reference.key, field)))

    async def setting(self, text: str) -> str:
        """The value of `text` in the settings file: what it refers to, or itself.

        Raises:
            ProviderError: as `referred`.
        """
        store, colon, key = text.partition(":")
        if colon and store == "env":
            return self._variable(key)
        if colon and store == "file":
            return await asyncio.to_thread(_file, Path(key))
        if colon and store in STORES:
            return await self._vaults.read(store, key)
        return text

    def _variable(self, name: str) -> str:
        value = self._environment.get(name, "")
        if not value:
            raise unavailable("the variable is not set")
        return value


def _file(path: Path) -> str:
    try:
        with path.expanduser().open("r", encoding="utf-8") as file:
            text = file.read(_MAX_SECRET + 1)
    except (OSError, ValueError, RuntimeError):
        raise unavailable("the file cannot be read") from None
    if len(text) > _MAX_SECRET:
        raise unavailable("the file is larger than 64 KiB")
    return text.rstrip("\r\n")


def _malformed(why: str) -> ProviderError:
    return ProviderError(
        Kind.PRECONDITION,
        f"the secret that this connection refers to holds no credentials: {why}",
        reason="SECRET_MALFORMED",
    )


def parse_secret(text: str) -> Credentials:
    """Credentials in a secret: a table in JSON, or, if it is no JSON object, an API key.

    The table is that of `parse_table`, or has one of the keys "oauth", "basic", "api_key",
    "service_account" with a table as in the contract.

    Raises:
        ProviderError: PRECONDITION, SECRET_MALFORMED.
    """
    if not text.lstrip().startswith("{"):
        return connection_pb2.ApiKeyCredentials(api_key=text.strip())
    try:
        table = msgspec.json.decode(text, type=dict[str, object])
    except (msgspec.MsgspecError, UnicodeEncodeError):
        raise _malformed("it is not JSON") from None
    if len(table) == 1 and isinstance(next(iter(table.values())), dict):
        return _of_contract(table)
    return parse_table(table)


def parse_table(table: Mapping[str, object]) -> Credentials:
    """Credentials from a flat table: `username, password`, `api_key`, `refresh_token, ...`.

    Raises:
        ProviderError: PRECONDITION, SECRET_MALFORMED.
    """
    for name, kind in _TELLING:
        if name in table:
            return _of_contract({kind: table})
    raise _malformed("it names none of password, api_key, access_token, refresh_token, private_key")


def _of_contract(table: Mapping[str, object]) -> Credentials:
    if next(iter(table)) not in SECRET_FIELDS:
        raise _malformed("it has a key that the contract does not know")
    try:
        found = credentials_of(json_format.ParseDict(dict(table), connection_pb2.Connection()))
    except json_format.ParseError:
        # Its text quotes what it could not read.
        raise _malformed("it has a key or a value that the contract does not know") from None
    if found is None:
        raise _malformed("it is empty")
    return found


def seed_of(secret: str) -> str:
    """Tells whether what a refresh has brought grew out of `secret`; never written anywhere."""
    return hashlib.sha256(b"ucal seed\0" + secret.encode()).hexdigest()
