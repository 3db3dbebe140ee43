"""The whole service in front of Cal.com: a link is found and booked, the booking moved and
canceled, while polls and a stream tell the story.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration

from providers.core import operations as ops
from tests.conformance.client import Client
from tests.conformance.serve import served
from tests.conformance.subjects import Subject, capabilities
from tests.providers.calcom.desk import instant, monday, window
from tests.providers.calcom.harness import Harness
from ucal.v1 import event_pb2, types_pb2, watch_pb2

CREATED, UPDATED = watch_pb2.CHANGE_TYPE_CREATED, watch_pb2.CHANGE_TYPE_UPDATED
CONFIRMED, CANCELED = event_pb2.EVENT_STATUS_CONFIRMED, event_pb2.EVENT_STATUS_CANCELED
Row = tuple[Any, str, str, Any]


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    """A caller of the service."""
    subject = Subject("calcom", "calcom", Harness, capabilities("calcom"))
    async with served(subject) as found:
        yield found


class Told:
    """What polls and a stream tell, each from where it was the time before."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.scope = watch_pb2.WatchScope(
            connection_id=client.connection_id, kinds=[types_pb2.RESOURCE_KIND_EVENT]
        )
        self.token = b""
        self.stream: Any = None

    async def begin(self) -> None:
        """Find the present point, and open the stream there."""
        request = watch_pb2.PollEventsRequest(scope=self.scope)
        self.token = (await self.client.poll(request)).resume_token
        self.stream = self.client.watches.WatchEvents(
            watch_pb2.WatchEventsRequest(scope=self.scope, resume_token=self.token)
        )
        assert (await self.stream.read()).WhichOneof("message") == "opened"

    async def next(self, count: int) -> list[Row]:
        """The next `count` changes, of which both tell the same."""
        self.client.hub.nudge(self.client.connection_id)
        async with asyncio.timeout(15):
            streamed: list[Row] = []
            while len(streamed) < count:
                streamed += _rows((await self.stream.read()).changes.changes)
            polled: list[Row] = []
            while len(polled) < count:
                request = watch_pb2.PollEventsRequest(
                    scope=self.scope, resume_token=self.token, wait=Duration(seconds=5)
                )
                answer = await self.client.poll(request)
                self.token = answer.resume_token
                polled += _rows(answer.changes)
        assert polled == streamed
        return polled


def _rows(changes: Any) -> list[Row]:
    return [(c.type, c.id, c.previous_id, c.event.status) for c in changes]


async def test_p84_book_move_cancel_is_one_story(client: Client) -> None:
    """No stray CREATED, no DELETED, both ends of the move."""
    told = Told(client)
    await told.begin()
    (link,) = await client.all(ops.LIST_LINKS)
    slots = await client.all(ops.LIST_LINK_SLOTS, link_id=link.id, window=window(monday(), days=1))
    event = event_pb2.Event(link_id=link.id)
    event.start_at.timestamp.CopyFrom(slots[0].start_at)
    event.attendees.add(name="Ada Example", email="ada@example.com")
    old = (await client.call(ops.CREATE_EVENT, event=event)).event.id
    assert await told.next(1) == [(CREATED, old, "", CONFIRMED)]
    later = event_pb2.Event(start_at=instant(slots[3].start_at.ToDatetime(UTC)))
    moved = (await client.call(ops.UPDATE_EVENT, id=old, event=later)).event
    assert moved.moved_from_id == old
    assert await told.next(2) == [
        (UPDATED, old, "", CANCELED),
        (UPDATED, moved.id, old, CONFIRMED),
    ]
    gone = await client.call(ops.DELETE_EVENT, id=moved.id, reason="Ill")
    assert gone.event.status == CANCELED
    assert await told.next(1) == [(UPDATED, moved.id, "", CANCELED)]
    told.stream.cancel()
