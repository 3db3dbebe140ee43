"""Incremental synchronization: what is told, what kills a cursor, what Google forbids."""

from datetime import UTC, datetime
from typing import Any

import pytest

from providers.core.errors import Kind
from tests.providers.google.desk import (
    CALENDAR,
    FOLLOWING,
    THIS,
    WEEKLY,
    Desk,
    meeting,
    refused,
)
from tests.providers.google.double import lists
from tests.providers.google.double.world import ADA
from ucal.v1 import event_pb2, types_pb2, watch_pb2

CREATED = watch_pb2.CHANGE_TYPE_CREATED
UPSERTED = watch_pb2.CHANGE_TYPE_UPSERTED
DELETED = watch_pb2.CHANGE_TYPE_DELETED


def _told(changes: list[Any]) -> list[tuple[int, str]]:
    return [(change.type, change.id) for change in changes]


async def test_a_round_tells_everything_and_the_next_what_changed(desk: Desk) -> None:
    kept = await desk.make(meeting("Kept"))
    gone = await desk.make(meeting("Gone"))
    dead = await desk.make(meeting("Dead"))
    await desk.delete(dead.id)
    found, cursor = await desk.all_changes("")
    assert sorted(_told(found)) == sorted([(CREATED, kept.id), (CREATED, gone.id)])
    assert {c.event.subject for c in found} == {"Kept", "Gone"}
    assert (await desk.all_changes(cursor))[0] == []
    new = await desk.make(meeting("New"))
    await desk.delete(gone.id)
    await desk.update(kept.id, event_pb2.Event(subject="Changed"), "subject")
    found, later = await desk.all_changes(cursor)
    assert _told(found) == [(UPSERTED, new.id), (DELETED, gone.id), (UPSERTED, kept.id)]
    assert found[2].event.subject == "Changed"
    assert found[2].changed_at == found[2].event.updated_at
    assert found[1].WhichOneof("resource") is None
    assert (await desk.all_changes(later))[0] == []


async def test_a_baseline_knows_ids_and_versions_only(desk: Desk) -> None:
    made = [await desk.make(meeting(f"N{n}")) for n in range(3)]
    page = await desk.changes(baseline=True)
    assert page.changes == []
    assert page.versions == {e.id: e.etag for e in made}
    asked = desk.asked("GET", "/events")[-1]
    assert "summary" not in asked.query["fields"]
    await desk.delete(made[0].id)
    assert _told((await desk.all_changes(page.cursor))[0]) == [(DELETED, made[0].id)]


async def test_long_rounds_come_in_pages(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """P03: the sync token is that of the last page."""
    from providers.google import changes

    monkeypatch.setattr(changes, "MAX_PAGE", 2)
    made = [await desk.make(meeting(f"N{n}")) for n in range(5)]
    found, cursor = await desk.all_changes("")
    assert [c.id for c in found] == [e.id for e in made]
    for event in made:
        await desk.update(event.id, event_pb2.Event(subject="x"), "subject")
    desk.google.world.page_cut = 0
    found, _ = await desk.all_changes(cursor)
    assert [c.id for c in found] == [e.id for e in made]


async def test_nothing_that_google_forbids_goes_with_a_sync_token(desk: Desk) -> None:
    """P03."""
    _, cursor = await desk.all_changes("")
    await desk.all_changes(cursor)
    with_token = [e for e in desk.asked("GET") if "syncToken" in e.query]
    assert with_token
    for exchange in with_token:
        assert not set(lists.FORBIDDEN) & set(exchange.query)


@pytest.mark.parametrize("kind", [types_pb2.RESOURCE_KIND_EVENT, CALENDAR])
async def test_a_dead_cursor(desk: Desk, kind: Any) -> None:
    """P01: never an empty success."""
    page = await desk.changes(kind=kind)
    desk.google.expire()
    with refused(Kind.CURSOR_EXPIRED, reason="RESUME_TOKEN_EXPIRED"):
        await desk.changes(page.cursor, kind=kind)


@pytest.mark.parametrize("reason", ["fullSyncRequired", "deleted", "invented"])
async def test_every_410_in_a_round_kills_the_cursor(desk: Desk, reason: str) -> None:
    page = await desk.changes()
    desk.google.fail(410, reason)
    with refused(Kind.CURSOR_EXPIRED):
        await desk.changes(page.cursor)


async def test_a_cursor_that_dies_in_the_middle(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    from providers.google import changes

    monkeypatch.setattr(changes, "MAX_PAGE", 1)
    _, cursor = await desk.all_changes("")
    for number in range(3):
        await desk.make(meeting(f"N{number}"))
    page = await desk.changes(cursor)
    assert page.has_more
    desk.google.expire()
    with refused(Kind.CURSOR_EXPIRED):
        await desk.changes(page.cursor)


async def test_a_cursor_that_was_not_made_here(desk: Desk) -> None:
    for text in ("rubbish", '{"sync": 7}', "{"):
        with refused(Kind.CURSOR_EXPIRED):
            await desk.changes(text)


async def test_a_calendar_that_is_gone(desk: Desk) -> None:
    """P13."""
    desk.google.world.add_calendar("team@group", "Team", "UTC", ADA)
    page = await desk.changes(calendar_id="team@group")
    del desk.google.world.calendars["team@group"]
    with refused(Kind.NOT_FOUND):
        await desk.changes(page.cursor, calendar_id="team@group")


async def test_a_cancelled_instance_can_still_be_read(desk: Desk) -> None:
    """Whoever expands the series has to know, so it is no deletion."""
    made = await desk.make(meeting(rules=WEEKLY))
    found = await desk.instances(made.id)
    _, cursor = await desk.all_changes("")
    await desk.delete(found[1].id, scope=THIS)
    (change,) = (await desk.all_changes(cursor))[0]
    assert (change.type, change.id) == (UPSERTED, found[1].id)
    assert change.event.status == event_pb2.EVENT_STATUS_CANCELED
    assert change.event.recurring_event_id == made.id
    assert change.event.original_start_at.timestamp == found[1].original_start_at.timestamp
    first, _ = await desk.all_changes("")
    assert {c.id for c in first} == {made.id, found[1].id}


async def test_a_split_is_told(desk: Desk) -> None:
    made = await desk.make(meeting(rules=WEEKLY))
    found = await desk.instances(made.id)
    _, cursor = await desk.all_changes("")
    answer = await desk.update(
        found[2].id, event_pb2.Event(subject="New"), "subject", scope=FOLLOWING
    )
    told = _told((await desk.all_changes(cursor))[0])
    assert told == [(UPSERTED, answer.event.id), (UPSERTED, made.id)]


async def test_a_stub_with_an_id_only(desk: Desk) -> None:
    """P71."""
    _, cursor = await desk.all_changes("")
    desk.google.world.put(desk.ada, {"kind": "calendar#event", "id": "stub", "status": "cancelled"})
    assert _told((await desk.all_changes(cursor))[0]) == [(DELETED, "stub")]


async def test_raw_of_changes(desk: Desk) -> None:
    await desk.make(meeting("Raw"))
    (change,) = (await desk.all_changes("", include_raw=True))[0]
    assert change.event.raw["summary"] == "Raw"
    (calendar,) = (await desk.all_changes("", kind=CALENDAR, include_raw=True))[0]
    assert calendar.calendar.raw["__id"] == ADA


async def test_calendars(desk: Desk) -> None:
    world = desk.google.world
    first, cursor = await desk.all_changes("", kind=CALENDAR)
    assert _told(first) == [(CREATED, ADA)]
    team = world.add_calendar("team@group", "Team", "UTC", ADA)
    found, cursor = await desk.all_changes(cursor, kind=CALENDAR)
    assert _told(found) == [(UPSERTED, team.id)]
    assert found[0].calendar.name == "Team"
    entry = world.list[team.id]
    entry.data["hidden"] = True
    entry.seq = world.stamp(entry.data)
    found, cursor = await desk.all_changes(cursor, kind=CALENDAR)
    assert _told(found) == [(DELETED, team.id)], "hidden is gone, as in lists"
    entry.data["hidden"] = False
    entry.deleted = True
    entry.seq = world.stamp(entry.data)
    assert _told((await desk.all_changes(cursor, kind=CALENDAR))[0]) == [(DELETED, team.id)]
    page = await desk.changes(kind=CALENDAR, baseline=True)
    assert page.versions == {ADA: world.list[ADA].data["etag"]}


async def test_updated_after_too_long_ago(desk: Desk) -> None:
    desk.google.fail(410, "updatedMinTooLongAgo")
    with refused(Kind.PRECONDITION, reason="UPDATED_AFTER_TOO_OLD"):
        moment = int(datetime(2020, 1, 1, tzinfo=UTC).timestamp())
        await desk.listed(updated_after={"seconds": moment})
