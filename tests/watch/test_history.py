"""What a feed remembers: shortly, and not for longer because it is seldom asked."""

import asyncio
from collections.abc import Callable

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from server.watch.batch import Batch
from server.watch.history import History
from server.watch.position import Position
from server.watch.scope import Unit
from tests.watch.manual import ManualClock
from tests.watch.world import EVENT, World

Make = Callable[..., World]


async def test_a_feed_at_rest_holds_no_resources(make: Make) -> None:
    """One that is pushed is asked every ten minutes; what it told is forgotten before."""
    world = make(poll=60)
    hub = world.process()
    hub.push("c1", Unit(EVENT, ""), None)
    stream = await world.open(hub)
    await world.clock.advance(1)
    for name in "ab":
        world.upstream.put(name)
        hub.nudge("c1")
        await world.clock.advance(20)
    (feed,) = hub._keys
    asked = len(world.upstream.calls)
    assert feed._history._size > 0
    await world.clock.advance(60)
    assert len(feed._history._batches) == 1
    await world.clock.advance(20)
    assert feed._history._size == 0
    assert len(feed._history._batches) == 0
    assert len(world.upstream.calls) == asked
    assert stream.client.state == world.upstream.state()


async def test_a_feed_that_nobody_watches_leaves_no_timer(make: Make) -> None:
    world = make()
    stream = await world.open(world.process())
    world.upstream.put("a")
    await world.clock.advance(11)
    await stream.close()
    assert world.clock.pending == 0


@pytest.mark.parametrize("after", [0.0, 7.6337582980383])
async def test_the_time_to_forget_comes_once(after: float) -> None:
    """After 1007.6… seconds, adding ninety and taking them away ends before where it began."""
    clock = ManualClock()
    await clock.advance(after)
    history = History(clock)
    step = Batch("c1", Unit(EVENT, ""), Position("a"), Position("b"), (), False, Timestamp())
    history.add(step, raw=False)
    assert history.after(step.origin, 0, raw=False) is not None
    async with asyncio.timeout(10):
        await clock.advance(90)
    assert history.after(step.origin, 0, raw=False) is None
    assert clock.pending == 0
