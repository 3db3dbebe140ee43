"""Deltas: the initial state, what changed since, cursors that have died, bounds."""

import uuid
from datetime import timedelta

import pytest

from providers.core.call import ChangesQuery
from providers.core.errors import Kind
from providers.core.settings import ProviderSettings
from providers.sandbox import changes, worlds
from providers.sandbox import journal as journals
from providers.sandbox import world as world_module
from providers.sandbox.provider import Sandbox
from tests.providers.sandbox.desk import EVENT, NOW, SCRATCH, THIS, Desk, meeting, refused
from ucal.v1 import calendar_pb2, event_pb2, link_pb2, types_pb2, watch_pb2, webinar_pb2

CREATED = watch_pb2.CHANGE_TYPE_CREATED
UPDATED = watch_pb2.CHANGE_TYPE_UPDATED
DELETED = watch_pb2.CHANGE_TYPE_DELETED


@pytest.mark.parametrize("kind", sorted(changes.KINDS))
async def test_the_initial_state_is_everything_once(desk: Desk, kind: int) -> None:
    page = await desk.changes(kind=kind, calendar_id="work", include_raw=True)
    assert {c.type for c in page.changes} == {CREATED}
    ids = [c.id for c in page.changes]
    assert len(set(ids)) == len(ids) > 3
    for change in page.changes:
        resource = getattr(change, change.WhichOneof("resource"))
        assert resource.id == change.id == resource.raw["__id"]
        assert change.connection_id == desk.connection_id
        assert change.dedup_key
    baseline = await desk.changes(kind=kind, calendar_id="work", baseline=True)
    assert not baseline.changes
    assert set(baseline.versions) == set(ids)
    assert baseline.cursor == page.cursor
    again = await desk.changes(page.cursor, kind, "work")
    assert (again.changes, again.cursor, again.has_more) == ([], page.cursor, False)


async def test_the_initial_state_is_paged_without_a_gap(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "PAGE", 3)
    made = [await desk.make(meeting(f"m{number}")) for number in range(7)]
    seen: dict[str, list[int]] = {}
    cursor, first = "", True
    while True:
        page = await desk.changes(cursor)
        assert len(page.changes) <= 3
        for change in page.changes:
            seen.setdefault(change.id, []).append(change.type)
        cursor = page.cursor
        if first:
            await desk.update(page.changes[0].id, event_pb2.Event(subject="x"), "subject")
            changed, first = page.changes[0].id, False
        if not page.has_more:
            break
    assert set(seen) == {event.id for event in made}
    assert all(types == [CREATED] for types in seen.values())
    (late,) = (await desk.changes(cursor)).changes
    assert (late.id, late.type) == (changed, UPDATED)


async def test_created_updated_and_deleted_are_told_apart(desk: Desk) -> None:
    cursor = (await desk.changes()).cursor
    made = await desk.make(meeting())
    other = await desk.make(meeting())
    page = await desk.changes(cursor)
    assert [(c.id, c.type) for c in page.changes] == [(made.id, CREATED), (other.id, CREATED)]
    assert page.changes[0].event == made
    desk.later(seconds=1)
    await desk.update(made.id, event_pb2.Event(subject="x"), "subject")
    await desk.delete(other.id)
    page = await desk.changes(page.cursor)
    assert [(c.id, c.type) for c in page.changes] == [(made.id, UPDATED), (other.id, DELETED)]
    update, deletion = page.changes
    assert update.event.subject == "x"
    assert update.changed_at.ToDatetime() == desk.now.replace(tzinfo=None)
    assert update.calendar_id == deletion.calendar_id == SCRATCH
    assert deletion.WhichOneof("resource") is None
    assert len(deletion.id_digest) == 5
    assert update.dedup_key != deletion.dedup_key


async def test_the_net_of_many_changes(desk: Desk) -> None:
    """P05: what came and went in between was never shown, and is not deleted."""
    cursor = (await desk.changes()).cursor
    stays = await desk.make(meeting())
    goes = await desk.make(meeting())
    for number in range(3):
        await desk.update(stays.id, event_pb2.Event(subject=f"s{number}"), "subject")
    await desk.delete(goes.id)
    (change,) = (await desk.changes(cursor)).changes
    assert (change.id, change.type, change.event.subject) == (stays.id, CREATED, "s2")


async def test_many_changes_come_in_pages(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "PAGE", 4)
    cursor = (await desk.changes()).cursor
    made = [await desk.make(meeting()) for _ in range(9)]
    seen: list[str] = []
    for more in (True, True, False):
        page = await desk.changes(cursor)
        assert page.has_more is more
        seen += [c.id for c in page.changes]
        cursor = page.cursor
    assert seen == [event.id for event in made]


async def test_every_kind_of_object_is_told(desk: Desk) -> None:
    cursors = {
        kind: (await desk.changes(kind=kind)).cursor for kind in changes.KINDS if kind != EVENT
    }
    sandbox, call = desk.sandbox, desk.call()
    calendar = calendar_pb2.Calendar(name="New")
    made = await sandbox.create_calendar(
        call, calendar_pb2.CreateCalendarRequest(calendar=calendar)
    )
    await sandbox.delete_link(call, link_pb2.DeleteLinkRequest(id="consulting"))
    await sandbox.delete_webinar(call, webinar_pb2.DeleteWebinarRequest(id="webinar-upcoming"))
    told = {}
    for kind, cursor in cursors.items():
        told[kind] = [(c.id, c.type) for c in (await desk.changes(cursor, kind)).changes]
    assert told == {
        types_pb2.RESOURCE_KIND_CALENDAR: [(made.calendar.id, CREATED)],
        types_pb2.RESOURCE_KIND_LINK: [("consulting", DELETED)],
        types_pb2.RESOURCE_KIND_WEBINAR: [("webinar-upcoming", DELETED)],
        types_pb2.RESOURCE_KIND_RECORDING: [],
    }


async def test_an_exception_that_is_dropped_is_gone(desk: Desk) -> None:
    made = await desk.make(meeting("weekly", None, 30, "RRULE:FREQ=WEEKLY;COUNT=3"))
    target = (await desk.instances(made.id))[1]
    await desk.update(target.id, event_pb2.Event(subject="x"), "subject", scope=THIS)
    state = await desk.changes()
    assert {c.id for c in state.changes} == {made.id, target.id}
    rules = event_pb2.Event(recurrence=types_pb2.Recurrence(rules=["RRULE:FREQ=DAILY;COUNT=3"]))
    await desk.update(made.id, rules, "recurrence", scope=types_pb2.UPDATE_SCOPE_ALL)
    page = await desk.changes(state.cursor)
    assert {(c.id, c.type) for c in page.changes} == {(made.id, UPDATED), (target.id, DELETED)}


# -- cursors


@pytest.mark.parametrize("cursor", ["x", "1.x", ".", "99", "é.1", "initial!x!1:2", "initial!"])
async def test_p08_a_cursor_that_is_none(desk: Desk, cursor: str) -> None:
    """P08: neither an internal error nor an empty success."""
    if cursor == "initial!":
        assert await desk.changes(cursor)  # the beginning, in other words
        return
    with pytest.raises(Exception) as caught:
        await desk.changes(cursor)
    assert caught.value.kind in (Kind.INVALID, Kind.CURSOR_EXPIRED)


async def test_p01_a_cursor_that_the_journal_outgrew(desk: Desk) -> None:
    """P01: never an empty success; P02: what was deleted meanwhile is missing in the new state."""
    journal = desk.world.journal
    made = await desk.make(meeting())
    cursor = (await desk.changes()).cursor
    await desk.delete(made.id)
    for _ in range(journals.LIMIT):
        journal.note(UPDATED, EVENT, SCRATCH, "y", NOW)
    with refused(Kind.CURSOR_EXPIRED, reason="RESUME_TOKEN_EXPIRED"):
        await desk.changes(cursor)
    state = await desk.changes()
    assert made.id not in {c.id for c in state.changes}
    assert (await desk.changes(state.cursor)).changes == []


async def test_p01_a_cursor_of_a_world_that_is_gone() -> None:
    """P01: after eviction, or in another process."""
    sandbox = Sandbox(ProviderSettings(extra={"max_connections": "2", "life_seconds": "0"}))
    desk = Desk(sandbox)
    made = await desk.make(meeting())
    cursor = (await desk.changes()).cursor
    for name in ("c2", "c3"):
        Desk(sandbox, connection_id=name, now=NOW + timedelta(seconds=1)).world  # noqa: B018
    assert len(sandbox.worlds) == 2
    desk.later(seconds=2)
    with refused(Kind.CURSOR_EXPIRED):
        await desk.changes(cursor)
    with refused(Kind.NOT_FOUND):
        await desk.get(made.id)


async def test_a_deleted_calendar_ends_its_watch(desk: Desk) -> None:
    made = await desk.make(meeting())
    cursor = (await desk.changes()).cursor
    request = calendar_pb2.DeleteCalendarRequest(id=SCRATCH)
    await desk.sandbox.delete_calendar(desk.call(), request)
    for again in (cursor, ""):
        with refused(Kind.NOT_FOUND) as caught:
            await desk.changes(again)
        assert caught.value.resource == ("calendar", SCRATCH)
    with refused(Kind.NOT_FOUND):
        await desk.get(made.id)


# -- calendars


async def test_calendars_are_made_changed_and_deleted(desk: Desk) -> None:
    sandbox, call = desk.sandbox, desk.call()
    request_id = str(uuid.uuid4())
    create = calendar_pb2.CreateCalendarRequest(
        calendar=calendar_pb2.Calendar(name="Team", color="#112233"), request_id=request_id
    )
    made = (await sandbox.create_calendar(call, create)).calendar
    assert (made.timezone, made.is_read_only) == ("Europe/Berlin", False)
    assert (await sandbox.create_calendar(call, create)).calendar == made
    event = meeting()
    event.calendar_id = made.id
    await desk.make(event)
    update = calendar_pb2.UpdateCalendarRequest(id=made.id)
    update.update_mask.paths.extend(["name", "color"])
    update.calendar.name = "Renamed"
    changed = (await sandbox.update_calendar(call, update)).calendar
    assert (changed.name, changed.color, changed.timezone) == ("Renamed", "", "Europe/Berlin")
    update.calendar.etag = made.etag
    with refused(Kind.CONFLICT, reason="ETAG_MISMATCH"):
        await sandbox.update_calendar(call, update)
    delete = calendar_pb2.DeleteCalendarRequest(id=made.id)
    before = desk.world.bytes
    await sandbox.delete_calendar(call, delete)
    assert desk.world.bytes < before
    with refused(Kind.NOT_FOUND):
        await sandbox.delete_calendar(call, delete)
    delete.allow_missing = True
    assert (await sandbox.delete_calendar(call, delete)).already_absent


async def test_a_calendar_moves_to_another_zone(desk: Desk) -> None:
    """Its whole days are days of the new zone from then on."""
    event = event_pb2.Event()
    for name, number in (("start_at", 20), ("end_at", 21)):
        date = getattr(event, name).date
        date.year, date.month, date.day = 2026, 10, number
    made = await desk.make(event)
    entry = desk.world.agendas[SCRATCH].entries[made.id]
    update = calendar_pb2.UpdateCalendarRequest(id=SCRATCH)
    update.update_mask.paths.append("timezone")
    update.calendar.timezone = "America/New_York"
    await desk.sandbox.update_calendar(desk.call(), update)
    moved = desk.world.agendas[SCRATCH].entries[made.id]
    assert moved.start - entry.start == 13 * 3_600_000_000


@pytest.mark.parametrize(
    ("id", "kind", "field"),
    [
        ("team-new-york", Kind.FORBIDDEN, ""),
        ("nowhere", Kind.NOT_FOUND, ""),
        ("work", Kind.INVALID, "calendar.name"),
    ],
)
async def test_calendars_that_cannot_be_changed(
    desk: Desk, id: str, kind: Kind, field: str
) -> None:
    update = calendar_pb2.UpdateCalendarRequest(id=id)
    update.update_mask.paths.append("name")
    with refused(kind, field=field):
        await desk.sandbox.update_calendar(desk.call(), update)
    update.update_mask.paths[:] = ["timezone"]
    update.calendar.timezone = "Mars/Olympus"
    if id == "work":
        with refused(kind, field="calendar.timezone"):
            await desk.sandbox.update_calendar(desk.call(), update)


async def test_the_primary_calendar_stays(desk: Desk) -> None:
    for own_id in ("work", "primary"):
        with refused(Kind.PRECONDITION, reason="PRIMARY_CALENDAR"):
            request = calendar_pb2.DeleteCalendarRequest(id=own_id)
            await desk.sandbox.delete_calendar(desk.call(), request)


# -- bounds


async def test_a_world_is_bounded(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    made = await desk.make(meeting())
    count = sum(len(agenda) for agenda in desk.world.agendas.values())
    monkeypatch.setattr(world_module, "MAX_EVENTS", count)
    with refused(Kind.QUOTA_EXCEEDED, reason="QUOTA_EXCEEDED"):
        await desk.make(meeting())
    await desk.update(made.id, event_pb2.Event(subject="x"), "subject")
    await desk.delete(made.id)
    await desk.make(meeting())


async def test_a_world_is_bounded_in_bytes(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    made = await desk.make(meeting())
    monkeypatch.setattr(world_module, "MAX_BYTES", desk.world.bytes + 1_000)
    large = meeting()
    large.description = "x" * 2_000
    with refused(Kind.QUOTA_EXCEEDED):
        await desk.make(large)
    with refused(Kind.QUOTA_EXCEEDED):
        await desk.update(made.id, large, "description")
    assert await desk.get(made.id) == made


async def test_objects_of_a_kind_are_bounded(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world_module, "MAX_OBJECTS", 5)
    calendar = calendar_pb2.Calendar(name="New")
    with refused(Kind.QUOTA_EXCEEDED):
        await desk.sandbox.create_calendar(
            desk.call(), calendar_pb2.CreateCalendarRequest(calendar=calendar)
        )


def test_all_worlds_together_are_bounded() -> None:
    sandbox = Sandbox(ProviderSettings())
    kept = worlds.Worlds(lambda world: setattr(world, "bytes", 10), max_bytes=35)
    for number in range(9):
        kept.visit(f"c{number}", NOW)
    assert len(kept) == 3
    assert kept.visit("c8", NOW).bytes == 10
    assert len(sandbox.worlds) == 0


def test_those_who_bring_credentials_do_not_share_a_world(desk: Desk) -> None:
    one = desk.sandbox.worlds.visit("-", NOW, "a")
    assert desk.sandbox.worlds.visit("-", NOW, "a") is one
    assert desk.sandbox.worlds.visit("-", NOW, "b") is not one
    assert one.connection_id == "-"
    assert desk.sandbox.worlds.visit("c9", NOW, "a") is desk.sandbox.worlds.visit("c9", NOW, "b")


async def test_worlds_see_nothing_of_one_another(desk: Desk) -> None:
    made = await desk.make(meeting())
    desk.connection_id = "c2"
    with refused(Kind.NOT_FOUND):
        await desk.get(made.id)
    page = await desk.sandbox.list_changes(desk.call(), ChangesQuery(EVENT, SCRATCH))
    assert page.changes == []
