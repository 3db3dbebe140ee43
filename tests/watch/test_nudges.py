"""Nudges of feeds: how often a provider is asked for them, and what they save."""

import asyncio
from collections.abc import Callable

from server.metrics import POLLS_SAVED
from server.watch.scope import Unit
from tests.watch.world import EVENT, World

Make = Callable[..., World]

CALENDARS = [f"cal-{number}" for number in range(20)]


async def test_an_app_that_delivers_without_pause_wakes_no_more_often_than_its_share(
    make: Make,
) -> None:
    """Twenty feeds within a hundred seconds are one in five seconds, however much is delivered."""
    world = make(poll=100_000)
    hub = world.process()
    await world.open(hub, calendars=CALENDARS)
    await world.clock.advance(1)
    before = len(world.upstream.calls)
    for _ in range(1_000):
        hub.nudge("c1", EVENT, within=100)
        await world.clock.advance(0.3)
    asked = len(world.upstream.calls) - before
    assert 20 <= asked <= 20 * 4, "each once in a hundred seconds, of three hundred"


async def test_a_word_that_is_about_one_feed_does_not_wait_for_the_turn_of_all(make: Make) -> None:
    world = make(poll=100_000)
    hub = world.process()
    stream = await world.open(hub)
    await world.clock.advance(1)
    world.upstream.put("a")
    hub.nudge("c1", EVENT, within=10_000)
    hub.nudge("c1", EVENT)
    await world.clock.advance(1)
    assert stream.client.state == world.upstream.state()


async def test_what_comes_while_the_provider_is_asked_keeps_its_share(make: Make) -> None:
    world = make(poll=100_000)
    hub = world.process()
    stream = await world.open(hub)
    await world.clock.advance(1)
    hub.nudge("c1", EVENT)
    before = len(world.upstream.calls)
    world.upstream.hold = asyncio.Event()
    await world.clock.advance(1)
    hub.nudge("c1", EVENT, within=1_000)
    world.upstream.put("late")
    world.upstream.hold.set()
    world.upstream.hold = None
    await world.clock.advance(2)
    assert len(world.upstream.calls) == before + 1
    await world.clock.advance(1_001)
    assert stream.client.state == world.upstream.state()


async def test_polls_saved_by_push_are_counted_though_deliveries_come_before_the_poll(
    make: Make,
) -> None:
    """A pushed feed that is woken every fifty seconds saves four polls of ten seconds each time."""
    world = make()
    hub = world.process()
    hub.push("c1", Unit(EVENT, ""), None)
    await world.open(hub)
    await world.clock.advance(50)
    found = POLLS_SAVED.labels("scripted", "push")._value
    before = found.get()
    for _ in range(10):
        hub.nudge("c1", EVENT)
        await world.clock.advance(50)
    assert 38 <= found.get() - before <= 42
