"""Watches that the vendor wakes: created, updated and deleted arrive long before the next poll.

The same changes arrive by polling in `test_watch`. What a delivery says is never believed: the bell
of a vendor rings, and the change is read from its double. Forged and repeated deliveries are tried
in `tests/push/test_forgery`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from providers.core import operations as ops
from providers.registry import PROVIDERS, provider_class
from tests.conformance.kinds import Kind
from tests.conformance.native import Stage, pushed, reachable
from tests.conformance.subjects import Subject
from tests.conformance.test_watch import CREATED, DELETED, PATIENCE, UPDATED, Watch
from tests.push.bells import BELLS, BELLS_BY_HAND
from ucal.v1 import watch_pb2

EVERY = pytest.mark.parametrize(
    ("subject", "kind"),
    [
        pytest.param(
            subject, kind, id=f"{subject.id}-{kind}",
            marks=pytest.mark.xdist_group(f"conformance-{subject.id}"),
        )
        for subject, kind in pushed()
    ],
)  # fmt: skip
TOLD_OF_DELETIONS = {watch_pb2.DELETION_SUPPORT_EXACT, watch_pb2.DELETION_SUPPORT_RECONCILED}


@asynccontextmanager
async def watching(stage: Stage, kind: Kind) -> AsyncIterator[Watch]:
    """A watch that would poll too late for this test."""
    client = stage.client
    scope = watch_pb2.WatchScope(connection_id=client.connection_id, kinds=[kind.kind])
    if client.harness.calendar_id and kind.name == "event":
        scope.calendar_ids.append(client.harness.calendar_id)
    request = watch_pb2.WatchEventsRequest(scope=scope, start=watch_pb2.WATCH_START_INITIAL_STATE)
    call: Any = client.watches.WatchEvents(request, metadata=client.metadata)
    try:
        watch = Watch(client, call)
        opened = (await watch.next()).opened
        wanted = watch_pb2.WATCH_SOURCE_POLLING if stage.by_hand else watch_pb2.WATCH_SOURCE_NATIVE
        assert opened.source == wanted, opened.reason
        assert opened.poll_interval.seconds > PATIENCE
        await watch.until("synced")
        yield watch
    finally:
        call.cancel()


@asynccontextmanager
async def scene(subject: Subject, kind: Kind) -> AsyncIterator[tuple[Stage, Watch]]:
    """A watch that has told the state, in which there is an object already."""
    async with reachable(subject) as stage:
        await stage.client.harness.plant(kind.kind)
        async with watching(stage, kind) as watch:
            yield stage, watch


async def heard(
    stage: Stage, watch: Watch, id: str, types: set[watch_pb2.ChangeType.ValueType]
) -> watch_pb2.Change:
    """What is told of the object after the vendor's delivery."""
    assert set(await stage.ring()) == {200}
    change = await watch.change(id)
    name = watch_pb2.ChangeType.Name(change.type)
    assert change.type in types, f"{stage.client.name}: {name} is not what happened"
    return change


@EVERY
async def test_created_updated_and_deleted_are_told_natively(subject: Subject, kind: Kind) -> None:
    """Vendors that tell of new objects alone ring for another one when one is deleted."""
    async with scene(subject, kind) as (stage, watch):
        harness = stage.client.harness
        own_id = await harness.plant(kind.kind)
        change = await heard(stage, watch, own_id, CREATED)
        assert getattr(change, kind.name).id == own_id
        await harness.change(kind.kind, own_id)
        await heard(stage, watch, own_id, UPDATED)
        if stage.client.capability(ops.WATCHES[kind.kind]).deletions in TOLD_OF_DELETIONS:
            await harness.remove(kind.kind, own_id)
            change = await heard(stage, watch, own_id, DELETED)
            assert change.WhichOneof("resource") is None


@EVERY
async def test_a_bell_without_a_change_tells_nothing(subject: Subject, kind: Kind) -> None:
    """A delivery is a hint: what did not change is not told, however often it rings."""
    async with scene(subject, kind) as (stage, watch):
        for _ in range(3):
            assert set(await stage.ring()) == {200}
        own_id = await stage.client.harness.plant(kind.kind)
        await heard(stage, watch, own_id, CREATED)
        assert (
            watch.seen.count("changes")
            == watch.seen[: watch.seen.index("synced")].count("changes") + 1
        ), watch.seen


@pytest.mark.parametrize("name", PROVIDERS)
def test_every_provider_with_push_is_tried(name: str) -> None:
    provider = provider_class(name)
    if provider.pushed_kinds:
        assert name in BELLS
    else:
        assert name not in BELLS
    tried = {subject.provider for subject, _ in pushed()}
    assert (name in tried) == (name in BELLS or name in BELLS_BY_HAND)
