"""Scopes: one instance, all; what happens to exceptions; deletions."""

from datetime import UTC, date, datetime, timedelta

import pytest

from providers.core.errors import Kind
from tests.providers.sandbox.desk import (
    ALL,
    FOLLOWING,
    PLAN,
    SCRATCH,
    THIS,
    WEEKLY,
    Desk,
    berlin,
    day,
    floating,
    meeting,
    refused,
    starts,
    subject,
    times,
)
from ucal.v1 import event_pb2, types_pb2

CANCELED = event_pb2.EVENT_STATUS_CANCELED


# -- scopes that do not fit


@pytest.mark.parametrize("scope", [0, THIS, FOLLOWING])
async def test_a_series_takes_all_or_nothing(
    desk: Desk, made: event_pb2.Event, scope: types_pb2.UpdateScope.ValueType
) -> None:
    with refused(Kind.INVALID, field="scope"):
        await desk.update(made.id, subject("x"), "subject", scope=scope)
    with refused(Kind.INVALID, field="scope"):
        await desk.delete(made.id, scope=scope)


async def test_an_instance_wants_a_scope(desk: Desk, made: event_pb2.Event) -> None:
    own_id = (await desk.instances(made.id))[1].id
    with refused(Kind.INVALID, field="scope"):
        await desk.update(own_id, subject("x"), "subject")
    with refused(Kind.INVALID, field="scope"):
        await desk.delete(own_id)
    assert starts(await desk.instances(made.id)) == PLAN


async def test_a_single_event_takes_any_scope(desk: Desk) -> None:
    made = await desk.make(meeting())
    for scope in (0, THIS, FOLLOWING, ALL):
        await desk.update(made.id, subject(f"s{scope}"), "subject", scope=scope)
    assert (await desk.get(made.id)).subject == f"s{ALL}"


# -- one instance


async def test_p36_an_instance_changed_twice_is_there_once(
    desk: Desk, made: event_pb2.Event
) -> None:
    """P27, P36, P37: its planned start stands."""
    target = (await desk.instances(made.id))[2]
    for hour in (16, 18):
        answer = await desk.update(
            target.id, times(berlin(3, hour, month=11)), "start_at", "end_at", scope=THIS
        )
    found = await desk.instances(made.id)
    assert starts(found) == [*PLAN[:2], "11-03 18:00", *PLAN[3:]]
    assert answer.event == found[2] == await desk.get(target.id)
    assert found[2].id == target.id
    assert found[2].is_exception
    assert found[2].original_start_at == target.start_at
    assert not any(e.is_exception for e in found if e.id != target.id)
    assert len(desk.world.agendas[SCRATCH].series[made.id].exceptions) == 1
    assert (await desk.get(made.id)).subject == "weekly"


async def test_p35_an_instance_planned_in_another_zone(desk: Desk, made: event_pb2.Event) -> None:
    """P35: original_start_at stays in the series' zone."""
    target = (await desk.instances(made.id))[1]
    start = types_pb2.EventTime(time_zone="America/New_York")
    start.timestamp.FromDatetime(datetime(2026, 10, 27, 15, 0, tzinfo=UTC))
    answer = await desk.update(target.id, times(start), "start_at", "end_at", scope=THIS)
    assert answer.event.start_at.time_zone == "America/New_York"
    assert answer.event.original_start_at == target.original_start_at
    assert answer.event.original_start_at.time_zone == "Europe/Berlin"


async def test_an_instance_has_no_rule_and_moves_alone_nowhere(
    desk: Desk, made: event_pb2.Event
) -> None:
    own_id = (await desk.instances(made.id))[1].id
    rules = event_pb2.Event(recurrence=types_pb2.Recurrence(rules=["RRULE:FREQ=DAILY"]))
    with refused(Kind.INVALID, field="event.recurrence"):
        await desk.update(own_id, rules, "recurrence", scope=THIS)
    for scope in (THIS, FOLLOWING):
        with refused(Kind.INVALID, field="event.calendar_id"):
            await desk.update(
                own_id, event_pb2.Event(calendar_id="personal"), "calendar_id", scope=scope
            )


async def test_the_etag_of_an_instance(desk: Desk, made: event_pb2.Event) -> None:
    target = (await desk.instances(made.id))[1]
    changed = event_pb2.Event(subject="x", etag=target.etag)
    answer = await desk.update(target.id, changed, "subject", scope=THIS)
    with refused(Kind.CONFLICT, reason="ETAG_MISMATCH"):
        await desk.update(target.id, changed, "subject", scope=THIS)
    changed.etag = answer.event.etag
    await desk.update(target.id, changed, "subject", scope=THIS)


async def test_p06_a_canceled_instance_is_told_and_can_be_revived(
    desk: Desk, made: event_pb2.Event
) -> None:
    """P06: not deleted, but canceled: a watch carries it as an update."""
    target = (await desk.instances(made.id))[1]
    cursor = (await desk.changes()).cursor
    answer = await desk.delete(target.id, scope=THIS, reason="Illness")
    assert answer.event.status == CANCELED
    assert answer.event.cancellation_reason == "Illness"
    assert starts(await desk.instances(made.id)) == [PLAN[0], *PLAN[2:]]
    assert starts(await desk.instances(made.id, include_canceled=True)) == PLAN
    (change,) = (await desk.changes(cursor)).changes
    assert (change.id, change.type, change.event.status) == (target.id, 2, CANCELED)
    with refused(Kind.PRECONDITION, reason="ALREADY_CANCELED"):
        await desk.delete(target.id, scope=THIS)
    assert (await desk.delete(target.id, scope=THIS, allow_missing=True)).already_absent
    with refused(Kind.PRECONDITION, reason="ALREADY_CANCELED"):
        await desk.update(target.id, subject("x"), "subject", scope=THIS)
    revived = event_pb2.Event(status=event_pb2.EVENT_STATUS_CONFIRMED)
    await desk.update(target.id, revived, "status", scope=THIS)
    assert starts(await desk.instances(made.id)) == PLAN


async def test_instances_of_whole_days_and_floatingtimes(desk: Desk) -> None:
    """P44: dates stay dates, wall times stay wall times."""
    first = date(2026, 10, 20)
    days = event_pb2.Event(start_at=day(first), end_at=day(first + timedelta(days=1)))
    days.recurrence.rules.append("RRULE:FREQ=WEEKLY;COUNT=3")
    wall = datetime(2026, 10, 20, 7)  # noqa: DTZ001 - floating is what it is about
    walls = event_pb2.Event(start_at=floating(wall), end_at=floating(wall + timedelta(hours=1)))
    walls.recurrence.rules.append("RRULE:FREQ=DAILY;COUNT=3")
    for event, step, make in ((days, 7, day), (walls, 1, floating)):
        made = await desk.make(event)
        origin = first if event is days else wall
        found = await desk.instances(made.id)
        assert [e.start_at for e in found] == [
            make(origin + timedelta(days=step * n)) for n in range(3)
        ]
        changed = await desk.update(found[1].id, subject("x"), "subject", scope=THIS)
        assert changed.event.original_start_at == found[1].start_at
        await desk.delete(found[2].id, scope=THIS)
        left = await desk.instances(made.id)
        assert [e.subject for e in left] == ["", "x"]
        assert left[0].is_all_day == (event is days)


# -- all


async def test_all_of_them(desk: Desk, made: event_pb2.Event) -> None:
    for own_id, name in ((made.id, "one"), ((await desk.instances(made.id))[3].id, "two")):
        answer = await desk.update(own_id, subject(name), "subject", scope=ALL)
        assert answer.event.id == made.id
        assert {e.subject for e in await desk.instances(made.id)} == {name}
    assert starts(await desk.instances(made.id)) == PLAN


async def test_p39_exceptions_move_along_with_the_start(desk: Desk, made: event_pb2.Event) -> None:
    """P39: an hour later; what was changed stays changed, what was canceled stays canceled."""
    found = await desk.instances(made.id)
    await desk.update(found[1].id, subject("changed"), "subject", scope=THIS)
    await desk.update(found[2].id, times(berlin(4, 9, month=11)), "start_at", "end_at", scope=THIS)
    await desk.delete(found[3].id, scope=THIS)
    answer = await desk.update(made.id, times(berlin(20, 15, 10)), "start_at", "end_at", scope=ALL)
    assert list(answer.report.coerced_fields.paths) == []
    after = await desk.instances(made.id)
    assert starts(after) == [
        "10-20 15:10",
        "10-27 15:10",
        "11-04 09:00",
        "11-17 15:10",
        "11-24 15:10",
    ]
    assert [e.subject for e in after] == ["weekly", "changed", "weekly", "weekly", "weekly"]
    assert [e.is_exception for e in after] == [False, True, True, False, False]
    originals = [event_pb2.Event(start_at=e.original_start_at) for e in after]
    assert starts(originals)[2] == "11-03 15:10"


async def test_p39_excluded_dates_move_along(desk: Desk) -> None:
    """P39."""
    skipped = berlin(27, 14, 10).timestamp.ToDatetime()
    made = await desk.make(meeting("weekly", None, 30, WEEKLY, f"EXDATE:{skipped:%Y%m%dT%H%M%SZ}"))
    assert starts(await desk.instances(made.id)) == [PLAN[0], *PLAN[2:]]
    await desk.update(made.id, times(berlin(20, 15, 10)), "start_at", "end_at", scope=ALL)
    later = [each.replace("14:10", "15:10") for each in PLAN]
    assert starts(await desk.instances(made.id)) == [later[0], *later[2:]]


async def test_p39_another_rule_drops_exceptions_and_says_so(
    desk: Desk, made: event_pb2.Event
) -> None:
    """P39: with `strict` nothing is changed."""
    found = await desk.instances(made.id)
    await desk.update(found[1].id, subject("changed"), "subject", scope=THIS)
    await desk.update(found[2].id, subject("changed too"), "subject", scope=THIS)
    rules = event_pb2.Event(
        recurrence=types_pb2.Recurrence(rules=["RRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=3"])
    )
    with refused(Kind.PRECONDITION, field="event.recurrence", reason="FIELDS_NOT_SUPPORTED"):
        await desk.update(made.id, rules, "recurrence", scope=ALL, strict=True)
    assert len(await desk.instances(made.id)) == 6
    answer = await desk.update(made.id, rules, "recurrence", scope=ALL)
    assert list(answer.report.coerced_fields.paths) == ["recurrence"]
    after = await desk.instances(made.id)
    assert starts(after) == PLAN[::2]
    assert [e.subject for e in after] == ["weekly", "changed too", "weekly"]


async def test_all_by_an_instance_moves_the_series_as_far(
    desk: Desk, made: event_pb2.Event
) -> None:
    """Across the change of clocks: an hour and a day of wall time."""
    target = (await desk.instances(made.id))[2]
    rules = types_pb2.Recurrence(rules=["RRULE:FREQ=WEEKLY;COUNT=6"])
    sent = times(berlin(4, 15, 10, month=11), 45)
    sent.recurrence.CopyFrom(rules)
    await desk.update(target.id, sent, "start_at", "end_at", "recurrence", scope=ALL)
    found = await desk.instances(made.id)
    assert starts(found)[:3] == ["10-21 15:10", "10-28 15:10", "11-04 15:10"]
    length = found[0].end_at.timestamp.seconds - found[0].start_at.timestamp.seconds
    assert length == 45 * 60


async def test_the_zone_of_a_series_changes(desk: Desk, made: event_pb2.Event) -> None:
    start = types_pb2.EventTime(time_zone="America/New_York")
    start.timestamp.FromDatetime(datetime(2026, 10, 20, 12, 10, tzinfo=UTC))
    await desk.update(made.id, times(start), "start_at", "end_at", scope=ALL)
    # New York changes its clocks a week after Berlin.
    assert starts(await desk.instances(made.id))[:3] == [
        "10-20 14:10",
        "10-27 13:10",
        "11-03 14:10",
    ]


# -- deletions


async def test_p38_a_deletion_of_all_leaves_no_exception(desk: Desk, made: event_pb2.Event) -> None:
    """P38: nor is there room taken by any."""
    before = desk.world.bytes
    again = await desk.make(meeting("other", None, 30, WEEKLY))
    found = await desk.instances(again.id)
    await desk.update(found[1].id, subject("changed"), "subject", scope=THIS)
    cursor = (await desk.changes()).cursor
    await desk.delete(found[2].id, scope=ALL)
    assert desk.world.bytes == before
    assert [e.id for e in await desk.listed()] == [made.id]
    deleted = {c.id for c in (await desk.changes(cursor)).changes if c.type == 3}
    assert deleted == {again.id, found[1].id}
    for own_id in (again.id, found[1].id, found[3].id):
        with refused(Kind.NOT_FOUND):
            await desk.get(own_id)


async def test_bounds_count_what_is_there(desk: Desk, made: event_pb2.Event) -> None:
    """Whatever was done to a series, the count of bytes is that of what is kept."""
    found = await desk.instances(made.id)
    await desk.update(found[1].id, subject("a"), "subject", scope=THIS)
    await desk.update(found[1].id, subject("abc"), "subject", scope=THIS)
    await desk.delete(found[2].id, scope=THIS)
    await desk.update(made.id, times(berlin(20, 15, 10)), "start_at", "end_at", scope=ALL)
    target = (await desk.instances(made.id))[2]
    await desk.update(target.id, subject("rest"), "subject", scope=FOLLOWING)
    world = desk.world
    kept = sum(len(e.framed) for a in world.agendas.values() for e in a.stored_entries())
    for kind in (1, 4, 5, 6, 7, 8):
        kept += sum(len(record.framed) for record in world.shelf(kind).records.values())
    for shelf in world.registrants.values():
        kept += sum(len(record.framed) for record in shelf.records.values())
    assert world.bytes == kept
