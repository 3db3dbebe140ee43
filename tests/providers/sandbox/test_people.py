"""Answers to invitations, and busy time of calendars, colleagues and rooms."""

from datetime import UTC, datetime, timedelta

import pytest
from google.rpc import code_pb2

from providers.core.errors import Kind
from tests.providers.sandbox.desk import (
    ALL,
    FOLLOWING,
    NOW,
    SCRATCH,
    THIS,
    Desk,
    berlin,
    day,
    meeting,
    refused,
    starts,
    window,
)
from ucal.v1 import busy_pb2, event_pb2, types_pb2

ACCEPTED = types_pb2.ATTENDEE_RESPONSE_ACCEPTED
DECLINED = types_pb2.ATTENDEE_RESPONSE_DECLINED
TENTATIVE = types_pb2.ATTENDEE_RESPONSE_TENTATIVE
ME = "robin.sand@example.com"


async def respond(
    desk: Desk, id: str, response: int = ACCEPTED, calendar_id: str = "work", **fields: object
) -> event_pb2.RespondToEventResponse:
    request = event_pb2.RespondToEventRequest(
        id=id, calendar_id=calendar_id, response=response, **fields
    )
    return await desk.sandbox.respond_to_event(desk.call(), request)


@pytest.mark.parametrize("response", [ACCEPTED, DECLINED, TENTATIVE])
async def test_p51_only_the_own_entry_is_touched(desk: Desk, response: int) -> None:
    """P51."""
    before = await desk.get("invitation-needs-action", "work")
    answer = await respond(desk, before.id, response, comment="On my way")
    found = await desk.get(before.id, "work")
    assert found == answer.event
    assert found.own_response == response
    (mine,) = [a for a in found.attendees if a.is_self]
    assert (mine.response, mine.comment) == (response, "On my way")
    others = [a for a in before.attendees if not a.is_self]
    assert [a for a in found.attendees if not a.is_self] == others
    assert answer.report.notifications == types_pb2.NOTIFICATION_OUTCOME_REQUESTED


async def test_p51_who_is_not_invited_is_told(desk: Desk) -> None:
    """P51."""
    made = await desk.make(meeting())
    with refused(Kind.PRECONDITION, reason="NOT_INVITED"):
        await respond(desk, made.id, calendar_id=SCRATCH)
    with refused(Kind.PRECONDITION, reason="ALREADY_CANCELED"):
        await respond(desk, "canceled-workshop")
    with refused(Kind.NOT_FOUND):
        await respond(desk, "nobody")
    with refused(Kind.CONFLICT, reason="ETAG_MISMATCH"):
        await respond(desk, "invitation-accepted", etag="stale")


async def test_an_answer_to_one_instance_or_to_all(desk: Desk) -> None:
    event = meeting("weekly", None, 30, "RRULE:FREQ=WEEKLY;COUNT=3")
    event.attendees.add(email=ME)
    made = await desk.make(event)
    found = await desk.instances(made.id)
    await respond(desk, found[1].id, DECLINED, SCRATCH, scope=THIS)
    assert [e.own_response for e in await desk.instances(made.id)] == [ACCEPTED, DECLINED, ACCEPTED]
    await respond(desk, made.id, TENTATIVE, SCRATCH, scope=ALL)
    assert [e.own_response for e in await desk.instances(made.id)] == [TENTATIVE] * 3
    await respond(desk, found[2].id, ACCEPTED, SCRATCH, scope=ALL)
    assert [e.own_response for e in await desk.instances(made.id)] == [ACCEPTED] * 3
    for own_id, scope in (
        (made.id, 0),
        (made.id, THIS),
        (found[0].id, 0),
        (found[0].id, FOLLOWING),
    ):
        with refused(Kind.INVALID, field="scope"):
            await respond(desk, own_id, ACCEPTED, SCRATCH, scope=scope)


async def test_a_proposed_time_is_dropped_and_told(desk: Desk) -> None:
    answer = await respond(
        desk, "invitation-accepted", TENTATIVE, proposed_time=window(NOW, days=1)
    )
    assert list(answer.report.dropped_fields.paths) == ["proposed_time"]


# -- busy


async def busy(desk: Desk, *ids: str, **fields: object) -> busy_pb2.ListBusyResponse:
    fields.setdefault("window", window(datetime(2026, 10, 20, tzinfo=UTC), days=1))
    request = busy_pb2.ListBusyRequest(calendar_ids=ids or [SCRATCH], **fields)
    return await desk.sandbox.list_busy(desk.call(), request)


def spans(answer: busy_pb2.ListBusyResponse) -> list[str]:
    ends = [event_pb2.Event(start_at=b.end_at) for b in answer.busy]
    return [
        f"{start[6:]}-{end[6:]}"
        for start, end in zip(starts(list(answer.busy)), starts(ends), strict=True)
    ]


async def test_p65_what_takes_no_time_is_not_busy(desk: Desk) -> None:
    """P65."""
    shown = {
        event_pb2.SHOW_AS_BUSY: busy_pb2.BUSY_KIND_BUSY,
        event_pb2.SHOW_AS_FREE: None,
        event_pb2.SHOW_AS_TENTATIVE: busy_pb2.BUSY_KIND_TENTATIVE,
        event_pb2.SHOW_AS_OUT_OF_OFFICE: busy_pb2.BUSY_KIND_OUT_OF_OFFICE,
        event_pb2.SHOW_AS_WORKING_ELSEWHERE: busy_pb2.BUSY_KIND_WORKING_ELSEWHERE,
    }
    for hour, show_as in enumerate(shown):
        event = meeting(at=berlin(20, 9 + hour))
        event.show_as = show_as
        await desk.make(event)
    answer = await busy(desk)
    assert [b.kind for b in answer.busy] == [kind for kind in shown.values() if kind]
    assert {b.timezone for b in answer.busy} == {"Asia/Tokyo"}


async def test_p65_all_day_is_busy_all_day(desk: Desk) -> None:
    """P65: a day of the calendar's own zone."""
    first = NOW.date()
    await desk.make(event_pb2.Event(start_at=day(first), end_at=day(first + timedelta(days=1))))
    answer = await busy(desk, window=window(datetime(2026, 10, 14, 14, 59, tzinfo=UTC), days=0.001))
    assert spans(answer) == ["17:00-17:00"]
    assert not (
        await busy(desk, window=window(datetime(2026, 10, 14, 15, tzinfo=UTC), days=1))
    ).busy


async def test_p66_declined_and_unanswered_invitations(desk: Desk) -> None:
    """P66."""
    ids = {"invitation-needs-action": 14, "invitation-accepted": 15}
    frame = window(datetime(2026, 10, 21, tzinfo=UTC), days=3)
    count = {None: 0, True: 0, False: 0}
    for asked in count:
        fields = {} if asked is None else {"include_unanswered": asked}
        count[asked] = len(
            (await busy(desk, "primary", window=frame, page_size=500, **fields)).busy
        )
    assert count[None] == count[True] == count[False] + 1
    assert len(ids) == 2
    declined = await desk.get("invitation-declined", "work")
    blocks = await busy(desk, "primary", window=frame, page_size=500)
    assert declined.start_at.timestamp not in [b.start_at.timestamp for b in blocks.busy]


async def test_p67_one_bad_address_spoils_nothing(desk: Desk) -> None:
    """P67: its silence is not free time."""
    await desk.make(meeting())
    answer = await busy(desk, SCRATCH, "nobody@example.com", "nowhere")
    assert spans(answer) == ["14:10-14:40"]
    assert set(answer.unreachable) == {"nobody@example.com", "nowhere"}
    assert {status.code for status in answer.unreachable.values()} == {code_pb2.NOT_FOUND}


async def test_blocks_are_joined_when_asked(desk: Desk) -> None:
    for hour, minutes in ((9, 60), (9, 30), (10, 30), (12, 30)):
        await desk.make(meeting(at=berlin(20, hour), minutes=minutes))
    plain = ["09:00-09:30", "09:00-10:00", "10:00-10:30", "12:00-12:30"]
    assert spans(await busy(desk)) == plain
    assert spans(await busy(desk, merge=True)) == ["09:00-10:30", "12:00-12:30"]
    first = await busy(desk, page_size=3)
    rest = await busy(desk, page_size=3, page_token=first.next_page_token)
    assert spans(first) + spans(rest) == plain
    assert rest.next_page_token == ""
    with refused(Kind.INVALID, field="page_token"):
        await busy(desk, page_token="-1")


async def test_series_and_their_exceptions_are_busy(desk: Desk) -> None:
    made = await desk.make(meeting("daily", None, 30, "RRULE:FREQ=DAILY;COUNT=4"))
    found = await desk.instances(made.id)
    await desk.delete(found[1].id, scope=THIS)
    answer = await busy(desk, window=window(datetime(2026, 10, 20, tzinfo=UTC), days=5))
    assert starts(list(answer.busy)) == ["10-20 14:10", "10-22 14:10", "10-23 14:10"]
    assert len({b.id for b in answer.busy}) == 3


async def test_colleagues_and_rooms_are_asked_by_address(desk: Desk) -> None:
    frame = window(datetime(2026, 10, 19, tzinfo=UTC), days=5)
    people = await busy(desk, "Priya.Nair@example.com", "jonas.weber@example.com", window=frame)
    assert len(people.busy) == 4
    room = "room-spree@example.com"
    before = len((await busy(desk, room, window=frame)).busy)
    event = meeting(at=berlin(20, 12))
    event.room_ids.append("spree")
    await desk.make(event)
    assert len((await busy(desk, room, window=frame)).busy) == before + 1
