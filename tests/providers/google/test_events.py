"""Events: every field there and back, windows, pages, versions, ids, deletions."""

import os
import time
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from providers.core.errors import Kind
from tests.providers.google.desk import BERLIN, Desk, berlin, day, instant, meeting, refused, window
from ucal.v1 import event_pb2, types_pb2

_DAY = window(datetime(2026, 10, 20, tzinfo=UTC), days=1)

FIELDS: dict[str, dict[str, Any]] = {
    "subject": {"subject": "Fête ✓ 😀 <b>&"},
    "description": {"description": "<p>Agenda</p>"},
    "location": {"location": "Room 4"},
    "tentative": {"status": event_pb2.EVENT_STATUS_TENTATIVE},
    "public": {"visibility": event_pb2.EVENT_VISIBILITY_PUBLIC},
    "private": {"visibility": event_pb2.EVENT_VISIBILITY_PRIVATE},
    "confidential": {"visibility": event_pb2.EVENT_VISIBILITY_CONFIDENTIAL},
    "free": {"show_as": event_pb2.SHOW_AS_FREE},
    "color": {"color": "#33B679"},
    "metadata": {"metadata": {"project": "alpha", "ticket-1.b": "42"}},
    "attachments": {
        "attachments": [
            {"name": "Deck", "url": "https://drive.google.com/open?id=1", "mime_type": "a/b"}
        ]
    },
    "reminders": {
        "reminders": {
            "overrides": [
                {"minutes_before": 15, "method": event_pb2.REMINDER_METHOD_POPUP},
                {"minutes_before": 1440, "method": event_pb2.REMINDER_METHOD_EMAIL},
            ]
        }
    },
    "default reminders": {"reminders": {"use_default": True}},
    "no reminders": {"reminders": {}},
    "out of office": {"type": event_pb2.EVENT_TYPE_OUT_OF_OFFICE},
    "focus time": {"type": event_pb2.EVENT_TYPE_FOCUS_TIME},
    "working location": {"type": event_pb2.EVENT_TYPE_WORKING_LOCATION, "location": "Home"},
    "room": {"room_ids": ["c_1881@resource.calendar.google.com"]},
}


@pytest.mark.parametrize("case", FIELDS)
async def test_fields_come_back_as_they_were_sent(desk: Desk, case: str) -> None:
    answer = await desk.create(meeting(**FIELDS[case]))
    assert not answer.report.dropped_fields.paths
    assert not answer.report.coerced_fields.paths
    found = await desk.get(answer.event.id)
    assert found == answer.event
    sent = event_pb2.Event(**FIELDS[case])
    for field, value in sent.ListFields():
        assert getattr(found, field.name) == value, field.name
    assert found.start_at == berlin(20, 14, 10)
    assert (await desk.listed(window=_DAY))[0] == found


@pytest.mark.parametrize("case", [c for c in FIELDS if "type" not in FIELDS[c]])
async def test_fields_are_updated_and_cleared(desk: Desk, case: str) -> None:
    made = await desk.make(meeting("Kept"))
    sent = event_pb2.Event(**FIELDS[case])
    names = list(FIELDS[case])
    await desk.update(made.id, sent, *names)
    found = await desk.get(made.id)
    for name in names:
        assert getattr(found, name) == getattr(sent, name), name
    assert found.subject in (sent.subject, "Kept")
    await desk.update(made.id, event_pb2.Event(), *names)
    cleared = await desk.get(made.id)
    assert cleared.metadata == {}
    assert not cleared.attachments
    assert not cleared.room_ids
    assert cleared.color == ""
    for name in ("subject", "description", "location"):
        assert not (name in names and getattr(cleared, name))


COERCED: dict[str, tuple[dict[str, Any], str]] = {
    "a colour that Google lacks": ({"color": "#1E90FF"}, "color"),
    "tentative as show_as": ({"show_as": event_pb2.SHOW_AS_TENTATIVE}, "show_as"),
    "a reminder with sound": (
        {"reminders": {"overrides": [{"minutes_before": 5, "method": 3}]}},
        "reminders",
    ),
    "a co-host": (
        {"attendees": [{"email": "b@example.com", "role": types_pb2.ATTENDEE_ROLE_HOST}]},
        "attendees",
    ),
}


@pytest.mark.parametrize("case", COERCED)
async def test_what_is_changed_is_told_or_refused(desk: Desk, case: str) -> None:
    fields, name = COERCED[case]
    answer = await desk.create(meeting(**fields))
    assert list(answer.report.coerced_fields.paths) == [name]
    before = len(desk.ada.entries)
    with refused(Kind.PRECONDITION, field=f"event.{name}"):
        await desk.create(meeting(**fields), strict=True)
    assert len(desk.ada.entries) == before


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "27 attachments": (
        {"attachments": [{"url": f"https://a.example/{n}"} for n in range(27)]},
        "event.attachments",
    ),
    "an attachment without URL": ({"attachments": [{"name": "x"}]}, "event.attachments[0].url"),
    "six reminders": (
        {"reminders": {"overrides": [{"minutes_before": n} for n in range(6)]}},
        "event.reminders.overrides",
    ),
    "a reminder a year ahead": (
        {"reminders": {"overrides": [{"minutes_before": 500_000}]}},
        "event.reminders.overrides[0].minutes_before",
    ),
    "a long key": ({"metadata": {"k" * 45: "v"}}, "event.metadata"),
    "a new canceled event": ({"status": event_pb2.EVENT_STATUS_CANCELED}, "event.status"),
    "a type of Google's own": ({"type": event_pb2.EVENT_TYPE_OTHER}, "event.type"),
    "a birthday at 14:10": ({"type": event_pb2.EVENT_TYPE_BIRTHDAY}, "event.type"),
}


@pytest.mark.parametrize("case", BAD)
async def test_bad_input_is_refused_before_google_is_asked(desk: Desk, case: str) -> None:
    fields, path = BAD[case]
    with refused(Kind.INVALID, field=path):
        await desk.create(meeting(**fields))
    assert desk.google.journal == []


async def test_floating_times_are_refused(desk: Desk) -> None:
    """P22: Google has none; they are not made into UTC in silence."""
    event = meeting()
    event.start_at.floating.year, event.start_at.floating.month = 2026, 10
    with refused(Kind.INVALID, field="event.start_at"):
        await desk.create(event)


# -- whole days


@pytest.mark.parametrize("zone", ["UTC", "Europe/Copenhagen", "America/New_York", "Asia/Manila"])
async def test_all_day_events_do_not_hang_on_the_machine(
    desk: Desk, zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P28, P29, P30: dates stay dates, the end is exclusive, wherever the process runs."""
    monkeypatch.setitem(os.environ, "TZ", zone)
    time.tzset()
    try:
        event = event_pb2.Event(
            subject="Day", start_at=day(date(2026, 8, 29)), end_at=day(date(2026, 8, 30))
        )
        made = await desk.make(event)
        assert desk.asked("POST")[-1].body["end"] == {"date": "2026-08-30"}
        found = await desk.get(made.id)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert found.start_at == day(date(2026, 8, 29))
    assert found.end_at == day(date(2026, 8, 30))
    assert found.is_all_day
    birthday = event_pb2.Event(
        subject="B",
        start_at=day(date(2026, 8, 29)),
        end_at=day(date(2026, 8, 30)),
        type=event_pb2.EVENT_TYPE_BIRTHDAY,
    )
    made = await desk.make(birthday)
    assert made.type == event_pb2.EVENT_TYPE_BIRTHDAY
    assert made.recurrence.rules == ["RRULE:FREQ=YEARLY"]


async def test_the_next_day_is_outside_of_a_window(desk: Desk) -> None:
    """P31: a day's window in the calendar's zone does not hold the next day's event."""
    await desk.make(
        event_pb2.Event(start_at=day(date(2026, 10, 21)), end_at=day(date(2026, 10, 22)))
    )
    midnight = datetime(2026, 10, 20, tzinfo=BERLIN)
    assert await desk.listed(window=window(midnight, days=1)) == []
    assert len(await desk.listed(window=window(midnight + timedelta(days=1), days=1))) == 1


async def test_from_times_to_days_and_back(desk: Desk) -> None:
    made = await desk.make(meeting())
    whole = event_pb2.Event(start_at=day(date(2026, 10, 20)), end_at=day(date(2026, 10, 21)))
    await desk.update(made.id, whole, "start_at", "end_at")
    body = desk.asked("PATCH")[-1].body
    assert body["start"] == {"date": "2026-10-20", "dateTime": None, "timeZone": None}
    assert (await desk.get(made.id)).start_at == day(date(2026, 10, 20))
    await desk.update(made.id, meeting(), "start_at", "end_at")
    assert (await desk.get(made.id)).start_at == berlin(20, 14, 10)


async def test_zones_of_organizer_and_viewer(desk: Desk) -> None:
    """P25: the zone of the event stays, and so does the instant."""
    start = instant(datetime(2026, 10, 20, 12, 10, tzinfo=UTC), "America/New_York")
    made = await desk.make(meeting(at=start))
    assert desk.ada.zone == "Europe/Berlin"
    found = await desk.get(made.id)
    assert found.start_at == start


# -- lists


async def test_pages_neither_repeat_nor_lose(desk: Desk) -> None:
    """P10."""
    made = {(await desk.make(meeting(f"Number {n}"))).id for n in range(103)}
    for size in (1, 7, 100):
        found = [e.id for e in await desk.listed(window=_DAY, page_size=size)]
        assert len(found) == 103
        assert set(found) == made


async def test_an_empty_page_is_not_the_end(desk: Desk) -> None:
    await desk.make(meeting())
    desk.google.world.page_cut = 0
    request = event_pb2.ListEventsRequest(window=_DAY)
    first = await desk.provider.list_events(desk.call, request)
    assert not first.events
    assert first.next_page_token
    desk.google.world.page_cut = 0
    assert len(await desk.listed(window=_DAY)) == 1


async def test_a_list_asks_for_what_is_read_and_no_more(desk: Desk) -> None:
    await desk.make(meeting("Secret", description="long"))
    (found,) = await desk.listed(read_mask={"paths": ["subject", "start_at"]})
    assert found.subject == "Secret"
    asked = desk.asked("GET", "/events")[-1]
    assert asked.query["prettyPrint"] == "false"
    assert asked.query["fields"].endswith("items(id,status,recurringEventId,summary,start)")
    assert "description" not in asked.answer["items"][0]
    await desk.listed(include_raw=True)
    assert "fields" not in desk.asked("GET", "/events")[-1].query


async def test_a_resume_token_comes_with_the_last_page_of_a_plain_list(desk: Desk) -> None:
    """P03: and with no other."""
    for number in range(3):
        await desk.make(meeting(f"Number {number}"))
    request = event_pb2.ListEventsRequest(page_size=2)
    first = await desk.provider.list_events(desk.call, request)
    assert first.resume_token == b""
    request.page_token = first.next_page_token
    last = await desk.provider.list_events(desk.call, request)
    assert last.resume_token
    later = await desk.make(meeting("Later"))
    found, _ = await desk.all_changes(last.resume_token.decode())
    assert [change.id for change in found] == [later.id]
    for filtered in (
        event_pb2.ListEventsRequest(window=_DAY),
        event_pb2.ListEventsRequest(query="x"),
        event_pb2.ListEventsRequest(updated_after={"seconds": 1_780_000_000}),
        event_pb2.ListEventsRequest(window=_DAY, expand_recurring=True),
    ):
        assert (await desk.provider.list_events(desk.call, filtered)).resume_token == b""


async def test_stubs_and_oddities_parse(desk: Desk) -> None:
    """P70, P71: unknown types and words, no summary, a stub with an id only."""
    calendar = desk.ada
    await desk.make(meeting(""))
    strange = {
        "kind": "calendar#event",
        "id": "strange",
        "status": "perhaps",
        "eventType": "fromTheFuture",
        "visibility": "secret",
        "transparency": "cloudy",
        "colorId": "99",
        "attendees": [{"responseStatus": "thinking"}],
        "start": {"dateTime": "2026-10-20T09:00:00Z"},
        "end": {"dateTime": "2026-10-20T10:00:00Z"},
    }
    desk.google.world.put(calendar, strange)
    stub = {"kind": "calendar#event", "id": "stub", "status": "cancelled"}
    desk.google.world.put(calendar, stub)
    found = {e.id: e for e in await desk.listed(include_canceled=True)}
    assert found["strange"].type == event_pb2.EVENT_TYPE_OTHER
    assert found["strange"].provider_type == "fromTheFuture"
    assert found["strange"].status == event_pb2.EVENT_STATUS_UNSPECIFIED
    assert found["stub"].status == event_pb2.EVENT_STATUS_CANCELED
    assert not found["stub"].HasField("start_at")
    assert "" in {e.subject for e in found.values()}
    assert "stub" not in {e.id for e in await desk.listed()}


async def test_numbers_beyond_doubles_are_kept_as_text_in_raw(desk: Desk) -> None:
    made = await desk.make(meeting())
    desk.ada.entries[made.id].data["sequence"] = 3
    desk.ada.entries[made.id].data["_x"] = 1
    entry = desk.ada.entries[made.id].data
    entry["extendedProperties"] = {"private": {"n": "9007199254740993"}}
    found = await desk.get(made.id, include_raw=True)
    assert found.raw["__id"] == made.id
    assert found.raw["summary"] == "Meeting"
    assert found.metadata["n"] == "9007199254740993"
    assert found.sequence == 3


# -- ids


async def test_ids_that_differ_little_are_different_events(desk: Desk) -> None:
    """P69: nothing is normalized; slashes and hashes are quoted."""
    calendar = desk.ada
    for own_id in ("_60q30c1g", "-60q30c1g", "_60Q30c1g", "a/b#c?d", "a%2Fb"):
        data = {
            "kind": "calendar#event",
            "id": own_id,
            "summary": f"is {own_id}",
            "status": "confirmed",
            "eventType": "default",
            "start": {"date": "2026-10-20"},
            "end": {"date": "2026-10-21"},
        }
        desk.google.world.put(calendar, data)
    for own_id in ("_60q30c1g", "-60q30c1g", "_60Q30c1g", "a/b#c?d", "a%2Fb"):
        found = await desk.get(own_id)
        assert (found.id, found.subject) == (own_id, f"is {own_id}")


async def test_a_calendar_id_with_a_hash(desk: Desk) -> None:
    own_id = "de.german#holiday@group.v.calendar.google.com"
    desk.google.world.add_calendar(own_id, "Feiertage", "Europe/Berlin", "google", role="reader")
    assert await desk.listed(calendar_id=own_id) == []
    assert desk.asked("GET", "/events")[-1].path.split("/")[4] == (
        "de.german%23holiday%40group.v.calendar.google.com"
    )
