"""Calendars, events and links: fields, windows, pages, views."""

from datetime import timedelta

import pytest

from providers.core.errors import Kind, ProviderError
from tests.providers.calendly.desk import CONNECTION, LINK, Desk, monday, window
from tests.providers.calendly.double.world import HOST, OTHER, tail
from ucal.v1 import calendar_pb2, event_pb2, link_pb2, types_pb2

HOUR = timedelta(hours=1)


async def test_the_one_calendar_is_the_user(desk: Desk) -> None:
    answer = await desk.provider.list_calendars(desk.call, calendar_pb2.ListCalendarsRequest())
    (calendar,) = answer.calendars
    assert (calendar.id, calendar.name) == (tail(HOST), "Host Example")
    assert calendar.timezone == "Europe/Berlin"
    assert calendar.is_primary
    for own_id in ("primary", tail(HOST)):
        request = calendar_pb2.GetCalendarRequest(id=own_id)
        assert (await desk.provider.get_calendar(desk.call, request)).calendar == calendar
    request = calendar_pb2.GetCalendarRequest(id=tail(OTHER), include_raw=True)
    other = (await desk.provider.get_calendar(desk.call, request)).calendar
    assert not other.is_primary
    assert other.raw["__id"] == OTHER


async def test_an_event_with_its_invitee(desk: Desk) -> None:
    planted = desk.plant(
        monday(),
        location={
            "type": "zoom",
            "status": "pushed",
            "join_url": "https://zoom.us/j/91234567890",
            "data": {"id": 91234567890, "password": "123456"},
        },
        event_guests=[{"email": "guest@example.com"}],
        meeting_notes_plain="Bring coffee",
    )
    found = await desk.get(tail(planted["uri"]), include_raw=True)
    assert found.connection_id == CONNECTION
    assert found.calendar_id == tail(HOST)
    assert found.link_id == LINK
    assert found.subject == "Quick chat"
    assert found.description == "Bring coffee"
    assert found.timezone == "Europe/Berlin"
    assert found.status == event_pb2.EVENT_STATUS_CONFIRMED
    assert found.organizer.email == "host@example.com"
    assert [(a.email, a.response, a.role) for a in found.attendees] == [
        ("ada@example.com", types_pb2.ATTENDEE_RESPONSE_ACCEPTED, types_pb2.ATTENDEE_ROLE_REQUIRED),
        ("guest@example.com", 0, types_pb2.ATTENDEE_ROLE_OPTIONAL),
    ]
    assert found.has_conference
    assert found.conference.kind == types_pb2.CONFERENCE_KIND_ZOOM
    assert found.conference.state == types_pb2.CONFERENCE_STATE_READY
    assert found.conference.meeting_id == "91234567890"
    assert found.raw["__id"] == planted["uri"]
    assert found.raw["invitees"][0]["reschedule_url"].startswith("https://calendly.com/")
    assert not found.unknown_fields.paths


async def test_a_list_asks_for_invitees_only_when_they_are_wanted(desk: Desk) -> None:
    for day in range(3):
        desk.plant(monday() + timedelta(days=day))
    basic = await desk.listed()
    assert len(basic) == 3
    assert not desk.asked(ending="/invitees")
    assert not basic[0].attendees
    assert "attendees" in basic[0].unknown_fields.paths
    full = await desk.listed(view=event_pb2.EVENT_VIEW_FULL)
    assert len(desk.asked(ending="/invitees")) == 3
    assert [e.attendees[0].email for e in full] == ["ada@example.com"] * 3
    await desk.listed(view=event_pb2.EVENT_VIEW_FULL, read_mask={"paths": ["subject"]})
    assert len(desk.asked(ending="/invitees")) == 3


async def test_a_window_holds_what_began_before_it(desk: Desk) -> None:
    """Calendly filters by the start alone."""
    start = monday()
    planted = tail(desk.plant(start)["uri"])
    for low, days, inside in (
        (start + HOUR / 4, 1, True),
        (start + HOUR / 2, 1, False),
        (start - HOUR, 1 / 24, False),
        (start - HOUR, 2 / 24, True),
    ):
        found = await desk.listed(window=window(low, days=days))
        assert ([e.id for e in found] == [planted]) is inside, (low, days)


async def test_canceled_events_come_when_they_are_asked_for(desk: Desk) -> None:
    event = desk.plant(monday())
    desk.double.world.cancel(event, "Ill")
    assert await desk.listed() == []
    (found,) = await desk.listed(include_canceled=True)
    assert found.status == event_pb2.EVENT_STATUS_CANCELED
    assert found.cancellation_reason == "Ill"


async def test_pages_hold_every_event_once(desk: Desk) -> None:
    """P10."""
    for day in range(5):
        desk.plant(monday() + timedelta(days=7 * day))
    whole = [e.id for e in await desk.listed()]
    assert len(whole) == 5
    assert [e.id for e in await desk.listed(page_size=2)] == whole


async def test_another_users_events_need_the_organization(desk: Desk) -> None:
    planted = desk.plant(monday())
    planted["event_memberships"][0]["user"] = OTHER
    assert await desk.listed() == []
    assert len(await desk.listed(calendar_id=tail(OTHER))) == 1
    with pytest.raises(ProviderError) as caught:
        await desk.listed(calendar_id="nobody")
    assert caught.value.kind is Kind.NOT_FOUND


async def test_a_link(desk: Desk) -> None:
    link = await desk.link(include_raw=True)
    assert link.name == "Quick chat"
    assert link.duration.seconds == 1800
    assert link.is_active
    assert not link.HasField("price_amount")
    assert [place.provider_kind for place in link.locations] == ["zoom_conference", "ask_invitee"]
    assert [call.kind for call in link.conferences] == [types_pb2.CONFERENCE_KIND_ZOOM]
    assert [(q.name, q.is_required) for q in link.questions] == [("notes", False)]
    assert link.raw["is_paid"] is False


async def test_a_deleted_link_is_gone(desk: Desk) -> None:
    """Calendly shows deleted types on."""
    world = desk.double.world
    kind = world.add_type("Old", deleted_at="2026-01-01T00:00:00.000000Z")
    with pytest.raises(ProviderError) as caught:
        await desk.link(tail(kind["uri"]))
    assert caught.value.kind is Kind.NOT_FOUND
    answer = await desk.provider.list_links(desk.call, link_pb2.ListLinksRequest())
    assert [link.id for link in answer.links] == [LINK]


async def test_the_user_is_asked_for_once(desk: Desk) -> None:
    desk.account = "account-1"
    for _ in range(3):
        await desk.listed()
    assert len(desk.asked(ending="/users/me")) == 1


@pytest.mark.parametrize("own_id", ["me", "..", "a/b", "a?b", "x" * 200, "ünïcode", ""])
async def test_what_is_no_id_never_reaches_calendly(desk: Desk, own_id: str) -> None:
    """P69: quoted or refused, never normalised."""
    with pytest.raises(ProviderError) as caught:
        await desk.get(own_id)
    assert caught.value.kind is Kind.NOT_FOUND
    assert not desk.asked(ending=own_id) or own_id in ("", "me")
    with pytest.raises(ProviderError) as caught:
        await desk.link(own_id)
    assert caught.value.kind is Kind.NOT_FOUND
