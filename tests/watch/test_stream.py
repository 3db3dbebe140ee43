"""WatchEvents as its caller sees it: order, tokens, types, sharing, and how streams end."""

from collections.abc import Callable

import pytest

from providers.core.errors import Kind, ProviderError
from tests.watch.world import CALENDAR, EVENT, World, settle
from ucal.v1 import watch_pb2

Make = Callable[..., World]
INITIAL = watch_pb2.WATCH_START_INITIAL_STATE
RESET = watch_pb2.WATCH_EXPIRY_RESET


def types(changes: list[watch_pb2.Change]) -> list[tuple[str, str]]:
    names = watch_pb2.ChangeType.Name
    return [(c.id, names(c.type).removeprefix("CHANGE_TYPE_")) for c in changes]


@pytest.fixture(params=["delta", "listed"])
def delta(request: pytest.FixtureRequest) -> bool:
    return request.param == "delta"


async def test_initial_state_then_synced_then_exact_changes(make: Make, delta: bool) -> None:
    world = make(delta=delta)
    world.upstream.put("a")
    world.upstream.put("b")
    stream = await world.open(world.process(), start=INITIAL)
    await settle()
    client = stream.client
    assert client.kinds == ["opened", "changes", "synced"]
    assert types(client.changes) == [("a", "CREATED"), ("b", "CREATED")]
    world.upstream.put("a")
    world.upstream.put("c")
    world.upstream.remove("b")
    await world.clock.advance(11)
    assert sorted(types(client.changes)[2:]) == [
        ("a", "UPDATED"),
        ("b", "DELETED"),
        ("c", "CREATED"),
    ]
    assert client.state == world.upstream.state()


async def test_now_tells_nothing_of_before_and_gives_a_token_at_once(
    make: Make, delta: bool
) -> None:
    world = make(delta=delta)
    world.upstream.put("a")
    stream = await world.open(world.process())
    await settle()
    assert stream.client.kinds == ["opened", "heartbeat"]
    assert stream.client.token
    world.upstream.put("a")
    world.upstream.put("b")
    await world.clock.advance(11)
    assert sorted(types(stream.client.changes)) == [("a", "UPDATED"), ("b", "CREATED")]


async def test_opened_says_how_changes_are_learnt(make: Make) -> None:
    world = make(poll=10)
    stream = await world.open(
        world.process(), kinds=[EVENT, CALENDAR], poll_interval=3, heartbeat_interval=7
    )
    opened = stream.client.messages[0].opened
    assert opened.source == watch_pb2.WATCH_SOURCE_POLLING
    assert opened.deletions == watch_pb2.DELETION_SUPPORT_RECONCILED
    assert opened.poll_interval.seconds == 10
    assert opened.heartbeat_interval.seconds == 7
    assert opened.reason


@pytest.mark.parametrize("other_process", [False, True])
async def test_resume_from_any_message_loses_nothing(
    make: Make, delta: bool, other_process: bool
) -> None:
    world = make(delta=delta)
    for name in "abc":
        world.upstream.put(name)
    hub = world.process()
    first = await world.open(hub, start=INITIAL)
    await world.clock.advance(11)
    world.upstream.put("a")
    await world.clock.advance(11)
    world.upstream.remove("b")
    world.upstream.put("d")
    await world.clock.advance(41)
    await first.close()
    world.upstream.remove("c")
    world.upstream.put("e")
    for token, state in first.client.tokens:
        again = await world.open(
            world.process() if other_process else hub, resume_token=token, holding=state
        )
        await world.clock.advance(1)
        assert again.client.state == world.upstream.state()
        assert again.client.kinds[0] == "opened"
        assert again.client.messages[0].resume_token == token
        await again.close()


async def test_resume_types_changes_by_what_the_token_knows(make: Make, delta: bool) -> None:
    """P02, P05: deletions of what was shown come, of what never was do not."""
    world = make(delta=delta)
    world.upstream.put("kept")
    world.upstream.put("gone")
    first = await world.open(world.process(), start=INITIAL)
    await settle()
    await first.close()
    world.upstream.put("kept")
    world.upstream.remove("gone")
    world.upstream.put("new")
    world.upstream.put("brief")
    world.upstream.remove("brief")
    again = await world.open(world.process(), resume_token=first.client.token)
    await settle()
    assert sorted(types(again.client.changes)) == [
        ("gone", "DELETED"),
        ("kept", "UPDATED"),
        ("new", "CREATED"),
    ]


async def test_many_watchers_cost_one_poll(make: Make, delta: bool) -> None:
    world = make(delta=delta)
    hub = world.process()
    world.upstream.put("a")
    streams = [await world.open(hub, start=INITIAL) for _ in range(50)]
    await settle()
    assert len(world.upstream.calls) == 1
    streams += [await world.open(hub) for _ in range(50)]
    await world.clock.advance(5)
    assert len(world.upstream.calls) == 1
    await world.clock.advance(6.5)
    assert len(world.upstream.calls) == 2
    sealed = world.sealer.sealed
    world.upstream.put("a")
    await world.clock.advance(11)
    assert len(world.upstream.calls) == 3
    assert all(types(s.client.changes)[-1] == ("a", "UPDATED") for s in streams)
    assert world.sealer.sealed == sealed + 1, "one token, sealed once"
    whole = [s.raw[-1] for s in streams]
    assert all(message is whole[0] for message in whole), "one encoding, shared"
    assert hub.feeds == 1


async def test_those_who_come_back_together_share_one_question(make: Make, delta: bool) -> None:
    world = make(delta=delta)
    world.upstream.put("a")
    first = await world.open(world.process(), start=INITIAL)
    await settle()
    token = first.client.token
    await first.close()
    world.upstream.put("b")
    world.upstream.calls.clear()
    hub = world.process()
    streams = [await world.open(hub, resume_token=token) for _ in range(30)]
    await settle()
    assert len(world.upstream.calls) == 1
    later = await world.open(hub, resume_token=token)
    await settle()
    assert len(world.upstream.calls) == 1, "what the feed told lately is told again from memory"
    assert all(types(s.client.changes) == [("b", "CREATED")] for s in [*streams, later])


async def test_who_comes_back_to_a_live_feed_waits_no_whole_interval(
    make: Make, delta: bool
) -> None:
    world = make(delta=delta, poll=600)
    hub = world.process()
    await world.open(hub, start=INITIAL)
    first = await world.open(hub, start=INITIAL)
    await settle()
    await first.close()
    await world.clock.advance(60)
    world.upstream.put("a")
    world.upstream.calls.clear()
    streams = [await world.open(hub, resume_token=first.client.token) for _ in range(20)]
    await world.clock.advance(5)
    assert len(world.upstream.calls) == 1
    assert all(types(s.client.changes) == [("a", "CREATED")] for s in streams)


async def test_a_joiner_from_elsewhere_and_the_feed_come_to_one_point(
    make: Make, delta: bool
) -> None:
    """What happens between two questions must reach both, whoever's question finds it."""
    world = make(delta=delta)
    world.upstream.put("a")
    here, there = world.process(), world.process()
    old = await world.open(here, start=INITIAL)
    await settle()
    other = await world.open(there, start=INITIAL)
    await settle()
    world.upstream.put("b")
    there.nudge("c1")
    await world.clock.advance(1)
    assert other.client.state == world.upstream.state() != old.client.state
    await other.close()
    world.upstream.put("c")
    world.upstream.remove("a")
    joined = await world.open(here, resume_token=other.client.token, holding=other.client.state)
    await settle()
    assert joined.client.state == world.upstream.state()
    world.upstream.remove("c")
    world.upstream.put("b")
    world.upstream.calls.clear()
    await world.clock.advance(11)
    polls = [what for what, _ in world.upstream.calls if what != "read"]
    assert len(polls) == 1, "one poll for both"
    for stream in (old, joined):
        assert stream.client.state == world.upstream.state()


async def test_heartbeats_move_the_token_on(make: Make) -> None:
    world = make(poll=10)
    stream = await world.open(world.process(), heartbeat_interval=5)
    await world.clock.advance(61)
    assert stream.client.kinds[2:] == ["heartbeat"] * 12
    world.upstream.put("a")
    await world.clock.advance(3600 / 4)
    again = await world.open(world.process(), resume_token=stream.client.token)
    await settle()
    assert not again.client.changes


async def test_batches_are_cut_and_only_the_last_part_has_a_token(make: Make) -> None:
    world = make(page=1000)
    stream = await world.open(world.process(), max_batch_size=10)
    await settle()
    for number in range(25):
        world.upstream.put(f"e{number}")
    await world.clock.advance(11)
    parts = [m for m in stream.client.messages if m.WhichOneof("message") == "changes"]
    assert [(len(m.changes.changes), m.changes.is_partial) for m in parts] == [
        (10, True),
        (10, True),
        (5, False),
    ]
    assert [bool(m.resume_token) for m in parts] == [False, False, True]


async def test_messages_stay_below_what_clients_take(make: Make) -> None:
    world = make(page=1000)
    stream = await world.open(world.process(), max_batch_size=1000)
    await settle()
    for number in range(8):
        world.upstream.put(f"e{number}", description="x" * 900_000)
    await world.clock.advance(11)
    assert max(stream.sizes) < 2 * 1024 * 1024
    assert stream.client.state == world.upstream.state()


async def test_an_expired_cursor_ends_the_stream_unless_a_reset_is_wanted(make: Make) -> None:
    """P01, P08: never an empty success."""
    world = make()
    hub = world.process()
    world.upstream.put("a")
    strict = await world.open(hub, start=INITIAL)
    lenient = await world.open(hub, start=INITIAL, on_expiry=RESET)
    await settle()
    world.upstream.expire()
    world.upstream.remove("a")
    world.upstream.put("b")
    await world.clock.advance(11)
    assert strict.error is not None
    assert (strict.error.kind, strict.error.reason) == (
        Kind.CURSOR_EXPIRED,
        "RESUME_TOKEN_EXPIRED",
    )
    assert lenient.client.kinds == ["opened", "changes", "synced", "reset", "changes", "synced"]
    cause = lenient.client.messages[3].reset.cause
    assert cause.code == 11
    assert lenient.client.state == world.upstream.state()
    world.upstream.put("c")
    await world.clock.advance(11)
    assert lenient.client.state == world.upstream.state()


async def test_a_resume_with_an_expired_cursor(make: Make) -> None:
    world = make()
    first = await world.open(world.process(), start=INITIAL)
    await settle()
    await first.close()
    world.upstream.expire()
    world.upstream.put("b")
    strict = await world.open(world.process(), resume_token=first.client.token)
    lenient = await world.open(world.process(), resume_token=first.client.token, on_expiry=RESET)
    await settle()
    assert strict.error is not None
    assert strict.error.kind is Kind.CURSOR_EXPIRED
    assert lenient.client.kinds == ["opened", "reset", "changes", "synced"]
    assert lenient.client.state == world.upstream.state()


async def test_a_token_that_is_too_old(make: Make) -> None:
    world = make()
    world.upstream.put("a")
    first = await world.open(world.process())
    await settle()
    await first.close()
    await world.clock.advance(31 * 24 * 3600)
    with pytest.raises(ProviderError) as caught:
        await world.open(world.process(), resume_token=first.client.token)
    assert caught.value.kind is Kind.CURSOR_EXPIRED
    lenient = await world.open(world.process(), resume_token=first.client.token, on_expiry=RESET)
    await settle()
    assert lenient.client.kinds == ["opened", "reset", "changes", "synced"]


async def test_a_herd_of_resets_lists_once(make: Make) -> None:
    world = make(page=10)
    for number in range(25):
        world.upstream.put(f"e{number:02}")
    hub = world.process()
    streams = [await world.open(hub, start=INITIAL, on_expiry=RESET) for _ in range(20)]
    await world.clock.advance(5)
    world.upstream.expire()
    world.upstream.calls.clear()
    await world.clock.advance(7)
    assert all(s.client.state == world.upstream.state() for s in streams)
    assert all(s.client.kinds.count("reset") == 1 for s in streams)
    assert len(world.upstream.calls) == 1 + 3
