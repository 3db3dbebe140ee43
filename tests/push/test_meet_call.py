"""A call of Google Meet begins and ends in a watch, told by what Pub/Sub brings."""

import asyncio
from datetime import UTC, datetime
from typing import Any

from tests.conformance.kinds import RECORDING
from tests.conformance.native import reachable
from tests.conformance.subjects import subjects
from ucal.v1 import watch_pb2

(MEET,) = [subject for subject in subjects() if subject.provider == "google_meet"]
STARTED = "google.workspace.meet.conference.v2.started"
ENDED = "google.workspace.meet.conference.v2.ended"


async def first(stream: Any, id: str) -> watch_pb2.Change:
    """The next change of `id`; no other is told before."""
    while True:
        for change in (await anext(stream)).changes.changes:
            assert change.id == id
            return change


async def test_a_call_begins_and_ends() -> None:
    """The delivery is the only source; the call is read with the connection's own access."""
    async with reachable(MEET) as stage:
        client = stage.client
        harness: Any = client.harness
        workspace, meet = harness.google.workspace, harness.google.meet
        scope = watch_pb2.WatchScope(connection_id=client.connection_id, kinds=[RECORDING.kind])
        call: Any = client.watches.WatchEvents(watch_pb2.WatchEventsRequest(scope=scope))
        stream = aiter(call)
        assert (await anext(stream)).opened.source == watch_pb2.WATCH_SOURCE_NATIVE
        await anext(stream)  # the point from which it watches is known
        name = meet.hold(meet.space("abc-mnop-xyz"), datetime.now(UTC), running=True)
        async with asyncio.timeout(20):
            # A call of somebody else's: nothing that this connection can read.
            workspace.happened(STARTED, "conferenceRecords/of-somebody-else")
            workspace.happened(STARTED, name)
            change = await first(stream, name)
            assert change.type == watch_pb2.CHANGE_TYPE_STARTED
            assert not change.recording.HasField("end_at")
            meet.records[name]["endTime"] = meet.records[name]["startTime"]
            workspace.happened(ENDED, name)
            change = await first(stream, name)
            assert change.type == watch_pb2.CHANGE_TYPE_ENDED
            assert change.recording.HasField("end_at")
        call.cancel()
        assert set(await workspace.delivered()) == {200}
