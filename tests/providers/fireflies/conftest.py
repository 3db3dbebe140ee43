"""The double, and the whole service in front of it."""

from collections.abc import AsyncIterator

import grpc
import pytest

from providers.core.settings import ProviderSettings
from tests.providers.fireflies.double import KEY, Fireflies
from tests.serving import serving
from ucal.v1 import connection_pb2, event_pb2_grpc, recording_pb2_grpc


@pytest.fixture
async def fireflies() -> AsyncIterator[Fireflies]:
    async with Fireflies() as double:
        yield double


@pytest.fixture
async def channel(fireflies: Fireflies) -> AsyncIterator[grpc.aio.Channel]:
    good = connection_pb2.Connection(id="c", provider="fireflies")
    good.api_key.api_key = KEY
    bad = connection_pb2.Connection(id="bad", provider="fireflies")
    bad.api_key.api_key = "not-the-key"
    settings = {"fireflies": ProviderSettings(base_url=fireflies.url)}
    async with serving([good, bad], settings) as found:
        yield found


@pytest.fixture
def events(channel: grpc.aio.Channel) -> "event_pb2_grpc.EventServiceAsyncStub":
    stub: event_pb2_grpc.EventServiceAsyncStub = event_pb2_grpc.EventServiceStub(channel)
    return stub


@pytest.fixture
def recordings(channel: grpc.aio.Channel) -> "recording_pb2_grpc.RecordingServiceAsyncStub":
    stub: recording_pb2_grpc.RecordingServiceAsyncStub = recording_pb2_grpc.RecordingServiceStub(
        channel
    )
    return stub
