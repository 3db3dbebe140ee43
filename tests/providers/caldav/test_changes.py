"""Deltas on real servers: nothing lost, dead tokens told, servers without sync tokens compared."""

import pytest

from providers.caldav import changes, resources
from providers.core.call import ChangesPage, ChangesQuery
from providers.core.errors import Kind, ProviderError
from tests.providers.caldav.world import MONDAY, World, timed, vevent
from ucal.v1 import types_pb2, watch_pb2

EVENT = types_pb2.RESOURCE_KIND_EVENT
CREATED, UPDATED = watch_pb2.CHANGE_TYPE_CREATED, watch_pb2.CHANGE_TYPE_UPDATED
UPSERTED, DELETED = watch_pb2.CHANGE_TYPE_UPSERTED, watch_pb2.CHANGE_TYPE_DELETED


async def ask(dav: World, cursor: str = "", **fields: bool) -> ChangesPage:
    query = ChangesQuery(kind=EVENT, calendar_id=dav.calendar_id, cursor=cursor, **fields)
    return await dav.provider.list_changes(dav.call, query)


async def drain(dav: World, cursor: str) -> tuple[list[watch_pb2.Change], str]:
    found: list[watch_pb2.Change] = []
    while True:
        page = await ask(dav, cursor)
        found += page.changes
        cursor = page.cursor
        if not page.has_more:
            return found, cursor


async def test_state_then_changes(dav: World) -> None:
    one = await dav.create(timed(MONDAY, subject="One"))
    two = await dav.create(timed(MONDAY, subject="Two"))
    page = await ask(dav)
    assert {(c.type, c.id, c.event.subject) for c in page.changes} == {
        (CREATED, one.id, "One"),
        (CREATED, two.id, "Two"),
    }
    assert not page.has_more
    assert (await ask(dav, page.cursor)).changes == []
    await dav.update(one.id, "subject", subject="One again")
    await dav.delete(two.id)
    three = await dav.create(timed(MONDAY, subject="Three"))
    found, cursor = await drain(dav, page.cursor)
    by_id = {change.id: change for change in found}
    assert {own_id: change.type for own_id, change in by_id.items()} == {
        one.id: UPSERTED,
        two.id: DELETED,
        three.id: UPSERTED,
    }
    assert by_id[one.id].event.subject == "One again"
    assert by_id[two.id].WhichOneof("resource") is None
    assert len(by_id[two.id].id_digest) == 5
    assert len({change.dedup_key for change in found}) == 3
    again, _ = await drain(dav, page.cursor)
    assert {c.dedup_key for c in again} == {c.dedup_key for c in found}, "the same change again"
    assert (await drain(dav, cursor))[0] == []


async def test_a_baseline_holds_versions(dav: World) -> None:
    made = await dav.create(timed(MONDAY))
    page = await ask(dav, baseline=True)
    assert page.changes == []
    assert page.versions == {made.id: made.etag}
    assert (await ask(dav, page.cursor)).changes == []


async def test_a_changed_instance_is_a_changed_series(dav: World) -> None:
    rules = {"rules": ["RRULE:FREQ=DAILY;COUNT=3"]}
    made = await dav.create(timed(MONDAY, recurrence=rules))
    cursor = (await ask(dav)).cursor
    instance = (await dav.instances(MONDAY, MONDAY.replace(day=20)))[1]
    await dav.update(instance.id, "subject", 1, subject="Changed")
    found, _ = await drain(dav, cursor)
    assert [(c.type, c.id) for c in found] == [(UPSERTED, made.id)]


async def test_p01_a_dead_token_is_told(dav: World) -> None:
    """Radicale and Cyrus say 403, Xandikos 412: to the caller it is one thing."""
    for token in ("http://example.com/ns/sync/invalid", "data:,1-2", '{"token":"x"}', "{broken"):
        with pytest.raises(ProviderError) as caught:
            await ask(dav, token)
        assert caught.value.kind is Kind.CURSOR_EXPIRED, token


async def test_a_list_goes_on_as_a_watch(dav: World) -> None:
    from ucal.v1 import event_pb2

    await dav.create(timed(MONDAY))
    answer = await dav.provider.list_events(
        dav.call, event_pb2.ListEventsRequest(calendar_id=dav.calendar_id)
    )
    assert answer.resume_token
    later = await dav.create(timed(MONDAY, subject="Later"))
    found, _ = await drain(dav, answer.resume_token.decode())
    assert [change.id for change in found] == [later.id]


async def test_many_changes_come_page_by_page(one: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What changes between two pages is not lost, and the end is found."""
    monkeypatch.setattr(changes, "PAGE", 3)
    made = [await one.create(timed(MONDAY, subject=str(n))) for n in range(7)]
    page = await ask(one)
    assert len(page.changes) == 3
    assert page.has_more
    late = await one.create(timed(MONDAY, subject="late"))
    seen = [c.id for c in page.changes]
    while page.has_more:
        page = await ask(one, page.cursor)
        seen += [c.id for c in page.changes]
    assert set(seen) >= {event.id for event in made}
    found, cursor = await drain(one, page.cursor)
    assert late.id in {*seen, *(c.id for c in found)}
    for event in made:
        await one.update(event.id, "location", location="New")
    page = await ask(one, cursor)
    assert len(page.changes) == 3
    first = page.changes[0].id
    await one.update(first, "location", location="Newer")
    found, _ = await drain(one, page.cursor)
    assert {c.id for c in (*page.changes, *found)} == {event.id for event in made}
    again = [c for c in found if c.id == first]
    assert [c.event.location for c in again] == ["Newer"], "told after it had been passed"


@pytest.mark.parametrize("page", ["first", "later", "delta"])
async def test_what_comes_while_pages_are_told_and_goes_again_is_not_left_behind(
    dav: World, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    """Added after the token and deleted before the next one: no server would tell that it went."""
    monkeypatch.setattr(changes, "PAGE", 2)
    cursor = (await ask(dav, baseline=True)).cursor if page == "delta" else ""
    for number in range(5):
        await dav.create(timed(MONDAY, subject=f"Old {number}"))
    held: set[str] = set()

    def apply(found: list[watch_pb2.Change]) -> None:
        for change in found:
            (held.discard if change.type == DELETED else held.add)(change.id)

    real, brief = resources.query, ""

    async def late(*arguments: object, **fields: object) -> object:
        nonlocal brief
        if not brief:
            brief = (await dav.create(timed(MONDAY, subject="Brief"))).id
        return await real(*arguments, **fields)  # type: ignore[arg-type]

    if page == "first":
        monkeypatch.setattr(resources, "query", late)
    first = await ask(dav, cursor)
    apply(first.changes)
    assert first.has_more
    if page != "first":
        brief = (await dav.create(timed(MONDAY, subject="Brief"))).id
    found, cursor = await _all_but_the_delta(dav, first.cursor)
    apply(found)
    await dav.delete(brief)
    apply((await drain(dav, cursor))[0])
    assert brief not in held
    assert len(held) == 5


async def _all_but_the_delta(dav: World, cursor: str) -> tuple[list[watch_pb2.Change], str]:
    """The rest of the pages that a first one began."""
    found: list[watch_pb2.Change] = []
    while cursor.startswith("{"):
        page = await ask(dav, cursor)
        found += page.changes
        cursor = page.cursor
    return found, cursor


async def test_tasks_are_no_events(one: World) -> None:
    todo = vevent("UID:todo", "SUMMARY:Task").replace("VEVENT", "VTODO")
    cursor = (await ask(one)).cursor
    await one.put(todo)
    assert await one.events() == []
    assert (await ask(one, cursor)).changes == []


async def test_a_server_without_sync_tokens_is_compared(
    one: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def none(call: object, frame: object) -> str:
        return ""

    monkeypatch.setattr(changes, "_token", none)
    kept = await one.create(timed(MONDAY, subject="Kept"))
    gone = await one.create(timed(MONDAY, subject="Gone"))
    page = await ask(one, baseline=True)
    assert page.versions == {kept.id: kept.etag, gone.id: gone.etag}
    await one.update(kept.id, "subject", subject="Changed")
    await one.delete(gone.id)
    new = await one.create(timed(MONDAY, subject="New"))
    page = await ask(one, page.cursor)
    assert {(c.id, c.type) for c in page.changes} == {
        (kept.id, UPDATED),
        (gone.id, DELETED),
        (new.id, CREATED),
    }
    assert (await ask(one, page.cursor)).changes == []
    with pytest.raises(ProviderError) as caught:
        changes.pack({f"{n:0>36}.ics": f"{n * 7919 % 999_983:06}" for n in range(20_000)})
    assert caught.value.reason == "CALENDAR_TOO_LARGE"


def test_packed_etags_are_unpacked() -> None:
    known = {"a b.ics": "12345", "ü.ics": "54321"}
    assert changes.unpack(changes.pack(known)) == known
    with pytest.raises(ProviderError) as caught:
        changes.unpack("no")
    assert caught.value.kind is Kind.CURSOR_EXPIRED
