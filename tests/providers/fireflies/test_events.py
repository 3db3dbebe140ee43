"""Meetings as events: exact times, running ones first, pages of a list that moves."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from tests.providers.fireflies.double import Fireflies, RefusalError
from ucal.v1 import event_pb2, types_pb2

if TYPE_CHECKING:
    from ucal.v1.event_pb2_grpc import EventServiceAsyncStub as Stub

NOON = datetime(2026, 11, 20, 12, 2, 12, tzinfo=UTC)


def asked(**fields: object) -> event_pb2.ListEventsRequest:
    return event_pb2.ListEventsRequest(connection_id="c", **fields)  # type: ignore[arg-type]


async def test_a_meeting_is_an_event(fireflies: Fireflies, events: "Stub") -> None:
    """Traps 2 and 3: dateString is exact where date is rounded; duration is minutes."""
    meeting = fireflies.add("Weekly sync", NOON)
    (event,) = (await events.ListEvents(asked())).events
    assert event.subject == "Weekly sync"
    assert event.start_at.timestamp.ToDatetime(UTC) == NOON
    assert event.end_at.timestamp.ToDatetime(UTC) == NOON + timedelta(minutes=30, seconds=30)
    assert event.organizer.email == "dana@example.com"
    people = [(each.name, each.email, each.is_organizer) for each in event.attendees]
    assert people == [
        ("Ana", "ana@example.org", False),
        ("", "dana@example.com", True),
        ("", "eve@example.net", False),
    ]
    assert event.conference.kind == types_pb2.CONFERENCE_KIND_GOOGLE_MEET
    assert event.web_url == meeting["transcript_url"]
    assert event.calendar_id == ""
    request = event_pb2.GetEventRequest(connection_id="c", id=event.id, include_raw=True)
    read = (await events.GetEvent(request)).event
    assert read.raw["__id"] == meeting["id"]
    assert read.raw["calendar_id"] == meeting["calendar_id"]
    assert read.raw["date"] == meeting["date"]
    read.ClearField("raw")
    assert read == event


async def test_what_is_null_is_left_out(fireflies: Fireflies, events: "Stub") -> None:
    """P71; and `date` stands in for a dateString that is missing."""
    fireflies.add("x", NOON).update(
        title=None, organizer_email=None, host_email="host@example.com", participants=[None],
        meeting_attendees=None, meeting_link=None, duration=None,
    )  # fmt: skip
    old = fireflies.add("old", NOON - timedelta(hours=1))
    (event, _) = (await events.ListEvents(asked())).events
    assert event.subject == ""
    assert event.organizer.email == "host@example.com"
    assert not event.attendees
    assert not event.has_conference
    assert not event.HasField("end_at")
    old["date"], wanted = 1782438600000, datetime(2026, 6, 26, 1, 50, tzinfo=UTC)
    request = event_pb2.GetEventRequest(connection_id="c", id=old["id"])
    old["dateString"] = "yesterday"
    read = (await events.GetEvent(request)).event
    assert read.start_at.timestamp.ToDatetime(UTC) == wanted


async def test_meetings_that_go_on_come_first_and_once(
    fireflies: Fireflies, events: "Stub"
) -> None:
    now = datetime.now(UTC)
    fireflies.add("Done", now - timedelta(hours=3))
    both = fireflies.run("Both")
    fireflies.run("Now")
    listed = fireflies.add("Both", now - timedelta(minutes=5))
    listed.update(id=both["id"], is_live=True)
    found = (await events.ListEvents(asked())).events
    assert [event.subject for event in found] == ["Now", "Both", "Done"]
    assert found[0].conference.kind == types_pb2.CONFERENCE_KIND_ZOOM
    assert found[0].HasField("end_at")
    assert not found[1].HasField("end_at"), "it goes on"
    request = event_pb2.GetEventRequest(connection_id="c", id=found[0].id)
    assert (await events.GetEvent(request)).event == found[0]


async def test_one_request_brings_both_lists(fireflies: Fireflies, events: "Stub") -> None:
    """Free plans have 50 requests a day."""
    fireflies.run("Now")
    fireflies.add("Done")
    await events.ListEvents(asked())
    assert len(fireflies.journal) == 1


async def test_a_key_that_may_not_see_running_meetings(
    fireflies: Fireflies, events: "Stub"
) -> None:
    fireflies.run("Now")
    fireflies.add("Done")
    fireflies.partial["active_meetings"] = RefusalError("require_elevated_privilege", 403)
    found = (await events.ListEvents(asked())).events
    assert [event.subject for event in found] == ["Done"]
    fireflies.partial["active_meetings"] = RefusalError("invariant_violation", 500)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await events.ListEvents(asked())
    assert caught.value.code() is grpc.StatusCode.INTERNAL


async def walk(events: "Stub", size: int, between: object = None) -> list[str]:
    seen: list[str] = []
    token = ""
    while True:
        answer = await events.ListEvents(asked(page_size=size, page_token=token))
        assert len(answer.events) <= size
        seen += [event.subject for event in answer.events]
        token = answer.next_page_token
        if not token:
            return seen
        if callable(between):
            between()


@pytest.mark.parametrize("size", [1, 4, 50])
async def test_pages_hold_everything_once(fireflies: Fireflies, events: "Stub", size: int) -> None:
    """P10; more than Fireflies' own limit of 50."""
    wanted = [f"m{n}" for n in range(60 if size > 1 else 9)]
    for n, title in enumerate(wanted):
        fireflies.add(title, NOON + timedelta(hours=n))
    for title in ("r1", "r2", "r3"):
        fireflies.run(title)
    assert await walk(events, size) == ["r1", "r2", "r3", *reversed(wanted)]


async def test_meetings_that_come_while_one_turns_pages(
    fireflies: Fireflies, events: "Stub"
) -> None:
    """P10: skip and limit hand out twice what has moved down."""
    wanted = [f"m{n}" for n in range(20)]
    for n, title in enumerate(wanted):
        fireflies.add(title, NOON + timedelta(hours=n))
    late = NOON + timedelta(days=3)
    seen = await walk(events, 4, lambda: fireflies.add("late", late))
    assert [each for each in seen if each != "late"] == list(reversed(wanted))


async def test_meetings_that_go_while_one_turns_pages(fireflies: Fireflies, events: "Stub") -> None:
    """Without an overlap, as many would be lost."""
    wanted = [f"m{n}" for n in range(20)]
    for n, title in enumerate(wanted):
        fireflies.add(title, NOON + timedelta(hours=n))
    gone = iter(["m19", "m18"])

    def remove() -> None:
        title = next(gone, None)
        fireflies.transcripts[:] = [m for m in fireflies.transcripts if m["title"] != title]

    assert await walk(events, 4, remove) == list(reversed(wanted))


async def test_a_window_is_cut_after_fireflies_was_asked_for_more(
    fireflies: Fireflies, events: "Stub"
) -> None:
    for hours in range(-30, 31, 6):
        fireflies.add(f"{hours}", NOON + timedelta(hours=hours))
    window = types_pb2.TimeRange(
        start_at=Timestamp(seconds=int(NOON.timestamp()) + 60),
        end_at=Timestamp(seconds=int(NOON.timestamp()) + 6 * 3600),
    )
    answer = await events.ListEvents(asked(window=window))
    assert [event.subject for event in answer.events] == ["0"], "it began before, and reaches in"


async def test_a_query_is_a_keyword(fireflies: Fireflies, events: "Stub") -> None:
    fireflies.add("Zanzibar trip", NOON)
    fireflies.add("Other", NOON)
    fireflies.run("Zanzibar now")
    found = (await events.ListEvents(asked(query="zanzibar"))).events
    assert [event.subject for event in found] == ["Zanzibar trip"]
    assert fireflies.journal[-1].variables["scope"] == "all"


async def test_ids_travel_as_variables(fireflies: Fireflies, events: "Stub") -> None:
    """P69; what a caller sends is never part of a query."""
    own_id = 'x"){id} user{email}} #'
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await events.GetEvent(event_pb2.GetEventRequest(connection_id="c", id=own_id))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    assert fireflies.journal[0].variables == {"id": own_id}
    assert own_id not in fireflies.journal[0].query


async def test_nothing_destructive_is_sent(fireflies: Fireflies, events: "Stub") -> None:
    """Trap 4: deleteTranscript is no DeleteEvent."""
    meeting = fireflies.add("Kept")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await events.DeleteEvent(event_pb2.DeleteEventRequest(connection_id="c", id=meeting["id"]))
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert fireflies.journal == []
    assert fireflies.transcripts == [meeting]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("<html>", grpc.StatusCode.INTERNAL),
        ("", grpc.StatusCode.INTERNAL),
        ("[" * 5000, grpc.StatusCode.INTERNAL),
        ('{"data": {"transcripts": [', grpc.StatusCode.INTERNAL),
        ('{"data": {"transcripts": 7}}', grpc.StatusCode.INTERNAL),
        ('{"data": {"transcripts": null}}', grpc.StatusCode.INTERNAL),
        ('{"data": {}}', grpc.StatusCode.INTERNAL),
        ('{"errors": "x"}', grpc.StatusCode.INTERNAL),
        ('{"errors": [{"message": "no idea"}], "data": {}}', grpc.StatusCode.INTERNAL),
    ],
)
async def test_answers_that_are_none(
    fireflies: Fireflies, events: "Stub", body: str, code: grpc.StatusCode
) -> None:
    """Never an empty list for an answer that holds none."""
    fireflies.fail(200, body)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await events.ListEvents(asked())
    assert caught.value.code() is code


@pytest.mark.parametrize(
    "item",
    [
        "null",
        "7",
        '{"id": 7}',
        '{"title": "no id"}',
        '{"id": "a", "participants": "x"}',
    ],
)
async def test_one_item_that_cannot_be_read_does_not_hide_the_others(
    fireflies: Fireflies, events: "Stub", item: str
) -> None:
    """P70."""
    fireflies.fail(200, f'{{"data": {{"transcripts": [{item}, {{"id": "b", "privacy": "new"}}]}}}}')
    assert [event.id for event in (await events.ListEvents(asked())).events] == ["b"]


@pytest.mark.parametrize(
    "fields",
    [
        '"date": 1e300',
        '"date": -1',
        '"date": 99999999999999999999999999',
        '"dateString": "9999-12-31T23:59:59Z", "duration": 1000',
        '"dateString": "2026-11-20T12:00:00", "duration": 30',
        '"dateString": "2026-11-20T12:00:00Z", "duration": 1e300',
        '"dateString": "2026-11-20T12:00:00Z", "duration": -5',
    ],
)
async def test_times_out_of_all_bounds_are_left_out(
    fireflies: Fireflies, events: "Stub", fields: str
) -> None:
    fireflies.fail(200, f'{{"data": {{"transcripts": [{{"id": "a", {fields}}}]}}}}')
    (event,) = (await events.ListEvents(asked())).events
    assert not event.HasField("end_at")
