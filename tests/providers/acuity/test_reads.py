"""Calendars, appointments and links: fields, windows, lists without pages."""

from datetime import UTC, timedelta

import pytest

from providers.core.errors import Kind, ProviderError
from tests.providers.acuity.desk import CONNECTION, LINK, Desk, monday, violations, window
from tests.providers.acuity.double.world import CALENDAR, CALENDAR_ZONE, QUICK
from ucal.v1 import calendar_pb2, event_pb2, link_pb2, types_pb2

HOUR = timedelta(hours=1)


async def _calendar(desk: Desk, own_id: str) -> calendar_pb2.Calendar:
    request = calendar_pb2.GetCalendarRequest(id=own_id, include_raw=True)
    return (await desk.provider.get_calendar(desk.call, request)).calendar


async def test_the_only_calendar_is_primary(desk: Desk) -> None:
    calendar = await _calendar(desk, "primary")
    assert calendar.id == str(CALENDAR)
    assert calendar.timezone == CALENDAR_ZONE
    assert calendar.is_primary
    assert calendar.raw["__id"] == str(CALENDAR)


async def test_of_several_calendars_none_is_primary(desk: Desk) -> None:
    """No guess: a booking in the calendar of somebody else is worse than an error."""
    desk.double.world.add_calendar("Ben")
    answer = await desk.provider.list_calendars(
        desk.call, calendar_pb2.ListCalendarsRequest(page_size=1)
    )
    assert [c.is_primary for c in answer.calendars] == [False]
    rest = await desk.provider.list_calendars(
        desk.call,
        calendar_pb2.ListCalendarsRequest(page_size=1, page_token=answer.next_page_token),
    )
    assert [c.name for c in rest.calendars] == ["Ben"]
    assert not rest.next_page_token
    with pytest.raises(ProviderError) as caught:
        await _calendar(desk, "primary")
    assert caught.value.kind is Kind.INVALID
    with pytest.raises(ProviderError) as caught:
        await desk.listed(calendar_id="")
    assert violations(caught.value) == ["calendar_id"]
    with pytest.raises(ProviderError) as caught:
        await desk.listed(calendar_id="12345")
    assert caught.value.kind is Kind.NOT_FOUND


async def test_an_appointment(desk: Desk) -> None:
    start = monday(hour=23)
    answer = {"id": 1, "fieldID": 1, "name": "notes", "value": "Party"}
    forms = [{"id": 1, "name": "F", "values": [answer, {"name": "n", "value": 5}]}]
    planted = desk.plant(start, notes="admin", timezone="Indian/Mayotte", forms=forms)
    planted["endTime"] = "garbage, in some language"
    found = await desk.get(planted["id"], include_raw=True)
    assert found.connection_id == CONNECTION
    assert found.calendar_id == str(CALENDAR)
    assert found.link_id == LINK
    assert found.subject == "Consultation"  # names carry stray blanks
    assert found.description == "admin"
    assert found.start_at.timestamp.ToDatetime(UTC) == start
    assert found.end_at.timestamp.ToDatetime(UTC) == start + HOUR / 2
    assert found.timezone == "Indian/Mayotte"
    assert (found.organizer.name, found.organizer.email) == (
        "Example Calendar",
        "owner@example.com",
    )
    (client,) = found.attendees
    assert (client.name, client.email) == ("Ada Example", "ada@example.com")
    assert client.response == types_pb2.ATTENDEE_RESPONSE_ACCEPTED
    assert dict(found.booking_answers) == {"notes": "Party", "n": "5"}
    # The client's own page is a secret: in raw, and nowhere else.
    page = planted["confirmationPage"]
    assert found.raw["confirmationPage"] == page
    found.ClearField("raw")
    assert page not in str(found)
    assert not found.HasField("updated_at")


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("https://zoom.us/j/1?pwd=x", types_pb2.CONFERENCE_KIND_ZOOM),
        ("https://us02web.zoom.us/j/1", types_pb2.CONFERENCE_KIND_ZOOM),
        ("https://meet.google.com/abc-defg-hij", types_pb2.CONFERENCE_KIND_GOOGLE_MEET),
        ("Join: https://teams.microsoft.com/l/1", types_pb2.CONFERENCE_KIND_TEAMS),
        ("https://evil-zoom.us.example.com/x", types_pb2.CONFERENCE_KIND_OTHER),
        ("https://[broken", types_pb2.CONFERENCE_KIND_OTHER),
    ],
)
async def test_a_link_in_the_place_is_a_call(
    desk: Desk, place: str, kind: types_pb2.ConferenceKind.ValueType
) -> None:
    found = await desk.get(desk.plant(monday(), location=place)["id"])
    assert found.has_conference
    assert found.conference.kind == kind
    assert found.conference.join_url in place
    assert found.location == ("" if place.startswith("https") else place)
    plain = await desk.get(desk.plant(monday(), location="Main Street 1")["id"])
    assert not plain.has_conference
    assert plain.location == "Main Street 1"


async def test_a_window_is_of_instants_though_acuity_has_days(desk: Desk) -> None:
    """The days are the account's, five or four hours behind; the calendar is in Tokyo (P31)."""
    starts = [monday(hour=h) + timedelta(days=d) for d in range(3) for h in (0, 5, 12, 23)]
    ids = {start: str(desk.plant(start)["id"]) for start in starts}
    for low in (monday(hour=0), monday(hour=5), monday(hour=23)):
        for hours in (1, 7, 24, 30):
            high = low + hours * HOUR
            found = [e.id for e in await desk.listed(window=window(low, days=hours / 24))]
            assert found == [ids[s] for s in starts if low <= s < high], (low, hours)
    half = window(starts[0] + HOUR / 4, days=0.01)
    assert [e.id for e in await desk.listed(window=half)] == [ids[starts[0]]]


async def test_a_list_without_pages_is_walked(desk: Desk) -> None:
    """P10; many begin at one moment, in an order that nobody promises."""
    crowd = monday()
    planted = [desk.plant(crowd) for _ in range(120)]
    planted += [desk.plant(crowd + n * HOUR / 10) for n in range(1, 40)]
    whole = [e.id for e in await desk.listed()]
    assert len(whole) == len(set(whole)) == len(planted)
    for size in (7, 50, 100):
        assert [e.id for e in await desk.listed(page_size=size)] == whole
    starts = [e.start_at.timestamp.ToDatetime() for e in await desk.listed(page_size=70)]
    assert starts == sorted(starts)
    assert max(int(a.query["max"]) for a in desk.asked(ending="/appointments")) <= 800


async def test_canceled_ones_come_when_they_are_asked_for(desk: Desk) -> None:
    desk.plant(monday(), canceled=True, noShow=False)
    assert await desk.listed() == []
    (found,) = await desk.listed(include_canceled=True)
    assert found.status == event_pb2.EVENT_STATUS_CANCELED


async def test_forms_are_left_out_until_they_are_wanted(desk: Desk) -> None:
    desk.plant(monday())
    (found,) = await desk.listed()
    assert "booking_answers" in found.unknown_fields.paths
    assert desk.asked(ending="/appointments")[-1].query["excludeForms"] == "true"
    (found,) = await desk.listed(view=event_pb2.EVENT_VIEW_FULL)
    assert "booking_answers" not in found.unknown_fields.paths
    await desk.listed(read_mask={"paths": ["booking_answers"]})
    await desk.listed(include_raw=True)
    assert all("excludeForms" not in a.query for a in desk.asked(ending="/appointments")[1:])


async def test_an_event_is_in_its_calendar_only(desk: Desk) -> None:
    other = desk.double.world.add_calendar("Ben")
    planted = desk.plant(monday())
    assert await desk.listed(calendar_id=str(other["id"])) == []
    with pytest.raises(ProviderError) as caught:
        await desk.get(planted["id"], calendar_id=str(other["id"]))
    assert caught.value.kind is Kind.NOT_FOUND


async def test_a_link_with_its_price(desk: Desk) -> None:
    link = await desk.link(include_raw=True)
    assert link.name == "Consultation"
    assert (link.price_amount, link.price_currency) == ("45.00", "EUR")
    assert link.duration.seconds == 1800
    assert link.url.endswith(f"appointmentType={LINK}")
    assert link.capacity == 1
    assert [(q.name, q.is_required) for q in link.questions] == [("notes", False)]
    assert link.raw["private"] is False


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"price": "0.00"}, "0"),
        ({"price": "1250.50"}, "1250.50"),
        ({"price": 45}, "45"),
        ({"price": None}, None),
        ({"price": "NaN"}, None),
        ({"price": "1e99"}, None),
        ({"price": "-5"}, None),
    ],
)
async def test_prices(desk: Desk, fields: dict[str, object], expected: str | None) -> None:
    kind = desk.double.world.add_type("Other", **fields)
    link = await desk.link(str(kind["id"]))
    assert (link.price_amount if link.HasField("price_amount") else None) == expected


async def test_activity_comes_in_two_spellings(desk: Desk) -> None:
    world = desk.double.world
    for active in ("true", "false", False):
        kind = world.add_type(f"Type {active}", active=active, paddingBefore=10, paddingAfter=5)
    link = await desk.link(str(kind["id"]))
    assert (link.buffer_before.seconds, link.buffer_after.seconds) == (600, 300)
    request = link_pb2.ListLinksRequest(is_active=False)
    off = (await desk.provider.list_links(desk.call, request)).links
    assert [each.name for each in off] == ["Type false", "Type False"]
    request = link_pb2.ListLinksRequest(page_size=3)
    first = await desk.provider.list_links(desk.call, request)
    request.page_token = first.next_page_token
    rest = await desk.provider.list_links(desk.call, request)
    assert [int(each.id) for each in (*first.links, *rest.links)] == [t["id"] for t in world.types]
    assert world.types[0]["id"] == QUICK


@pytest.mark.parametrize("own_id", ["", "me", "..", "1/2", "-1", "01", "²", "9" * 40, "1e3"])
async def test_what_is_no_id_never_reaches_acuity(desk: Desk, own_id: str) -> None:
    """P69."""
    with pytest.raises(ProviderError) as caught:
        await desk.get(own_id or "x")
    assert caught.value.kind is Kind.NOT_FOUND
    assert caught.value.resource == ("event", own_id or "x")
    assert not desk.double.journal
