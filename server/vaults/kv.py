"""Secrets of a Vault's or OpenBao's KV engine, version 1 and 2.

A key is "mount/path/to/secret", or "mount/path/to/secret#field" for one field of it; which version
the mount has, and where its name ends, the vault tells.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from server.vaults.client import VaultClient
from server.vaults.unavailable import unavailable

_KEY = re.compile(r"((?:[A-Za-z0-9_.@:+=-]+/)+[A-Za-z0-9_.@:+=-]+)(?:#([A-Za-z0-9_.-]+))?")
_MAX_SECRET = 64 * 1024


def split_key(key: str) -> tuple[str, str] | None:
    """Path and field ("" for all) of a key; None when it is none.

    Segments that lead elsewhere, and signs that mean something in a URL, are not taken.
    """
    found = _KEY.fullmatch(key)
    if found is None or {".", ".."} & set(found[1].split("/")):
        return None
    return found[1], found[2] or ""


def is_below(path: str, allowed: str) -> bool:
    """Whether `path` is below `allowed`, segment by segment."""
    return bool(allowed) and path.startswith(f"{allowed.rstrip('/')}/")


class KvSecrets:
    """Reads secrets by their keys."""

    def __init__(self, vault: VaultClient) -> None:
        self._vault = vault

    async def read(self, key: str) -> str:
        """The secret's table in JSON, or one field of it as text.

        Raises:
            ProviderError: PRECONDITION, SECRET_UNAVAILABLE or SECRET_DENIED; UNAVAILABLE, see
                `VaultClient.ask`.
        """
        parts = split_key(key)
        if parts is None:
            raise unavailable("its key is no path of a vault")
        path, field = parts
        table = await self._vault.ask(lambda client: _table(client, path))
        if table is None:
            raise unavailable("the vault has none there")
        text = _text(table, field)
        if len(text) > _MAX_SECRET:
            raise unavailable("it is larger than 64 KiB")
        return text


def _table(client: Any, path: str) -> Mapping[str, object] | None:
    """What lies at `path`; None: nothing does, or its newest version was deleted."""
    told = client.adapter.get(f"/v1/sys/internal/ui/mounts/{path}")["data"]
    mount = str(told["path"]).rstrip("/")
    rest = path.removeprefix(f"{mount}/")
    if told["type"] != "kv" or not path.startswith(f"{mount}/"):
        return None
    if str((told.get("options") or {}).get("version", "1")) == "2":
        answer = client.secrets.kv.v2.read_secret_version(
            rest, mount_point=mount, raise_on_deleted_version=True
        )
        found: Mapping[str, object] | None = answer["data"]["data"]
        return found
    plain: Mapping[str, object] = client.secrets.kv.v1.read_secret(rest, mount_point=mount)["data"]
    return plain


def _text(table: Mapping[str, object], field: str) -> str:
    if not field:
        return msgspec.json.encode(table).decode()
    value = table.get(field)
    if value is None:
        raise unavailable("it has no such field")
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
