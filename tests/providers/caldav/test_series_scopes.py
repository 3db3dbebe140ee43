"""Edits of this instance, this and following, all, and of ranges, on real servers."""

import uuid
from datetime import UTC, timedelta

import pytest

from providers.core.errors import Kind, ProviderError
from tests.providers.caldav.gate import gate
from tests.providers.caldav.series import (
    ALL,
    FIRST,
    FOLLOWING,
    THIS,
    WEEK,
    instances,
    local,
    weekly,
)
from tests.providers.caldav.world import World, opened, starts, timed, vcalendar


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
