"""Calls: asked for, pending, refused, of other products, kept on every edit."""

from typing import Any

import pytest

from providers.core.errors import Kind
from providers.google import writing
from tests.providers.google.desk import MEET, Desk, berlin, meeting, refused
from ucal.v1 import event_pb2, types_pb2

READY = types_pb2.CONFERENCE_STATE_READY
PENDING = types_pb2.CONFERENCE_STATE_PENDING
ZOOM = {
    "conferenceId": "93712345678",
    "conferenceSolution": {"key": {"type": "addOn"}, "name": "Zoom Meeting"},
    "entryPoints": [
        {
            "entryPointType": "video",
            "uri": "https://us02web.zoom.us/j/93712345678?pwd=x",
            "meetingCode": "93712345678",
            "passcode": "s3cret",
        },
        {
            "entryPointType": "phone",
            "uri": "tel:+4930",
            "regionCode": "DE",
            "pin": "1",
            "label": "b",
        },
        {"entryPointType": "sip", "uri": "sip:93712345678@zoomcrc.com"},
    ],
    "notes": "Bring tea",
    "signature": "AB",
}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "_CONFERENCE_WAITS", (0.0, 0.0, 0.0))


async def _with_meet(desk: Desk) -> event_pb2.Event:
    return await desk.make(meeting(conference={"kind": MEET}))


async def test_a_call_is_asked_for(desk: Desk) -> None:
    """P55: conferenceDataVersion=1, and a new requestId for every wish."""
    made = await _with_meet(desk)
    assert made.has_conference
    assert made.conference.kind == MEET
    assert made.conference.state == READY
    assert made.conference.join_url.startswith("https://meet.google.com/")
    assert made.conference.meeting_id == made.conference.conference_id
    assert made.conference.provider_kind == "Google Meet"
    (phone,) = made.conference.phones
    assert (phone.number, phone.country_code, phone.pin) == ("+49-30-1234567", "DE", "123456789")
    await _with_meet(desk)
    asked = desk.asked("POST")
    assert {e.query["conferenceDataVersion"] for e in asked} == {"1"}
    ids = {e.body["conferenceData"]["createRequest"]["requestId"] for e in asked}
    assert len(ids) == 2


async def test_a_pending_call_is_waited_for_a_moment(desk: Desk) -> None:
    desk.google.world.pending_reads = 2
    assert (await _with_meet(desk)).conference.state == READY


async def test_a_pending_call_is_told_as_pending(desk: Desk) -> None:
    """P55: not as no call."""
    desk.google.world.pending_reads = 9
    made = await _with_meet(desk)
    assert made.has_conference
    assert made.conference.state == PENDING
    assert made.conference.kind == MEET
    assert made.conference.join_url == ""


async def test_trouble_while_waiting_does_not_spoil_the_event(desk: Desk) -> None:
    desk.google.world.pending_reads = 9
    desk.google.fail(403, "forbidden", only=["GET"])
    assert (await _with_meet(desk)).conference.state == PENDING


async def test_a_failed_call_is_told(desk: Desk) -> None:
    made = await _with_meet(desk)
    data = desk.ada.entries[made.id].data
    data["conferenceData"] = {
        "createRequest": {"requestId": "x", "status": {"statusCode": "failure"}}
    }
    del data["hangoutLink"]
    found = await desk.get(made.id)
    assert found.conference.state == types_pb2.CONFERENCE_STATE_FAILED


async def test_a_tenant_without_meet(desk: Desk) -> None:
    """P57: the event is there, and the loss is told."""
    desk.google.world.meet_allowed = False
    answer = await desk.create(meeting(conference={"kind": MEET}))
    assert list(answer.report.dropped_fields.paths) == ["conference"]
    assert not answer.event.has_conference
    before = len(desk.ada.entries)
    with refused(Kind.PRECONDITION, field="event.conference"):
        await desk.create(meeting(conference={"kind": MEET}), strict=True)
    assert len(desk.ada.entries) == before


async def test_a_bad_request_is_not_taken_for_a_tenant_without_meet(desk: Desk) -> None:
    desk.google.fail(400, "invalid", only=["POST"])
    with refused(Kind.INVALID):
        await _with_meet(desk)
    assert len(desk.ada.entries) == 0


async def test_edits_leave_the_call_alone(desk: Desk) -> None:
    """P56: one, two, three times."""
    made = await _with_meet(desk)
    for number in range(3):
        event = meeting(f"Edit {number}", at=berlin(21 + number, 9))
        await desk.update(made.id, event, "subject", "start_at", "end_at")
        assert "conferenceData" not in desk.asked("PATCH")[-1].body
        assert (await desk.get(made.id)).conference == made.conference
    again = event_pb2.Event(conference={"kind": MEET})
    answer = await desk.update(made.id, again, "conference")
    assert answer.event.conference == made.conference, "a call that is there stays"


async def test_a_call_is_added_and_taken_away(desk: Desk) -> None:
    made = await desk.make(meeting())
    asked = event_pb2.Event(conference={"kind": MEET})
    answer = await desk.update(made.id, asked, "conference")
    assert answer.event.conference.join_url
    answer = await desk.update(made.id, event_pb2.Event(), "conference")
    assert not answer.event.has_conference
    assert desk.asked("PATCH")[-1].body == {"conferenceData": None}


async def test_a_call_of_meet_is_attached(desk: Desk) -> None:
    link = "https://meet.google.com/abc-mnop-xyz"
    made = await desk.make(meeting(conference={"join_url": link}))
    assert made.conference.join_url == link
    assert made.conference.kind == MEET


async def test_a_call_of_another_product_cannot_be_attached(desk: Desk) -> None:
    event = meeting(conference={"join_url": "https://zoom.us/j/1"})
    answer = await desk.create(event)
    assert list(answer.report.dropped_fields.paths) == ["conference"]
    with refused(Kind.PRECONDITION, field="event.conference"):
        await desk.create(event, strict=True)


async def _with_zoom(desk: Desk) -> str:
    made = await desk.make(meeting())
    desk.ada.entries[made.id].data["conferenceData"] = ZOOM
    return made.id


async def test_a_call_of_another_product_is_read(desk: Desk) -> None:
    found = await desk.get(await _with_zoom(desk))
    call = found.conference
    assert call.kind == types_pb2.CONFERENCE_KIND_ZOOM
    assert call.provider_kind == "Zoom Meeting"
    assert call.state == READY
    assert call.join_url == "https://us02web.zoom.us/j/93712345678?pwd=x"
    assert (call.meeting_id, call.password, call.notes) == ("93712345678", "s3cret", "Bring tea")
    assert [p.number for p in call.phones] == ["+4930"]


async def test_a_call_of_another_product_is_never_rewritten(desk: Desk) -> None:
    """P58."""
    own_id = await _with_zoom(desk)
    await desk.update(own_id, event_pb2.Event(subject="New", location="x"), "subject", "location")
    other = event_pb2.Event(conference={"join_url": "https://teams.microsoft.com/l/1"})
    answer = await desk.update(own_id, other, "conference")
    assert list(answer.report.dropped_fields.paths) == ["conference"]
    assert desk.ada.entries[own_id].data["conferenceData"] == ZOOM


@pytest.mark.parametrize(
    ("link", "kind"),
    [
        ("https://teams.microsoft.com/l/meetup-join/1", types_pb2.CONFERENCE_KIND_TEAMS),
        ("https://acme.webex.com/acme/j.php?MTID=1", types_pb2.CONFERENCE_KIND_WEBEX),
        ("https://global.gotomeeting.com/join/1", types_pb2.CONFERENCE_KIND_GOTO),
        ("https://notzoom.us.example.com/j/1", types_pb2.CONFERENCE_KIND_OTHER),
        ("not a url", types_pb2.CONFERENCE_KIND_OTHER),
    ],
)
async def test_products_are_told_by_their_links(desk: Desk, link: str, kind: Any) -> None:
    made = await desk.make(meeting())
    desk.ada.entries[made.id].data["conferenceData"] = {
        "conferenceSolution": {"key": {"type": "addOn"}, "name": "X"},
        "entryPoints": [{"entryPointType": "video", "uri": link}],
    }
    assert (await desk.get(made.id)).conference.kind == kind


async def test_an_old_hangout_is_a_call(desk: Desk) -> None:
    made = await desk.make(meeting())
    desk.ada.entries[made.id].data["hangoutLink"] = "https://meet.google.com/abc-mnop-xyz"
    found = await desk.get(made.id)
    assert found.has_conference
    assert found.conference.join_url == "https://meet.google.com/abc-mnop-xyz"
