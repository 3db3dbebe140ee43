"""Creating and changing events: bodies, calls, guests, zones, transactions, versions."""

from datetime import UTC, datetime, timedelta

import pytest

from providers.core.errors import Kind
from providers.microsoft import bodies
from tests.providers.microsoft.desk import (
    BERLIN,
    TEAMS,
    Desk,
    berlin,
    desk,
    meeting,
    refused,
)
from tests.providers.outlook.harness import invite
from ucal.v1 import event_pb2, types_pb2

REQUEST = "6f1c9d1e-5a63-4d0e-9b7e-2f6c1b9f8a11"
NOT_SUPPRESSIBLE = types_pb2.NOTIFICATION_OUTCOME_NOT_SUPPRESSIBLE


# -- Teams


async def test_a_teams_link_survives_three_patches() -> None:
    """P54: subject, time and body are written; the link stays, for guests too."""
    async with desk() as d:
        made = await d.make(meeting(conference={"kind": TEAMS}, description="Agenda"))
        link = made.conference.join_url
        assert link.startswith("https://teams.microsoft.com/l/meetup-join/")
        assert made.conference.kind == TEAMS
        changes = (
            (event_pb2.Event(subject="New"), ["subject"]),
            (
                event_pb2.Event(start_at=berlin(21, 9), end_at=berlin(21, 10)),
                ["start_at", "end_at"],
            ),
            (event_pb2.Event(description="Other <agenda>\nand more"), ["description"]),
        )
        for event, paths in changes:
            found = (await d.update(made.id, event, *paths)).event
            assert found.conference.join_url == link, paths
            assert found.conference.state == types_pb2.CONFERENCE_STATE_READY
        assert "Other &lt;agenda&gt;" in found.description
        assert found.description.count("meetup-join") == 1
        assert "Agenda" not in found.description.replace("Other &lt;agenda&gt;", "")


async def test_a_body_written_without_the_block_takes_a_meeting_off_line() -> None:
    """The double does what Microsoft says of it; so the test above can fail."""
    async with desk() as d:
        made = await d.make(meeting(conference={"kind": TEAMS}))
        from tests.providers.microsoft.double import events

        events.change(d.box, *d.box.find(made.id), {"body": {"content": "x"}})
        assert not (await d.get(made.id)).has_conference


async def test_a_link_that_is_not_there_yet_is_waited_for_or_told_as_pending() -> None:
    async with desk() as d:
        made = await d.make(meeting(conference={"kind": TEAMS}))
        item = d.calendar.items[made.id]
        info, item.data["onlineMeeting"] = item.data["onlineMeeting"], None
        found = await d.get(made.id)
        assert found.conference.state == types_pb2.CONFERENCE_STATE_PENDING
        assert found.conference.join_url == ""
        item.data["onlineMeeting"] = info
        found = await d.get(made.id)
        assert found.conference.state == types_pb2.CONFERENCE_STATE_READY


async def test_a_calendar_without_teams_gets_the_event_without_a_call() -> None:
    """P57's fellow: reported, or refused with strict."""
    async with desk() as d:
        d.calendar.data["allowedOnlineMeetingProviders"] = ["skypeForConsumer"]
        event = meeting(conference={"kind": TEAMS})
        answer = await d.create(event)
        assert list(answer.report.dropped_fields.paths) == ["conference"]
        assert not answer.event.has_conference
        with refused(Kind.PRECONDITION, reason="FIELDS_NOT_SUPPORTED"):
            await d.create(event, strict=True)


async def test_a_call_is_not_taken_away_and_none_is_attached() -> None:
    async with desk() as d:
        made = await d.make(meeting(conference={"kind": TEAMS}))
        with refused(Kind.PRECONDITION, reason="CONFERENCE_FIXED"):
            await d.update(made.id, event_pb2.Event(), "conference")
        zoom = event_pb2.Event()
        zoom.conference.join_url = "https://zoom.us/j/1"
        answer = await d.update(made.id, zoom, "conference")
        assert list(answer.report.dropped_fields.paths) == ["conference"]
        same = event_pb2.Event(conference=made.conference)
        assert not (await d.update(made.id, same, "conference")).report.dropped_fields.paths


def test_the_block_of_the_documentation_is_found() -> None:
    line = "_" * 80
    html = f"<html><body>Hi<div><span>{line}</span></div><div>https://teams.microsoft.com/l/x</div>"
    html += f"<div><span>{line}</span>\n</div></body></html>"
    block = bodies.teams_block(html)
    assert block.startswith("<div><span>___")
    assert block.endswith("</div>")
    assert bodies.without_block(html) == "<html><body>Hi</body></html>"
    assert bodies.teams_block(f"<div>{line}</div> nothing <div>{line}</div>") == ""
    kept = bodies.with_block("<html><body>New</body></html>", html, "")
    assert kept["content"] == f"<html><body>New{block}</body></html>"


# -- transactions


async def test_one_request_makes_one_event_though_its_answer_is_lost() -> None:
    """P59: transactionId; whether Graph answers with the event or with 409."""
    for refuses in (False, True):
        async with desk() as d:
            d.graph.world.refuses_repeats = refuses
            d.graph.losing = 1
            answer = await d.create(meeting(), request_id=REQUEST)
            assert list(d.calendar.items) == [answer.event.id]
            again = await d.create(meeting(), request_id=REQUEST)
            assert again.event.id == answer.event.id


async def test_without_a_request_id_a_lost_answer_is_told() -> None:
    async with desk() as d:
        d.graph.losing = 1
        with refused(Kind.OUTCOME_UNKNOWN):
            await d.create(meeting())
        assert len(d.calendar.items) == 1


# -- notifications


async def test_guests_are_always_told() -> None:
    """P52: Exchange has no way to be silent, and the answer says so."""
    async with desk() as d:
        guests = [{"email": "cid@example.net"}]
        quiet = meeting(attendees=guests, send_notifications=False)
        answer = await d.create(quiet)
        assert answer.report.notifications == NOT_SUPPRESSIBLE
        assert ("invitation", answer.event.id, "cid@example.net") in d.graph.world.mails
        silent = event_pb2.Event(subject="New", send_notifications=False)
        changed = await d.update(answer.event.id, silent, "subject")
        assert changed.report.notifications == NOT_SUPPRESSIBLE
        with refused(Kind.PRECONDITION, reason="FIELDS_NOT_SUPPORTED"):
            await d.create(quiet, strict=True)
        alone = await d.create(meeting(send_notifications=False))
        assert alone.report.notifications == types_pb2.NOTIFICATION_OUTCOME_NONE
        gone = await d.delete(answer.event.id, send_notifications=False)
        assert gone.report.notifications == NOT_SUPPRESSIBLE


async def test_a_reason_goes_to_the_guests_of_a_canceled_meeting() -> None:
    async with desk() as d:
        made = await d.make(meeting(attendees=[{"email": "cid@example.net"}]))
        await d.delete(made.id, reason="The room burnt down")
        assert ("comment: The room burnt down", made.id, "cid@example.net") in d.graph.world.mails
        assert d.graph.asked("POST", "/cancel")
        assert d.calendar.items == {}


# -- guests


async def _replied(d: Desk) -> event_pb2.Event:
    guests = [{"email": "cid@example.net", "name": "Cid"}, {"email": "Dee@example.net"}]
    made = await d.make(meeting(attendees=guests))
    item = d.calendar.items[made.id]
    item.data["attendees"][0]["status"] = {
        "response": "accepted", "time": "2026-11-01T00:00:00Z"
    }  # fmt: skip
    return made


async def test_adding_a_guest_or_a_room_keeps_the_replies_of_others() -> None:
    """P49, P50."""
    async with desk() as d:
        made = await _replied(d)
        await d.update(made.id, event_pb2.Event(), add_attendees=[{"email": "eve@example.net"}])
        rooms = event_pb2.Event(room_ids=["room1@contoso.com"])
        found = (await d.update(made.id, rooms, "room_ids")).event
        assert [a.email for a in found.attendees] == [
            "cid@example.net", "Dee@example.net", "eve@example.net", "room1@contoso.com",
        ]  # fmt: skip
        assert found.attendees[0].response == types_pb2.ATTENDEE_RESPONSE_ACCEPTED
        assert list(found.room_ids) == ["room1@contoso.com"]
        body = d.graph.asked("PATCH")[-1].body["attendees"]
        assert body[0]["status"]["response"] == "accepted"
        assert d.graph.asked("PATCH")[-1].headers["if-match"]
        only = event_pb2.Event(attendees=[{"email": "fay@example.net"}])
        found = (await d.update(made.id, only, "attendees")).event
        assert [a.email for a in found.attendees] == ["fay@example.net", "room1@contoso.com"]


async def test_who_was_faster_is_read_again_once() -> None:
    async with desk() as d:
        made = await _replied(d)
        plain, stale = d.graph._dispatch, []

        async def once(method, path, query, body, headers):
            if method == "PATCH" and not stale:
                stale.append(1)
                headers = {**headers, "if-match": 'W/"old"'}
            return await plain(method, path, query, body, headers)

        d.graph._dispatch = once  # type: ignore[method-assign]
        found = await d.update(
            made.id, event_pb2.Event(), add_attendees=[{"email": "eve@example.net"}]
        )
        assert len(found.event.attendees) == 3
        assert len(d.graph.asked("PATCH")) == 2


async def test_a_caller_s_version_is_compared() -> None:
    async with desk() as d:
        made = await d.make(meeting())
        new = event_pb2.Event(subject="New", etag=made.etag)
        await d.update(made.id, new, "subject")
        with refused(Kind.CONFLICT, reason="ETAG_MISMATCH"):
            await d.update(made.id, new, "subject")
        with refused(Kind.CONFLICT, reason="ETAG_MISMATCH"):
            await d.delete(made.id, etag=made.etag)


# -- the rest


async def test_metadata_is_one_property_of_ours() -> None:
    async with desk() as d:
        pairs = {"project": "α", "ticket-1.b": "42"}
        made = await d.make(meeting(metadata=pairs))
        assert dict(made.metadata) == pairs
        assert dict((await d.listed())[0].metadata) == pairs
        found = (await d.update(made.id, event_pb2.Event(metadata={"a": "b"}), "metadata")).event
        assert dict(found.metadata) == {"a": "b"}
        too_much = {f"k{n}": "x" * 1024 for n in range(40)}
        with refused(Kind.INVALID, field="event.metadata"):
            await d.make(meeting(metadata=too_much))


async def test_reminders() -> None:
    async with desk() as d:
        for asked, expected, coerced in (
            ({"overrides": [{"minutes_before": 5}]}, [5], []),
            ({}, [], []),
            ({"use_default": True}, [15], ["reminders"]),
            ({"overrides": [{"minutes_before": 5}, {"minutes_before": 9}]}, [5], ["reminders"]),
            ({"overrides": [{"minutes_before": 5, "method": 2}]}, [5], ["reminders"]),
        ):
            answer = await d.create(meeting(reminders=asked))
            found = [r.minutes_before for r in answer.event.reminders.overrides]
            assert found == expected
            assert list(answer.report.coerced_fields.paths) == coerced


@pytest.mark.parametrize(
    ("response", "word"),
    [
        (types_pb2.ATTENDEE_RESPONSE_ACCEPTED, "accept"),
        (types_pb2.ATTENDEE_RESPONSE_TENTATIVE, "tentativelyAccept"),
        (types_pb2.ATTENDEE_RESPONSE_DECLINED, "decline"),
    ],
)
async def test_answers_to_invitations(response: int, word: str) -> None:
    async with desk() as d:
        start = datetime(2026, 12, 1, 9, tzinfo=UTC)
        people = [{"emailAddress": {"address": "ada@contoso.com"}, "type": "required"}]
        own_id = invite(d.graph, "Invitation", start, attendees=people).id
        answer = await d.respond(own_id, response, comment="Hm", send_notifications=True)
        asked = d.graph.asked("POST", f"/{word}")[-1]
        assert asked.body == {"comment": "Hm", "sendResponse": True}
        assert answer.event.id == own_id
        if word == "decline":
            assert own_id not in d.calendar.items
        else:
            assert answer.event.own_response == response
        quiet = invite(d.graph, "Another", start, attendees=people).id
        answer = await d.respond(quiet, response, send_notifications=False)
        assert answer.report.notifications == types_pb2.NOTIFICATION_OUTCOME_SUPPRESSED


async def test_another_time_is_proposed() -> None:
    async with desk() as d:
        start = datetime(2026, 12, 1, 9, tzinfo=UTC)
        item = invite(d.graph, "Invitation", start)
        other = types_pb2.TimeRange()
        other.start_at.FromDatetime(start + timedelta(hours=3))
        other.end_at.FromDatetime(start + timedelta(hours=4))
        tentative, accepted = 3, 2
        with refused(Kind.INVALID, field="proposed_time"):
            await d.respond(item.id, accepted, proposed_time=other)
        await d.respond(item.id, tentative, proposed_time=other)
        body = d.graph.asked("POST", "/tentativelyAccept")[-1].body["proposedNewTime"]
        assert body["start"] == {"dateTime": "2026-12-01T12:00:00", "timeZone": "UTC"}
        item.data["allowNewTimeProposals"] = False
        with refused(Kind.PRECONDITION, reason="PROPOSALS_REFUSED"):
            await d.respond(item.id, tentative, proposed_time=other)


async def test_the_organizer_is_not_invited() -> None:
    """P51."""
    async with desk() as d:
        made = await d.make(meeting())
        with refused(Kind.PRECONDITION, reason="NOT_INVITED"):
            await d.respond(made.id, types_pb2.ATTENDEE_RESPONSE_ACCEPTED)
        with refused(Kind.INVALID, field="response"):
            await d.respond(made.id, types_pb2.ATTENDEE_RESPONSE_NEEDS_ACTION)


async def test_what_is_gone_is_gone() -> None:
    """P04."""
    async with desk() as d:
        made = await d.make(meeting())
        await d.delete(made.id)
        with refused(Kind.NOT_FOUND):
            await d.delete(made.id)
        assert (await d.delete(made.id, allow_missing=True)).already_absent


def test_berlin_is_berlin() -> None:
    assert berlin(20, 14, 10).timestamp.ToDatetime(UTC).astimezone(BERLIN).hour == 14


async def test_a_new_time_without_a_zone_keeps_that_of_the_event() -> None:
    async with desk() as d:
        made = await d.make(meeting())
        later = berlin(21, 9)
        bare = event_pb2.Event()
        bare.start_at.timestamp.CopyFrom(later.timestamp)
        bare.end_at.timestamp.CopyFrom(berlin(21, 10).timestamp)
        found = (await d.update(made.id, bare, "start_at", "end_at")).event
        assert found.start_at == later
