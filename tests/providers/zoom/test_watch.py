"""A watch of recordings through the whole service."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf.duration_pb2 import Duration

from tests.conformance.client import Client
from tests.conformance.serve import served
from tests.conformance.subjects import subjects
from tests.providers.zoom.harness import TRANSCRIPT, Harness
from ucal.v1 import recording_pb2, types_pb2, watch_pb2

PATIENCE = 15.0


class Watch:
    """A stream of changes; each look is asked for, as a webhook would."""

    def __init__(self, client: Client) -> None:
        scope = watch_pb2.WatchScope(
            connection_id=client.connection_id, kinds=[types_pb2.RESOURCE_KIND_RECORDING]
        )
        request = watch_pb2.WatchEventsRequest(
            scope=scope,
            start=watch_pb2.WATCH_START_INITIAL_STATE,
            poll_interval=Duration(seconds=1),
        )
        self.client = client
        self.call: Any = client.watches.WatchEvents(request)

    async def synced(self) -> None:
        async with asyncio.timeout(PATIENCE):
            while (await self.call.read()).WhichOneof("message") != "synced":
                pass

    async def change(self) -> watch_pb2.Change:
        self.client.hub.nudge(self.client.connection_id)
        async with asyncio.timeout(PATIENCE):
            while True:
                message = await self.call.read()
                if message.WhichOneof("message") == "changes":
                    (change,) = message.changes.changes
                    assert isinstance(change, watch_pb2.Change)
                    return change


async def test_a_recording_grows_in_one_watch() -> None:
    """P82; issue 5, point 3: in the making, with media, with transcript."""
    (subject,) = [each for each in subjects() if each.provider == "zoom"]
    async with served(subject) as client:
        harness = client.harness
        assert isinstance(harness, Harness)
        world = harness.zoom.world
        watch = Watch(client)
        await watch.synced()
        made = world.record(85_000_000_001, datetime.now(UTC) - timedelta(hours=1), done=False)
        first = await watch.change()
        assert (first.type, first.id) == (watch_pb2.CHANGE_TYPE_CREATED, made["uuid"])
        assert first.recording.state == recording_pb2.MEDIA_STATE_PROCESSING
        world.finish(made["recording_files"][0], "MP4")
        second = await watch.change()
        assert (second.type, second.id) == (watch_pb2.CHANGE_TYPE_UPDATED, made["uuid"])
        assert second.recording.state == recording_pb2.MEDIA_STATE_READY
        assert second.recording.media[0].url
        assert not second.recording.has_transcript
        world.add_file(made["uuid"], "TRANSCRIPT", "audio_transcript", done=True, text=TRANSCRIPT)
        third = await watch.change()
        assert (third.type, third.id) == (watch_pb2.CHANGE_TYPE_UPDATED, made["uuid"])
        assert third.recording.has_transcript
        watch.call.cancel()
