"""Busy time: schedules by address, calendars by their view."""

from datetime import UTC, datetime, timedelta

import pytest
from google.rpc import code_pb2

from providers.core.errors import Kind
from tests.providers.microsoft.desk import Desk, desk, instant, meeting, refused, window
from tests.providers.microsoft.double import events
from tests.providers.microsoft.double.world import BEN
from tests.providers.outlook.harness import invite
from ucal.v1 import busy_pb2, event_pb2

START = datetime(2026, 12, 1, 9, tzinfo=UTC)


async def _busy(
    d: Desk, *names: str, days: float = 7, **fields: object
) -> busy_pb2.ListBusyResponse:
    asked = {"window": window(START - timedelta(days=1), days=days), **fields}
    request = busy_pb2.ListBusyRequest(calendar_ids=names, **asked)  # type: ignore[arg-type]
    found: busy_pb2.ListBusyResponse = await d.provider.list_busy(d.call, request)
    return found


def _of_ben(d: Desk, shows: str = "busy", hours: float = 0, minutes: int = 30) -> None:
    ben = d.graph.world.mailboxes[BEN]
    body = {"subject": "Lunch", "showAs": shows}
    for name, more in (("start", 0), ("end", minutes)):
        when = START + timedelta(hours=hours, minutes=more)
        body[name] = {"dateTime": f"{when:%Y-%m-%dT%H:%M:%S}", "timeZone": "UTC"}  # type: ignore[assignment]
    events.create(ben, ben.default, body)


async def test_addresses_are_asked_for_their_schedule() -> None:
    """P67: one address that nobody has does not spoil the others."""
    async with desk() as d:
        for hours, shows in enumerate(("busy", "tentative", "oof", "free", "workingElsewhere")):
            _of_ben(d, shows, hours)
        answer = await _busy(d, BEN, "nobody@contoso.com")
        kinds = [b.kind for b in answer.busy]
        assert kinds == [
            busy_pb2.BUSY_KIND_BUSY,
            busy_pb2.BUSY_KIND_TENTATIVE,
            busy_pb2.BUSY_KIND_OUT_OF_OFFICE,
        ]
        assert answer.busy[0].description == "Lunch"
        assert answer.busy[0].timezone == "Europe/Berlin"
        assert list(answer.unreachable) == ["nobody@contoso.com"]
        assert answer.unreachable["nobody@contoso.com"].code == code_pb2.NOT_FOUND


async def test_twenty_addresses_and_forty_days_at_once() -> None:
    async with desk() as d:
        _of_ben(d, hours=24 * 39 - 9, minutes=3 * 24 * 60)
        names = [BEN, *(f"p{n}@contoso.com" for n in range(24))]
        answer = await _busy(d, *names, days=90)
        asked = d.graph.asked("POST", "/getSchedule")
        assert len(asked) == 6
        assert {len(e.body["schedules"]) for e in asked} == {20, 5}
        assert len(answer.unreachable) == 24
        (block,) = answer.busy  # cut by the border of two questions, told once
        length = block.end_at.timestamp.seconds - block.start_at.timestamp.seconds
        assert length == 3 * 86_400


async def test_what_a_calendar_holds_that_takes_no_time() -> None:
    """P65, P66: free, declined, and unanswered where those are not to count."""
    async with desk() as d:
        await d.make(meeting("Free", instant(START), show_as=event_pb2.SHOW_AS_FREE))
        await d.make(meeting("Own", instant(START + timedelta(hours=1))))
        invited = invite(d.graph, "Invitation", START + timedelta(hours=2))
        assert len((await _busy(d)).busy) == 2
        assert len((await _busy(d, include_unanswered=False)).busy) == 1
        invited.data["responseStatus"]["response"] = "declined"
        invited.data["showAs"] = "busy"
        assert len((await _busy(d)).busy) == 1
        with refused(Kind.UNSUPPORTED):
            await _busy(d, BEN, include_unanswered=False)


async def test_blocks_are_joined_and_paged() -> None:
    async with desk() as d:
        for minutes in (0, 20, 40, 120):
            await d.make(meeting(at=instant(START + timedelta(minutes=minutes))))
        joined = await _busy(d, merge=True)
        assert len(joined.busy) == 2
        first = await _busy(d, page_size=3)
        second = await _busy(d, page_size=3, page_token=first.next_page_token)
        assert (len(first.busy), len(second.busy)) == (3, 1)
        assert second.next_page_token == ""
        with refused(Kind.INVALID, field="page_token"):
            await _busy(d, page_token="x")


@pytest.mark.parametrize("missing", ["start_at", "end_at"])
async def test_both_bounds_are_needed(missing: str) -> None:
    async with desk() as d:
        bounds = window(START, days=1)
        bounds.ClearField(missing)  # type: ignore[arg-type]
        with refused(Kind.INVALID, field="window"):
            await _busy(d, window=bounds)
