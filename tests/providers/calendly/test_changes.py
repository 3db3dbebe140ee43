"""Watching events by a walk: what is told, what is told once, and how a move is told."""

from datetime import timedelta
from unittest.mock import patch

import pytest

from providers.calendly.changes import MAX_AGE
from providers.core.call import Call
from providers.core.errors import Kind, ProviderError
from tests.providers.calendly.desk import Desk, monday
from tests.providers.calendly.double.world import tail
from ucal.v1 import event_pb2, watch_pb2


async def test_the_state_then_nothing_then_changes(desk: Desk) -> None:
    first = desk.plant(monday())
    page = await desk.changes()
    assert [c.type for c in page.changes] == [watch_pb2.CHANGE_TYPE_CREATED]
    assert not page.has_more
    again = await desk.changes(page.cursor)
    assert again.changes == []
    second = desk.plant(monday(hour=11))
    desk.double.world.cancel(first, "Ill")
    later = await desk.changes(again.cursor)
    assert {c.id for c in later.changes} == {tail(first["uri"]), tail(second["uri"])}
    canceled = next(c for c in later.changes if c.id == tail(first["uri"]))
    assert canceled.event.status == event_pb2.EVENT_STATUS_CANCELED
    assert canceled.event.attendees
    assert (await desk.changes(later.cursor)).changes == []


async def test_a_baseline_holds_versions_only(desk: Desk) -> None:
    event = desk.plant(monday())
    page = await desk.changes(baseline=True)
    assert page.changes == []
    assert list(page.versions) == [tail(event["uri"])]
    assert not desk.asked(ending="/invitees")
    assert (await desk.changes(page.cursor)).changes == []


async def test_a_watch_of_nothing_begins_somewhere(desk: Desk) -> None:
    page = await desk.changes(baseline=True)
    event = desk.plant(monday())
    assert [c.id for c in (await desk.changes(page.cursor)).changes] == [tail(event["uri"])]


async def test_a_move_is_told_once(desk: Desk) -> None:
    """P86: never a stray CREATED and DELETED."""
    old = desk.plant(monday())
    page = await desk.changes(baseline=True)
    new = desk.double.world.reschedule(old, monday(hour=14))
    after = await desk.changes(page.cursor)
    (change,) = after.changes
    assert change.type == watch_pb2.CHANGE_TYPE_UPDATED
    assert change.id == tail(new["uri"])
    assert change.previous_id == tail(old["uri"])
    assert change.event.moved_from_id == tail(old["uri"])
    found = await desk.get(tail(old["uri"]))
    assert found.status == event_pb2.EVENT_STATUS_CANCELED
    assert found.moved_to_id == tail(new["uri"])
    assert (await desk.changes(after.cursor)).changes == []


async def test_a_write_that_becomes_visible_late_is_seen(desk: Desk) -> None:
    """Its stamp lies a little before the mark."""
    first = desk.plant(monday())
    late = desk.plant(monday(hour=12))
    world = desk.double.world
    hidden = world.events.pop(late["uri"])
    page = await desk.changes(baseline=True)
    hidden["updated_at"] = first["updated_at"]
    world.events[late["uri"]] = hidden
    assert [c.id for c in (await desk.changes(page.cursor)).changes] == [tail(late["uri"])]


async def test_a_cursor_dies_of_age(desk: Desk) -> None:
    """P01: never an empty success."""
    page = await desk.changes(baseline=True)
    now = Call.now() + MAX_AGE + timedelta(minutes=1)
    with patch.object(Call, "now", staticmethod(lambda: now)), pytest.raises(ProviderError) as c:
        await desk.changes(page.cursor)
    assert c.value.kind is Kind.CURSOR_EXPIRED
    with pytest.raises(ProviderError) as c:
        await desk.changes("gibberish")
    assert c.value.kind is Kind.CURSOR_EXPIRED


async def test_what_began_between_two_walks_is_followed(desk: Desk) -> None:
    """The walk begins a day before the last one, not a day before now."""
    event = desk.plant(Call.now() + timedelta(hours=1))
    page = await desk.changes(baseline=True)
    desk.double.world.cancel(event, "")
    later = Call.now() + timedelta(days=3)
    with patch.object(Call, "now", staticmethod(lambda: later)):
        found = await desk.changes(page.cursor)
    assert [c.id for c in found.changes] == [tail(event["uri"])]
