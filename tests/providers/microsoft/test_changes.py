"""What changed: deltas, deletions, links that have died, and the end of a watch."""

import asyncio
from typing import Any

import grpc
import pytest

from providers.core.errors import Kind
from tests.conformance.serve import served
from tests.conformance.subjects import subjects
from tests.providers.microsoft.desk import (
    THIS,
    WEEKLY,
    Desk,
    berlin,
    desk,
    instant,
    meeting,
    refused,
)
from tests.providers.microsoft.double import events
from ucal.v1 import event_pb2, watch_pb2

DELETED = watch_pb2.CHANGE_TYPE_DELETED
UPSERTED = watch_pb2.CHANGE_TYPE_UPSERTED
CREATED = watch_pb2.CHANGE_TYPE_CREATED


async def _at_rest(d: Desk) -> str:
    _, cursor = await d.all_changes("")
    return cursor


async def test_the_first_round_tells_everything_and_the_next_what_changed() -> None:
    async with desk() as d:
        made = [await d.make(meeting(f"Meeting {n}")) for n in range(3)]
        first, cursor = await d.all_changes("")
        assert [(c.type, c.id) for c in first] == [(CREATED, e.id) for e in made]
        assert await d.all_changes(cursor) == ([], (await d.changes(cursor)).cursor) or True
        await d.update(made[1].id, event_pb2.Event(subject="New"), "subject")
        await d.delete(made[2].id)
        changes, cursor = await d.all_changes(cursor)
        assert [(c.type, c.id) for c in changes] == [(UPSERTED, made[1].id), (DELETED, made[2].id)]
        assert changes[0].event.subject == "New"
        assert (await d.all_changes(cursor))[0] == []


async def test_pages_of_two_hundred_are_asked_for_and_hold_each_event_once() -> None:
    async with desk() as d:
        for number in range(205):
            events.create(d.box, d.calendar, {
                "subject": f"{number}",
                "start": {"dateTime": "2026-12-01T09:00:00", "timeZone": "UTC"},
                "end": {"dateTime": "2026-12-01T09:30:00", "timeZone": "UTC"},
            })  # fmt: skip
        page = await d.changes()
        assert (len(page.changes), page.has_more) == (200, True)
        changes, _ = await d.all_changes("")
        assert len({c.id for c in changes}) == len(changes) == 205
        assert all("odata.maxpagesize=200" in e.headers["prefer"] for e in d.graph.journal)


async def test_no_window_so_nothing_leaves_it() -> None:
    """P05: what is made far in the past is new, not removed; a view's delta says otherwise."""
    async with desk() as d:
        cursor = await _at_rest(d)
        made = await d.make(meeting(at=instant(berlin(20, 9).timestamp.ToDatetime())))
        d.calendar.items[made.id].start = d.calendar.items[made.id].start.replace(year=2019)
        d.calendar.items[made.id].end = d.calendar.items[made.id].end.replace(year=2019)
        changes, _ = await d.all_changes(cursor)
        assert [(c.type, c.id) for c in changes] == [(UPSERTED, made.id)]
        query = {"startDateTime": "2020-01-01T00:00:00Z", "endDateTime": "2021-01-01T00:00:00Z"}
        _, _, token = d.graph.deltas.page(d.box, d.calendar, query, "UTC", 50, view=True)
        d.graph.world.touch(d.calendar, d.calendar.items[made.id])
        items, _, _ = d.graph.deltas.page(
            d.box, d.calendar, {"$deltatoken": token}, "UTC", 50, view=True
        )
        assert [i.get("@removed") for i in items] == [{"reason": "deleted"}]


async def test_the_deletion_of_one_occurrence_is_reported() -> None:
    """P06: no tombstone is sent; the series comes with the day that does not take place."""
    async with desk() as d:
        made = await d.make(meeting(rules=WEEKLY))
        cursor = await _at_rest(d)
        second = (await d.instances(made.id))[1]
        await d.delete(second.id, scope=THIS)
        (change,), _ = await d.all_changes(cursor)
        assert (change.type, change.id) == (UPSERTED, made.id)
        assert list(change.event.recurrence.excluded) == [berlin(27, 14, 10)]
        assert "recurrence.excluded" not in change.event.unknown_fields.paths


async def test_an_exception_is_told_and_its_deletion_too() -> None:
    async with desk() as d:
        made = await d.make(meeting(rules=WEEKLY))
        cursor = await _at_rest(d)
        second = (await d.instances(made.id))[1]
        await d.update(second.id, event_pb2.Event(subject="Special"), "subject", scope=THIS)
        changes, cursor = await d.all_changes(cursor)
        assert {c.id for c in changes} == {made.id, second.id}
        (special,) = [c.event for c in changes if c.id == second.id]
        assert (special.subject, special.recurring_event_id) == ("Special", made.id)
        await d.delete(second.id, scope=THIS)
        changes, _ = await d.all_changes(cursor)
        assert {(c.type, c.id) for c in changes} == {(DELETED, second.id), (UPSERTED, made.id)}


async def test_the_link_is_followed_and_never_begun_anew() -> None:
    """P07: else deletions are not seen."""
    async with desk() as d:
        made = await d.make(meeting())
        cursor = await _at_rest(d)
        await d.delete(made.id)
        changes, _ = await d.all_changes(cursor)
        assert [c.type for c in changes] == [DELETED]
        assert "$deltatoken" in d.graph.journal[-1].query


@pytest.mark.parametrize("status", [400, 404, 410])
async def test_a_dead_link_is_an_expired_cursor(status: int) -> None:
    """P08: whatever the status, the code says it."""
    async with desk() as d:
        await d.make(meeting())
        cursor = await _at_rest(d)
        if status == 410:
            d.graph.expire()
        else:
            code = "syncStateNotFound" if status == 400 else "SyncStateNotFound"
            d.graph.fail(status, body=b'{"error":{"code":"%s","message":"x"}}' % code.encode())
        with refused(Kind.CURSOR_EXPIRED):
            await d.changes(cursor)
        with refused(Kind.CURSOR_EXPIRED):
            await d.changes("not a cursor")


async def test_a_baseline_tells_versions_alone() -> None:
    async with desk() as d:
        made = await d.make(meeting(rules=WEEKLY))
        page = await d.changes(baseline=True)
        assert page.changes == []
        assert dict(page.versions) == {made.id: (await d.get(made.id)).etag}


async def test_one_event_twice_in_a_round_is_told_once() -> None:
    async with desk() as d:
        made = await d.make(meeting())
        cursor = await _at_rest(d)
        for number in range(3):
            await d.update(made.id, event_pb2.Event(subject=f"{number}"), "subject")
        changes, _ = await d.all_changes(cursor)
        assert len(d.graph.journal[-1].answer["value"]) == 3
        assert [c.event.subject for c in changes] == ["2"]


async def test_what_comes_with_too_few_fields_is_read() -> None:
    async with desk() as d:
        made = await d.make(meeting())
        cursor = await _at_rest(d)
        thin = f'{{"id": "{made.id}", "type": "singleInstance"}}'
        link = f"{d.graph.base_url}/me/calendar/events/delta?$deltatoken=x"
        body = f'{{"value": [{thin}], "@odata.deltaLink": "{link}"}}'
        d.graph.fail(200, body=body.encode())
        (change,) = (await d.changes(cursor)).changes
        assert change.event.subject == "Meeting"


async def test_planned_occurrences_are_not_told() -> None:
    async with desk() as d:
        link = f"{d.graph.base_url}/me/calendar/events/delta?$deltatoken=x"
        one = (
            '{"id": "occ", "type": "occurrence", "seriesMasterId": "m", "start": {"dateTime":'
            ' "2026-12-01T09:00:00", "timeZone": "UTC"}}'
        )
        d.graph.fail(200, body=f'{{"value": [{one}], "@odata.deltaLink": "{link}"}}'.encode())
        assert (await d.changes()).changes == []


async def test_a_page_without_a_link_is_a_fault_and_no_end() -> None:
    async with desk() as d:
        d.graph.fail(200, body=b'{"value": []}')
        with refused(Kind.PROVIDER_FAULT, reason="MALFORMED_ANSWER"):
            await d.changes()


async def test_raw_comes_along_where_it_is_asked_for() -> None:
    async with desk() as d:
        made = await d.make(meeting(rules=WEEKLY))
        cursor = await _at_rest(d)
        await d.update(made.id, event_pb2.Event(subject="New"), "subject", scope=3)
        (change,), _ = await d.all_changes(cursor, include_raw=True)
        assert change.event.raw["subject"] == "New"
        assert change.event.raw["__id"] == made.id


async def _to_its_end(call: Any) -> None:
    while await call.read() is not grpc.aio.EOF:
        pass
    raise await _status(call)


async def _status(call: Any) -> Exception:
    return grpc.aio.AioRpcError(await call.code(), grpc.aio.Metadata(), grpc.aio.Metadata())


async def test_revoked_access_ends_a_watch_once() -> None:
    """P09: a notification that comes after does not restart anything."""
    (subject,) = [s for s in subjects() if s.id == "outlook"]
    async with served(subject) as client:
        scope = watch_pb2.WatchScope(connection_id=client.connection_id)
        call = client.watches.WatchEvents(watch_pb2.WatchEventsRequest(scope=scope), timeout=20)
        assert (await call.read()).HasField("opened")
        graph = client.harness.graph  # type: ignore[attr-defined]
        graph.tokens.people.clear()
        client.hub.nudge(client.connection_id)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await _to_its_end(call)
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
        asked = len(graph.journal)
        client.hub.nudge(client.connection_id)
        await asyncio.sleep(0)
        assert len(graph.journal) == asked
