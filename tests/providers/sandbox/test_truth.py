"""Whatever is done in whatever order: deltas add up to the state, lists agree with one another."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from providers.core.errors import ProviderError
from tests.providers.sandbox.desk import (
    ALL,
    FOLLOWING,
    NOW,
    SCRATCH,
    THIS,
    Desk,
    berlin,
    meeting,
    window,
)
from ucal.v1 import event_pb2, types_pb2, watch_pb2

RULES = ("RRULE:FREQ=DAILY;COUNT=5", "RRULE:FREQ=WEEKLY", "RRULE:FREQ=WEEKLY;BYDAY=TU,TH;COUNT=6")
WINDOW = window(NOW, days=40)
DELETED = watch_pb2.CHANGE_TYPE_DELETED
Step = tuple[int, int, int]


async def _make(desk: Desk, pick: int, variant: int) -> None:
    rules = () if variant % 2 else (RULES[pick % 3],)
    await desk.make(meeting(f"e{pick}", berlin(18 + pick % 6, 9 + variant % 8), 30, *rules))


async def _change(desk: Desk, pick: int, variant: int) -> None:
    events = await desk.listed()
    event = events[pick % len(events)]
    scope = ALL if event.HasField("recurrence") else 0
    if variant % 3 == 0:
        await desk.update(event.id, event_pb2.Event(subject=f"s{variant}"), "subject", scope=scope)
    elif variant % 3 == 1:
        start = berlin(19 + variant % 5, 8 + pick % 9)
        sent = event_pb2.Event(start_at=start, end_at=start)
        sent.end_at.timestamp.seconds += 1_800
        await desk.update(event.id, sent, "start_at", "end_at", scope=scope)
    else:
        rules = types_pb2.Recurrence(rules=[RULES[variant % 3]])
        await desk.update(event.id, event_pb2.Event(recurrence=rules), "recurrence", scope=scope)


async def _change_instance(desk: Desk, pick: int, variant: int) -> None:
    found = [e for e in await _expanded(desk) if e.recurring_event_id]
    event = found[pick % len(found)]
    scope = FOLLOWING if variant % 4 == 0 else THIS
    if variant % 2:
        await desk.delete(event.id, scope=scope)
    else:
        await desk.update(event.id, event_pb2.Event(subject=f"i{variant}"), "subject", scope=scope)


async def _remove(desk: Desk, pick: int, variant: int) -> None:
    events = await desk.listed()
    event = events[pick % len(events)]
    await desk.delete(event.id, scope=ALL if event.HasField("recurrence") else 0)


STEPS: tuple[Callable[[Desk, int, int], Coroutine[Any, Any, None]], ...] = (
    _make,
    _change,
    _change_instance,
    _change_instance,
    _remove,
)


async def _expanded(desk: Desk) -> list[event_pb2.Event]:
    return await desk.listed(window=WINDOW, expand_recurring=True, page_size=7)


async def _state(desk: Desk) -> dict[str, str]:
    return {c.id: c.event.etag for c in (await desk.changes()).changes}


async def _run(steps: list[Step], every: int) -> None:
    desk = Desk()
    cursor = (await desk.changes()).cursor
    seen: dict[str, str] = {}
    for number, (kind, pick, variant) in enumerate(steps):
        desk.now += timedelta(seconds=1)
        # Nothing is there to change, or it is refused: then it must have changed nothing.
        with contextlib.suppress(ProviderError, ZeroDivisionError):
            await STEPS[kind](desk, pick, variant)
        if number % every == 0:
            cursor = await _follow(desk, cursor, seen)
    await _follow(desk, cursor, seen)
    assert seen == await _state(desk), "deltas do not add up to the state"
    await _agree(desk)


async def _follow(desk: Desk, cursor: str, seen: dict[str, str]) -> str:
    page = await desk.changes(cursor)
    for change in page.changes:
        if change.type == DELETED:
            seen.pop(change.id, None)
        else:
            seen[change.id] = change.event.etag
    return page.cursor


async def _agree(desk: Desk) -> None:
    """Instances of every series, single events and the expanded list say the same."""
    expected = []
    for event in await desk.listed():
        if event.HasField("recurrence"):
            expected += await desk.instances(event.id, window=WINDOW)
        else:
            expected += await desk.listed(window=WINDOW, query=event.subject)
    found = {e.id: e for e in await _expanded(desk)}
    assert {e.id for e in expected if not e.HasField("recurrence")} >= set(found)
    for own_id, event in found.items():
        assert await desk.get(own_id) == event
    kept = sum(len(e.framed) for e in desk.world.agendas[SCRATCH].stored_entries())
    before = desk.world.bytes
    for event in await desk.listed(include_canceled=True):
        await desk.delete(event.id, scope=ALL)
    assert desk.world.bytes == before - kept


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(0, len(STEPS) - 1), st.integers(0, 40), st.integers(0, 40)),
        max_size=25,
    ),
    st.integers(1, 6),
)
def test_deltas_add_up_to_the_state(steps: list[Step], every: int) -> None:
    asyncio.run(_run(steps, every))
