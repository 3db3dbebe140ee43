"""Slots and busy time: windows in pieces, pages, calendars that cannot be asked."""

from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc import code_pb2

from providers.core.errors import Kind, ProviderError
from tests.providers.calendly.desk import Desk, monday, window
from tests.providers.calendly.double.world import HOST, OTHER, tail

DAY = timedelta(days=1)


async def test_slots_of_a_month_are_asked_week_by_week(desk: Desk) -> None:
    found = await desk.slots(window=window(monday(), days=28))
    assert len(found) == 4 * 5 * 16
    asked = desk.asked(ending="available_times")
    assert len(asked) == 4
    assert found[0].end_at.seconds - found[0].start_at.seconds == 1800
    assert found[0].url
    paged = await desk.slots(window=window(monday(), days=28), page_size=100)
    assert paged == found


async def test_slots_begin_now(desk: Desk) -> None:
    """Calendly refuses a window that begins in the past."""
    now = datetime.now(UTC)
    found = await desk.slots(window=window(now - 3 * DAY, days=10))
    assert all(slot.start_at.ToDatetime(UTC) > now for slot in found)
    assert await desk.slots(window=window(now - 3 * DAY, days=2)) == []


async def test_slots_of_another_length_are_refused(desk: Desk) -> None:
    with pytest.raises(ProviderError) as caught:
        await desk.slots(window=window(monday(), days=1), duration=Duration(seconds=3600))
    assert [path for path, _ in caught.value.violations] == ["duration"]


async def test_a_year_of_slots_is_too_much(desk: Desk) -> None:
    with pytest.raises(ProviderError) as caught:
        await desk.slots(window=window(monday(), days=400))
    assert caught.value.reason == "WINDOW_TOO_LARGE"


async def test_busy_time_is_joined_over_the_seams(desk: Desk) -> None:
    start = monday()
    seam = start + 7 * DAY
    desk.double.world.external.append((seam - DAY / 24, seam + DAY / 24))
    desk.plant(start)
    answer = await desk.busy(window=window(start, days=21), include_raw=True)
    assert len(desk.asked(ending="user_busy_times")) == 3
    assert [b.raw["type"] for b in answer.busy] == ["calendly", "external"]
    assert answer.busy[0].calendar_id == tail(HOST)
    assert answer.busy[0].raw["event"]["uri"].startswith("https://")
    assert answer.busy[1].description == ""
    assert len({b.id for b in answer.busy}) == 2


async def test_busy_time_in_pages_and_merged(desk: Desk) -> None:
    start = monday()
    for minutes in (0, 30, 90):
        desk.plant(start + timedelta(minutes=minutes))
    whole = await desk.busy(window=window(start, days=1))
    assert len(whole.busy) == 3
    first = await desk.busy(window=window(start, days=1), page_size=2)
    rest = await desk.busy(
        window=window(start, days=1), page_size=2, page_token=first.next_page_token
    )
    assert [*first.busy, *rest.busy] == list(whole.busy)
    assert not rest.next_page_token
    merged = await desk.busy(window=window(start, days=1), merge=True)
    lengths = [b.end_at.timestamp.seconds - b.start_at.timestamp.seconds for b in merged.busy]
    assert lengths == [3600, 1800]


async def test_unknown_types_of_busy_time_are_busy(desk: Desk) -> None:
    """Older answers show "reserved"."""
    start = monday()
    desk.double.world.external.append((start, start + DAY / 24))
    desk.double.world.external_type = "reserved"
    answer = await desk.busy(window=window(start, days=1))
    assert [b.start_at.timestamp.ToDatetime(UTC) for b in answer.busy] == [start]


async def test_a_calendar_that_cannot_be_asked_is_told(desk: Desk) -> None:
    """P67."""
    answer = await desk.busy(calendar_ids=[tail(HOST), "nobody"], window=window(monday(), days=1))
    assert answer.unreachable["nobody"].code == code_pb2.NOT_FOUND
    assert list(answer.unreachable) == ["nobody"]


async def test_a_broken_calendar_is_not_free_and_not_asked_again(desk: Desk) -> None:
    """424: its owner has to connect it anew."""
    desk.double.world.broken_calendar = True
    answer = await desk.busy(
        calendar_ids=[tail(HOST), tail(OTHER)], window=window(monday(), days=1)
    )
    assert {s.code for s in answer.unreachable.values()} == {code_pb2.UNAVAILABLE}
    assert len(desk.asked(ending="user_busy_times")) == 2


async def test_what_is_wrong_with_all_is_an_error(desk: Desk) -> None:
    desk.double.fail(429, reset=30, times=20)
    with pytest.raises(ProviderError) as caught:
        await desk.busy(window=window(monday(), days=1))
    assert caught.value.kind is Kind.RATE_LIMITED
    assert caught.value.retry_after == 30
