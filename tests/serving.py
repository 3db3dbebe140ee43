"""The whole service in the test process, with connections as in a settings file."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import grpc

from providers.core.settings import ProviderSettings
from server.service import running
from server.settings import Settings, StaticConnection
from server.settings_model import Limits
from ucal.v1 import connection_pb2

# No balancer has to be told, and tests begin and end many services.
QUICK = {"drain_delay": 0.0, "drain_grace": 1.0}
_CREDENTIALS = ("oauth", "basic", "api_key", "service_account")


def static(connection: connection_pb2.Connection) -> StaticConnection:
    """`connection`, as the settings file writes it."""
    form = connection.WhichOneof("credentials")
    credentials: Any = {}
    if form in _CREDENTIALS:
        for field, value in getattr(connection, form).ListFields():
            plain = list(value) if field.is_repeated else value
            credentials[field.name] = plain if isinstance(plain, str | list) else _text(plain)
    return StaticConnection(
        id=connection.id,
        provider=connection.provider,
        base_url=connection.base_url,
        credentials=credentials,
        labels=dict(connection.labels),
    )


def _text(value: Any) -> str:
    return str(value.ToJsonString())


@asynccontextmanager
async def serving(
    connections: Sequence[connection_pb2.Connection],
    settings: Mapping[str, ProviderSettings] | None = None,
    **more: Any,
) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to a service with `connections`, and with `more` settings."""
    given: dict[str, Any] = {
        "listen": "127.0.0.1:0",
        "http_listen": "",
        "store": "memory:",
        "log_level": "warning",
        "providers": dict(settings or {}),
        "connections": tuple(static(each) for each in connections),
        "limits": Limits(**QUICK),
    }
    asked = Settings(**(given | more))
    async with (
        running(asked) as service,
        grpc.aio.insecure_channel(service.address) as channel,
    ):
        yield channel
