"""WatchEvents as its caller sees it: order, tokens, types, sharing, and how streams end."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from providers.core.call import ChangesPage, ChangesQuery
from providers.core.errors import Kind, ProviderError
from server.watch import feed
from server.watch.ports import WatchSettings
from tests.watch.world import CALENDAR, EVENT, World, settle
from ucal.v1 import types_pb2, watch_pb2

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
    before = len(world.upstream.calls)
    await world.clock.advance(11)
    assert len(world.upstream.calls) == before + 1, "one poll for both"
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


async def test_trouble_degrades_and_the_watch_goes_on(make: Make) -> None:
    world = make()
    stream = await world.open(world.process(), start=INITIAL)
    await settle()
    down = ProviderError(Kind.UNAVAILABLE, "the provider does not answer")
    world.upstream.failures.extend([down, down])
    world.upstream.put("a")
    await world.clock.advance(30)
    kinds = stream.client.kinds
    assert kinds[:5] == ["opened", "synced", "degraded", "degraded", "heartbeat"]
    assert kinds[5] == "changes"
    message = stream.client.messages[2]
    assert message.degraded.cause.code == 14
    assert message.degraded.next_attempt_at.ToNanoseconds() > message.observed_at.ToNanoseconds()
    assert message.resume_token
    assert stream.client.state == world.upstream.state()


async def test_retry_after_is_obeyed(make: Make) -> None:
    world = make()
    stream = await world.open(world.process())
    await settle()
    world.upstream.failures.append(ProviderError(Kind.RATE_LIMITED, "slowly", retry_after=120))
    await world.clock.advance(11)
    calls = len(world.upstream.calls)
    await world.clock.advance(115)
    assert len(world.upstream.calls) == calls
    await world.clock.advance(10)
    assert len(world.upstream.calls) > calls
    assert "degraded" in stream.client.kinds


async def test_trouble_while_opening_degrades_too(make: Make, delta: bool) -> None:
    world = make(delta=delta)
    world.upstream.put("a")
    world.upstream.failures.append(ProviderError(Kind.TIMEOUT, "too slow"))
    stream = await world.open(world.process(), start=INITIAL)
    await settle()
    assert stream.client.kinds == ["opened", "degraded"]
    assert not stream.client.messages[1].resume_token
    await world.clock.advance(5)
    assert stream.client.kinds[2:] == ["heartbeat", "changes", "synced"]


@pytest.mark.parametrize(
    "kind",
    [
        Kind.REAUTHORIZATION_REQUIRED,
        Kind.UNAUTHENTICATED,
        Kind.NOT_FOUND,
        Kind.FORBIDDEN,
        Kind.QUOTA_EXCEEDED,
    ],
)
async def test_what_cannot_pass_ends_every_stream(make: Make, kind: Kind) -> None:
    """P09, P13: revoked access and deleted calendars end a watch, once."""
    world = make()
    hub = world.process()
    streams = [await world.open(hub) for _ in range(3)]
    await settle()
    world.upstream.failures.append(ProviderError(kind, "no"))
    await world.clock.advance(12)
    assert [s.error.kind for s in streams if s.error] == [kind] * 3
    calls = len(world.upstream.calls)
    await world.clock.advance(1000)
    assert len(world.upstream.calls) == calls
    assert hub.feeds == hub.sessions == 0


async def test_a_fault_of_ours_ends_the_watch_and_says_nothing_of_it(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    world = make()
    stream = await world.open(world.process())
    await settle()

    async def broken(query: Any) -> Any:
        raise ValueError("secret subject of a meeting")

    world.upstream.changes = broken  # type: ignore[method-assign]
    await world.clock.advance(12)
    assert stream.error is not None
    assert stream.error.kind is Kind.ADAPTER_FAULT
    assert "secret" not in stream.error.message
    assert "secret" not in caplog.text


async def test_a_slow_reader_is_sent_away_and_loses_nothing(make: Make) -> None:
    world = make(settings=replace(WatchSettings(default_poll=0), max_queued_changes=20))
    hub = world.process()
    slow = await world.open(hub, slow=True, start=INITIAL)
    quick = await world.open(hub, start=INITIAL)
    slow.read()
    await settle()
    assert slow.client.kinds == ["opened", "synced"]
    slow._gate.clear()  # type: ignore[union-attr]
    for round_ in range(6):
        for number in range(8):
            world.upstream.put(f"e{number}", f"{round_}")
        await world.clock.advance(11)
    assert quick.client.state == world.upstream.state()
    assert not slow.ended
    slow.read()
    await settle()
    assert slow.error is not None
    assert (slow.error.kind, slow.error.reason) == (Kind.RATE_LIMITED, "SLOW_CONSUMER")
    again = await world.open(hub, resume_token=slow.client.token, holding=slow.client.state)
    await settle()
    assert again.client.state == world.upstream.state()


async def test_a_slow_reader_of_a_long_catch_up_holds_nobody_up(make: Make) -> None:
    world = make(page=5, settings=replace(WatchSettings(default_poll=0), max_queued_changes=10))
    hub = world.process()
    first = await world.open(hub, start=INITIAL)
    await settle()
    token = first.client.token
    await first.close()
    for number in range(100):
        world.upstream.put(f"e{number:03}")
    slow = await world.open(hub, slow=True, resume_token=token)
    quick = await world.open(hub, start=INITIAL)
    for _ in range(5):
        await settle()
    assert quick.client.state == world.upstream.state()
    world.upstream.put("later")
    await world.clock.advance(11)
    assert quick.client.state == world.upstream.state()
    assert slow.error is None
    slow.read()
    for _ in range(5):
        await settle()
    assert slow.client.state == world.upstream.state()
    assert slow.error is None


async def test_streams_are_rotated_with_a_warning(make: Make) -> None:
    world = make(poll=600)
    stream = await world.open(world.process(), heartbeat_interval=300)
    await world.clock.advance(1400)
    assert "closing" not in stream.client.kinds
    await world.clock.advance(1800 * 1.2 - 1400 + 0.1)
    assert "closing" in stream.client.kinds
    await world.clock.advance(6)
    assert stream.client.kinds[-1] == "closing"
    assert stream.client.messages[-1].resume_token
    assert stream.error is not None
    assert (stream.error.kind, stream.error.reason) == (Kind.UNAVAILABLE, "STREAM_ROTATED")
    assert stream.error.retry_after is not None


async def test_ages_are_spread(make: Make) -> None:
    world = make(poll=600)
    hub = world.process()
    streams = [await world.open(hub) for _ in range(40)]
    await world.clock.advance(1800)
    ended = sum(s.ended for s in streams)
    assert 5 < ended < 35


async def test_drain_closes_old_and_new_streams(make: Make) -> None:
    world = make()
    hub = world.process()
    old = await world.open(hub)
    await settle()
    hub.drain(2)
    await settle()
    new = await world.open(hub)
    await settle()
    assert old.client.kinds[-1] == "closing"
    assert "closing" in new.client.kinds
    await world.clock.advance(2.1)
    assert old.error is not None
    assert old.error.reason == "STREAM_ROTATED"
    await world.clock.advance(5)
    assert new.ended


async def test_a_nudge_asks_now(make: Make) -> None:
    world = make(poll=600)
    hub = world.process()
    stream = await world.open(hub, calendars=["work"])
    other = await world.open(hub, calendars=["home"])
    await settle()
    world.upstream.put("a", calendar="work")
    assert hub.nudge("c2") == 0
    assert hub.nudge("c1", EVENT, "work") == 1
    await world.clock.advance(0.6)
    assert types(stream.client.changes) == [("a", "CREATED")]
    assert not other.client.changes
    world.upstream.calls.clear()
    for _ in range(100):
        hub.nudge("c1")
    await world.clock.advance(0.6)
    assert len(world.upstream.calls) == 2, "a storm of nudges is one poll of each feed"


async def test_several_kinds_and_calendars_in_one_stream(make: Make) -> None:
    world = make()
    world.upstream.put("a", calendar="one")
    world.upstream.put("b", calendar="two")
    stream = await world.open(world.process(), calendars=["two", "one"], start=INITIAL)
    await settle()
    assert stream.client.kinds == ["opened", "changes", "changes", "synced"]
    world.upstream.put("c", calendar="two")
    await world.clock.advance(12)
    assert stream.client.state == world.upstream.state("one", "two")
    again = await world.open(
        world.process(),
        calendars=["one", "two"],
        resume_token=stream.client.token,
        holding=stream.client.state,
    )
    world.upstream.remove("a", calendar="one")
    await world.clock.advance(12)
    assert again.client.state == world.upstream.state("one", "two")


async def test_masks_and_raw(make: Make) -> None:
    world = make()
    hub = world.process()
    world.upstream.put("a", location="here")
    plain = await world.open(hub, start=INITIAL)
    raw = await world.open(hub, start=INITIAL, include_raw=True)
    masked = await world.open(hub, start=INITIAL, read_mask=["subject", "name"])
    await settle()
    world.upstream.put("a", "changed")
    await world.clock.advance(11)
    for stream, has_raw in ((plain, False), (raw, True)):
        assert {c.event.HasField("raw") for c in stream.client.changes} == {has_raw}
        assert len(stream.client.changes) == 2
    for change in masked.client.changes:
        assert [f.name for f, _ in change.event.ListFields()] == ["id", "subject"]
    with pytest.raises(ProviderError) as caught:
        await world.open(hub, read_mask=["no_such_field"])
    assert caught.value.violations[0][0] == "read_mask"


async def test_other_peoples_credentials_share_nothing(make: Make) -> None:
    world = make()
    hub = world.process()
    for credentials in ("Bearer one", "Bearer two", "Bearer one"):
        request = watch_pb2.WatchEventsRequest()
        request.scope.connection_id = "-"
        target, scope = await hub.target(request.scope, {"ucal-credentials": credentials})
        hub.open(request, target, scope)
    assert hub.feeds == 2


async def test_foreign_and_broken_tokens(make: Make) -> None:
    world = make()
    hub = world.process()
    stream = await world.open(hub, calendars=["work"])
    await settle()
    token = stream.client.token

    async def refusal(**request: Any) -> tuple[Kind, str, str]:
        with pytest.raises(ProviderError) as caught:
            await world.open(hub, **request)
        error = caught.value
        return error.kind, error.reason, error.violations[0][0]

    mismatch = (Kind.INVALID, "RESUME_TOKEN_MISMATCH", "resume_token")
    assert await refusal(connection="c2", calendars=["work"], resume_token=token) == mismatch
    assert await refusal(calendars=["home"], resume_token=token) == mismatch
    assert await refusal(calendars=["work", "home"], resume_token=token) == mismatch
    assert await refusal(calendars=["work"], horizon=3600, resume_token=token) == mismatch
    assert await refusal(calendars=["work"], kinds=[EVENT, CALENDAR], resume_token=token) == (
        mismatch
    )
    broken = (Kind.INVALID, "RESUME_TOKEN_INVALID", "resume_token")
    for bad in (b"x", token[:-1], token + b"x", bytes([token[0] ^ 1]) + token[1:]):
        assert await refusal(calendars=["work"], resume_token=bad) == broken
    both = await refusal(calendars=["work"], resume_token=token, start=INITIAL)
    assert (both[0], both[2]) == (Kind.INVALID, "start")


async def test_what_cannot_be_watched_is_refused(make: Make) -> None:
    world = make()
    hub = world.process()
    for kind in (types_pb2.RESOURCE_KIND_ROOM, types_pb2.RESOURCE_KIND_LINK):
        with pytest.raises(ProviderError) as caught:
            await world.open(hub, kinds=[kind])
        assert caught.value.kind is Kind.UNSUPPORTED
    with pytest.raises(ProviderError) as caught:
        await world.open(hub, calendars=[f"c{n}" for n in range(25)], kinds=[EVENT, 3])
    assert caught.value.violations[0][0] == "scope"
    with pytest.raises(ProviderError) as caught:
        await world.open(hub, kinds=[CALENDAR], calendars=["work"])
    assert caught.value.violations[0][0] == "scope.calendar_ids"
    assert hub.feeds == hub.sessions == 0


async def test_a_provider_that_always_has_more_is_not_asked_for_ever(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "_MOST_PAGES", 20)
    world = make()
    first = await world.open(world.process())
    await settle()
    await first.close()
    numbers = itertools.count()

    async def endless(query: ChangesQuery) -> ChangesPage:
        return ChangesPage([], str(next(numbers)), has_more=True)

    world.upstream.changes = endless  # type: ignore[method-assign]
    for how in ({}, {"start": INITIAL}, {"resume_token": first.client.token}):
        stream = await world.open(world.process(), **how)
        for _ in range(10):
            await settle()
        assert stream.error is not None
        assert stream.error.kind is Kind.PROVIDER_FAULT
    assert next(numbers) <= 61


async def test_nobody_left_nothing_left(make: Make, delta: bool) -> None:
    world = make(delta=delta)
    hub = world.process()
    streams = [await world.open(hub, start=INITIAL) for _ in range(5)]
    await world.clock.advance(25)
    for stream in streams:
        await stream.close()
    await world.clock.advance(2)
    assert hub.feeds == hub.sessions == 0
    assert world.clock.pending == 0
