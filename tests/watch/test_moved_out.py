"""Objects that leave the watched window without being deleted."""

from collections.abc import Callable
from typing import Any

import pytest

from server.watch.poll import poll
from tests.watch.world import World
from ucal.v1 import watch_pb2

Make = Callable[..., World]
DAY = 86_400
UPDATED, DELETED = watch_pb2.CHANGE_TYPE_UPDATED, watch_pb2.CHANGE_TYPE_DELETED


def move(world: World, event_id: str, days: float) -> None:
    world.upstream.put(event_id)
    event = world.upstream.calendars[""][event_id]
    event.start_at.timestamp.seconds = int(world.clock.now().timestamp() + days * DAY)
    event.end_at.timestamp.seconds = event.start_at.timestamp.seconds + 3600


@pytest.fixture
def world(make: Make) -> World:
    return make(delta=False)


async def test_what_is_moved_out_of_the_window_is_not_told_as_deleted(world: World) -> None:
    for name in ("stays", "moves", "ends"):
        move(world, name, 5)
    stream = await world.open(world.process(), start=watch_pb2.WATCH_START_INITIAL_STATE)
    await world.clock.advance(1)
    move(world, "moves", -400)
    world.upstream.remove("ends")
    await world.clock.advance(11)
    changes = {c.id: c for c in stream.client.messages[-1].changes.changes}
    assert {name: c.type for name, c in changes.items()} == {"moves": UPDATED, "ends": DELETED}
    assert changes["moves"].event.start_at.timestamp.seconds < world.clock.now().timestamp()
    before = len(stream.client.messages)
    await world.clock.advance(25)
    later = stream.client.messages[before:]
    assert not [c for m in later for c in m.changes.changes], "it is told once, then forgotten"
    move(world, "moves", 6)
    await world.clock.advance(11)
    (change,) = stream.client.messages[-1].changes.changes
    assert (change.id, change.type) == ("moves", watch_pb2.CHANGE_TYPE_CREATED)


async def test_answers_of_one_change_lead_through_all_that_moved(world: World) -> None:
    for name in "abc":
        move(world, name, 5)
    hub = world.process()
    token = b""

    async def asked() -> watch_pb2.PollEventsResponse:
        request: Any = watch_pb2.PollEventsRequest(resume_token=token, max_batch_size=1)
        request.scope.connection_id = "c1"
        target, scope = await hub.target(request.scope, {})
        return await poll(hub, request, target, scope)

    token = (await asked()).resume_token
    for name in "abc":
        move(world, name, -400)
    told = []
    for _ in range(3):
        answer = await asked()
        token = answer.resume_token
        told += [(c.id, c.type) for c in answer.changes]
    assert sorted(told) == [("a", UPDATED), ("b", UPDATED), ("c", UPDATED)]
    assert not answer.has_more
    assert not (await asked()).changes
