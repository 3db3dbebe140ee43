"""What a feed remembers: shortly, and not for longer because it is seldom asked."""

from collections.abc import Callable

from server.watch.scope import Unit
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
