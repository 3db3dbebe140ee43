"""PollEvents: nothing is kept between calls, and nothing is lost between them."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from providers.core.errors import Kind, ProviderError
from server.interceptors.scope import SCOPE, Scope
from server.watch.hub import Hub
from server.watch.poll import poll
from tests.watch.world import Client, World, settle
from ucal.v1 import watch_pb2

Make = Callable[..., World]
INITIAL = watch_pb2.WATCH_START_INITIAL_STATE


@pytest.fixture(params=["delta", "listed"])
def delta(request: pytest.FixtureRequest) -> bool:
    return request.param == "delta"


def ask(token: bytes = b"", *calendars: str, **fields: Any) -> watch_pb2.PollEventsRequest:
    request = watch_pb2.PollEventsRequest(resume_token=token)
    request.scope.connection_id = "c1"
    request.scope.calendar_ids.extend(calendars)
    wait = fields.pop("wait", 0)
    if wait:
        request.wait.seconds = wait
    for name, value in fields.items():
        setattr(request, name, value)
    return request


async def call(hub: Hub, *how: Any, **fields: Any) -> watch_pb2.PollEventsResponse:
    most_wait = fields.pop("most_wait", float("inf"))
    request = ask(*how, **fields)
    target, scope = await hub.target(request.scope, {})
    return await poll(hub, request, target, scope, most_wait=most_wait)


async def test_without_a_token_only_a_token_of_now(make: Make, delta: bool) -> None:
    world = make(delta=delta, poll=7)
    world.upstream.put("a")
    answer = await call(world.process())
    assert not answer.changes
    assert not answer.has_more
    assert answer.retry_after.seconds == 7
    assert answer.deletions in (
        watch_pb2.DELETION_SUPPORT_EXACT,
        watch_pb2.DELETION_SUPPORT_RECONCILED,
    )
    world.upstream.put("b")
    world.upstream.put("a")
    world.upstream.put("c")
    world.upstream.remove("c")
    later = await call(world.process(), answer.resume_token)
    assert {(c.id, c.type) for c in later.changes} == {
        ("a", watch_pb2.CHANGE_TYPE_UPDATED),
        ("b", watch_pb2.CHANGE_TYPE_CREATED),
    }
    assert not (await call(world.process(), later.resume_token)).changes


@pytest.mark.parametrize("page", [3, 100])
@pytest.mark.parametrize("etags", [True, False])
async def test_small_steps_reach_the_truth(make: Make, delta: bool, page: int, etags: bool) -> None:
    """Batches smaller than the provider's pages: the token stands in the middle of a page."""
    world = make(delta=delta, page=page, etags=etags)
    for number in range(5):
        world.upstream.put(f"old{number}")
    first = await world.open(world.process(), start=INITIAL)
    await settle()
    client = Client()
    client.state = dict(first.client.state)
    token = first.client.token
    await first.close()
    for number in range(7):
        world.upstream.put(f"new{number}")
    for number in range(3):
        world.upstream.remove(f"old{number}")
    for _ in range(100):
        answer = await call(world.process(), token, max_batch_size=2)
        assert len(answer.changes) <= 2
        for change in answer.changes:
            client.apply(change)
        token = answer.resume_token
        if not answer.has_more:
            break
    assert client.state == world.upstream.state()
    assert len(client.changes) == 10, "nothing is told twice"


async def test_tokens_of_polls_and_streams_are_the_same(make: Make, delta: bool) -> None:
    world = make(delta=delta)
    answer = await call(world.process())
    world.upstream.put("a")
    stream = await world.open(world.process(), resume_token=answer.resume_token)
    await settle()
    assert [c.id for c in stream.client.changes] == ["a"]
    await stream.close()
    world.upstream.put("b")
    answer = await call(world.process(), stream.client.token)
    assert [c.id for c in answer.changes] == ["b"]


async def test_a_poll_beside_a_stream_gets_what_is_new_now(make: Make, delta: bool) -> None:
    world = make(delta=delta, poll=600)
    hub = world.process()
    await world.open(hub, start=INITIAL)
    await settle()
    answer = await call(hub)
    world.upstream.put("a")
    answer = await call(hub, answer.resume_token)
    assert [c.id for c in answer.changes] == ["a"]


async def test_a_long_poll_ends_with_the_first_change(make: Make, delta: bool) -> None:
    world = make(delta=delta, poll=10)
    hub = world.process()
    token = (await call(hub)).resume_token
    task = asyncio.get_running_loop().create_task(call(hub, token, wait=60))
    await world.clock.advance(15)
    assert not task.done()
    world.upstream.put("a")
    await world.clock.advance(12)
    assert [c.id for c in (await task).changes] == ["a"]
    assert hub.feeds == 0


async def test_a_long_poll_ends_empty_in_time(make: Make, delta: bool) -> None:
    world = make(delta=delta)
    hub = world.process()
    token = (await call(hub)).resume_token
    task = asyncio.get_running_loop().create_task(call(hub, token, wait=25))
    await world.clock.advance(24)
    assert not task.done()
    await world.clock.advance(2)
    answer = await task
    assert not answer.changes
    assert answer.resume_token
    assert hub.feeds == 0


async def test_a_long_poll_keeps_to_the_callers_deadline(make: Make) -> None:
    world = make()
    hub = world.process()
    token = (await call(hub)).resume_token
    task = asyncio.get_running_loop().create_task(call(hub, token, wait=60, most_wait=3))
    await world.clock.advance(4)
    assert (await task).resume_token


async def test_long_polls_of_one_calendar_cost_one_poll(make: Make, delta: bool) -> None:
    world = make(delta=delta, poll=10)
    hub = world.process()
    token = (await call(hub)).resume_token
    tasks = [asyncio.get_running_loop().create_task(call(hub, token, wait=60)) for _ in range(30)]
    await world.clock.advance(5)
    world.upstream.calls.clear()
    world.upstream.put("a")
    await world.clock.advance(7)
    assert len(world.upstream.calls) == 1
    for task in tasks:
        assert [c.id for c in (await task).changes] == ["a"]


async def test_trouble_is_told_at_once_with_a_time(make: Make) -> None:
    world = make()
    hub = world.process()
    token = (await call(hub)).resume_token
    world.upstream.failures.append(ProviderError(Kind.UNAVAILABLE, "down", retry_after=40))
    for wait in (0, 20):
        with pytest.raises(ProviderError) as caught:
            await call(hub, token, wait=wait)
        if not wait:
            assert caught.value.kind is Kind.UNAVAILABLE
            assert caught.value.retry_after == pytest.approx(40)
            world.upstream.failures.append(ProviderError(Kind.RATE_LIMITED, "slowly"))
    assert hub.feeds == 0


async def test_an_expired_cursor_is_out_of_range(make: Make) -> None:
    """P01."""
    world = make()
    token = (await call(world.process())).resume_token
    world.upstream.expire()
    with pytest.raises(ProviderError) as caught:
        await call(world.process(), token)
    assert (caught.value.kind, caught.value.reason) == (
        Kind.CURSOR_EXPIRED,
        "RESUME_TOKEN_EXPIRED",
    )


async def test_a_list_goes_on_as_a_poll(make: Make) -> None:
    """The token of ListEvents knows no ids: what the provider does not tell stays open."""
    world = make()
    hub = world.process()
    world.upstream.put("old")
    world.upstream.calendars[""]["old"].ClearField("created_at")
    SCOPE.set(Scope(provider="scripted"))
    token = hub.tokens.after_list("c1", "", world.upstream.cursor())
    await world.clock.advance(60)
    world.upstream.put("old")
    world.upstream.put("new")
    world.upstream.put("brief")
    await world.clock.advance(1)
    answer = await call(hub, token)
    kinds = {c.id: c.type for c in answer.changes}
    assert kinds == {
        "old": watch_pb2.CHANGE_TYPE_UPSERTED,
        "new": watch_pb2.CHANGE_TYPE_CREATED,
        "brief": watch_pb2.CHANGE_TYPE_CREATED,
    }
    await world.clock.advance(60)
    world.upstream.remove("old")
    world.upstream.put("new")
    answer = await call(hub, answer.resume_token, max_batch_size=1)
    assert answer.has_more
    rest = await call(hub, answer.resume_token)
    told = [(c.id, c.type) for c in [*answer.changes, *rest.changes]]
    assert sorted(told) == [
        ("new", watch_pb2.CHANGE_TYPE_UPDATED),
        ("old", watch_pb2.CHANGE_TYPE_DELETED),
    ]


async def test_answers_stay_below_what_clients_take(make: Make) -> None:
    world = make(page=1000)
    hub = world.process()
    token = (await call(hub)).resume_token
    for number in range(8):
        world.upstream.put(f"e{number}", description="x" * 900_000)
    seen = 0
    for _ in range(10):
        answer = await call(hub, token, max_batch_size=1000)
        assert answer.ByteSize() < 4 * 1024 * 1024
        seen += len(answer.changes)
        token = answer.resume_token
        if not answer.has_more:
            break
    assert seen == 8
