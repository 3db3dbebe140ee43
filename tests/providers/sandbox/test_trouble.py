"""Trouble on request: every hint; and what happens by itself."""

import asyncio
from datetime import UTC, timedelta

import pytest

from providers.core.capabilities import describe
from providers.core.errors import Kind, ProviderError
from providers.core.settings import ProviderSettings
from providers.sandbox import faults, life, worlds
from providers.sandbox.faults import Faults
from providers.sandbox.provider import Sandbox
from providers.sandbox.seed import fillers, moving
from tests.providers.sandbox.desk import EVENT, NOW, SCRATCH, Desk, meeting, refused
from ucal.v1 import event_pb2, provider_pb2


async def _list(desk: Desk, **hints: str) -> event_pb2.ListEventsResponse:
    named = {name.replace("_", "-"): value for name, value in hints.items()}
    request = event_pb2.ListEventsRequest(calendar_id=SCRATCH)
    return await desk.sandbox.list_events(desk.call(named), request)


async def _create(desk: Desk, **hints: str) -> event_pb2.CreateEventResponse:
    named = {name.replace("_", "-"): value for name, value in hints.items()}
    request = event_pb2.CreateEventRequest(event=meeting())
    return await desk.sandbox.create_event(desk.call(named), request)


@pytest.mark.parametrize(
    ("status", "kinds"),
    [
        ("401", (Kind.UNAUTHENTICATED,)),
        ("403", (Kind.FORBIDDEN,)),
        ("404", (Kind.NOT_FOUND,)),
        ("429", (Kind.RATE_LIMITED,)),
        ("500", (Kind.PROVIDER_FAULT, Kind.UNAVAILABLE)),
        ("503", (Kind.UNAVAILABLE,)),
    ],
)
async def test_a_status_fails_a_read(desk: Desk, status: str, kinds: tuple[Kind, ...]) -> None:
    with pytest.raises(ProviderError) as caught:
        await _list(desk, status=status)
    assert caught.value.kind in kinds
    assert await _list(desk) is not None


async def test_a_rate_limit_says_when_to_come_back(desk: Desk) -> None:
    with refused(Kind.RATE_LIMITED) as caught:
        await _list(desk, status="429", retry_after="77")
    assert caught.value.retry_after == 77


@pytest.mark.parametrize("status", ["500", "502", "504"])
async def test_p59_a_write_that_nobody_knows_of(desk: Desk, status: str) -> None:
    """P59: it was not done here, which the caller cannot know."""
    with refused(Kind.OUTCOME_UNKNOWN):
        await _create(desk, status=status)
    assert await desk.listed() == []


async def test_a_write_that_was_refused(desk: Desk) -> None:
    for status, kind in (("503", Kind.UNAVAILABLE), ("429", Kind.RATE_LIMITED)):
        with refused(kind):
            await _create(desk, status=status)
    assert await desk.listed() == []


async def test_p59_a_write_whose_answer_is_lost(desk: Desk) -> None:
    """P59: done once, told honestly; a read is late."""
    with refused(Kind.OUTCOME_UNKNOWN):
        await _create(desk, status="lost-answer")
    assert len(await desk.listed()) == 1
    with refused(Kind.TIMEOUT):
        await _list(desk, status="lost-answer")


async def test_an_answer_comes_late(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    await _list(desk, latency_ms="1500")
    with refused(Kind.UNAVAILABLE):
        await _list(desk, latency_ms="20", status="503")
    assert slept == [1.5, 0.02]


async def test_p01_an_expired_cursor(desk: Desk) -> None:
    """P01: only where there is a cursor; a new beginning works."""
    hints = {"expired-cursor": "true"}
    cursor = (await desk.changes()).cursor
    query = _query(cursor)
    with refused(Kind.CURSOR_EXPIRED):
        await desk.sandbox.list_changes(desk.call(hints), query)
    assert (await desk.sandbox.list_changes(desk.call(hints), _query(""))).cursor
    await _list(desk, expired_cursor="true")
    assert (await desk.sandbox.list_changes(desk.call({"expired-cursor": "false"}), query)).cursor


def _query(cursor: str) -> "object":
    from providers.core.call import ChangesQuery

    return ChangesQuery(EVENT, SCRATCH, cursor)


async def test_only_so_many_calls_are_hit(desk: Desk) -> None:
    for _ in range(2):
        for _ in range(2):
            with refused(Kind.UNAVAILABLE):
                await _list(desk, status="503", times="2", key="a")
        break
    await _list(desk, status="503", times="2", key="a")
    with refused(Kind.UNAVAILABLE):
        await _list(desk, status="503", times="2", key="b")
    desk.connection_id = "c2"
    with refused(Kind.UNAVAILABLE):
        await _list(desk, status="503", times="2", key="a")


async def test_counters_are_bounded() -> None:
    counted = Faults(limit=3)
    for number in range(10):
        hints = {"status": "503", "times": "1", "key": str(number)}
        assert counted.due("c", hints).status == "503"
        assert counted.due("c", hints) is faults.NONE
    assert len(counted._hits) == 3


@pytest.mark.parametrize(
    ("hints", "field"),
    [
        ({"status": "418"}, "metadata.ucal-sandbox-status"),
        ({"latency-ms": "30001"}, "metadata.ucal-sandbox-latency-ms"),
        ({"latency-ms": "-1"}, "metadata.ucal-sandbox-latency-ms"),
        ({"latency-ms": "1e3"}, "metadata.ucal-sandbox-latency-ms"),
        ({"latency-ms": "9" * 5_000}, "metadata.ucal-sandbox-latency-ms"),
        ({"retry-after": "٣"}, "metadata.ucal-sandbox-retry-after"),
        ({"retry-after": "3601"}, "metadata.ucal-sandbox-retry-after"),
        ({"times": "0"}, "metadata.ucal-sandbox-times"),
        ({"expired-cursor": "yes"}, "metadata.ucal-sandbox-expired-cursor"),
        ({"staus": "500"}, "metadata.ucal-sandbox-*"),
    ],
)
async def test_hints_that_mean_nothing_are_refused(
    desk: Desk, hints: dict[str, str], field: str
) -> None:
    with refused(Kind.INVALID, field=field):
        await desk.sandbox.list_events(desk.call(hints), event_pb2.ListEventsRequest())


async def test_faults_are_armed_from_within(desk: Desk) -> None:
    desk.sandbox.faults.armed.append(faults.Fault(status="503"))
    with refused(Kind.UNAVAILABLE):
        await _list(desk)
    await _list(desk)


# -- life


def living(**extra: str) -> Desk:
    return Desk(Sandbox(ProviderSettings(extra=extra)))


async def test_the_meeting_that_moves_is_seen_to_move() -> None:
    desk = living(life_seconds="20")
    cursor = (await desk.changes(calendar_id="work")).cursor
    seen = set()
    for _ in range(4):
        desk.later(seconds=20)
        page = await desk.changes(cursor, calendar_id="work")
        (change,) = page.changes
        assert change.id == moving.ID
        assert change.type == 2
        seen.add((change.event.start_at.timestamp.seconds, change.event.location))
        start = change.event.start_at.timestamp.ToDatetime(UTC)
        assert timedelta(0) < start - desk.now < timedelta(days=2)
        cursor = page.cursor
    assert len(seen) == 4


async def test_nothing_happens_in_between_and_once_after_long() -> None:
    desk = living(life_seconds="20")
    cursor = (await desk.changes(calendar_id="work")).cursor
    desk.later(seconds=19)
    assert (await desk.changes(cursor, calendar_id="work")).changes == []
    position = desk.world.journal.position
    desk.later(days=2)
    assert desk.world.journal.position == position + 2  # the recording that got ready, too
    assert len((await desk.changes(cursor, calendar_id="work")).changes) == 1


async def test_a_moving_meeting_that_was_deleted_rests() -> None:
    desk = living()
    await desk.delete(moving.ID, calendar_id="work")
    cursor = (await desk.changes(calendar_id="work")).cursor
    desk.later(minutes=10)
    assert (await desk.changes(cursor, calendar_id="work")).changes == []


async def test_nothing_happens_when_life_is_off(desk: Desk) -> None:
    position = desk.world.journal.position
    desk.later(days=400)
    assert desk.world.journal.position == position


async def test_weeks_ahead_are_filled_as_time_passes() -> None:
    desk = living()
    before = len(desk.world.agendas["work"])
    for _ in range(20):
        desk.later(days=7)
        starts = [e.start for e in desk.world.agendas["work"].entries.values()]
        ahead = max(starts) / 1e6 - desk.now.timestamp()
        assert ahead > (fillers.AHEAD - timedelta(days=7)).total_seconds()
    assert abs(len(desk.world.agendas["work"]) - before) <= fillers.PER_WEEK * 2


@pytest.mark.parametrize("text", ["x", "-1", "1.5", "1000000", "٣"])
def test_settings_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="sandbox"):
        life.period(text)
    if text != "1000000":
        with pytest.raises(ValueError, match="sandbox"):
            worlds.limit(text)


# -- what it says of itself


def test_every_operation_is_native() -> None:
    record = describe(Sandbox)
    assert record.auth_kinds == [provider_pb2.AUTH_KIND_NONE]
    weak = [
        (c.kind, c.method, c.support)
        for c in record.capabilities
        if c.support != provider_pb2.SUPPORT_NATIVE
    ]
    assert [(kind, method) for kind, method, _ in weak] == [(3, provider_pb2.METHOD_WATCH)]
    assert all(c.reason for c in record.capabilities if c.support != provider_pb2.SUPPORT_NATIVE)


async def test_whose_account_it_is(desk: Desk) -> None:
    account = await desk.sandbox.test_connection(desk.call())
    assert account.email == "robin.sand@example.com"
    assert desk.now == NOW
