"""What an answer of the provider means to a watcher, case by case."""

from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from providers.core.call import ChangesPage
from providers.core.errors import Kind, ProviderError
from server.watch.batch import Variant
from server.watch.deltas import DeltaSource
from server.watch.fetched import Fetched
from server.watch.known import Known, id_digest, version_of_etag
from server.watch.listed import ListSource
from server.watch.position import Position
from server.watch.scope import Unit
from tests.watch.world import EVENT, ManualClock, ScriptedTarget, Upstream, World, settle
from ucal.v1 import event_pb2, watch_pb2

W = watch_pb2
CREATED, UPDATED, DELETED = W.CHANGE_TYPE_CREATED, W.CHANGE_TYPE_UPDATED, W.CHANGE_TYPE_DELETED
UPSERTED, STARTED = W.CHANGE_TYPE_UPSERTED, W.CHANGE_TYPE_STARTED
DAY = 86_400


def delta() -> DeltaSource:
    clock = ManualClock()
    target = ScriptedTarget(Upstream(clock), "c1", "c1", delta=True, poll=1)
    return DeltaSource(target, Unit(EVENT), clock)


def change(kind: Any, event_id: str, etag: str = "", **fields: Any) -> watch_pb2.Change:
    found = watch_pb2.Change(type=kind, id=event_id, **fields)
    if etag:
        found.event.id, found.event.etag = event_id, etag
    return found


def told(position: Position, *changes: watch_pb2.Change, cursor: str = "2") -> Any:
    page = ChangesPage(list(changes), cursor)
    return delta().tell(position, Fetched(Timestamp(seconds=50), page))


def at(cursor: str = "1", **etags: str) -> Position:
    known = {id_digest(name): version_of_etag(etag) for name, etag in etags.items()}
    return Position(cursor, Known.of(known), at=40)


@pytest.mark.parametrize("provider_says", [CREATED, UPDATED, UPSERTED])
def test_types_follow_what_the_watcher_knows(provider_says: Any) -> None:
    batch = told(
        at(a="1", b="1"),
        change(provider_says, "a", "2"),
        change(provider_says, "b", "1"),
        change(provider_says, "c", "1"),
    )
    assert [(t.id, t.type) for t in batch.told] == [("a", UPDATED), ("c", CREATED)]
    known = batch.position.known.versions()
    assert known == at(a="2", b="1", c="1").known.versions()


def test_twice_in_one_page() -> None:
    batch = told(
        at(),
        change(CREATED, "a", "1"),
        change(UPDATED, "a", "2"),
        change(DELETED, "a"),
        change(DELETED, "a"),
        change(CREATED, "a", "3"),
    )
    assert [t.type for t in batch.told] == [CREATED, UPDATED, DELETED, CREATED]


def test_p05_no_deletion_of_what_was_never_shown() -> None:
    assert not told(at(a="1"), change(DELETED, "b")).told
    vague = Position("1", Known(complete=False))
    assert [t.type for t in told(vague, change(DELETED, "b")).told] == [DELETED]


def test_p84_p86_a_move_that_makes_a_new_object_is_one_update() -> None:
    batch = told(at(old="1"), change(UPDATED, "new", "1", previous_id="old"))
    (entry,) = batch.told
    assert (entry.type, entry.previous_id) == (UPDATED, "old")
    assert batch.position.known.versions() == at(new="1").known.versions()
    assert not told(
        Position("2", batch.position.known),
        change(UPDATED, "new", "1", previous_id="old"),
        change(DELETED, "old"),
    ).told


def test_what_happened_is_told_once_and_not_remembered() -> None:
    start = change(STARTED, "a", "1")
    batch = told(at(a="1"), start, start)
    assert [t.type for t in batch.told] == [STARTED]
    assert batch.position.known.versions() == at(a="1").known.versions()
    again = told(batch.cut(1), start)
    assert again.told  # cut of a whole batch: its cursor has moved on
    batch = told(at(a="1"), start, change(UPDATED, "a", "2"))
    middle = batch.cut(1)
    assert middle.cursor == "1"
    assert [t.type for t in told(middle, start, change(UPDATED, "a", "2")).told] == [UPDATED]


def test_ids_alone_are_not_told_twice_from_one_point() -> None:
    bare = [change(UPSERTED, "a"), change(UPSERTED, "b")]
    for start in (at(), Position("1", Known(complete=False))):
        batch = told(start, *bare)
        assert len(batch.told) == 2
        assert [t.id for t in told(batch.cut(1), *bare).told] == ["b"]
        later = Position("2", batch.position.known)
        assert len(told(later, *bare, cursor="3").told) == 2


def test_without_a_map_age_decides_as_far_as_it_is_told() -> None:
    vague = Position("1", Known(complete=False), at=40)
    young, old, ageless = (change(UPSERTED, name, "1") for name in "abc")
    young.event.created_at.seconds = 45
    old.event.created_at.seconds = 30
    batch = told(vague, young, old, ageless, change(UPDATED, "d", "1"))
    assert [t.type for t in batch.told] == [CREATED, UPDATED, UPSERTED, UPDATED]
    assert not batch.position.known.complete
    assert not batch.position.known.records


def test_pages_that_lead_nowhere_are_a_fault() -> None:
    for page in (ChangesPage([], ""), ChangesPage([], "1", has_more=True)):
        with pytest.raises(ProviderError) as caught:
            delta().tell(at("1"), Fetched(Timestamp(), page))
        assert caught.value.kind is Kind.ADAPTER_FAULT


def test_changes_without_a_type_or_an_id() -> None:
    vague = Position("1", Known(complete=False), at=40)
    batch = told(vague, change(0, "a", "1"), change(UPDATED, "", "1"))
    assert [(t.id, t.type) for t in batch.told] == [("a", UPSERTED)]


def test_a_baseline_of_changes_is_as_good_as_one_of_versions() -> None:
    first = told(Position(), change(CREATED, "a", "1"))
    page = ChangesPage([], "2", versions={"a": "1"})
    second = delta().tell(Position(), Fetched(Timestamp(seconds=50), page))
    assert first.position.key == second.position.key


def test_dedup_keys_agree_for_repeated_deliveries() -> None:
    def keys(position: Position, *changes: watch_pb2.Change) -> list[str]:
        response = watch_pb2.WatchEventsResponse()
        batch = told(position, *changes)
        batch.write(response.changes.changes, batch.told, Variant())
        return [c.dedup_key for c in response.changes.changes]

    created = keys(at(), change(UPSERTED, "a", "2"))
    assert keys(at(a="1"), change(UPSERTED, "a", "2")) == created
    assert keys(at(a="1"), change(UPSERTED, "a", "3")) != created
    assert keys(at(a="1"), change(UPSERTED, "a", "3", dedup_key="own")) == ["own"]


# -- listing and comparing


def listed(clock: ManualClock, horizon: int = 80 * DAY) -> tuple[Upstream, ListSource]:
    upstream = Upstream(clock)
    target = ScriptedTarget(upstream, "c1", "c1", delta=False, poll=1)
    return upstream, ListSource(target, Unit(EVENT), clock, horizon, deletions=True)


async def step(source: ListSource, position: Position) -> Any:
    fetched = await source.fetch(position, baseline=False, raw=False)
    return source.tell(position, fetched)


def ends(upstream: Upstream, event_id: str, seconds: float) -> None:
    event = event_pb2.Event(id=event_id, etag="1")
    event.end_at.timestamp.seconds = int(upstream.clock.now().timestamp() + seconds)
    upstream.calendars[""][event_id] = event


async def test_the_window_moves_on_without_false_deletions() -> None:
    clock = ManualClock()
    upstream, source = listed(clock)
    ends(upstream, "recent", -10 * DAY)
    ends(upstream, "coming", 70 * DAY)
    ends(upstream, "doomed", -10 * DAY)
    batch = await step(source, source.start())
    assert [t.id for t in batch.told] == ["recent", "coming", "doomed"]
    position = batch.position
    for day in range(60):
        await clock.advance(DAY)
        if day == 15:
            del upstream.calendars[""]["doomed"]
        batch = await step(source, position)
        assert [(t.id, t.type) for t in batch.told] == ([("doomed", DELETED)] if day == 15 else [])
        position = batch.position
    assert position.anchor > source.start().anchor - 1
    assert list(position.known.names().values()) == ["coming"], "what has aged is forgotten"
    del upstream.calendars[""]["coming"]
    batch = await step(source, position)
    assert [(t.id, t.type) for t in batch.told] == [("coming", DELETED)]


async def test_a_token_from_before_the_window_moved_still_sees_deletions() -> None:
    clock = ManualClock()
    upstream, source = listed(clock)
    ends(upstream, "doomed", -10 * DAY)
    ends(upstream, "aging", -10 * DAY)
    position = (await step(source, source.start())).position
    await clock.advance(25 * DAY)
    del upstream.calendars[""]["doomed"]
    batch = await step(source, position)
    assert [(t.id, t.type) for t in batch.told] == [("doomed", DELETED)]
    assert not (await step(source, batch.position)).told


async def test_positions_with_different_windows_share_an_answer() -> None:
    clock = ManualClock()
    upstream, source = listed(clock)
    ends(upstream, "aging", -19 * DAY)
    ends(upstream, "coming", 10 * DAY)
    old = (await step(source, source.start())).position
    await clock.advance(25 * DAY)
    young = (await step(source, source.start())).position
    assert young.anchor > old.anchor
    fetched = await source.fetch(old, baseline=False, raw=False)
    assert not source.tell(young, fetched).told
    assert not source.tell(old, fetched).told
    assert source.tell(old, fetched).position.key == source.tell(young, fetched).position.key


async def test_only_the_digest_is_told_of_what_a_large_token_forgot() -> None:
    world = World(delta=False)
    for number in range(1200):
        world.upstream.put(f"an-event-with-a-long-id-{number}")
    first = await world.open(world.process(), start=W.WATCH_START_INITIAL_STATE)
    await settle()
    await first.close()
    world.upstream.remove("an-event-with-a-long-id-7")
    again = await world.open(
        world.process(), resume_token=first.client.token, holding=first.client.state
    )
    await settle()
    (change,) = again.client.changes
    assert (change.type, change.id) == (DELETED, "")
    assert change.id_digest == id_digest("an-event-with-a-long-id-7")
    world.upstream.remove("an-event-with-a-long-id-8")
    await world.clock.advance(12)
    assert again.client.changes[-1].id == "an-event-with-a-long-id-8", "known in this process"
    assert again.client.state == world.upstream.state()
    await world.close()
