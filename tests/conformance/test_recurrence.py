"""Series: instances, exceptions, scopes, clocks that change, whole days, floating times."""

from datetime import UTC, timedelta
from typing import Any

import grpc
import pytest

from providers.core import operations as ops
from providers.core.operations import Operation
from tests.conformance import samples, series
from tests.conformance.client import Client
from tests.conformance.failure import Failure
from tests.conformance.kinds import EVENT
from tests.conformance.series import WEEK
from ucal.v1 import event_pb2, types_pb2

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.needs(ops.GET_EVENT),
    pytest.mark.keeps(ops.CREATE_EVENT, "recurrence", "start_at", "end_at"),
    pytest.mark.expands,
]

INVALID = grpc.StatusCode.INVALID_ARGUMENT
THIS = types_pb2.UPDATE_SCOPE_THIS_INSTANCE
FOLLOWING = types_pb2.UPDATE_SCOPE_THIS_AND_FOLLOWING
ALL = types_pb2.UPDATE_SCOPE_ALL
SCOPES = {"this": THIS, "following": FOLLOWING, "all": ALL}


# -- reading


async def test_instances_keep_the_wall_clock(client: Client) -> None:
    """P23: 14:10 in Berlin before and after the change of clocks; the EXDATE is left out."""
    made = await series.make(client)
    found = await made.instances()
    assert [series.local(event) for event in found] == made.planned
    offsets = {series.local(event).utcoffset() for event in found}
    assert len(offsets) == 2, "the series was to cross a change of clocks"
    for event in found:
        length = samples.instant(event.end_at) - samples.instant(event.start_at)
        assert length == timedelta(minutes=50)
        assert event.start_at.time_zone == "Europe/Berlin"


async def test_instances_know_their_series(client: Client) -> None:
    made = await series.make(client)
    found = await made.instances()
    assert len({event.id for event in found} | {made.event.id}) == len(found) + 1
    for event in found:
        assert event.recurring_event_id == made.event.id
        assert not event.HasField("recurrence"), "recurrence is set on the series only"
        assert not event.is_exception
        assert samples.instant(event.original_start_at) == samples.instant(event.start_at)
        again = await client.get(EVENT, event.id)
        assert again.id == event.id
        assert again.start_at == event.start_at
        assert again.recurring_event_id == made.event.id


async def test_a_series_tells_its_rule(client: Client) -> None:
    made = await series.make(client)
    found = await client.get(EVENT, made.event.id)
    assert found.recurring_event_id == ""
    rules = [line for line in found.recurrence.rules if line.startswith("RRULE")]
    assert len(rules) == 1, found.recurrence
    assert "FREQ=WEEKLY" in rules[0]
    assert found.recurrence.rule.frequency == types_pb2.RECURRENCE_FREQUENCY_WEEKLY
    skipped = made.planned[0] + series.SKIPPED * WEEK
    assert [samples.instant(when) for when in found.recurrence.excluded] == [skipped]


@pytest.mark.needs(ops.LIST_EVENTS)
async def test_lists_hold_the_series_or_its_instances(client: Client) -> None:
    """P37, P43: an instance is found in a window that its series began before."""
    made = await series.make(client)
    masters = [e.id for e in await client.every(EVENT, window=made.window)]
    assert masters.count(made.event.id) == 1
    assert not set(masters) & {event.id for event in await made.instances()}
    if not client.capability(ops.LIST_EVENTS).expand_recurring:
        return
    late = samples.window(made.planned[2] - timedelta(hours=1), days=7 * series.WEEKS)
    found = await client.every(EVENT, window=late, expand_recurring=True)
    own = [event for event in found if event.recurring_event_id == made.event.id]
    assert [series.local(event) for event in own] == made.planned[2:]
    assert made.event.id not in [event.id for event in found]
    timed = [samples.instant(e.start_at) for e in found if e.start_at.HasField("timestamp")]
    assert timed == sorted(timed), f"{client.name} ListEvents: instances are not ordered by start"


@pytest.mark.declares(ops.LIST_EVENTS, "expand_recurring")
async def test_expansion_wants_both_bounds(client: Client) -> None:
    start = samples.stamp(samples.BASE).timestamp
    for window in ({}, {"start_at": start}, {"end_at": start}):
        await client.refused(
            ops.LIST_EVENTS, INVALID, field="window", expand_recurring=True, window=window
        )


@pytest.mark.needs(ops.LIST_EVENT_INSTANCES)
async def test_one_instance_is_found_by_its_planned_start(client: Client) -> None:
    made = await series.make(client)
    wanted = made.planned[3]
    found = await client.all(
        ops.LIST_EVENT_INSTANCES,
        recurring_event_id=made.event.id,
        window=made.window,
        original_start_at=samples.stamp(wanted.astimezone(UTC), "Europe/Berlin"),
    )
    assert [series.local(event) for event in found] == [wanted]


@pytest.mark.parametrize(
    ("end", "count"),
    [("COUNT=3", 3), ("UNTIL={last:%Y%m%dT%H%M%SZ}", 3), ("UNTIL={before:%Y%m%dT%H%M%SZ}", 2)],
    ids=["count", "until-inclusive", "until-before"],
)
async def test_ends_of_series_are_inclusive(client: Client, end: str, count: int) -> None:
    """P33, P34, P42."""
    start = samples.slot().astimezone(UTC) + timedelta(days=35)
    last = start + timedelta(days=2)
    rule = "RRULE:FREQ=DAILY;" + end.format(last=last, before=last - timedelta(seconds=1))
    event = await client.create(
        EVENT,
        start_at=samples.stamp(start, "UTC"),
        end_at=samples.stamp(start + timedelta(minutes=20), "UTC"),
        recurrence={"rules": [rule]},
    )
    window = samples.window(start - timedelta(days=1), days=8)
    found = await series.instances(client, event.id, window)
    assert [samples.instant(e.start_at) for e in found] == [
        start + timedelta(days=n) for n in range(count)
    ]


async def test_all_day_series(client: Client) -> None:
    """P44: dates stay dates."""
    first = series.first_start().date()
    content = {
        "start_at": samples.day(first),
        "end_at": samples.day(first + timedelta(days=1)),
        "recurrence": {"rules": ["RRULE:FREQ=WEEKLY;COUNT=4"]},
    }
    event = await _or_told(client, content)
    window = samples.window(series.first_start() - WEEK, days=56)
    found = await series.instances(client, event.id, window)
    days = [first + n * WEEK for n in range(4)]
    assert [e.start_at for e in found] == [samples.day(each) for each in days]
    assert [e.end_at for e in found] == [samples.day(d + timedelta(days=1)) for d in days]
    assert all(e.is_all_day for e in found)


async def test_floating_series(client: Client) -> None:
    """P22: wall times stay wall times."""
    first = series.first_start().replace(tzinfo=None)
    content = {
        "start_at": samples.floating(first),
        "end_at": samples.floating(first + timedelta(hours=1)),
        "recurrence": {"rules": ["RRULE:FREQ=DAILY;COUNT=3"]},
    }
    event = await _or_told(client, content)
    window = samples.window(series.first_start() - WEEK, days=21)
    found = await series.instances(client, event.id, window)
    expected = [samples.floating(first + timedelta(days=n)) for n in range(3)]
    assert [e.start_at for e in found] == expected


async def _or_told(client: Client, content: dict[str, Any]) -> event_pb2.Event:
    """A new event, or a skip when the provider says that it cannot hold such times."""
    answer = await client.attempt(ops.CREATE_EVENT, event=await client.sample(EVENT, **content))
    if isinstance(answer, Failure):
        assert answer.code in (INVALID, grpc.StatusCode.UNIMPLEMENTED), answer
        assert answer.fields, f"{answer}: names no field"
        client.missing("such times, and says so")
    report = answer.report
    if {"start_at", "end_at"} & {*report.coerced_fields.paths, *report.dropped_fields.paths}:
        client.missing("such times, and reports it")
    found: event_pb2.Event = answer.event
    return found


# -- updating


@pytest.mark.scoped(ops.UPDATE_EVENT, THIS)
async def test_update_of_this_instance(client: Client) -> None:
    made = await series.make(client)
    target = (await made.instances())[2]
    name = samples.title("only this one")
    answer = await client.attempt(
        ops.UPDATE_EVENT,
        id=target.id,
        event={"subject": name},
        update_mask={"paths": ["subject"]},
        scope=THIS,
    )
    if isinstance(answer, Failure):
        told = answer.code is grpc.StatusCode.UNIMPLEMENTED and "update_mask" in answer.fields
        assert told, answer
        assert {e.subject for e in await made.instances()} == {made.event.subject}
        client.missing("titles of single instances, and says so")
    found = await made.instances()
    assert [series.local(e) for e in found] == made.planned, "P37: no slot twice, none lost"
    assert [e.subject == name for e in found] == [n == 2 for n in range(len(found))]
    assert (await client.get(EVENT, made.event.id)).subject == made.event.subject


@pytest.mark.scoped(ops.UPDATE_EVENT, THIS)
@pytest.mark.keeps(ops.UPDATE_EVENT, "start_at", "end_at")
async def test_moving_one_instance_keeps_its_planned_start(client: Client) -> None:
    """P27, P36: moved twice, there once."""
    made = await series.make(client)
    target = (await made.instances())[1]
    for hours in (1, 2):
        start = samples.instant(target.start_at) + timedelta(hours=hours)
        answer = await client.call(
            ops.UPDATE_EVENT,
            id=target.id,
            event={
                "start_at": samples.stamp(start, "Europe/Berlin"),
                "end_at": samples.stamp(start + timedelta(minutes=50), "Europe/Berlin"),
            },
            update_mask={"paths": ["start_at", "end_at"]},
            scope=THIS,
        )
        target = answer.event
    found = await made.instances()
    expected = [*made.planned]
    expected[1] += timedelta(hours=3)
    assert [series.local(e) for e in found] == expected
    moved = found[1]
    assert moved.is_exception, f"{client.name}: is_exception is not set on a moved instance"
    assert samples.instant(moved.original_start_at) == made.planned[1]
    assert not any(e.is_exception for e in found if e.id != moved.id)


@pytest.mark.scoped(ops.UPDATE_EVENT, FOLLOWING)
async def test_update_of_this_and_following(client: Client) -> None:
    made = await series.make(client)
    target = (await made.instances())[2]
    name = samples.title("from here on")
    answer = await client.call(
        ops.UPDATE_EVENT,
        id=target.id,
        event={"subject": name},
        update_mask={"paths": ["subject"]},
        scope=FOLLOWING,
    )
    head, tail = answer.split_from.id or made.event.id, answer.event.id
    if head == tail:  # a provider that keeps one series
        found = await made.instances()
        assert [e.subject == name for e in found] == [n >= 2 for n in range(len(found))]
        return
    before, after = await made.instances(head), await made.instances(tail)
    assert [series.local(e) for e in before] == made.planned[:2]
    assert [series.local(e) for e in after] == made.planned[2:], "P48: none lost, none twice"
    assert {e.subject for e in before} == {made.event.subject}
    assert {e.subject for e in after} == {name}


@pytest.mark.scoped(ops.UPDATE_EVENT, ALL)
async def test_update_of_all(client: Client) -> None:
    made = await series.make(client)
    name = samples.title("all of them")
    await client.call(
        ops.UPDATE_EVENT,
        id=made.event.id,
        event={"subject": name},
        update_mask={"paths": ["subject"]},
        scope=ALL,
    )
    found = await made.instances()
    assert [series.local(e) for e in found] == made.planned
    assert {e.subject for e in found} == {name}


@pytest.mark.scoped(ops.UPDATE_EVENT, ALL)
@pytest.mark.keeps(ops.UPDATE_EVENT, "start_at", "end_at")
async def test_moving_all_moves_what_was_skipped(client: Client) -> None:
    """P39: an hour later, the exception is still one."""
    made = await series.make(client)
    start = made.planned[0] + timedelta(hours=1)
    answer = await client.call(
        ops.UPDATE_EVENT,
        id=made.event.id,
        event={
            "start_at": samples.stamp(start.astimezone(UTC), "Europe/Berlin"),
            "end_at": samples.stamp(
                (start + timedelta(minutes=50)).astimezone(UTC), "Europe/Berlin"
            ),
        },
        update_mask={"paths": ["start_at", "end_at"]},
        scope=ALL,
    )
    later = [each + timedelta(hours=1) for each in made.planned]
    found = await made.starts()
    if "recurrence" in str(answer.report.coerced_fields):
        assert set(later) <= set(found)
    else:
        assert found == later


# -- deleting


@pytest.mark.scoped(ops.DELETE_EVENT, THIS)
async def test_delete_of_this_instance(client: Client) -> None:
    """P06, P38."""
    made = await series.make(client)
    target = (await made.instances())[1]
    await client.delete(EVENT, target.id, scope=THIS)
    assert await made.starts() == [made.planned[0], *made.planned[2:]]
    assert (await client.get(EVENT, made.event.id)).id == made.event.id


@pytest.mark.scoped(ops.DELETE_EVENT, FOLLOWING)
async def test_delete_of_this_and_following(client: Client) -> None:
    made = await series.make(client)
    target = (await made.instances())[2]
    await client.delete(EVENT, target.id, scope=FOLLOWING)
    assert await made.starts() == made.planned[:2]


@pytest.mark.needs(ops.LIST_EVENTS)
@pytest.mark.scoped(ops.DELETE_EVENT, ALL)
async def test_delete_of_all(client: Client) -> None:
    made = await series.make(client)
    await client.delete(EVENT, made.event.id, scope=ALL)
    assert made.event.id not in [e.id for e in await client.every(EVENT, window=made.window)]
    if client.capability(ops.LIST_EVENTS).expand_recurring:
        found = await client.every(EVENT, window=made.window, expand_recurring=True)
        assert made.event.id not in {e.recurring_event_id for e in found}


# -- scopes


def _write(operation: Operation) -> dict[str, Any]:
    if operation is ops.DELETE_EVENT:
        return {}
    return {"event": {"subject": "New"}, "update_mask": {"paths": ["subject"]}}


@pytest.mark.parametrize("operation", [ops.UPDATE_EVENT, ops.DELETE_EVENT], ids=lambda o: o.name)
async def test_a_recurring_event_wants_a_scope(client: Client, operation: Operation) -> None:
    if not client.supports(operation):
        return
    made = await series.make(client)
    instance = (await made.instances())[0]
    for own_id in (made.event.id, instance.id):
        await client.refused(operation, INVALID, field="scope", id=own_id, **_write(operation))
    assert await made.starts() == made.planned


@pytest.mark.parametrize("operation", [ops.UPDATE_EVENT, ops.DELETE_EVENT], ids=lambda o: o.name)
async def test_a_series_is_no_instance(client: Client, operation: Operation) -> None:
    if not (client.supports(operation) and THIS in client.capability(operation).scopes):
        return
    made = await series.make(client)
    await client.refused(
        operation, INVALID, field="scope", id=made.event.id, scope=THIS, **_write(operation)
    )
    assert await made.starts() == made.planned


@pytest.mark.parametrize("operation", [ops.UPDATE_EVENT, ops.DELETE_EVENT], ids=lambda o: o.name)
@pytest.mark.parametrize("scope", SCOPES)
async def test_scopes_that_are_not_declared_are_unimplemented(
    client: Client, operation: Operation, scope: str
) -> None:
    if not client.supports(operation) or SCOPES[scope] in client.capability(operation).scopes:
        return
    made = await series.make(client)
    instance = (await made.instances())[0]
    await client.refused(
        operation,
        grpc.StatusCode.UNIMPLEMENTED,
        field="scope",
        id=made.event.id if SCOPES[scope] == ALL else instance.id,
        scope=SCOPES[scope],
        **_write(operation),
    )
    assert await made.starts() == made.planned
