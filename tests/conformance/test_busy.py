"""Busy time: what takes time is busy, what takes none is not, and silence is never free."""

from datetime import datetime, timedelta
from typing import Any

import grpc
import pytest

from providers.core import operations as ops
from tests.conformance import samples
from tests.conformance.client import Client
from tests.conformance.kinds import CALENDAR, EVENT
from ucal.v1 import busy_pb2, event_pb2

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.needs(ops.LIST_BUSY)]

INVALID = grpc.StatusCode.INVALID_ARGUMENT
# Far from every other sample, a day of its own for each test.
_QUIET = samples.BASE + timedelta(days=330, hours=2)
_taken = iter(range(1000))


def _quiet() -> datetime:
    return _QUIET + timedelta(days=3 * next(_taken))


def _span(start: datetime, minutes: int = 60) -> dict[str, Any]:
    end = start + timedelta(minutes=minutes)
    return {"start_at": samples.stamp(start, "UTC"), "end_at": samples.stamp(end, "UTC")}


async def _busy(client: Client, start: datetime, end: datetime, **fields: Any) -> list[Any]:
    window = samples.window(start, days=(end - start) / timedelta(days=1))
    ids = [client.harness.calendar_id] if client.harness.calendar_id else []
    asked: dict[str, Any] = {"calendar_ids": ids, "window": window, **fields}
    return await client.all(ops.LIST_BUSY, **asked)


def _spans(found: list[busy_pb2.Busy]) -> list[tuple[datetime, datetime]]:
    return [(samples.instant(b.start_at), samples.instant(b.end_at)) for b in found]


@pytest.mark.any_time
@pytest.mark.keeps(ops.CREATE_EVENT, "start_at", "end_at")
async def test_an_event_is_busy_for_its_time(client: Client) -> None:
    start = _quiet()
    await client.create(EVENT, **_span(start))
    end, hour = start + timedelta(minutes=60), timedelta(hours=1)
    found = await _busy(client, start - 4 * hour, end + 4 * hour)
    assert _spans(found) == [(start, end)], f"{client.name} ListBusy"
    assert found[0].connection_id == client.connection_id
    assert found[0].id


@pytest.mark.any_time
@pytest.mark.keeps(ops.CREATE_EVENT, "start_at", "end_at")
async def test_edges_of_the_window(client: Client) -> None:
    """P31: half-open on both sides."""
    start = _quiet()
    await client.create(EVENT, **_span(start))
    end, hour = start + timedelta(minutes=60), timedelta(hours=1)
    for low, high, count in (
        (start - hour, start, 0),
        (end, end + hour, 0),
        (start - hour, start + hour / 2, 1),
        (end - hour / 2, end + hour, 1),
        (start + hour / 4, end - hour / 4, 1),
    ):
        found = await _busy(client, low, high)
        assert len(found) == count, f"{client.name} ListBusy: [{low}, {high}) holds {len(found)}"


@pytest.mark.any_time
@pytest.mark.keeps(ops.CREATE_EVENT, "start_at", "end_at")
async def test_overlapping_events_are_all_there(client: Client) -> None:
    start = _quiet()
    await client.create(EVENT, **_span(start))
    await client.create(EVENT, **_span(start + timedelta(minutes=30)))
    low, high = start - timedelta(hours=2), start + timedelta(hours=4)
    spans = _spans(await _busy(client, low, high))
    assert spans[0][0] == start
    assert max(end for _, end in spans) == start + timedelta(minutes=90)
    assert spans == sorted(spans), f"{client.name} ListBusy: not ordered by start"


@pytest.mark.any_time
@pytest.mark.keeps(ops.CREATE_EVENT, "start_at", "end_at")
async def test_merge_joins_what_overlaps_and_touches(client: Client) -> None:
    start = _quiet()
    for minutes in (0, 30, 90, 240):
        await client.create(EVENT, **_span(start + timedelta(minutes=minutes)))
    found = await _busy(client, start - timedelta(hours=2), start + timedelta(hours=8), merge=True)
    expected = [(0, 150), (240, 300)]
    assert _spans(found) == [
        (start + timedelta(minutes=a), start + timedelta(minutes=b)) for a, b in expected
    ], f"{client.name} ListBusy merge"


@pytest.mark.any_time
@pytest.mark.keeps(ops.CREATE_EVENT, "start_at", "end_at")
@pytest.mark.keeps(ops.CREATE_EVENT, "show_as")
async def test_a_free_event_is_not_busy(client: Client) -> None:
    """P65."""
    start = _quiet()
    made = await client.create(EVENT, show_as=event_pb2.SHOW_AS_FREE, **_span(start))
    assert made.show_as == event_pb2.SHOW_AS_FREE
    assert await _busy(client, start - timedelta(hours=2), start + timedelta(hours=3)) == []


@pytest.mark.any_time
@pytest.mark.keeps(ops.CREATE_EVENT, "start_at", "end_at")
@pytest.mark.needs(ops.DELETE_EVENT)
async def test_a_deleted_event_is_not_busy(client: Client) -> None:
    start = _quiet()
    made = await client.create(EVENT, **_span(start))
    await client.delete(EVENT, made.id)
    assert await _busy(client, start - timedelta(hours=2), start + timedelta(hours=3)) == []


@pytest.mark.any_time
@pytest.mark.keeps(ops.CREATE_EVENT, "start_at", "end_at")
@pytest.mark.keeps(ops.UPDATE_EVENT, "status")
async def test_a_canceled_event_is_not_busy(client: Client) -> None:
    start = _quiet()
    made = await client.create(EVENT, **_span(start))
    await client.call(
        ops.UPDATE_EVENT,
        id=made.id,
        event={"status": event_pb2.EVENT_STATUS_CANCELED},
        update_mask={"paths": ["status"]},
    )
    assert await _busy(client, start - timedelta(hours=2), start + timedelta(hours=3)) == []


@pytest.mark.any_time
@pytest.mark.keeps(ops.CREATE_EVENT, "start_at", "end_at")
@pytest.mark.keeps(ops.CREATE_EVENT, "show_as")
async def test_an_all_day_event_is_busy_all_day(client: Client) -> None:
    """P65: opaque all day; seen at any hour of it, in any zone of the calendar."""
    noon = _quiet().replace(hour=12)
    answer = await client.try_create(
        EVENT,
        show_as=event_pb2.SHOW_AS_BUSY,
        start_at=samples.day(noon.date()),
        end_at=samples.day(noon.date() + timedelta(days=1)),
    )
    if answer.report.coerced_fields.paths:
        client.missing("all-day events, and reports it")
    found = await _busy(client, noon - timedelta(minutes=5), noon + timedelta(minutes=5))
    assert len(found) == 1, f"{client.name} ListBusy: an all-day event is not seen at noon"
    two = timedelta(days=2)
    assert await _busy(client, noon - two, noon - timedelta(hours=27)) == []


@pytest.mark.any_time
@pytest.mark.keeps(ops.CREATE_EVENT, "start_at", "end_at")
@pytest.mark.keeps(ops.CREATE_EVENT, "recurrence")
async def test_instances_of_a_series_are_busy(client: Client) -> None:
    start = _quiet()
    rules = {"rules": ["RRULE:FREQ=DAILY;COUNT=3"]}
    await client.create(EVENT, recurrence=rules, **_span(start, 20))
    found = await _busy(client, start - timedelta(hours=2), start + timedelta(days=2, hours=2))
    starts = [begin for begin, _ in _spans(found)]
    assert starts == [start + timedelta(days=n) for n in range(3)], f"{client.name} ListBusy"


@pytest.mark.parametrize("missing", ["start_at", "end_at", "both"])
async def test_both_bounds_are_required(client: Client, missing: str) -> None:
    window = samples.window(samples.BASE, days=1)
    for name in ("start_at", "end_at"):
        if missing in (name, "both"):
            window.ClearField(name)
    await client.refused(ops.LIST_BUSY, INVALID, field="window", window=window)


async def test_a_calendar_that_cannot_be_asked_is_told(client: Client) -> None:
    """P67: one bad calendar does not spoil the others, and its silence is not free time."""
    good = client.harness.calendar_id or "primary"
    answer = await client.call(
        ops.LIST_BUSY,
        calendar_ids=[good, "no-such-calendar"],
        window=samples.window(samples.BASE, days=1),
    )
    assert list(answer.unreachable) == ["no-such-calendar"], f"{client.name}: {answer!s:.300}"
    assert answer.unreachable["no-such-calendar"].code, "the cause is missing"


@pytest.mark.needs(ops.CREATE_CALENDAR)
async def test_an_empty_calendar_is_free(client: Client) -> None:
    calendar = await client.create(CALENDAR)
    answer = await client.call(
        ops.LIST_BUSY, calendar_ids=[calendar.id], window=samples.window(samples.BASE, days=1)
    )
    assert not answer.busy
    assert not answer.unreachable, f"{client.name} ListBusy: a calendar without events is no error"


async def test_a_batch_holds_answers_and_errors_side_by_side(client: Client) -> None:
    window = samples.window(samples.BASE, days=1)
    ids = [client.harness.calendar_id] if client.harness.calendar_id else []
    good = client.request(ops.LIST_BUSY, calendar_ids=ids, window=window)
    unknown = client.request(ops.LIST_BUSY, connection_id="nobodys", window=window)
    endless = client.request(ops.LIST_BUSY, window={"start_at": window.start_at})
    found = await client.batch_busy([good, unknown, endless, good])
    kinds = [result.WhichOneof("result") for result in found.results]
    assert kinds == ["response", "error", "error", "response"]
    codes = [found.results[n].error.code for n in (1, 2)]
    assert codes == [grpc.StatusCode.NOT_FOUND.value[0], INVALID.value[0]]
    alone = await client.call(ops.LIST_BUSY, calendar_ids=ids, window=window)
    assert found.results[0].response.busy == alone.busy
