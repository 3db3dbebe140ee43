"""WatchEvents in trouble: providers that fail, readers that are slow, servers that end."""

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
