"""WatchService through a real server and channel: encoded messages, statuses, slow callers."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from server.app import GrpcServer, Service
from server.connections.keyring import KeyRing
from server.connections.sealer import Sealer
from server.services.watch import NAME, WatchService, add_watch_service
from server.watch.clock import LoopClock
from server.watch.hub import Hub
from server.watch.ports import WatchSettings
from server.watch.token import Tokens
from tests.watch.world import Client, ManualClock, ScriptedReader, Upstream, watch
from ucal.v1 import watch_pb2, watch_pb2_grpc

INITIAL = watch_pb2.WATCH_START_INITIAL_STATE


class Served:
    """The engine behind a port, on the loop's own clock."""

    def __init__(self, settings: WatchSettings) -> None:
        self.upstream = Upstream(ManualClock())
        clock = LoopClock()
        tokens = Tokens(Sealer(KeyRing.generate(), "watch"), clock, settings.token_lifetime)
        self.reader = ScriptedReader(self.upstream, poll=3600)
        self.hub = Hub(self.reader, tokens, clock, settings)
        self.server = GrpcServer([Service(NAME, add_watch_service, WatchService(self.hub))])
        self.port = 0

    def change(self, name: str, **fields: Any) -> None:
        self.upstream.put(name, **fields)
        self.hub.nudge("c1")


@pytest.fixture
async def served(request: pytest.FixtureRequest) -> AsyncIterator[Served]:
    settings = getattr(request, "param", None) or WatchSettings(default_poll=0, nudge_spacing=0)
    found = Served(settings)
    found.port = await found.server.start("127.0.0.1:0")
    yield found
    found.hub.drain(0)
    await found.server.drain(0, 2)


@pytest.fixture
async def channel(served: Served) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{served.port}") as found:
        yield found


def stub(channel: grpc.aio.Channel) -> Any:
    return watch_pb2_grpc.WatchServiceStub(channel)


def details(error: grpc.aio.AioRpcError, kind: type[Message]) -> Any:
    status = rpc_status.from_call(error)
    assert status is not None
    for packed in status.details:
        if packed.Is(kind.DESCRIPTOR):
            message = kind()
            packed.Unpack(message)
            return message
    raise AssertionError(f"no {kind.__name__}")


async def test_a_stream_from_initial_state_to_change(
    served: Served, channel: grpc.aio.Channel
) -> None:
    served.upstream.put("a")
    client = Client()
    call = stub(channel).WatchEvents(watch(start=INITIAL))
    for _ in range(3):
        client.take(await call.read())
    assert client.kinds == ["opened", "changes", "synced"]
    served.change("b")
    client.take(await call.read())
    assert client.state == served.upstream.state()
    call.cancel()
    while served.hub.sessions:
        await asyncio.sleep(0)
    assert served.hub.feeds == 0


async def test_polls_and_streams_share_tokens(served: Served, channel: grpc.aio.Channel) -> None:
    request = watch_pb2.PollEventsRequest()
    request.scope.connection_id = "c1"
    first = await stub(channel).PollEvents(request)
    served.upstream.put("a")
    call = stub(channel).WatchEvents(watch(resume_token=first.resume_token))
    assert (await call.read()).HasField("opened")
    assert (await call.read()).changes.changes[0].id == "a"
    call.cancel()


async def test_a_long_poll_without_a_deadline_ends_before_the_default_one(
    served: Served, channel: grpc.aio.Channel
) -> None:
    request = watch_pb2.PollEventsRequest()
    request.scope.connection_id = "c1"
    token = (await stub(channel).PollEvents(request)).resume_token
    request.resume_token = token
    request.wait.seconds = 60
    answer = await stub(channel).PollEvents(request, timeout=2.3)
    assert answer.resume_token
    assert not answer.changes


async def test_rotated_credentials_come_back_at_the_end(
    served: Served, channel: grpc.aio.Channel
) -> None:
    fresh = (("ucal-rotated-credentials-bin", b"\x01fresh"),)
    served.reader.rotated = fresh
    request = watch_pb2.PollEventsRequest()
    request.scope.connection_id = "c1"
    call = stub(channel).PollEvents(request)
    await call
    assert fresh[0] in [tuple(pair) for pair in await call.trailing_metadata()]


async def test_bad_tokens_have_a_field_path(served: Served, channel: grpc.aio.Channel) -> None:
    call = stub(channel).WatchEvents(watch(resume_token=b"rubbish"))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call.read()
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert details(caught.value, error_details_pb2.ErrorInfo).reason == "RESUME_TOKEN_INVALID"
    bad = details(caught.value, error_details_pb2.BadRequest)
    assert [v.field for v in bad.field_violations] == ["resume_token"]


async def test_an_expired_cursor_is_out_of_range(served: Served, channel: grpc.aio.Channel) -> None:
    call = stub(channel).WatchEvents(watch())
    await call.read()
    await call.read()
    served.upstream.expire()
    served.hub.nudge("c1")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call.read()
    assert caught.value.code() is grpc.StatusCode.OUT_OF_RANGE
    assert details(caught.value, error_details_pb2.ErrorInfo).reason == "RESUME_TOKEN_EXPIRED"


@pytest.mark.parametrize(
    "served", [WatchSettings(default_poll=0, nudge_spacing=0, closing_grace=0.05)], indirect=True
)
async def test_drain_says_closing_and_ends_unavailable(
    served: Served, channel: grpc.aio.Channel
) -> None:
    calls = [stub(channel).WatchEvents(watch()) for _ in range(20)]
    for call in calls:
        await call.read()
        await call.read()
    served.hub.drain(0.05)
    for call in calls:
        closing = await call.read()
        assert closing.HasField("closing")
        assert closing.resume_token
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call.read()
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        assert details(caught.value, error_details_pb2.ErrorInfo).reason == "STREAM_ROTATED"
        assert details(caught.value, error_details_pb2.RetryInfo).HasField("retry_delay")


@pytest.mark.parametrize(
    "served",
    [
        replace(
            WatchSettings(default_poll=0, nudge_spacing=0), write_timeout=0.3, max_queued_changes=8
        )
    ],
    indirect=True,
)
async def test_who_does_not_read_is_let_go_and_resumes(
    served: Served, channel: grpc.aio.Channel
) -> None:
    call = stub(channel).WatchEvents(watch(start=INITIAL))
    client = Client()
    for _ in range(2):
        client.take(await call.read())
    # More than the windows of HTTP/2 hold, so that the write really waits.
    for number in range(60):
        if not served.hub.sessions:
            break
        served.change(f"e{number}", description="x" * 900_000)
        for _ in range(20):
            await asyncio.sleep(0.001)
    while served.hub.sessions:
        await asyncio.sleep(0.01)
    with pytest.raises(grpc.aio.AioRpcError) as caught:  # noqa: PT012 - some messages come first
        while True:
            client.take(await call.read())
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert details(caught.value, error_details_pb2.ErrorInfo).reason == "SLOW_CONSUMER"
    assert client.state != served.upstream.state()
    again = stub(channel).WatchEvents(watch(resume_token=client.token))
    await again.read()
    while client.state != served.upstream.state():
        client.take(await again.read())
    again.cancel()
