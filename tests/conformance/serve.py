"""A provider's harness, and in front of it the service on a port of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.conformance.client import CONNECTION, OTHER_CONNECTION, Client, connect
from tests.conformance.subjects import Subject
from ucal.v1 import connection_pb2


@asynccontextmanager
async def served(subject: Subject) -> AsyncIterator[Client]:
    """A caller of the provider; server and double end with the block."""
    from tests.serving import serving

    async with subject.make() as harness:
        connections = []
        for own_id in (CONNECTION, OTHER_CONNECTION):
            connection = connection_pb2.Connection()
            connection.CopyFrom(harness.connection)
            connection.id = own_id
            connections.append(connection)
        settings = {harness.provider: harness.settings}
        async with serving(connections, settings) as channel:
            yield await connect(subject.id, harness, channel)
