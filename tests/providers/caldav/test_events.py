"""Events on real servers: what is written is read again, what others write is understood."""

import uuid
from datetime import UTC, date, datetime, timedelta

import pytest

from providers.caldav.events import opened
from providers.caldav.expanding import slots
from providers.caldav.objects import Frame, open_object
from providers.caldav.resources import Blob
from providers.core.errors import Kind, ProviderError
from tests.providers.caldav.world import MONDAY, World, starts, timed, vevent, window
from ucal.v1 import event_pb2, types_pb2

KEPT = (
    *("subject", "description", "location", "status", "visibility", "show_as", "color"),
    *("categories", "metadata", "start_at", "end_at", "attachments"),
)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def day(when: date) -> types_pb2.EventTime:
    found = types_pb2.EventTime()
    found.date.year, found.date.month, found.date.day = when.year, when.month, when.day
    return found


def rich() -> event_pb2.Event:
    """An event with a value in every writable field but recurrence."""
    event = timed(
        MONDAY,
        45,
        "Europe/Berlin",
        subject="Fête ✓ 😀 <b>&amp;</b>, ;\\n",
        description="Line one\nLine two, with; all \\ signs\n" + "ä" * 200,
        location="Room 5, Main Street 1; Berlin",
        status=event_pb2.EVENT_STATUS_TENTATIVE,
        visibility=event_pb2.EVENT_VISIBILITY_PRIVATE,
        show_as=event_pb2.SHOW_AS_OUT_OF_OFFICE,
        color="#1E90FF",
        categories=["Travel", "a; b c"],
        metadata={"project": "alpha", "ticket-1.b": 'semi; "quoted", ünï'},
    )
    event.attendees.add(email="ben@example.com", name='Ben "B", Guest')
    event.attendees.add(
        email="Room5@example.com", is_resource=True, role=types_pb2.ATTENDEE_ROLE_OPTIONAL
    )
    event.reminders.overrides.add(minutes_before=15)
    event.reminders.overrides.add(minutes_before=1440, method=event_pb2.REMINDER_METHOD_EMAIL)
    event.attachments.add(
        url="https://files.example.com/a,b;c.pdf", name="a, b.pdf", mime_type="application/pdf"
    )
    event.conference.join_url = "https://zoom.us/j/93712345678?pwd=Abc123"
    return event


async def test_every_field_comes_back(dav: World) -> None:
    sent = rich()
    made = await dav.create(sent)
    found = await dav.get(made.id)
    for name in [
        "subject",
        "description",
        "location",
        "status",
        "visibility",
        "show_as",
        "color",
        "categories",
        "metadata",
        "start_at",
        "end_at",
        "attachments",
    ]:
        assert getattr(found, name) == getattr(sent, name), name
    assert [(a.email, a.name, a.is_resource) for a in found.attendees] == [
        ("ben@example.com", 'Ben "B", Guest', False),
        ("Room5@example.com", "", True),
    ]
    assert [(r.minutes_before, r.method) for r in found.reminders.overrides] == [(15, 1), (1440, 2)]
    assert found.conference.kind == types_pb2.CONFERENCE_KIND_ZOOM
    assert found.conference.join_url == sent.conference.join_url
    assert (found.conference.meeting_id, found.conference.password) == ("93712345678", "Abc123")
    assert found.has_conference
    assert found.etag
    assert found.ical_uid


async def test_the_answer_of_a_write_is_what_is_read_then(dav: World) -> None:
    """Without an etag in the answer to a PUT the object is read again."""
    made = await dav.create(rich())
    assert await dav.get(made.id) == made
    changed = (await dav.update(made.id, "subject", subject="New")).event
    assert await dav.get(made.id) == changed


async def test_lines_that_nobody_knows_stay(dav: World) -> None:
    """X- properties, odd parameters, alarms, custom zones: an update leaves them to the letter."""
    zone = (
        "BEGIN:VTIMEZONE\nTZID:My Own Zone\nBEGIN:STANDARD\nDTSTART:19700101T000000\n"
        "TZOFFSETFROM:+0330\nTZOFFSETTO:+0330\nTZNAME:OWN\nEND:STANDARD\nEND:VTIMEZONE"
    )
    own_id = await dav.put(
        vevent(
            "UID:unknown-lines",
            "DTSTART;TZID=My Own Zone:20270308T120000",
            "DTEND;TZID=My Own Zone:20270308T130000",
            "SUMMARY:Before",
            "X-APPLE-TRAVEL-ADVISORY-BEHAVIOR:AUTOMATIC",
            'X-APPLE-STRUCTURED-LOCATION;VALUE=URI;X-TITLE="Cab, inet":geo:48.86,2.34',
            "X-MOZ-LASTACK:20270101T000000Z",
            "GEO:48.86;2.34",
            "BEGIN:VALARM",
            "ACTION:DISPLAY",
            "DESCRIPTION:x",
            "TRIGGER;RELATED=END:PT5M",
            "X-WR-ALARMUID:77",
            "END:VALARM",
            zones=zone,
        )
    )
    before = set((await dav.ics(own_id)).splitlines())
    await dav.update(own_id, "subject", subject="After")
    after = set((await dav.ics(own_id)).splitlines())
    gone = {line.partition(":")[0] for line in before - after}
    assert gone <= {"SUMMARY", "DTSTAMP", "LAST-MODIFIED", "SEQUENCE"}, before - after
    assert "SUMMARY:After" in after


@pytest.mark.parametrize(
    ("end", "length"),
    [("DTEND;VALUE=DATE:20270309", 1), ("", 1), ("DTEND;VALUE=DATE:20270310", 2)],
)
async def test_p28_a_whole_day_with_and_without_an_end(dav: World, end: str, length: int) -> None:
    lines = [
        f"UID:{uuid.uuid4()}",
        "DTSTART;VALUE=DATE:20270308",
        "SUMMARY:Day",
        *([end] if end else ()),
    ]
    found = await dav.get(await dav.put(vevent(*lines)))
    assert found.is_all_day
    assert found.start_at == day(date(2027, 3, 8))
    assert found.end_at == day(date(2027, 3, 8) + length * DAY)


async def test_p22_floating_times_stay_floating(dav: World) -> None:
    own_id = await dav.put(
        vevent("UID:floating", "DTSTART:20270308T090000", "DTEND:20270308T100000", "SUMMARY:F")
    )
    found = await dav.get(own_id)
    assert found.start_at.WhichOneof("value") == "floating"
    assert (found.start_at.floating.hours, found.start_at.time_zone) == (9, "")
    # 9:00 in Berlin, the calendar's zone, is 8:00 UTC.
    at_eight = await dav.events(MONDAY - HOUR, MONDAY - HOUR / 2)
    assert [event.id for event in at_eight] == [own_id]
    assert await dav.events(MONDAY + HOUR, MONDAY + 3 * HOUR) == []


async def test_p31_a_window_of_a_day_in_another_zone(one: World) -> None:
    """The next day's whole-day event is not in it: days are held in the calendar's zone."""
    for number in (8, 9):
        await one.put(
            vevent(
                f"UID:day-{number}", f"DTSTART;VALUE=DATE:202703{number:02}", f"SUMMARY:{number}"
            )
        )
    berlin_midnight = datetime(2027, 3, 7, 23, tzinfo=UTC)
    for expand in (False, True):
        found = await one.events(berlin_midnight, berlin_midnight + DAY, expand_recurring=expand)
        assert [event.subject for event in found] == ["8"], expand


async def test_p18_p20_zones_by_other_names(one: World) -> None:
    names = {
        "W. Europe Standard Time": "Europe/Berlin",
        "/freeassociation.sourceforge.net/Tzfile/Europe/Berlin": "Europe/Berlin",
        '"(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna"': "Europe/Berlin",
        '"(UTC+00:00) Dublin, Edinburgh, Lisbon, London"': "Europe/London",
    }
    for number, (tzid, zone) in enumerate(names.items()):
        ics = vevent(
            f"UID:zone-{number}",
            f"DTSTART;TZID={tzid}:20270708T090000",
            "DURATION:PT1H",
            "SUMMARY:Z",
        )
        found = await one.get(await one.put(ics))
        assert found.start_at.time_zone == zone, tzid
        hour = 7 if zone == "Europe/Berlin" else 8
        assert starts([found]) == [datetime(2027, 7, 8, hour, tzinfo=UTC)]
        assert not found.is_timezone_inferred


async def test_p19_a_custom_zone_rules_where_its_name_says_nothing(one: World) -> None:
    zone = (
        "BEGIN:VTIMEZONE\nTZID:tzone://Microsoft/Custom\nBEGIN:STANDARD\n"
        "DTSTART:16010101T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\n"
        "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\nEND:STANDARD\nBEGIN:DAYLIGHT\n"
        "DTSTART:16010101T020000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\n"
        "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\nEND:DAYLIGHT\nEND:VTIMEZONE"
    )
    lines = (
        'DTSTART;TZID="tzone://Microsoft/Custom":20270325T090000',
        "DURATION:PT1H",
        "RRULE:FREQ=WEEKLY;COUNT=2",
    )
    frame = Frame("c", await _calendar(one))
    april = datetime(2027, 4, 1, 7, tzinfo=UTC)
    for zones in (zone, ""):
        found = open_object(Blob("x.ics", "1", vevent("UID:custom", *lines, zones=zones)), frame)
        assert found is not None
        event = event_pb2.Event()
        found.event(event)
        assert event.is_timezone_inferred
        assert event.start_at.time_zone == "Europe/Berlin", "as the rules say, or the calendar"
        instances = [slot.start for slot in await slots(found, MONDAY, MONDAY + 40 * DAY)]
        assert instances == [datetime(2027, 3, 25, 8, tzinfo=UTC), april], "earlier in summer"


async def test_p71_an_event_without_a_summary(dav: World) -> None:
    found = await dav.get(
        await dav.put(vevent("UID:bare", "DTSTART:20270308T090000Z", "DTEND:20270308T100000Z"))
    )
    assert found.subject == ""
    assert starts([found]) == [MONDAY]


async def test_p69_names_that_differ_only_in_case_and_signs(one: World) -> None:
    """Escaped and plain spellings are one, different letters are two."""
    names = ["a_b.ics", "a-b.ics", "A_b.ics", "sp ace+@%25.ics", "ü.ics"]
    for number, name in enumerate(names):
        ics = vevent(f"UID:case-{number}", "DTSTART:20270308T090000Z", f"SUMMARY:{name}")
        await one.put(ics.replace("SUMMARY", "DTEND:20270308T100000Z\nSUMMARY"), name)
    found = await one.events()
    assert len({event.id for event in found}) == len(names)
    for event in found:
        assert (await one.get(event.id)).subject == event.subject
        assert "%40" not in event.id
        assert "%20" not in event.id


async def test_p70_data_that_cannot_be_read_does_not_hide_the_rest(one: World) -> None:
    good = vevent("UID:x", "DTSTART:20270308T090000Z", "X-ODD;=;;:1", "RRULE:FREQ=NEVER")
    blobs = [Blob("1.ics", "1", "<html>"), Blob("2.ics", "2", good), Blob("3.ics", "3", "")]
    frame = Frame("c", (await _calendar(one)))
    found = [item.name async for item in opened(blobs, frame)]
    assert found == ["2.ics"]


async def _calendar(world: World):  # type: ignore[no-untyped-def]
    account = await world.provider._account(world.call)
    return account.calendars[world.calendar_id]


# -- versions


async def test_p77_a_stale_version_is_refused(dav: World) -> None:
    made = await dav.create(timed(MONDAY, subject="One"))
    first = (await dav.update(made.id, "subject", subject="Two", etag=made.etag)).event
    assert first.etag != made.etag
    for call in (
        dav.update(made.id, "subject", subject="Three", etag=made.etag),
        dav.delete(made.id, etag=made.etag),
    ):
        with pytest.raises(ProviderError) as caught:
            await call
        assert caught.value.kind is Kind.CONFLICT
        assert caught.value.reason == "ETAG_MISMATCH"
    assert (await dav.get(made.id)).subject == "Two"


async def test_p04_what_is_gone_is_gone(dav: World) -> None:
    made = await dav.create(timed(MONDAY))
    await dav.other("DELETE", made.id.partition("|")[2])
    with pytest.raises(ProviderError) as caught:
        await dav.delete(made.id)
    assert caught.value.kind is Kind.NOT_FOUND
    assert (await dav.delete(made.id, allow_missing=True)).already_absent


async def test_p59_p60_one_request_id_makes_one_event(dav: World) -> None:
    request_id = "6f1c9d1e-5a63-4d0e-9b7e-2f6c1b9f8a11"
    one = await dav.create(timed(MONDAY, subject="Once"), request_id=request_id)
    other = await dav.create(timed(MONDAY, subject="Once"), request_id=request_id)
    assert one.id == other.id
    assert [event.id for event in await dav.events()] == [one.id]


async def test_p75_events_are_addressed_by_path_and_not_by_uid(dav: World) -> None:
    own_id = await dav.put(
        vevent("UID:uid-is-not-the-name", "DTSTART:20270308T090000Z", "DTEND:20270308T100000Z"),
        "name-is-not-the-uid.ics",
    )
    assert own_id.endswith("|name-is-not-the-uid.ics")
    changed = (await dav.update(own_id, "subject", subject="Found")).event
    assert (changed.id, changed.ical_uid) == (own_id, "uid-is-not-the-name")


async def test_an_event_moves_to_another_calendar(dav: World) -> None:
    from ucal.v1 import calendar_pb2

    request = calendar_pb2.CreateCalendarRequest(calendar=calendar_pb2.Calendar(name="Other"))
    target = (await dav.provider.create_calendar(dav.call, request)).calendar
    made = await dav.create(timed(MONDAY, subject="Moves"))
    answer = await dav.update(
        made.id, "calendar_id subject", calendar_id=target.id, subject="Moved"
    )
    assert answer.event.calendar_id == target.id
    assert answer.event.moved_from_id == made.id
    assert answer.event.subject == "Moved"
    assert await dav.events() == []


# -- lists


async def test_pages_hold_everything_once(dav: World) -> None:
    """P10: with and without a window, expanded and not."""
    for number in range(7):
        await dav.create(timed(MONDAY + number * HOUR, 30, subject=str(number)))
    await dav.create(
        timed(MONDAY, 30, subject="r", recurrence={"rules": ["RRULE:FREQ=DAILY;COUNT=3"]})
    )
    bounds = (MONDAY - DAY, MONDAY + 10 * DAY)
    for fields, count in (({}, 8), ({"expand_recurring": True}, 10)):
        for size in (1, 3, 100):
            found = await dav.events(*bounds, page_size=size, **fields)
            ids = [event.id for event in found]
            assert len(ids) == len(set(ids)) == count
            if fields:
                assert starts(found) == sorted(starts(found))
    assert len(await dav.events(page_size=3)) == 8


async def test_canceled_events_are_left_out_unless_asked_for(dav: World) -> None:
    made = await dav.create(timed(MONDAY, status=event_pb2.EVENT_STATUS_CANCELED))
    assert await dav.events() == []
    assert [e.id for e in await dav.events(include_canceled=True)] == [made.id]
    assert [e.id for e in await dav.events(MONDAY, MONDAY + HOUR, include_canceled=True)] == [
        made.id
    ]


async def test_windows_that_are_open_on_one_side(dav: World) -> None:
    made = await dav.create(timed(MONDAY))
    endless = {"rules": ["RRULE:FREQ=WEEKLY"]}
    series = await dav.create(timed(MONDAY + DAY, recurrence=endless))
    assert {e.id for e in await dav.events(start=MONDAY)} == {made.id, series.id}
    assert {e.id for e in await dav.events(start=MONDAY + 30 * DAY)} == {series.id}
    assert {e.id for e in await dav.events(end=MONDAY + HOUR)} == {made.id}
    assert await dav.events(end=MONDAY) == []


async def test_raw_is_the_object_as_the_server_has_it(dav: World) -> None:
    made = await dav.create(timed(MONDAY, subject="Raw"))
    found = await dav.get(made.id, include_raw=True)
    assert found.raw["__id"] == made.id.replace("|", "")
    assert "SUMMARY:Raw" in found.raw["ics"]
    listed = (await dav.events(include_raw=True))[0]
    assert "SUMMARY:Raw" in listed.raw["ics"]
    assert not (await dav.events())[0].HasField("raw")


async def test_a_window_is_asked_for_once(one: World) -> None:
    """One request for a window, not one for each event."""
    for number in range(3):
        await one.create(timed(MONDAY + number * HOUR))
    request = event_pb2.ListEventsRequest(
        calendar_id=one.calendar_id, window=window(MONDAY, MONDAY + DAY)
    )
    answer = await one.provider.list_events(one.call, request)
    assert len(answer.events) == 3
    assert answer.resume_token == b""


@pytest.mark.parametrize(
    "id", ["x", "/a/|", "|x.ics", "/../a/|x.ics", "//h/|x.ics", "/a/|../x", "/a/|x.ics#", "/a/|x#9"]
)
async def test_ids_of_nobody_are_not_found(one: World, id: str) -> None:
    for call in (one.provider.get_event, one.provider.delete_event):
        request = event_pb2.GetEventRequest if call == one.provider.get_event else None
        with pytest.raises(ProviderError) as caught:
            await call(one.call, (request or event_pb2.DeleteEventRequest)(id=id))
        assert caught.value.kind is Kind.NOT_FOUND
