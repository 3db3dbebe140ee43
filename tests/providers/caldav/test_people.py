"""Attendees, answers, invitations: lines that survive, who is told, what others are doing."""

import asyncio
import uuid
from datetime import UTC, timedelta

import pytest
from google.rpc import code_pb2

from providers.caldav.provider import AppleICloud
from providers.core.errors import Kind, ProviderError
from tests.caldav_servers import OTHER, USER, DavServer
from tests.providers.caldav.world import MONDAY, World, opened, timed, vevent, window
from ucal.v1 import busy_pb2, calendar_pb2, event_pb2, types_pb2

ACCEPTED = types_pb2.ATTENDEE_RESPONSE_ACCEPTED
DECLINED = types_pb2.ATTENDEE_RESPONSE_DECLINED
TENTATIVE = types_pb2.ATTENDEE_RESPONSE_TENTATIVE
THIS = types_pb2.UPDATE_SCOPE_THIS_INSTANCE
N = types_pb2
DAY = timedelta(days=1)


def invitation(
    *more: str, organizer: str = "olga@example.net", partstat: str = "NEEDS-ACTION"
) -> str:
    return vevent(
        f"UID:{uuid.uuid4()}",
        "DTSTART:20270308T090000Z",
        "DTEND:20270308T100000Z",
        "SUMMARY:Invited",
        f"ORGANIZER;CN=Olga:mailto:{organizer}",
        f"ATTENDEE;CN=Me;PARTSTAT={partstat};X-MINE=1:mailto:{USER}",
        "ATTENDEE;CN=Ben;PARTSTAT=TENTATIVE;ROLE=OPT-PARTICIPANT;X-NUM-GUESTS=2:mailto:ben@example.net",
        *more,
    )


async def test_p49_p50_adding_one_leaves_the_lines_of_others(one: World) -> None:
    own_id = await one.put(invitation(organizer=USER))
    ben = next(line for line in (await one.ics(own_id)).splitlines() if "ben@" in line)
    await one.update(own_id, "", add_attendees=[{"email": "ana@example.net", "name": "Ana"}])
    lines = (await one.ics(own_id)).splitlines()
    assert ben in lines, "to the letter"
    found = await one.get(own_id)
    assert [a.email for a in found.attendees] == [USER, "ben@example.net", "ana@example.net"]
    assert found.attendees[2].response == types_pb2.ATTENDEE_RESPONSE_NEEDS_ACTION
    await one.update(own_id, "", remove_attendees=[USER.upper()])
    assert [a.email for a in (await one.get(own_id)).attendees] == [
        "ben@example.net",
        "ana@example.net",
    ]
    attendees = [{"email": "BEN@example.net", "role": types_pb2.ATTENDEE_ROLE_REQUIRED}]
    await one.update(own_id, "attendees", attendees=attendees)
    found = await one.get(own_id)
    assert [(a.email, a.response, a.name) for a in found.attendees] == [
        ("ben@example.net", TENTATIVE, "Ben")
    ]
    assert found.attendees[0].role == types_pb2.ATTENDEE_ROLE_REQUIRED


async def test_p50_a_change_in_between_is_read_again_once(one: World) -> None:
    """412: what somebody else wrote meanwhile is kept."""
    from tests.providers.caldav.gate import gate

    own_id = await one.put(invitation(organizer=USER))
    name = own_id.partition("|")[2]
    async with (
        gate(one.server.url) as door,
        opened(one.server, url=door.url, calendar=False) as dav,
    ):
        dav.calendar.CopyFrom(one.calendar)
        once, theirs = True, "Theirs"

        async def interfere(request: object) -> None:
            nonlocal once
            if request.method == "PUT" and once:  # type: ignore[attr-defined]
                once = False
                ics = (await one.ics(own_id)).replace("SUMMARY:", f"SUMMARY:{theirs} ")
                await one.other("PUT", name, ics.replace("\n", "\r\n"))

        door.before = interfere
        await dav.update(own_id, "location", location="Ours")
        found = await dav.get(own_id)
        assert (found.subject, found.location) == ("Theirs Invited", "Ours")
        once, theirs = True, "Again"
        with pytest.raises(ProviderError) as caught:
            await dav.update(own_id, "location", location="Late", etag=found.etag)
        assert caught.value.kind is Kind.CONFLICT


async def test_p51_an_answer_touches_the_own_line_only(one: World) -> None:
    own_id = await one.put(invitation("X-KEPT:yes"))
    before = set((await one.ics(own_id)).splitlines())
    request = event_pb2.RespondToEventRequest(
        id=own_id, calendar_id=one.calendar_id, response=ACCEPTED, comment="Gladly"
    )
    answer = await one.provider.respond_to_event(one.call, request)
    assert answer.event.own_response == ACCEPTED
    assert list(answer.report.dropped_fields.paths) == ["comment"]
    assert answer.report.notifications == N.NOTIFICATION_OUTCOME_NONE
    gone = before - set((await one.ics(own_id)).splitlines())
    assert {line.partition(":")[0].partition(";")[0] for line in gone} == {"ATTENDEE", "DTSTAMP"}
    assert sum("mailto:" in line for line in gone) == 1


async def test_p51_who_is_not_invited_is_told(one: World) -> None:
    made = await one.create(timed(MONDAY))
    with pytest.raises(ProviderError) as caught:
        await one.provider.respond_to_event(
            one.call, event_pb2.RespondToEventRequest(id=made.id, response=ACCEPTED)
        )
    assert (caught.value.kind, caught.value.reason) == (Kind.PRECONDITION, "NOT_INVITED")


async def test_an_answer_to_one_instance(one: World) -> None:
    own_id = await one.put(invitation("RRULE:FREQ=DAILY;COUNT=3"))
    found = await one.instances(MONDAY - DAY, MONDAY + 9 * DAY)
    request = event_pb2.RespondToEventRequest(id=found[1].id, response=DECLINED, scope=THIS)
    answer = await one.provider.respond_to_event(one.call, request)
    assert (answer.event.id, answer.event.own_response) == (found[1].id, DECLINED)
    found = await one.instances(MONDAY - DAY, MONDAY + 9 * DAY)
    assert [event.own_response for event in found] == [1, DECLINED, 1]
    everything = event_pb2.RespondToEventRequest(
        id=own_id, response=ACCEPTED, scope=types_pb2.UPDATE_SCOPE_ALL
    )
    await one.provider.respond_to_event(one.call, everything)
    found = await one.instances(MONDAY - DAY, MONDAY + 9 * DAY)
    assert {event.own_response for event in found} == {ACCEPTED}


async def test_p53_any_address_of_the_account_is_the_account(one: World) -> None:
    """A server may put an alias in place of the address that was written."""
    account = await one.provider._account(one.call)
    account.addresses = ("jane@icloud.com", "jane@example.com")
    own_id = await one.put(
        invitation("ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:Jane@Example.com", organizer=USER)
    )
    request = event_pb2.RespondToEventRequest(id=own_id, response=ACCEPTED)
    answer = await one.provider.respond_to_event(one.call, request)
    assert [a.email for a in answer.event.attendees if a.is_self] == ["Jane@Example.com"]


# -- busy time


async def _busy(dav: World, *asked: str, **fields: object) -> busy_pb2.ListBusyResponse:
    request = busy_pb2.ListBusyRequest(
        calendar_ids=asked or [dav.calendar_id], window=window(MONDAY - DAY, MONDAY + DAY), **fields
    )
    return await dav.provider.list_busy(dav.call, request)


async def test_p65_p66_what_takes_time(dav: World) -> None:
    hour = timedelta(hours=1)
    await dav.put(invitation(partstat="DECLINED"))
    await dav.put(invitation(partstat="NEEDS-ACTION").replace("T09", "T11").replace("T10", "T12"))
    await dav.create(timed(MONDAY + 5 * hour, show_as=event_pb2.SHOW_AS_FREE))
    await dav.create(timed(MONDAY + 7 * hour, show_as=event_pb2.SHOW_AS_TENTATIVE))
    everything = (await _busy(dav)).busy
    hours = [(b.start_at.timestamp.ToDatetime(UTC) - MONDAY) // hour for b in everything]
    assert hours == [2, 7]
    assert everything[1].kind == busy_pb2.BUSY_KIND_TENTATIVE
    assert len((await _busy(dav, include_unanswered=False)).busy) == 1


async def test_p67_one_bad_calendar_spoils_nothing(dav: World) -> None:
    await dav.create(timed(MONDAY))
    answer = await _busy(dav, dav.calendar_id, "no-such", "x@nowhere.example\r\nBcc: y@z")
    assert len(answer.busy) == 1
    assert set(answer.unreachable) == {"no-such", "x@nowhere.example\r\nBcc: y@z"}


# -- a server that schedules


async def _received(dav: World) -> event_pb2.Event:
    """The first event in the primary calendar; invitations take a moment."""
    async with asyncio.timeout(20):
        while True:
            answer = await dav.provider.list_events(dav.call, event_pb2.ListEventsRequest())
            if answer.events:
                return answer.events[0]
            await asyncio.sleep(0.05)


async def test_an_invitation_its_answer_and_its_cancellation(scheduler: DavServer) -> None:
    async with opened(scheduler, user="bob", calendar=False) as bob, opened(scheduler) as alice:
        await bob.provider.list_calendars(bob.call, calendar_pb2.ListCalendarsRequest())
        event = timed(MONDAY, subject="Invite")
        event.attendees.add(email=OTHER, name="Bob")
        made = await alice.try_create(event)
        assert made.report.notifications == N.NOTIFICATION_OUTCOME_REQUESTED
        assert made.event.organizer.email == USER
        theirs = await _received(bob)
        assert (theirs.subject, theirs.organizer.email) == ("Invite", USER)
        request = event_pb2.RespondToEventRequest(id=theirs.id, response=ACCEPTED)
        answer = await bob.provider.respond_to_event(bob.call, request)
        assert answer.report.notifications == N.NOTIFICATION_OUTCOME_REQUESTED
        assert answer.event.own_response == ACCEPTED
        ours = await alice.get(made.event.id)
        assert [a.response for a in ours.attendees] == [ACCEPTED]
        await alice.update(made.event.id, "", add_attendees=[{"email": "ana@example.net"}])
        kept = {a.email: a.response for a in (await alice.get(made.event.id)).attendees}
        assert kept[OTHER] == ACCEPTED, "P49"
        found = (await _busy(alice, OTHER, "nobody@example.com")).unreachable
        assert set(found) == {"nobody@example.com"}
        taken = (await _busy(alice, OTHER)).busy
        assert [b.start_at.timestamp.ToDatetime(UTC) for b in taken] == [MONDAY]
        gone = await alice.delete(made.event.id, send_notifications=False)
        assert gone.report.notifications == N.NOTIFICATION_OUTCOME_NOT_SUPPRESSIBLE


async def test_p52_nobody_is_told_when_the_caller_says_so(scheduler: DavServer) -> None:
    async with opened(scheduler) as alice:
        event = timed(MONDAY, subject="Quiet", send_notifications=False)
        event.attendees.add(email=OTHER)
        made = await alice.try_create(event)
        assert made.report.notifications == N.NOTIFICATION_OUTCOME_SUPPRESSED
        ics = await alice.ics(made.event.id)
        assert "SCHEDULE-AGENT=CLIENT" in ics
        loud = await alice.update(made.event.id, "subject", subject="Loud", send_notifications=True)
        assert loud.report.notifications == N.NOTIFICATION_OUTCOME_REQUESTED
        assert "SCHEDULE-AGENT=CLIENT" not in await alice.ics(made.event.id)


async def test_p52_icloud_tells_all_the_same(scheduler: DavServer) -> None:
    async with opened(scheduler, provider=AppleICloud) as alice:
        event = timed(MONDAY, subject="Quiet", send_notifications=False)
        event.attendees.add(email=OTHER)
        made = await alice.try_create(event)
        assert made.report.notifications == N.NOTIFICATION_OUTCOME_NOT_SUPPRESSIBLE


async def test_who_cannot_be_asked_is_unreachable(one: World) -> None:
    answer = await _busy(one, OTHER)
    assert answer.unreachable[OTHER].code == code_pb2.UNIMPLEMENTED
    assert not answer.busy
