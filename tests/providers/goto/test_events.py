"""Meetings: there and back, both lists, windows, pages, whole-body updates, odd times and keys."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from providers.core.auth import BearerAuth, Credentials
from providers.core.errors import Kind
from providers.goto import meetings
from providers.goto.moments import moment
from tests.providers.desk import instant, refused, window
from tests.providers.goto.desk import NOW, SOON, Desk, meeting
from tests.providers.goto.double.world import EMAIL, ORGANIZER, TOKEN
from ucal.v1 import connection_pb2, event_pb2, types_pb2


async def test_a_meeting_there_and_back(desk: Desk) -> None:
    """Trap 1: arrays of one element from POST and GET."""
    answer = await desk.create(meeting("Fête ✓ & <b>"))
    assert not answer.report.coerced_fields.paths
    assert answer.report.notifications == types_pb2.NOTIFICATION_OUTCOME_NONE
    found = await desk.get(answer.event.id)
    assert found.subject == "Fête ✓ & <b>"
    assert (found.start_at, found.end_at) == (answer.event.start_at, answer.event.end_at)
    assert found.start_at == instant(SOON)
    assert found.organizer.email == EMAIL
    assert found.calendar_id == ORGANIZER
    assert found.conference.kind == types_pb2.CONFERENCE_KIND_GOTO
    assert found.conference.join_url == answer.event.conference.join_url == found.web_url
    assert found.created_at.seconds
    (listed,) = await desk.listed(window=window(SOON, days=1))
    assert listed.id == found.id
    assert "created_at" in listed.unknown_fields.paths


async def test_what_is_sent_is_whole(desk: Desk) -> None:
    await desk.create(meeting())
    (sent,) = desk.asked("POST")
    assert sent.body == {
        "subject": "Review",
        "starttime": f"{SOON:%Y-%m-%dT%H:%M:%SZ}",
        "endtime": f"{SOON + timedelta(minutes=45):%Y-%m-%dT%H:%M:%SZ}",
        "passwordrequired": False,
        "conferencecallinfo": "Hybrid",
        "timezonekey": "",
        "meetingtype": "scheduled",
    }


async def test_an_update_replaces_everything_with_what_was_there(desk: Desk) -> None:
    """Trap 4."""
    made = desk.goto.world.add_meeting(
        {
            "subject": "Old",
            "starttime": f"{SOON:%Y-%m-%dT%H:%M:%SZ}",
            "endtime": f"{SOON + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}",
            "passwordrequired": True,
            "conferencecallinfo": "+1 555 0100",
            "timezonekey": "",
            "meetingtype": "scheduled",
            "coorganizerKeys": ["8439885694023999998"],
        }
    )
    before = dict(made)
    answer = await desk.update(str(made["id"]), event_pb2.Event(subject="New"), "subject")
    assert answer.event.subject == "New"
    assert made == before | {"subject": "New"}
    assert answer.event.start_at == instant(SOON)
    moved = event_pb2.Event(end_at=instant(SOON - timedelta(hours=1)))
    with refused(Kind.INVALID, field="event.end_at"):
        await desk.update(str(made["id"]), moved, "end_at")
    assert made == before | {"subject": "New"}


async def test_zones_and_fractions_are_coerced_and_told(desk: Desk) -> None:
    event = meeting()
    event.start_at.time_zone = "Europe/Berlin"
    event.end_at.timestamp.nanos = 5000
    answer = await desk.create(event)
    assert list(answer.report.coerced_fields.paths) == ["start_at", "end_at"]
    assert answer.event.start_at == instant(SOON)


_FLOATING = types_pb2.EventTime(floating={"year": 2030, "month": 1, "day": 2, "hours": 9})
_DAY = types_pb2.EventTime(date={"year": 2030, "month": 1, "day": 2})


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"subject": ""}, "event.subject"),
        ({"subject": "x" * 101}, "event.subject"),
        ({"start_at": _DAY}, "event.start_at"),
        ({"start_at": _FLOATING}, "event.start_at"),
        ({"end_at": types_pb2.EventTime()}, "event.end_at"),
        ({"conference": {"kind": types_pb2.CONFERENCE_KIND_ZOOM}}, "event.conference"),
        ({"conference": {"join_url": "https://zoom.us/j/1"}}, "event.conference"),
    ],
)
async def test_bad_input_goes_nowhere(desk: Desk, fields: dict[str, Any], path: str) -> None:
    event = meeting()
    for name in fields:
        event.ClearField(name)  # type: ignore[arg-type]  # any of its fields
    event.MergeFrom(event_pb2.Event(**fields))
    with refused(Kind.INVALID, field=path):
        await desk.create(event)
    assert not desk.goto.journal


async def test_lists_hold_what_is_ahead_and_what_was_held(desk: Desk) -> None:
    """A held session shows once, the last one; a plan outdoes it; rooms have no time."""
    world = desk.goto.world
    ahead = (await desk.create(meeting("Ahead"))).event.id
    held = world.add_meeting(await _body(desk, "Held"))
    for days in (9, 5):
        world.hold(held, NOW - timedelta(days=days), NOW - timedelta(days=days, hours=-1))
    del world.meetings[str(held["id"])]
    room = world.add_meeting((await _body(desk, "Room")) | {"meetingtype": "recurring"})
    world.hold(room, NOW - timedelta(days=3), NOW - timedelta(days=3, hours=-1))
    found = {event.id: event for event in await desk.listed()}
    assert set(found) == {ahead, str(held["id"]), str(room["id"])}
    assert found[str(held["id"])].start_at == instant(NOW - timedelta(days=5))
    assert not found[str(room["id"])].HasField("start_at")
    assert found[str(room["id"])].provider_type == "recurring"
    inside = await desk.listed(window=window(NOW - timedelta(days=20), days=60))
    assert {event.id for event in inside} == {ahead, str(held["id"])}
    assert await desk.listed(window=window(NOW - timedelta(days=5, hours=-1), days=1)) == []
    assert (await desk.get(str(held["id"]))).start_at == found[str(held["id"])].start_at
    room_now = event_pb2.Event(start_at=instant(SOON))
    with refused(Kind.INVALID, field="event.start_at"):
        await desk.update(str(room["id"]), room_now, "start_at")


async def _body(desk: Desk, subject: str) -> dict[str, Any]:
    """As another client would send it."""
    return meetings.dump_new(meeting(subject), SOON, SOON + timedelta(hours=1))


async def test_pages_are_stable_while_the_list_changes(desk: Desk) -> None:
    """P10: what goes away in between moves nothing over the border."""
    made = [
        (await desk.create(meeting(f"N{n}", SOON + timedelta(hours=n // 2)))).event.id
        for n in range(9)
    ]
    request = event_pb2.ListEventsRequest(page_size=4)
    first = await desk.provider.list_events(desk.call, request)
    del desk.goto.world.meetings[first.events[0].id]
    request.page_token = first.next_page_token
    second = await desk.provider.list_events(desk.call, request)
    request.page_token = second.next_page_token
    third = await desk.provider.list_events(desk.call, request)
    assert [e.id for page in (first, second, third) for e in page.events] == made
    assert third.next_page_token == ""


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2025-04-01T18:00:00.+0000", datetime(2025, 4, 1, 18, tzinfo=UTC)),
        ("2025-04-01T18:00:00Z", datetime(2025, 4, 1, 18, tzinfo=UTC)),
        ("2025-04-01T18:00:00.123+02:00", datetime(2025, 4, 1, 16, tzinfo=UTC)),
        ("2025-04-01T18:00:00-0330", datetime(2025, 4, 1, 21, 30, tzinfo=UTC)),
    ],
)
def test_times_of_every_form_are_read(text: str, wanted: datetime) -> None:
    """Trap 3."""
    assert moment(text) == wanted


@pytest.mark.parametrize("text", ["", "soon", "2025-04-01", "2025-13-01T18:00:00Z", "9" * 5000])
def test_what_is_no_time_is_the_providers_fault(text: str) -> None:
    with refused(Kind.PROVIDER_FAULT):
        moment(text)


def test_fields_are_read_in_any_case_and_as_text() -> None:
    """Sheet section 3."""
    found = meetings.read(
        {"meetingID": "12", "PasswordRequired": "false", "createTime": "", "Recording": None}
    )
    assert (found.meetingid, found.passwordrequired) == ("12", False)


async def test_keys_are_exact(desk: Desk) -> None:
    """P83, trap 2: keys of 64 bits, as numbers and as text, and in raw."""
    number = 9007199254740993
    body = await _body(desk, "Big")
    made = desk.goto.world.add_meeting(body)
    desk.goto.world.meetings[str(number)] = made | {"id": number}
    found = await desk.get(str(number), include_raw=True)
    assert found.id == found.raw["__id"] == found.raw["meetingId"] == str(number)
    assert str(number) in [event.id for event in await desk.listed()]


@pytest.mark.parametrize("id", ["no-such-id", "../meetings", "1/start", "9" * 30, "١٢"])
async def test_what_is_no_key_is_not_asked_for(desk: Desk, id: str) -> None:
    with refused(Kind.NOT_FOUND):
        await desk.get(id)
    assert not desk.asked(part="/G2M/")


class _Grant:
    """Credentials whose token has died."""

    def __init__(self) -> None:
        self.credentials: Credentials | None = connection_pb2.OAuthCredentials(
            access_token="dead", refresh_token="r"
        )
        self.renewed = 0

    async def renew(self, stale: str) -> str:
        self.renewed += 1
        assert stale == "dead"
        return TOKEN


async def test_a_dead_token_that_answers_403_is_renewed_once(desk: Desk) -> None:
    """Trap 6."""
    grant = _Grant()
    desk.auth = desk.provider.auth(grant)
    assert isinstance(desk.auth, BearerAuth)
    assert await desk.listed() == []
    assert grant.renewed >= 1
    assert {each.status for each in desk.asked(part="/me")} == {403, 200}


async def test_a_dead_token_that_cannot_be_renewed_is_told_as_one(desk: Desk) -> None:
    desk.goto.tokens.clear()
    with refused(Kind.UNAUTHENTICATED):
        await desk.listed()


async def test_keys_of_the_account_are_asked_for_once(desk: Desk) -> None:
    desk.account = "a1"
    for _ in range(3):
        await desk.listed()
    assert len(desk.asked(part="/me")) == 1
    desk.account = "a2"
    await desk.listed()
    assert len(desk.asked(part="/me")) == 2
