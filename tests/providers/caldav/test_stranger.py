"""An independent client, the `caldav` library: each reads what the other wrote."""

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import caldav
import pytest

from tests.providers.caldav.test_events import rich
from tests.providers.caldav.world import MONDAY, World, starts, timed
from ucal.v1 import types_pb2

pytestmark = pytest.mark.stranger
T = TypeVar("T")
DAY = timedelta(days=1)
BERLIN = ZoneInfo("Europe/Berlin")


async def stranger(dav: World, work: Callable[[Any], T]) -> T:
    """What `work` makes of the test's calendar, as the library sees it."""

    def run() -> T:
        server = dav.server
        with caldav.DAVClient(
            url=server.url, username=server.username, password=server.password
        ) as client:
            return work(client.calendar(url=dav.url()))

    return await asyncio.to_thread(run)


async def test_it_reads_what_we_write(dav: World) -> None:
    sent = rich()
    made = await dav.create(sent)

    def read(calendar: Any) -> dict[str, Any]:
        (event,) = calendar.get_events()
        part = event.icalendar_component
        alarms = event.icalendar_instance.walk("VALARM")
        return {
            "uid": str(part["UID"]),
            "subject": str(part["SUMMARY"]),
            "description": str(part["DESCRIPTION"]),
            "location": str(part["LOCATION"]),
            "start": part.decoded("DTSTART"),
            "end": part.decoded("DTEND"),
            "status": str(part["STATUS"]),
            "class": str(part["CLASS"]),
            "url": str(part["URL"]),
            "alarms": len(alarms),
            "zones": [str(z["TZID"]) for z in event.icalendar_instance.walk("VTIMEZONE")],
        }

    found = await stranger(dav, read)
    assert found["start"] == MONDAY
    assert found["end"] - found["start"] == timedelta(minutes=45)
    assert found["zones"] == ["Europe/Berlin"]
    assert found["alarms"] == 2
    assert (found["status"], found["class"]) == ("TENTATIVE", "PRIVATE")
    assert found["url"] == sent.conference.join_url
    assert (found["subject"], found["location"]) == (sent.subject, sent.location)
    assert found["description"] == sent.description
    assert found["uid"] == made.ical_uid


async def test_we_read_what_it_writes(dav: World) -> None:
    start = datetime(2027, 3, 15, 14, 10, tzinfo=BERLIN)

    def write(calendar: Any) -> None:
        calendar.add_event(
            dtstart=start,
            dtend=start + timedelta(minutes=50),
            summary="Weekly, with; signs",
            rrule={"FREQ": "WEEKLY", "COUNT": 4},
        )
        calendar.add_event(dtstart=date(2027, 3, 9), dtend=date(2027, 3, 11), summary="Days")

    await stranger(dav, write)
    found = {event.subject: event for event in await dav.events()}
    assert set(found) == {"Weekly, with; signs", "Days"}
    assert found["Days"].is_all_day
    assert found["Days"].end_at.date.day == 11
    weekly = found["Weekly, with; signs"]
    assert weekly.recurrence.rule.count == 4
    instances = await dav.instances(MONDAY + 5 * DAY, MONDAY + 60 * DAY)
    week = timedelta(days=7)
    assert [s.astimezone(BERLIN) for s in starts(instances)] == [start + n * week for n in range(4)]


async def test_both_expand_a_changed_series_alike(dav: World) -> None:
    """P37, P38, P48: after an exception, a deletion and a split."""
    rules = {"rules": ["RRULE:FREQ=WEEKLY;COUNT=8"]}
    start = datetime(2027, 3, 15, 14, 10, tzinfo=BERLIN)
    await dav.create(
        timed(start.astimezone(UTC), 50, "Europe/Berlin", recurrence=rules, subject="S")
    )
    low, high = MONDAY, MONDAY + 90 * DAY
    found = await dav.instances(low, high)
    moved = timed(found[1].start_at.timestamp.ToDatetime(UTC) + DAY, 30, "Europe/Berlin")
    this, following = (
        types_pb2.UPDATE_SCOPE_THIS_INSTANCE,
        types_pb2.UPDATE_SCOPE_THIS_AND_FOLLOWING,
    )
    await dav.update(
        found[1].id, "start_at end_at subject", this,
        start_at=moved.start_at, end_at=moved.end_at, subject="Moved",
    )  # fmt: skip
    await dav.delete(found[3].id, this)
    await dav.update(found[5].id, "subject", following, subject="Tail")

    def search(calendar: Any) -> list[tuple[datetime, str]]:
        events = calendar.search(start=low, end=high, event=True, expand=True)
        parts = [event.icalendar_component for event in events]
        return sorted((p.decoded("DTSTART").astimezone(UTC), str(p["SUMMARY"])) for p in parts)

    ours = [
        (event.start_at.timestamp.ToDatetime(UTC), event.subject)
        for event in await dav.instances(low, high)
    ]
    assert len(ours) == 7
    assert await stranger(dav, search) == sorted(ours)


async def test_it_changes_and_deletes_what_we_made(dav: World) -> None:
    made = await dav.create(timed(MONDAY, subject="Ours", metadata={"kept": "yes"}))

    def change(calendar: Any) -> None:
        (event,) = calendar.get_events()
        event.icalendar_component["SUMMARY"] = "Theirs"
        event.save()

    await stranger(dav, change)
    found = await dav.get(made.id)
    assert (found.subject, found.metadata["kept"]) == ("Theirs", "yes")
    assert found.etag != made.etag
    await stranger(dav, lambda calendar: calendar.get_events()[0].delete())
    assert await dav.events() == []
