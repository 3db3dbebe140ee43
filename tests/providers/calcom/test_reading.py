"""Reading bookings: windows, pages, statuses, series, calendars that hold none."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from providers.calcom.api import site
from providers.core.call import Call
from providers.core.errors import Kind
from tests.providers.calcom.desk import Desk, monday, refused, window
from ucal.v1 import event_pb2

HOUR = timedelta(hours=1)


async def test_a_booking_with_all_it_has(desk: Desk) -> None:
    booking = desk.put(
        desk.kind(),
        monday(),
        guests=["guest@example.com"],
        metadata={"orderId": "42", "nested": {"a": 1}},
        bookingFieldsResponses={
            "name": "Ada",
            "email": "a@x",
            "notes": "Hello",
            "tags": ["a", "b"],
        },
    )
    found = await desk.get(booking["uid"])
    assert found.calendar_id == "bookings"
    assert found.status == event_pb2.EVENT_STATUS_CONFIRMED
    assert found.organizer.email == "host@example.com"
    assert found.timezone == "America/Los_Angeles"
    assert [a.email for a in found.attendees] == ["ada@example.com", "guest@example.com"]
    assert dict(found.metadata) == {"orderId": "42"}
    assert dict(found.booking_answers) == {"notes": "Hello", "tags": '["a","b"]'}
    assert found.link_id == str(booking["eventTypeId"])
    assert found.conference.join_url == booking["location"]
    assert not found.web_url, "a server of one's own does not tell its web address"


async def test_windows_hold_what_overlaps(desk: Desk) -> None:
    start = monday()
    kind = desk.kind()
    long = desk.put(kind, start - 23 * HOUR, minutes=24 * 60)
    inside = desk.put(kind, start + HOUR)
    desk.put(kind, start - 2 * HOUR, minutes=120)  # ends where the window begins
    desk.put(kind, start + 24 * HOUR)  # begins where it ends
    found = await desk.listed(window=window(start, days=1))
    assert [e.id for e in found] == [long["uid"], inside["uid"]]


@pytest.mark.parametrize("size", [1, 2, 3, 7])
async def test_p10_pages_hold_every_booking_once(desk: Desk, size: int) -> None:
    """Also where many begin at one time, at the border of a page."""
    kind = desk.kind()
    uids = [desk.put(kind, monday() + n // 4 * HOUR)["uid"] for n in range(11)]
    found = await desk.listed(page_size=size)
    assert sorted(e.id for e in found) == sorted(uids)
    assert [e.start_at.timestamp.seconds for e in found] == sorted(
        e.start_at.timestamp.seconds for e in found
    )


async def test_pages_survive_a_crowd_at_one_time(desk: Desk) -> None:
    kind = desk.kind()
    uids = {desk.put(kind, monday())["uid"] for _ in range(230)}
    uids |= {desk.put(kind, monday() + HOUR)["uid"] for _ in range(3)}
    found = [e.id for e in await desk.listed(page_size=20)]
    assert sorted(found) == sorted(uids)


async def test_pages_do_not_shift_when_bookings_are_canceled_meanwhile(desk: Desk) -> None:
    kind = desk.kind()
    rows = [desk.put(kind, monday() + n * HOUR) for n in range(6)]
    request = event_pb2.ListEventsRequest(page_size=3)
    first = await desk.provider.list_events(desk.call, request)
    rows[0]["status"] = rows[1]["status"] = "cancelled"
    request.page_token = first.next_page_token
    second = await desk.provider.list_events(desk.call, request)
    ids = [e.id for e in (*first.events, *second.events)]
    assert ids == [row["uid"] for row in rows]


async def test_status_is_always_sent(desk: Desk) -> None:
    """Without it only upcoming bookings come, or nothing at all."""
    kind = desk.kind()
    past = desk.put(kind, monday() - timedelta(days=90))
    pending = desk.put(kind, monday(), status="pending")
    gone = desk.put(kind, monday() + HOUR, status="cancelled")
    rejected = desk.put(kind, monday() + 2 * HOUR, status="rejected")
    assert [e.id for e in await desk.listed()] == [past["uid"], pending["uid"]]
    every = await desk.listed(include_canceled=True)
    assert [e.id for e in every] == [past["uid"], pending["uid"], gone["uid"], rejected["uid"]]
    assert [e.status for e in every] == [
        event_pb2.EVENT_STATUS_CONFIRMED,
        event_pb2.EVENT_STATUS_TENTATIVE,
        event_pb2.EVENT_STATUS_CANCELED,
        event_pb2.EVENT_STATUS_CANCELED,
    ]


async def test_a_series_is_its_bookings(desk: Desk) -> None:
    kind = desk.kind()
    rows = [
        desk.put(kind, monday() + n * timedelta(days=7), recurringBookingUid="series1")
        for n in range(4)
    ]
    rows[2]["status"] = "cancelled"
    series = await desk.get("series1", include_raw=True)
    assert series.id == "series1"
    assert not series.recurring_event_id
    third = (monday() + timedelta(days=7)).strftime("%Y%m%dT%H%M%SZ")
    fourth = (monday() + timedelta(days=21)).strftime("%Y%m%dT%H%M%SZ")
    assert list(series.recurrence.rules) == [f"RDATE:{third},{fourth}"]
    assert series.raw["__id"] == "series1"
    whole = window(monday() - HOUR, days=60)
    found = await desk.instances("series1", window=whole)
    assert [e.id for e in found] == [rows[n]["uid"] for n in (0, 1, 3)]
    assert {e.recurring_event_id for e in found} == {"series1"}
    every = await desk.instances("series1", window=whole, include_canceled=True)
    assert len(every) == 4
    listed = await desk.listed(window=whole, expand_recurring=True)
    assert [e.id for e in listed] == [e.id for e in found]


async def test_one_booking_is_no_series(desk: Desk) -> None:
    booking = desk.put(desk.kind(), monday())
    with refused(Kind.INVALID, field="recurring_event_id"):
        await desk.instances(booking["uid"])


async def test_connected_calendars_hold_no_events(desk: Desk) -> None:
    from providers.calcom.calendar_ids import connected_id

    own_id = connected_id(135, "host@example.com")
    with refused(Kind.UNSUPPORTED):
        await desk.listed(calendar_id=own_id)
    with refused(Kind.NOT_FOUND):
        await desk.listed(calendar_id="elsewhere")
    assert desk.asked() == []


@pytest.mark.parametrize(
    ("location", "kind", "text"),
    [
        ("https://app.cal.com/video/abc", "CAL_VIDEO", ""),
        ("integrations:daily", "CAL_VIDEO", ""),
        ("integrations:google:meet", "GOOGLE_MEET", ""),
        ("integrations:brand_new", "OTHER", ""),
        ("https://us02web.zoom.us/j/1", "ZOOM", ""),
        ("https://notzoom.us.example/j/1", "OTHER", ""),
        ("https://[bad", "OTHER", ""),
        ("+49 30 1234567", "", "+49 30 1234567"),
        ("Office, Room 4", "", "Office, Room 4"),
        ("inPerson", "", ""),
        ("", "", ""),
        (None, "", ""),
    ],
)
async def test_places_and_calls(desk: Desk, location: str | None, kind: str, text: str) -> None:
    from ucal.v1 import types_pb2

    booking = desk.put(desk.kind(), monday(), location=location)
    found = await desk.get(booking["uid"])
    assert found.has_conference is bool(kind)
    if kind:
        assert types_pb2.ConferenceKind.Name(found.conference.kind) == f"CONFERENCE_KIND_{kind}"
        waits = (location or "").startswith("integrations:")
        pending = found.conference.state == types_pb2.CONFERENCE_STATE_PENDING
        assert pending is waits
    assert found.location == text


async def test_pages_of_people_are_known_of_the_hosted_service_only(desk: Desk) -> None:
    call = desk.call
    for base_url, page in (
        ("https://api.cal.com/v2", "https://app.cal.com"),
        ("https://api.cal.com/v2/", "https://app.cal.com"),
        ("https://api.cal.com.example/v2", ""),
        ("https://cal.example.com/v2", ""),
    ):
        assert site(Call("c1", replace(call.http, base_url=base_url))) == page


@pytest.mark.parametrize("token", ["{", "7", '{"after": 3}', "x" * 5_000])
async def test_page_tokens_that_are_none_of_ours(desk: Desk, token: str) -> None:
    with refused(Kind.INVALID, field="page_token"):
        await desk.listed(page_token=token)
    assert desk.asked() == []


async def test_updated_after_holds_on_servers_that_do_not_know_it(desk: Desk) -> None:
    desk.cal.world.blind = True
    kind = desk.kind()
    desk.put(kind, monday(), updatedAt="2026-01-01T00:00:00.000Z")
    new = desk.put(kind, monday() + HOUR)
    found = await desk.listed(updated_after=datetime(2026, 2, 1, tzinfo=UTC))
    assert [e.id for e in found] == [new["uid"]]


async def test_both_forms_of_pagination_are_understood(desk: Desk) -> None:
    """Newer versions say `meta`; `currentPage` may be 0."""
    body = {"status": "success", "data": [desk.put(desk.kind(), monday())]}
    for more, rest in (({"meta": {"hasMore": True}}, True), ({"meta": {"hasMore": False}}, False)):
        desk.cal.fail(200, body=json.dumps(body | more).encode())
        answer = await desk.provider.list_events(desk.call, event_pb2.ListEventsRequest())
        assert bool(answer.next_page_token) is rest
    request = event_pb2.ListEventsRequest(window=window(monday() + 9 * HOUR, days=1))
    assert not (await desk.provider.list_events(desk.call, request)).events
