"""A service with access switched on, over sandbox connections of several tenants, and its keys."""

import base64
import secrets
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import msgspec
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from server.access.key_format import new_key
from server.access.key_store import KeyStore
from server.cli.client import METHODS, invoke
from server.connections.store import Store
from server.service import running
from server.settings import Settings, parse
from server.settings_model import Grant
from tests.serving import QUICK


def grant(*allow: str, connections: Iterable[str] = ("*",), **more: Any) -> Grant:
    """A grant, as a settings file or a key would have it."""
    given = {"allow": list(allow), "connections": list(connections), **more}
    return msgspec.convert(given, type=Grant)


@dataclass(frozen=True)
class Place:
    """Settings of a service whose store and keys last as long as its folder."""

    settings: Settings

    async def key(
        self, *grants: Grant, name: str = "key", environment: str = "", expires_at: float = 0
    ) -> str:
        """A new key, in the store of the service."""
        made = new_key(environment or self.settings.environment)
        async with self.keys() as keys:
            await keys.add(
                made.id,
                made.hash,
                name=name,
                environment=environment or self.settings.environment,
                grants=grants,
                expires_at=expires_at,
            )
        return made.text

    @asynccontextmanager
    async def keys(self) -> AsyncIterator[KeyStore]:
        """The table of keys, as another process has it."""
        store = Store(self.settings.store)
        await store.open()
        try:
            yield KeyStore(store)
        finally:
            await store.close()


def place(folder: Path, **settings: Any) -> Place:
    """A service with access by API key, unless `settings` say otherwise."""
    keyring = folder / "keys"
    if not keyring.exists():
        keyring.write_text(base64.b64encode(secrets.token_bytes(32)).decode())
        keyring.chmod(0o600)
    given = {
        "listen": "127.0.0.1:0",
        "http_listen": "",
        "log_level": "error",
        "limits": QUICK,
        "store": f"sqlite:///{folder}/ucal.db",
        "keyring": str(keyring),
        "access": {"mode": ["api_key"]},
        **settings,
    }
    return Place(parse(given))


@dataclass(frozen=True)
class Door:
    """A channel to a running service."""

    channel: grpc.aio.Channel

    def call(self, rpc: str, request: Any, key: str = "", **metadata: str) -> Any:
        """`rpc` with the bearer `key`, and `metadata` by names with _ for -."""
        sent = [(name.replace("_", "-"), value) for name, value in metadata.items()]
        if key:
            sent.append(("authorization", f"Bearer {key}"))
        return invoke(self.channel, METHODS[rpc])(request, metadata=sent, timeout=20)

    async def refusal(self, rpc: str, request: Any, key: str = "", **metadata: str) -> "Refusal":
        """How the call fails; OK when it does not."""
        try:
            call = self.call(rpc, request, key, **metadata)
            if METHODS[rpc].server_streaming:
                await call.read()
                call.cancel()
            else:
                await call
        except grpc.aio.AioRpcError as error:
            return refusal_of(error)
        return Refusal("OK", "", "", b"")


@dataclass(frozen=True)
class Refusal:
    """How a call failed: code, reason, message, and the whole status, byte for byte."""

    code: str
    reason: str
    message: str
    status: bytes

    @property
    def short(self) -> tuple[str, str]:
        return self.code, self.reason


def refusal_of(error: grpc.aio.AioRpcError) -> Refusal:
    """What `error` says."""
    status = rpc_status.from_call(error)  # type: ignore[arg-type]  # has what it reads
    info = error_details_pb2.ErrorInfo()
    for detail in status.details if status else ():
        detail.Unpack(info)
    packed = status.SerializeToString(deterministic=True) if status else b""
    return Refusal(error.code().name, info.reason, error.details() or "", packed)


@asynccontextmanager
async def opened(where: Place) -> AsyncIterator[Door]:
    """The service of `where`, running."""
    async with (
        running(where.settings) as service,
        grpc.aio.insecure_channel(service.address) as channel,
    ):
        yield Door(channel)


def sandboxes(tenants: Mapping[str, Iterable[str]]) -> list[dict[str, Any]]:
    """Static sandbox connections, labelled by tenant."""
    return [
        {"id": each, "provider": "sandbox", "labels": {"tenant": tenant}}
        for tenant, ids in tenants.items()
        for each in ids
    ]
