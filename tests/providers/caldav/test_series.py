"""Series on real servers: instances, exceptions, zones; as other clients see them."""

import re
import uuid
from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

import pytest

from providers.core.errors import Kind, ProviderError
from tests.providers.caldav.series import (
    ALL,
    BERLIN,
    DAY,
    FIRST,
    FOLLOWING,
    HIGH,
    LOW,
    THIS,
    WEEK,
    blocks,
    instances,
    local,
    weekly,
)
from tests.providers.caldav.world import MONDAY, World, starts, timed, vcalendar, vevent
from ucal.v1 import event_pb2, types_pb2


async def test_p23_the_wall_clock_is_kept_when_clocks_change(dav: World) -> None:
    made = await dav.create(weekly(4))
    found = await instances(dav)
    assert local(found) == [FIRST + n * WEEK for n in range(4)]
    assert {start.utcoffset() for start in local(found)} == {timedelta(hours=1), timedelta(hours=2)}
    for event in found:
        assert event.recurring_event_id == made.id
        assert event.start_at.time_zone == "Europe/Berlin"
        again = await dav.get(event.id)
        assert (again.id, again.start_at, again.end_at) == (event.id, event.start_at, event.end_at)


async def test_p33_until_is_written_in_utc_and_read_in_any_form(dav: World) -> None:
    made = await dav.create(weekly(6))
    third = (await instances(dav))[2]
    await dav.update(third.id, "subject", FOLLOWING, subject="Tail")
    ics = await dav.ics(made.id)
    until = re.search(r"UNTIL=(\w+)", ics)
    assert until is not None
    assert until[1].endswith("Z")
    for number, form in enumerate(("20270329T141000", "20270329T121000Z", "20270329")):
        own_id = await dav.put(
            vevent(
                f"UID:{uuid.uuid4()}",
                "DTSTART;TZID=Europe/Berlin:20270315T141000",
                "DTEND;TZID=Europe/Berlin:20270315T150000",
                f"RRULE:FREQ=WEEKLY;UNTIL={form}",
                f"SUMMARY:{number}",
            )
        )
        mine = [e for e in await instances(dav) if e.recurring_event_id == own_id]
        assert local(mine) == [FIRST, FIRST + WEEK, FIRST + 2 * WEEK], f"P34: {form}"


async def test_p36_p37_an_instance_edited_twice_is_there_once(dav: World) -> None:
    made = await dav.create(weekly())
    second = (await instances(dav))[1]
    for title in ("One", "Two"):
        await dav.update(second.id, "subject location", THIS, subject=title, location="Here")
    found = await instances(dav)
    assert local(found) == [FIRST + n * WEEK for n in range(6)]
    assert [event.subject for event in found] == ["S", "Two", "S", "S", "S", "S"]
    assert [event.is_exception for event in found].count(True) == 1
    parts = blocks(await dav.ics(made.id))
    assert len(parts) == 2
    assert sum("RECURRENCE-ID" in part for part in parts) == 1


async def test_p35_an_exception_in_another_zone_names_its_slot_as_the_series_does(
    dav: World,
) -> None:
    made = await dav.create(weekly())
    second = (await instances(dav))[1]
    moved = timed(second.start_at.timestamp.ToDatetime(UTC) + DAY, 30, "America/New_York")
    answer = await dav.update(
        second.id, "start_at end_at", THIS, start_at=moved.start_at, end_at=moved.end_at
    )
    assert answer.event.id == second.id
    assert answer.event.start_at == moved.start_at
    assert answer.event.original_start_at.timestamp == second.start_at.timestamp
    ics = await dav.ics(made.id)
    assert "RECURRENCE-ID;TZID=Europe/Berlin:20270322T141000" in ics
    assert "DTSTART;TZID=America/New_York:" in ics
    assert "TZID:America/New_York" in ics, "its VTIMEZONE is there"
    assert local(await instances(dav))[1] == FIRST + WEEK + DAY


async def test_p38_an_instance_that_is_deleted_takes_its_exception_along(dav: World) -> None:
    made = await dav.create(weekly())
    second = (await instances(dav))[1]
    await dav.update(second.id, "subject", THIS, subject="Changed")
    await dav.delete(second.id, THIS)
    assert local(await instances(dav)) == [FIRST + n * WEEK for n in (0, 2, 3, 4, 5)]
    ics = await dav.ics(made.id)
    assert "RECURRENCE-ID" not in ics
    assert "EXDATE;TZID=Europe/Berlin:20270322T141000" in ics
    with pytest.raises(ProviderError) as caught:
        await dav.get(second.id)
    assert caught.value.kind is Kind.NOT_FOUND
    assert (await dav.delete(second.id, THIS, allow_missing=True)).already_absent


async def test_p39_exceptions_move_along_with_their_series(dav: World) -> None:
    """An hour later: what was skipped stays skipped, what was changed stays changed."""
    skipped = f"EXDATE;TZID=Europe/Berlin:{FIRST + WEEK:%Y%m%dT%H%M%S}"
    made = await dav.create(weekly(6, skipped))
    third, fourth = (await instances(dav))[1:3]
    await dav.update(third.id, "subject", THIS, subject="Own title")
    away = timed(fourth.start_at.timestamp.ToDatetime(UTC) + DAY, 30, "Europe/Berlin")
    await dav.update(fourth.id, "start_at end_at", THIS, start_at=away.start_at, end_at=away.end_at)
    later = weekly(start=FIRST + timedelta(hours=1))
    answer = await dav.update(
        made.id, "start_at end_at", ALL, start_at=later.start_at, end_at=later.end_at
    )
    assert not answer.report.coerced_fields.paths
    found = await instances(dav)
    hour = timedelta(hours=1)
    expected = [FIRST + n * WEEK + hour for n in (0, 2, 3, 4, 5)]
    expected[2] = FIRST + 3 * WEEK + DAY
    assert local(found) == expected
    assert [event.subject for event in found] == ["S", "Own title", "S", "S", "S"]
    planned = [e.original_start_at.timestamp.ToDatetime(UTC).astimezone(BERLIN) for e in found]
    assert planned == [FIRST + n * WEEK + hour for n in (0, 2, 3, 4, 5)]


async def test_p39_a_new_rule_drops_exceptions_without_a_slot_and_tells(dav: World) -> None:
    made = await dav.create(weekly())
    second = (await instances(dav))[1]
    await dav.update(second.id, "subject", THIS, subject="Own title")
    rules = {"rules": ["RRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=3"]}
    answer = await dav.update(made.id, "recurrence", ALL, recurrence=rules)
    assert list(answer.report.coerced_fields.paths) == ["recurrence"]
    assert local(await instances(dav)) == [FIRST + n * WEEK for n in (0, 2, 4)]
    again = (await instances(dav))[1]
    await dav.update(again.id, "subject", THIS, subject="Own title")
    once = {"rules": ["RRULE:FREQ=WEEKLY;COUNT=1"]}
    with pytest.raises(ProviderError) as caught:
        await dav.update(made.id, "recurrence", ALL, recurrence=once, strict=True)
    assert caught.value.kind is Kind.PRECONDITION


async def test_a_series_in_another_zone_keeps_its_exceptions(dav: World) -> None:
    skipped = f"EXDATE;TZID=Europe/Berlin:{FIRST + WEEK:%Y%m%dT%H%M%S}"
    made = await dav.create(weekly(4, skipped))
    third = (await instances(dav))[1]
    await dav.update(third.id, "subject", THIS, subject="Own title")
    york = ZoneInfo("America/New_York")
    there = FIRST.replace(tzinfo=york)
    moved = timed(there.astimezone(UTC), 50, "America/New_York")
    await dav.update(made.id, "start_at end_at", ALL, start_at=moved.start_at, end_at=moved.end_at)
    found = await instances(dav)
    assert [s.astimezone(york) for s in starts(found)] == [there + n * WEEK for n in (0, 2, 3)]
    assert [event.subject for event in found] == ["S", "Own title", "S"]


async def test_p40_an_exception_off_the_rule_is_there(dav: World) -> None:
    uid = str(uuid.uuid4())
    own_id = await dav.put(
        vcalendar(
            "\n".join(
                [
                    "BEGIN:VEVENT",
                    f"UID:{uid}",
                    "DTSTAMP:20270101T000000Z",
                    "RECURRENCE-ID:20270317T090000Z",
                    "DTSTART:20270317T100000Z",
                    "DTEND:20270317T110000Z",
                    "SUMMARY:Off the rule",
                    "END:VEVENT",
                    "BEGIN:VEVENT",
                    f"UID:{uid}",
                    "DTSTAMP:20270101T000000Z",
                    "DTSTART:20270315T090000Z",
                    "DTEND:20270315T100000Z",
                    "RRULE:FREQ=WEEKLY;COUNT=2",
                    "SUMMARY:On it",
                    "END:VEVENT",
                ]
            )
        )
    )
    found = [e for e in await instances(dav) if e.recurring_event_id == own_id]
    assert [e.subject for e in found] == ["On it", "Off the rule", "On it"]
    assert (await dav.get(found[1].id)).subject == "Off the rule"


async def test_p41_daily_with_weekdays_has_no_weekends(dav: World) -> None:
    await dav.put(
        vevent(
            f"UID:{uuid.uuid4()}",
            "DTSTART:20270313T090000Z",  # a Saturday, off the rule: still the first instance
            "DTEND:20270313T100000Z",
            "RRULE:FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR;UNTIL=20270326T235959Z",
            "SUMMARY:Work",
        )
    )
    days = [start.weekday() for start in starts(await instances(dav))]
    assert days[0] == 5
    assert days[1:] == [0, 1, 2, 3, 4] * 2


async def test_p44_series_of_whole_days(dav: World) -> None:
    made = await dav.put(
        vevent(
            f"UID:{uuid.uuid4()}",
            "DTSTART;VALUE=DATE:20270315",
            "RRULE:FREQ=WEEKLY;COUNT=3",
            "EXDATE;VALUE=DATE:20270322",
            "SUMMARY:Days",
        )
    )
    found = await instances(dav)
    assert [event.start_at.date.day for event in found] == [15, 29]
    assert all(event.is_all_day for event in found)
    await dav.update(found[1].id, "subject", THIS, subject="Changed")
    assert "RECURRENCE-ID;VALUE=DATE:20270329" in await dav.ics(made)
    await dav.delete(found[0].id, THIS)
    assert [event.subject for event in await instances(dav)] == ["Changed"]


@pytest.mark.parametrize("form", ["status", "exdate"])
async def test_both_ways_to_cancel_an_instance_are_read(dav: World, form: str) -> None:
    uid = str(uuid.uuid4())
    lines = [
        "BEGIN:VEVENT",
        f"UID:{uid}",
        "DTSTAMP:20270101T000000Z",
        "DTSTART:20270315T090000Z",
        "DTEND:20270315T100000Z",
        "RRULE:FREQ=WEEKLY;COUNT=3",
        *(["EXDATE:20270322T090000Z"] if form == "exdate" else []),
        "END:VEVENT",
    ]
    if form == "status":
        lines += [
            "BEGIN:VEVENT",
            f"UID:{uid}",
            "DTSTAMP:20270101T000000Z",
            "RECURRENCE-ID:20270322T090000Z",
            "DTSTART:20270322T090000Z",
            "DTEND:20270322T100000Z",
            "STATUS:CANCELLED",
            "END:VEVENT",
        ]
    await dav.put(vcalendar("\n".join(lines)))
    assert [start.day for start in starts(await instances(dav))] == [15, 29]
    if form == "status":
        found = await dav.instances(LOW, HIGH, include_canceled=True)
        assert [start.day for start in starts(found)] == [15, 22, 29]
        assert found[1].status == event_pb2.EVENT_STATUS_CANCELED
        with pytest.raises(ProviderError) as caught:
            await dav.delete(found[1].id, THIS)
        assert caught.value.reason == "ALREADY_CANCELED"


async def test_a_lone_instance_stands_for_itself(dav: World) -> None:
    """Who is invited to one instance has a resource without a master."""
    own_id = await dav.put(
        vevent(
            f"UID:{uuid.uuid4()}",
            "RECURRENCE-ID:20270322T090000Z",
            "DTSTART:20270322T110000Z",
            "DTEND:20270322T120000Z",
            "SUMMARY:Alone",
        )
    )
    listed = await dav.events()
    assert [event.id for event in listed] == [own_id]
    assert listed[0].is_exception
    assert listed[0].original_start_at.timestamp.seconds % 86_400 == 9 * 3600
    found = await instances(dav)
    assert [event.recurring_event_id for event in found] == [own_id]
    await dav.update(found[0].id, "subject", THIS, subject="Still alone")
    assert (await dav.get(own_id)).subject == "Still alone"
    await dav.delete(found[0].id, THIS)
    assert await dav.events() == []


async def test_what_is_too_much_is_refused(one: World) -> None:
    """A window with more instances than an answer is made from; the loop is never held up."""
    for minute in range(3):
        await one.put(
            vevent(
                f"UID:{uuid.uuid4()}",
                f"DTSTART:20270315T0900{minute:02}Z",
                "DURATION:PT1M",
                "RRULE:FREQ=HOURLY",
                "SUMMARY:Often",
            )
        )
    with pytest.raises(ProviderError) as caught:
        await one.instances(MONDAY, MONDAY + 360 * DAY)
    assert (caught.value.kind, caught.value.reason) == (Kind.PRECONDITION, "WINDOW_TOO_LARGE")
    assert len(await one.instances(MONDAY, MONDAY + 8 * DAY)) == 3 * 24


async def test_p46_p58_calls_stay_what_they_are(dav: World) -> None:
    """An edit or a split does not touch the link, whatever property it stands in."""
    link = "https://zoom.us/j/93712345678"
    own_id = await dav.put(
        vevent(
            f"UID:{uuid.uuid4()}",
            "DTSTART:20270315T090000Z",
            "DTEND:20270315T100000Z",
            "RRULE:FREQ=WEEKLY;COUNT=4",
            "SUMMARY:Call",
            f"X-GOOGLE-CONFERENCE:{link}",
            "URL:https://example.com/agenda",
            f"DESCRIPTION:Join at {link} please",
        )
    )
    for title in ("One", "Two", "Three"):
        answer = await dav.update(own_id, "subject", ALL, subject=title)
        assert answer.event.conference.join_url == link, "P54"
    third = (await dav.instances(LOW, HIGH))[2]
    tail = (await dav.update(third.id, "subject", FOLLOWING, subject="Tail")).event
    assert tail.conference.join_url == link
    other = "https://meet.google.com/abc-defg-hij"
    kind = types_pb2.CONFERENCE_KIND_GOOGLE_MEET
    changed = await dav.update(
        tail.id, "conference description", ALL,
        conference=types_pb2.Conference(join_url=other, kind=kind), description="",
    )  # fmt: skip
    assert changed.event.conference.join_url == other
    ics = await dav.ics(tail.id)
    assert f"X-GOOGLE-CONFERENCE:{other}" in ics
    assert "URL:https://example.com/agenda" in ics, "a page is no call"
    gone = await dav.update(tail.id, "conference", ALL)
    assert not gone.event.HasField("conference")
