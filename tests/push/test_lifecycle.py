"""What a vendor says of a subscription itself: it is renewed before long, or only asked about."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.conformance.kinds import EVENT
from tests.conformance.native import Stage, reachable
from tests.conformance.subjects import subjects
from ucal.v1 import watch_pb2

(OUTLOOK,) = [subject for subject in subjects() if subject.provider == "outlook"]


@asynccontextmanager
async def watched(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Stage, Any, str]]:
    """A watch that Graph pushes, and the subscription's id there."""
    monkeypatch.setattr("server.push.registrations.TICK_SECONDS", 0.05)
    async with reachable(OUTLOOK) as stage:
        client = stage.client
        scope = watch_pb2.WatchScope(connection_id=client.connection_id, kinds=[EVENT.kind])
        call: Any = client.watches.WatchEvents(watch_pb2.WatchEventsRequest(scope=scope))
        stream = aiter(call)
        assert (await anext(stream)).opened.source == watch_pb2.WATCH_SOURCE_NATIVE
        await anext(stream)  # the point from which it watches is known
        harness: Any = client.harness
        (own_id,) = harness.graph.subscriptions.table
        assert await harness.graph.subscriptions.done.get() == ("created", own_id)
        async with asyncio.timeout(20):
            yield stage, stream, own_id
        call.cancel()


@pytest.mark.parametrize(
    ("event", "answer"),
    [("subscriptionRemoved", "created"), ("reauthorizationRequired", "renewed")],
)
async def test_what_wants_to_be_renewed_is(
    event: str, answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P14. What happened meanwhile is asked for, and what happens after is pushed again."""
    async with watched(monkeypatch) as (stage, stream, own_id):
        harness: Any = stage.client.harness
        graph = harness.graph.subscriptions
        missed = await harness.plant(EVENT.kind)
        graph.tell(own_id, event)
        assert (await anext(stream)).changes.changes[0].id == missed
        done, new_id = await graph.done.get()
        assert (done, new_id == own_id) == (answer, answer == "renewed")
        later = await harness.plant(EVENT.kind)
        assert set(await stage.ring()) == {200}
        assert (await anext(stream)).changes.changes[0].id == later
        assert graph.done.empty(), "it was renewed once"


async def test_what_was_missed_is_asked_for_and_nothing_renewed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """P14."""
    async with watched(monkeypatch) as (stage, stream, own_id):
        harness: Any = stage.client.harness
        missed = await harness.plant(EVENT.kind)
        harness.graph.subscriptions.tell(own_id, "missed")
        assert (await anext(stream)).changes.changes[0].id == missed
        later = await harness.plant(EVENT.kind)
        assert set(await stage.ring()) == {200}
        assert (await anext(stream)).changes.changes[0].id == later
        assert harness.graph.subscriptions.done.empty()
