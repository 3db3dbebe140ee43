"""A provider's harness, and in front of it the whole service on a port of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc

from server.service import running
from server.settings import Settings
from server.settings_model import Limits, StaticConnection
from tests.conformance.client import CONNECTION, OTHER_CONNECTION, Client, connect
from tests.conformance.subjects import Harness, Subject
from tests.serving import static
from ucal.v1 import connection_pb2


def same_account(harness: Harness) -> tuple[StaticConnection, ...]:
    """Two connections to the same account."""
    found = []
    for own_id in (CONNECTION, OTHER_CONNECTION):
        connection = connection_pb2.Connection()
        connection.CopyFrom(harness.connection)
        connection.id = own_id
        found.append(static(connection))
    return tuple(found)


@asynccontextmanager
async def served(subject: Subject) -> AsyncIterator[Client]:
    """A caller of the provider; server and double end with the block."""
    async with subject.make() as harness:
        settings = Settings(
            listen="127.0.0.1:0",
            http_listen="",
            store="memory:",
            log_level="warning",
            providers={harness.provider: harness.settings},
            connections=same_account(harness),
            limits=Limits(drain_delay=0, drain_grace=1),
        )
        async with (
            running(settings) as service,
            grpc.aio.insecure_channel(service.address) as channel,
        ):
            yield await connect(subject.id, harness, channel, service.hub)
