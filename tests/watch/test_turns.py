"""A feed among replicas: it asks when it is its turn, or when somebody says that it should."""

from collections.abc import Callable
from typing import Any

import pytest

from providers.core.errors import Kind, ProviderError
from server.metrics import POLLS_SAVED, WATCH_LAG
from server.watch.feed import Feed
from server.watch.ports import Looks, Target
from server.watch.scope import Unit
from tests.watch.world import EVENT, Stream, World, settle

Make = Callable[..., World]


class Turn:
    """Whose turn it is, as a test says."""

    def __init__(self) -> None:
        self.mine = True
        self.hears = True
        self.every: list[float] = []
        self.points: list[bytes] = []

    def want(self, every: float) -> None:
        self.every.append(every)

    def rest(self) -> None:
        self.every.append(0)

    def moved(self, point: bytes) -> None:
        self.points.append(point)


class Turns:
    def __init__(self) -> None:
        self.turn = Turn()
        self.feed: Feed | None = None

    def of(self, target: Target, unit: Unit, horizon: int, feed: Looks) -> Any:
        assert isinstance(feed, Feed)
        self.feed = feed
        return self.turn


async def opened(world: World, **request: Any) -> tuple[Stream, Turns, Any]:
    turns, hub = Turns(), world.process()
    hub._turns = turns
    stream = await world.open(hub, **request)
    await settle()
    return stream, turns, hub


@pytest.fixture(params=["delta", "listed"])
def world(request: pytest.FixtureRequest, make: Make) -> World:
    return make(delta=request.param == "delta")


def saved(by: str) -> float:
    return POLLS_SAVED.labels("scripted", by)._value.get()


async def test_who_has_no_turn_does_not_ask(world: World) -> None:
    stream, turns, hub = await opened(world)
    turns.turn.mine = False
    asked, before = len(world.upstream.calls), saved("lease")
    world.upstream.put("a")
    await world.clock.advance(61)
    assert len(world.upstream.calls) == asked
    assert saved("lease") >= before + 5
    hub.nudge("c1")
    await world.clock.advance(1)
    assert stream.client.state == world.upstream.state()
    turns.turn.mine = True
    world.upstream.put("b")
    await world.clock.advance(11)
    assert stream.client.state == world.upstream.state()


async def test_what_is_found_is_said_once_and_not_by_those_who_were_told(world: World) -> None:
    _, turns, hub = await opened(world)
    feed = turns.feed
    assert feed is not None
    await world.clock.advance(11)
    assert turns.turn.points == [], "nothing was found"
    world.upstream.put("a")
    await world.clock.advance(11)
    (point,) = turns.turn.points
    assert feed.stands_at(point)
    world.upstream.put("b")
    feed.nudge("peer")
    await world.clock.advance(1)
    turns.turn.mine = False
    world.upstream.put("c")
    hub.nudge("c1")
    await world.clock.advance(1)
    assert turns.turn.points == [point]
    assert not feed.stands_at(point)


async def test_two_that_stand_at_one_point_know_it(make: Make) -> None:
    world = make(delta=False)
    world.upstream.put("a")
    _, one, _ = await opened(world)
    _, two, _ = await opened(world)
    world.upstream.put("b")
    await world.clock.advance(11)
    assert one.turn.points == two.turn.points != []


async def test_the_turn_is_wanted_while_somebody_listens(world: World) -> None:
    stream, turns, hub = await opened(world, poll_interval=30)
    assert turns.turn.every[-1] == 30
    faster = await world.open(hub, poll_interval=10)
    await settle()
    assert turns.turn.every[-1] == 10
    await faster.close()
    assert turns.turn.every[-1] == 30
    await stream.close()
    assert turns.turn.every[-1] == 0


async def test_what_may_come_late_is_told(world: World) -> None:
    stream, turns, _ = await opened(world)
    assert turns.feed is not None
    turns.feed.degrade(ProviderError(Kind.UNAVAILABLE, "late", reason="BUS_UNAVAILABLE"), 5)
    await settle()
    assert stream.client.kinds == ["opened", "heartbeat", "degraded"]
    message = stream.client.messages[-1]
    assert message.degraded.cause.message == "late"
    assert message.resume_token
    world.upstream.put("a")
    await world.clock.advance(11)
    assert stream.client.kinds[-1] == "changes", "it goes on"


async def test_who_is_pushed_to_asks_seldom_unless_it_wished_otherwise(world: World) -> None:
    unit = Unit(EVENT, "")
    hub = world.process()
    hub.push("c1", unit, None)
    target, scope = await hub.target(_scope(), {})
    session = hub.open(_request(), target, scope, {unit: ""})
    (feed,) = hub._keys
    wish = feed.enter(session.inbox, raw=False, wish=10, patient=True)
    wish.joined = True
    assert feed.interval == 100
    wish.patient = False
    assert feed.interval == 10
    wish.patient = True
    hub.push("c1", unit, ProviderError(Kind.NOT_FOUND, "gone"), 60)
    assert feed.interval == 10
    feed.exit(wish)
    hub.close(session)


async def test_without_the_others_a_pushed_feed_asks_as_often_as_any(make: Make) -> None:
    """A delivery that another replica takes is not heard of then."""
    world = make()
    turns, hub = Turns(), world.process()
    hub._turns = turns
    hub.push("c1", Unit(EVENT, ""), None)
    stream = await world.open(hub)
    await world.clock.advance(15)
    asked = len(world.upstream.calls)
    world.upstream.put("a")
    await world.clock.advance(15)
    assert len(world.upstream.calls) == asked, "the provider would tell"
    turns.turn.hears = False
    assert turns.feed is not None
    turns.feed.degrade(ProviderError(Kind.UNAVAILABLE, "late", reason="BUS_UNAVAILABLE"), 1)
    await world.clock.advance(11)
    assert stream.client.state == world.upstream.state()


async def test_the_lag_is_measured_once_for_all(make: Make) -> None:
    world = make()
    hub = world.process()
    for _ in range(3):
        await world.open(hub)
    await settle()
    found = WATCH_LAG.labels("scripted", "hint")
    before = _count(found)
    world.upstream.put("a")
    hub.nudge("c1")
    await world.clock.advance(1)
    assert _count(found) == before + 1


def _count(histogram: Any) -> float:
    return float(sum(bucket.get() for bucket in histogram._buckets))


def _request() -> Any:
    from tests.watch.world import watch

    return watch()


def _scope() -> Any:
    return _request().scope
