"""Series on real servers: instances, exceptions, scopes, splits; as other clients see them."""

import re
import uuid
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from providers.core.errors import Kind, ProviderError
from tests.providers.caldav.gate import gate
from tests.providers.caldav.world import MONDAY, World, opened, starts, timed, vcalendar, vevent
from ucal.v1 import event_pb2, types_pb2

THIS = types_pb2.UPDATE_SCOPE_THIS_INSTANCE
FOLLOWING = types_pb2.UPDATE_SCOPE_THIS_AND_FOLLOWING
ALL = types_pb2.UPDATE_SCOPE_ALL
BERLIN = ZoneInfo("Europe/Berlin")
DAY, WEEK = timedelta(days=1), timedelta(days=7)
# 14:10 in Berlin, two weeks before the clocks change on 28 March 2027.
FIRST = datetime(2027, 3, 15, 14, 10, tzinfo=BERLIN)
LOW, HIGH = MONDAY - 30 * DAY, MONDAY + 120 * DAY


def weekly(
    count: int = 6, *more: str, start: datetime = FIRST, **fields: object
) -> event_pb2.Event:
    rules = {"rules": [f"RRULE:FREQ=WEEKLY;COUNT={count}", *more]}
    return timed(
        start.astimezone(UTC), 50, "Europe/Berlin", recurrence=rules, subject="S", **fields
    )


def local(events: list[event_pb2.Event]) -> list[datetime]:
    return [start.astimezone(BERLIN) for start in starts(events)]


async def instances(dav: World) -> list[event_pb2.Event]:
    return await dav.instances(LOW, HIGH)


def blocks(ics: str) -> list[str]:
    return re.findall(r"BEGIN:VEVENT\n.*?END:VEVENT", ics, re.DOTALL)


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


async def test_p48_a_split_loses_nothing_and_doubles_nothing(dav: World) -> None:
    skipped = f"EXDATE;TZID=Europe/Berlin:{FIRST + 4 * WEEK:%Y%m%dT%H%M%S}"
    made = await dav.create(weekly(6, skipped))
    found = await instances(dav)
    await dav.update(found[0].id, "subject", THIS, subject="First")
    await dav.update(found[3].id, "subject", THIS, subject="Fourth")
    answer = await dav.update(found[2].id, "subject", FOLLOWING, subject="Tail")
    assert answer.split_from.id == made.id
    assert answer.event.id != made.id
    assert answer.event.ical_uid != made.ical_uid
    after = await instances(dav)
    assert local(after) == [FIRST + n * WEEK for n in (0, 1, 2, 3, 5)]
    assert [e.subject for e in after] == ["First", "S", "Tail", "Fourth", "Tail"]
    again = await dav.update(after[3].id, "location", FOLLOWING, location="There")
    assert local(await instances(dav)) == local(after)
    assert again.split_from.id == answer.event.id


async def test_this_and_following_from_the_first_is_all(dav: World) -> None:
    made = await dav.create(weekly(3))
    first = (await instances(dav))[0]
    answer = await dav.update(first.id, "subject", FOLLOWING, subject="All")
    assert answer.event.id == made.id
    assert not answer.HasField("split_from")
    assert {event.subject for event in await instances(dav)} == {"All"}


async def test_all_by_the_id_of_an_instance_moves_the_series_as_much(dav: World) -> None:
    made = await dav.create(weekly(3))
    second = (await instances(dav))[1]
    at = second.start_at.timestamp.ToDatetime(UTC) + timedelta(hours=2)
    moved = timed(at, 30, "Europe/Berlin")
    answer = await dav.update(
        second.id, "start_at end_at", ALL, start_at=moved.start_at, end_at=moved.end_at
    )
    assert answer.event.id == made.id
    found = await instances(dav)
    assert local(found) == [FIRST + timedelta(hours=2) + n * WEEK for n in range(3)]
    assert {e.end_at.timestamp.seconds - e.start_at.timestamp.seconds for e in found} == {1800}


async def test_all_reaches_exceptions_where_they_did_not_differ(dav: World) -> None:
    made = await dav.create(weekly(3, location="Old"))
    second = (await instances(dav))[1]
    await dav.update(second.id, "subject", THIS, subject="Own title")
    await dav.update(made.id, "subject location", ALL, subject="New title", location="New")
    found = await instances(dav)
    assert [e.subject for e in found] == ["New title", "Own title", "New title"]
    assert {e.location for e in found} == {"New"}


async def test_deleting_from_an_instance_on(dav: World) -> None:
    made = await dav.create(weekly())
    found = await instances(dav)
    await dav.update(found[4].id, "subject", THIS, subject="Fifth")
    await dav.delete(found[2].id, FOLLOWING)
    assert local(await instances(dav)) == [FIRST, FIRST + WEEK]
    first = (await instances(dav))[0]
    await dav.delete(first.id, FOLLOWING)
    assert await dav.events() == []
    with pytest.raises(ProviderError):
        await dav.get(made.id)


async def test_a_single_event_becomes_a_series_and_a_series_a_single_event(dav: World) -> None:
    made = await dav.create(timed(FIRST.astimezone(UTC), 50, "Europe/Berlin", subject="S"))
    rules = {"rules": ["RRULE:FREQ=WEEKLY;COUNT=3"]}
    await dav.update(made.id, "recurrence", recurrence=rules)
    assert len(await instances(dav)) == 3
    with pytest.raises(ProviderError) as caught:
        await dav.update(made.id, "recurrence")
    assert caught.value.violations[0][0] == "scope"
    await dav.update(made.id, "recurrence", ALL)
    found = await instances(dav)
    assert [event.id for event in found] == [made.id]


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


async def test_a_range_reaches_all_later_slots(one: World) -> None:
    """RANGE=THISANDFUTURE is read, and never written."""
    uid = str(uuid.uuid4())
    common = [f"UID:{uid}", "DTSTAMP:20270101T000000Z"]
    await one.put(
        vcalendar(
            "\n".join(
                [
                    "BEGIN:VEVENT",
                    *common,
                    "DTSTART:20270315T090000Z",
                    "DTEND:20270315T100000Z",
                    "RRULE:FREQ=WEEKLY;COUNT=4",
                    "SUMMARY:Before",
                    "END:VEVENT",
                    "BEGIN:VEVENT",
                    *common,
                    "RECURRENCE-ID;RANGE=THISANDFUTURE:20270329T090000Z",
                    "DTSTART:20270329T113000Z",
                    "DTEND:20270329T120000Z",
                    "SUMMARY:From here on",
                    "END:VEVENT",
                ]
            )
        )
    )
    found = await instances(one)
    assert [(s.day, s.hour, s.minute) for s in starts(found)] == [
        (15, 9, 0),
        (22, 9, 0),
        (29, 11, 30),
        (5, 11, 30),
    ]
    assert [event.subject for event in found] == ["Before"] * 2 + ["From here on"] * 2
    again = await one.get(found[3].id)
    assert (again.subject, again.start_at) == (found[3].subject, found[3].start_at)


# -- splits that break in the middle


@pytest.mark.parametrize("undo", [True, False])
async def test_a_split_that_breaks_is_undone_or_told(one_server, undo: bool) -> None:  # type: ignore[no-untyped-def]
    """The new series is made first; when the old one cannot be shortened, it is taken back."""
    async with gate(one_server.url) as door, opened(one_server, url=door.url) as dav:
        made = await dav.create(weekly())
        third = (await instances(dav))[2]
        puts = 0

        async def fail_the_second(request: object) -> None:
            nonlocal puts
            method = request.method  # type: ignore[attr-defined]
            puts += method == "PUT"
            if method == "PUT" and puts == 2:
                door.answer = 412
            if method == "DELETE" and not undo:
                door.answer = 403

        door.before = fail_the_second
        with pytest.raises(ProviderError) as caught:
            await dav.update(third.id, "subject", FOLLOWING, subject="Tail")
        door.before = None
        assert caught.value.kind is Kind.CONFLICT
        left = await dav.events()
        if undo:
            assert caught.value.reason == "ETAG_MISMATCH"
            assert [event.id for event in left] == [made.id]
        else:
            assert caught.value.reason == "SPLIT_INCOMPLETE"
            ids = {event.id for event in left}
            metadata = caught.value.metadata
            assert {metadata["recurring_event_id"], metadata["new_event_id"]} == ids
        assert len([e for e in await instances(dav) if e.recurring_event_id == made.id]) == 6


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


async def test_an_instance_in_a_range_is_edited_where_it_is(one: World) -> None:
    uid = str(uuid.uuid4())
    lines = [
        "BEGIN:VEVENT",
        f"UID:{uid}",
        "DTSTAMP:20270101T000000Z",
        "DTSTART:20270315T090000Z",
        "DTEND:20270315T100000Z",
        "RRULE:FREQ=WEEKLY;COUNT=4",
        "SUMMARY:Before",
        "END:VEVENT",
        "BEGIN:VEVENT",
        f"UID:{uid}",
        "DTSTAMP:20270101T000000Z",
        "RECURRENCE-ID;RANGE=THISANDFUTURE:20270322T090000Z",
        "DTSTART:20270322T113000Z",
        "DTEND:20270322T120000Z",
        "SUMMARY:From here on",
        "LOCATION:There",
        "END:VEVENT",
    ]
    own_id = await one.put(vcalendar("\n".join(lines)))
    third = (await instances(one))[2]
    answer = await one.update(third.id, "subject", THIS, subject="Only this")
    assert answer.event.start_at == third.start_at
    assert answer.event.location == "There"
    found = await instances(one)
    assert [(e.subject, s.hour) for e, s in zip(found, starts(found), strict=True)] == [
        ("Before", 9),
        ("From here on", 11),
        ("Only this", 11),
        ("From here on", 11),
    ]
    assert (await one.ics(own_id)).count("RANGE=") == 1
