"""The sandbox behind a real server: hints travel as metadata, errors as statuses."""

from collections.abc import AsyncIterator

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from tests.serving import serving
from ucal.v1 import connection_pb2, event_pb2, event_pb2_grpc, watch_pb2, watch_pb2_grpc

CODES = grpc.StatusCode


@pytest.fixture
async def channel() -> AsyncIterator[grpc.aio.Channel]:
    """A service whose only connection is `ci`."""
    async with serving([connection_pb2.Connection(id="ci", provider="sandbox")]) as found:
        yield getattr(found, "channel", found)


def _retry_after(error: grpc.aio.AioRpcError) -> float | None:
    status = rpc_status.from_call(error)
    for packed in status.details if status else ():
        retry = error_details_pb2.RetryInfo()
        if packed.Unpack(retry):
            return retry.retry_delay.ToTimedelta().total_seconds()
    return None


@pytest.mark.parametrize(
    ("hints", "code"),
    [
        ({"status": "401"}, CODES.UNAUTHENTICATED),
        ({"status": "403"}, CODES.PERMISSION_DENIED),
        ({"status": "429", "retry-after": "30"}, CODES.RESOURCE_EXHAUSTED),
        ({"status": "503"}, CODES.UNAVAILABLE),
        ({"status": "lost-answer"}, CODES.DEADLINE_EXCEEDED),
        ({"latency-ms": "9000"}, CODES.DEADLINE_EXCEEDED),
        ({"latency-ms": "-1"}, CODES.INVALID_ARGUMENT),
        ({"nonsense": "1"}, CODES.INVALID_ARGUMENT),
    ],
    ids=str,
)
async def test_hints_travel_as_metadata(
    channel: grpc.aio.Channel, hints: dict[str, str], code: grpc.StatusCode
) -> None:
    stub = event_pb2_grpc.EventServiceStub(channel)
    request = event_pb2.ListEventsRequest(connection_id="ci")
    metadata = [(f"ucal-sandbox-{name}", value) for name, value in hints.items()]
    # Only whoever hears nothing needs an end that is soon.
    timeout = 1.5 if code is CODES.DEADLINE_EXCEEDED else 10
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.ListEvents(request, metadata=metadata, timeout=timeout)
    assert caught.value.code() is code, caught.value.details()
    if "retry-after" in hints:
        assert _retry_after(caught.value) == 30
    assert (await stub.ListEvents(request, timeout=10)).events


async def test_a_watch_of_the_sandbox_opens(channel: grpc.aio.Channel) -> None:
    """With its state, so that the first thing anybody tries shows something."""
    stub = watch_pb2_grpc.WatchServiceStub(channel)
    request = watch_pb2.WatchEventsRequest(start=watch_pb2.WATCH_START_INITIAL_STATE)
    request.scope.connection_id = "ci"
    call = stub.WatchEvents(request)
    seen: set[str] = set()
    while True:
        message = await call.read()
        seen |= {change.id for change in message.changes.changes}
        if message.WhichOneof("message") == "synced":
            break
    call.cancel()
    assert {"standup", "moving-coffee", "launch"} <= seen
