"""Busy time: batches, long windows, pages, bad addresses, unanswered invitations."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from providers.core import times
from providers.core.errors import Kind
from tests.providers.google.desk import BERLIN, Desk, berlin, day, instant, meeting, refused, window
from tests.providers.google.double import events
from tests.providers.google.double.world import ADA, BOB
from ucal.v1 import busy_pb2, event_pb2

_START = datetime(2026, 10, 20, tzinfo=UTC)


async def _busy(desk: Desk, *calendars: str, **fields: Any) -> busy_pb2.ListBusyResponse:
    fields.setdefault("window", window(_START, days=7))
    request = busy_pb2.ListBusyRequest(calendar_ids=calendars, **fields)
    return await desk.provider.list_busy(desk.call, request)


def _spans(answer: busy_pb2.ListBusyResponse) -> list[str]:
    found = []
    for each in answer.busy:
        start, end = (times.instant(t).astimezone(BERLIN) for t in (each.start_at, each.end_at))
        found.append(f"{start:%d %H:%M}-{end:%d %H:%M}")
    return found


async def test_what_takes_time_is_busy(desk: Desk) -> None:
    """P65: transparent is not busy, opaque is, a whole day long too."""
    await desk.make(meeting())
    await desk.make(meeting(at=berlin(20, 16), show_as=event_pb2.SHOW_AS_FREE))
    await desk.make(
        event_pb2.Event(start_at=day(date(2026, 10, 22)), end_at=day(date(2026, 10, 23)))
    )
    home = meeting(at=berlin(21, 9), type=event_pb2.EVENT_TYPE_WORKING_LOCATION)
    await desk.make(home)
    for unanswered in (True, False):
        answer = await _busy(desk, ADA, include_unanswered=unanswered)
        assert _spans(answer) == ["20 14:10-20 14:40", "22 00:00-23 00:00"]


async def _invited(desk: Desk, hour: int, response: str) -> None:
    made = await desk.make(meeting(at=berlin(20, hour)))
    data = desk.ada.entries[made.id].data
    data["attendees"] = [{"email": ADA, "responseStatus": response}]
    desk.google.world.put(desk.ada, events.copy_from(BOB, desk.ada, data))


async def test_declined_and_unanswered_invitations(desk: Desk) -> None:
    """P66."""
    for hour, response in (
        (9, "accepted"),
        (10, "declined"),
        (11, "needsAction"),
        (12, "tentative"),
    ):
        await _invited(desk, hour, response)
    both = ["20 09:00-20 09:30", "20 11:00-20 11:30", "20 12:00-20 12:30"]
    assert _spans(await _busy(desk, ADA)) == both
    without = await _busy(desk, ADA, include_unanswered=False)
    assert _spans(without) == [both[0], both[2]]


@pytest.mark.parametrize("unanswered", [True, False])
async def test_one_bad_address_does_not_spoil_the_others(desk: Desk, unanswered: bool) -> None:
    """P67."""
    await desk.make(meeting())
    answer = await _busy(desk, "nobody@example.com", ADA, include_unanswered=unanswered)
    assert _spans(answer) == ["20 14:10-20 14:40"]
    assert list(answer.unreachable) == ["nobody@example.com"]
    assert answer.unreachable["nobody@example.com"].code == 5


async def test_silence_is_not_free(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """P67: a calendar that Google leaves out is told as unreachable."""
    from tests.providers.google.double import lists

    empty = {"kind": "calendar#freeBusy", "calendars": {}}
    monkeypatch.setattr(lists, "free_busy", lambda *_: empty)
    answer = await _busy(desk, ADA)
    assert list(answer.unreachable) == [ADA]


async def test_somebody_elses_time_is_asked_by_address(desk: Desk) -> None:
    calendar = desk.google.world.calendars[BOB]
    body = {
        "start": {"dateTime": "2026-10-20T09:00:00Z"},
        "end": {"dateTime": "2026-10-20T10:00:00Z"},
    }
    events.insert(desk.google.world, calendar, body, {})
    answer = await _busy(desk, BOB)
    assert [each.calendar_id for each in answer.busy] == [BOB]
    without = await _busy(desk, BOB, include_unanswered=False)
    assert list(without.unreachable) == [BOB], "events of others are not readable"


async def test_fifty_at_a_time(desk: Desk) -> None:
    ids = [f"c{n}@group" for n in range(53)]
    for own_id in ids:
        desk.google.world.add_calendar(own_id, own_id, "UTC", ADA)
    await desk.make(meeting(calendar_id=ids[52]))
    answer = await _busy(desk, *ids)
    assert not answer.unreachable
    assert [each.calendar_id for each in answer.busy] == [ids[52]]
    assert sorted(len(e.body["items"]) for e in desk.asked("POST", "/freeBusy")) == [3, 50]


async def test_long_windows_are_asked_in_pieces_and_sewn(desk: Desk) -> None:
    """Three months and more are refused by Google; what lies across a seam is one block."""
    seam = _START + timedelta(days=60)
    await desk.make(meeting(at=instant(seam - timedelta(hours=1), "UTC"), minutes=120))
    await desk.make(meeting(at=instant(_START + timedelta(days=150), "UTC")))
    answer = await _busy(desk, ADA, window=window(_START, days=200))
    assert len(desk.asked("POST", "/freeBusy")) == 4
    assert [
        (times.instant(b.start_at), times.instant(b.end_at) - times.instant(b.start_at))
        for b in answer.busy
    ] == [
        (seam - timedelta(hours=1), timedelta(hours=2)),
        (_START + timedelta(days=150), timedelta(minutes=30)),
    ]


async def test_pages_and_merging(desk: Desk) -> None:
    for minutes in (0, 30, 90, 200):
        at = instant(_START + timedelta(minutes=minutes), "UTC")
        await desk.make(meeting(at=at, minutes=60))
    whole = await _busy(desk, ADA)
    walked: list[Any] = []
    token = ""
    while True:
        page = await _busy(desk, ADA, page_size=1, page_token=token)
        walked += page.busy
        token = page.next_page_token
        if not token:
            break
    assert walked == list(whole.busy)
    assert len({each.id for each in walked}) == 4
    merged = await _busy(desk, ADA, merge=True)
    assert _spans(merged) == ["20 02:00-20 04:30", "20 05:20-20 06:20"]


@pytest.mark.parametrize("unanswered", [True, False])
async def test_one_failure_of_many_queries_is_told_as_it_is(desk: Desk, unanswered: bool) -> None:
    ids = [f"c{n}@group" for n in range(9)]
    for own_id in ids:
        desk.google.world.add_calendar(own_id, own_id, "UTC", ADA)
    desk.google.fail(403, "insufficientPermissions")
    with refused(Kind.INSUFFICIENT_SCOPE):
        long = window(_START, days=300)
        await _busy(desk, *ids, window=long, include_unanswered=unanswered)


async def test_a_page_token_of_another_list(desk: Desk) -> None:
    with refused(Kind.INVALID, field="page_token"):
        await _busy(desk, ADA, page_token="x.y")


async def test_the_primary_calendar_is_asked_when_none_is_named(desk: Desk) -> None:
    await desk.make(meeting())
    answer = await _busy(desk, include_raw=True)
    assert [each.calendar_id for each in answer.busy] == ["primary"]
    assert answer.busy[0].raw["start"] == "2026-10-20T12:10:00Z"
