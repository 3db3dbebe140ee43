"""What the suite writes: one sound resource of each kind, and values for each field.

`make` fills only fields that the provider says it keeps on create. `VALUES` holds, for each field
of each kind, values that some provider keeps; a provider need not keep each of them, but what it
does not keep it must report or refuse (see `test_fields`).
"""

import itertools
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from providers.core import operations as ops
from tests.conformance.kinds import CALENDAR, EVENT, METHODS, ROOM, WEBINAR, Kind
from ucal.v1 import calendar_pb2, event_pb2, types_pb2, webinar_pb2

if TYPE_CHECKING:
    from tests.conformance.client import Client


def _base() -> datetime:
    """Monday in three to four weeks, 09:00 UTC: inside every horizon, far from what is seeded."""
    today = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0)
    return today + timedelta(days=28 - today.weekday())


BASE = _base()
BERLIN = ZoneInfo("Europe/Berlin")
_serial = itertools.count()


def slug() -> str:
    """One that no other link of this run has."""
    return f"conformance-{next(_serial)}"


def stamp(when: datetime, zone: str = "") -> types_pb2.EventTime:
    """An instant, planned in `zone`."""
    assert when.tzinfo is not None
    found = types_pb2.EventTime(time_zone=zone)
    found.timestamp.FromDatetime(when)
    return found


def day(when: date) -> types_pb2.EventTime:
    """A whole day."""
    found = types_pb2.EventTime()
    found.date.year, found.date.month, found.date.day = when.year, when.month, when.day
    return found


def floating(when: datetime) -> types_pb2.EventTime:
    """Wall time without a zone."""
    found = types_pb2.EventTime()
    value = found.floating
    value.year, value.month, value.day = when.year, when.month, when.day
    value.hours, value.minutes = when.hour, when.minute
    value.SetInParent()
    return found


def window(start: datetime, *, days: float) -> types_pb2.TimeRange:
    """From `start`, so many days long."""
    found = types_pb2.TimeRange()
    found.start_at.FromDatetime(start)
    found.end_at.FromDatetime(start + timedelta(days=days))
    return found


def instant(when: types_pb2.EventTime) -> datetime:
    """A timestamp as an aware datetime."""
    assert when.WhichOneof("value") == "timestamp", when
    return when.timestamp.ToDatetime(UTC)


def slot() -> datetime:
    """A start that none of the last 360 samples has, inside working hours."""
    number = next(_serial)
    # Nine weeks, over and over: providers that list a year must not be outrun by a long session.
    return BASE + timedelta(days=number // 8 % 5 + 7 * (number // 40 % 9), hours=number % 8)


BUSY_WINDOW = window(BASE - timedelta(days=7), days=14)


def quiet(number: float) -> dict[str, types_pb2.EventTime]:
    """Start and end inside `BUSY_WINDOW`, when no other sample is."""
    start = BASE - timedelta(days=3) + timedelta(hours=number)
    return _time(stamp(start, "UTC"), stamp(start + timedelta(minutes=20), "UTC"))


def title(what: str = "sample") -> str:
    """A title that no other object has."""
    return f"Conformance {what} {next(_serial)}"


async def make(client: "Client", kind: Kind) -> Any:
    """A resource that a provider with these capabilities can be expected to take."""
    operation = kind.op(METHODS.METHOD_CREATE)
    keeps = set(client.capability(operation).writable_fields)
    found = kind.resource()
    if kind.title in keeps:
        setattr(found, kind.title, title(kind.name))
    if kind is EVENT:
        await _fill_event(client, found, keeps)
    elif kind is WEBINAR:
        _fill_time(found, slot())
    elif kind.name == "link":
        _fill_link(found, keeps)
    elif kind is CALENDAR and "timezone" in keeps:
        found.timezone = "Europe/Berlin"
    return found


def _fill_time(found: Any, start: datetime, minutes: int = 30) -> None:
    found.start_at.CopyFrom(stamp(start, "UTC"))
    found.end_at.CopyFrom(stamp(start + timedelta(minutes=minutes), "UTC"))


async def _fill_event(client: "Client", found: event_pb2.Event, keeps: set[str]) -> None:
    found.calendar_id = client.harness.calendar_id
    if client.books:
        await _fill_booking(client, found, keeps)
    else:
        _fill_time(found, slot())


async def booking(client: "Client") -> event_pb2.Event:
    """An event that books `Harness.link_id` at a free slot."""
    keeps = set(client.capability(ops.CREATE_EVENT).writable_fields)
    found = event_pb2.Event()
    await _fill_booking(client, found, keeps)
    return found


async def _fill_booking(client: "Client", found: event_pb2.Event, keeps: set[str]) -> None:
    found.link_id = client.harness.link_id
    if "attendees" in keeps:
        found.attendees.add(name="Ada Guest", email="ada.guest@example.com")
    if "timezone" in keeps:
        found.timezone = "Europe/Berlin"
    if not client.supports(ops.LIST_LINK_SLOTS):
        _fill_time(found, slot())
        return
    free = await client.all(
        ops.LIST_LINK_SLOTS, link_id=found.link_id, window=window(BASE - timedelta(days=7), days=7)
    )
    assert free, f"{client.name} ListLinkSlots: no free slot, so nothing can be booked"
    found.start_at.timestamp.CopyFrom(free[next(_serial) % len(free)].start_at)
    if "end_at" in keeps:
        end = found.start_at.timestamp.ToDatetime(UTC) + timedelta(minutes=30)
        found.end_at.CopyFrom(stamp(end, "UTC"))


def _fill_link(found: Any, keeps: set[str]) -> None:
    if "duration" in keeps:
        found.duration.FromTimedelta(timedelta(minutes=30))
    if "slug" in keeps:
        found.slug = slug()


def _time(start: types_pb2.EventTime, end: types_pb2.EventTime) -> dict[str, Any]:
    return {"start_at": start, "end_at": end}


_START = BASE + timedelta(days=70, hours=3)
_DAY = _START.date()
_WALL = _START.replace(tzinfo=None)

# Times go together: start and end must have one form.
TIMES: tuple[dict[str, Any], ...] = (
    _time(stamp(_START), stamp(_START + timedelta(minutes=45))),
    _time(stamp(_START, "Europe/Berlin"), stamp(_START + timedelta(minutes=45), "Europe/Berlin")),
    _time(day(_DAY), day(_DAY + timedelta(days=2))),
    _time(floating(_WALL), floating(_WALL + timedelta(minutes=45))),
)

_SECONDS = {"seconds": 45 * 60}
_RULES = ["RRULE:FREQ=WEEKLY;COUNT=3"]


async def values(client: "Client", kind: Kind, field: str) -> tuple[dict[str, Any], ...]:
    """Contents to try for `field`: what to set beside a sample. Empty when there are none."""
    if field in ("start_at", "end_at"):
        return TIMES
    if kind is EVENT and field == "room_ids":
        rooms = await client.every(ROOM) if client.supports(ops.LIST_ROOMS) else []
        return tuple({field: [room.id]} for room in rooms[:1])
    if kind is EVENT and field == "conference":
        return _conferences(client)
    if kind is EVENT and field == "link_id":
        return ({field: client.harness.link_id},) if client.harness.link_id else ()
    if field == "calendar_id":
        return ({field: client.harness.calendar_id},) if client.harness.calendar_id else ()
    return tuple({field: value} for value in VALUES[kind.name].get(field, ()))


def _conferences(client: "Client") -> tuple[dict[str, Any], ...]:
    asked = client.capability(ops.CREATE_EVENT).conference_kinds
    attached = types_pb2.Conference(
        kind=types_pb2.CONFERENCE_KIND_ZOOM, join_url="https://zoom.us/j/93712345678"
    )
    return (
        *({"conference": types_pb2.Conference(kind=kind)} for kind in asked),
        {"conference": attached},
    )


VALUES: Mapping[str, Mapping[str, tuple[Any, ...]]] = {
    "calendar": {
        "name": ("Team", "Équipe ✓ 😀 & <b>"),
        "description": ("What it is for",),
        "timezone": ("Europe/Berlin", "America/New_York"),
        "color": ("#D50000", "#0B8043", "#1E90FF"),
        "location": ("Berlin",),
    },
    "event": {
        "subject": ("Planning", "Fête ✓ 😀 <b>&amp;</b>, ;\\n"),
        "description": ("Agenda: one, two", "Line one\nLine two"),
        "timezone": ("Europe/Berlin",),
        "status": (event_pb2.EVENT_STATUS_TENTATIVE, event_pb2.EVENT_STATUS_CONFIRMED),
        "organizer": (types_pb2.Person(name="Olga Host", email="olga.host@example.com"),),
        "attendees": (
            [
                types_pb2.Attendee(
                    name="Ben Guest",
                    email="ben.guest@example.com",
                    role=types_pb2.ATTENDEE_ROLE_REQUIRED,
                )
            ],
            [
                types_pb2.Attendee(name="Ben Guest", email="ben.guest@example.com"),
                types_pb2.Attendee(
                    name="Cid, Guest",
                    email="Cid.Guest@example.com",
                    role=types_pb2.ATTENDEE_ROLE_OPTIONAL,
                ),
            ],
            [types_pb2.Attendee(email="dan.guest@example.com")],
        ),
        "location": ("Room 5, Main Street 1; Berlin",),
        "recurrence": (types_pb2.Recurrence(rules=_RULES),),
        "attachments": (
            [
                types_pb2.Attachment(
                    name="agenda.pdf",
                    url="https://files.example.com/agenda.pdf",
                    mime_type="application/pdf",
                )
            ],
        ),
        "visibility": (
            event_pb2.EVENT_VISIBILITY_PRIVATE,
            event_pb2.EVENT_VISIBILITY_PUBLIC,
            event_pb2.EVENT_VISIBILITY_CONFIDENTIAL,
        ),
        "show_as": (
            event_pb2.SHOW_AS_FREE,
            event_pb2.SHOW_AS_BUSY,
            event_pb2.SHOW_AS_TENTATIVE,
            event_pb2.SHOW_AS_OUT_OF_OFFICE,
            event_pb2.SHOW_AS_WORKING_ELSEWHERE,
        ),
        "type": (
            event_pb2.EVENT_TYPE_OUT_OF_OFFICE,
            event_pb2.EVENT_TYPE_FOCUS_TIME,
            event_pb2.EVENT_TYPE_WORKING_LOCATION,
            event_pb2.EVENT_TYPE_BIRTHDAY,
        ),
        "reminders": (
            event_pb2.Reminders(overrides=[event_pb2.Reminder(minutes_before=10)]),
            event_pb2.Reminders(
                overrides=[
                    event_pb2.Reminder(minutes_before=15),
                    event_pb2.Reminder(minutes_before=1440, method=event_pb2.REMINDER_METHOD_EMAIL),
                ]
            ),
            event_pb2.Reminders(use_default=True),
        ),
        "color": ("#D50000", "#33B679", "#1E90FF"),
        "room_ids": (["no-such-room"],),
        "metadata": ({"project": "alpha", "ticket-1.b": "42"},),
        "categories": (["Travel"],),
        "booking_answers": ({"notes": "Nothing special"},),
        "link_id": ("no-such-link",),
        "conference": (types_pb2.Conference(join_url="https://zoom.us/j/93712345678"),),
    },
    "link": {
        "name": ("Intro call", "Intro ✓ é"),
        "description": ("Let us talk",),
        "duration": (_SECONDS, {"seconds": 30 * 60}),
        "duration_options": ([{"seconds": 30 * 60}, {"seconds": 60 * 60}],),
        "is_active": (False, True),
        "price_amount": ("45.00", "45"),
        "price_currency": ("EUR", "USD"),
        "conferences": ([types_pb2.Conference(kind=types_pb2.CONFERENCE_KIND_ZOOM)],),
        "location": ("Berlin",),
        "parent_link_id": ("no-such-link",),
        "max_uses": (1,),
        "expires_at": (BASE + timedelta(days=60),),
        "slug": ("conformance-slug",),
        "locations": ([{"text": "Berlin"}],),
        "questions": ([{"name": "topic", "label": "Topic?", "is_required": True}],),
        "buffer_before": ({"seconds": 600},),
        "buffer_after": ({"seconds": 900},),
        "minimum_notice": ({"seconds": 7200},),
        "color": ("#D50000", "#0B8043"),
        "capacity": (5, 1),
    },
    "webinar": {
        "subject": ("Launch", "Lancement é ✓"),
        "description": ("What is new",),
        "panelists": (
            [webinar_pb2.WebinarPanelist(name="Pia Panel", email="pia.panel@example.com")],
        ),
        "recurrence": (types_pb2.Recurrence(rules=_RULES),),
        "capacity": (100, 500),
        "is_registration_required": (True, False),
        "is_q_and_a_enabled": (True, False),
        "is_polling_enabled": (True, False),
        "password": ("s3cret42",),
        "registration_fields": (
            [webinar_pb2.RegistrationField(name="city", is_required=True)],
            [webinar_pb2.RegistrationField(name="city")],
        ),
        "approval_mode": (
            webinar_pb2.APPROVAL_MODE_MANUAL,
            webinar_pb2.APPROVAL_MODE_AUTOMATIC,
            webinar_pb2.APPROVAL_MODE_NONE,
        ),
        "is_published": (True, False),
    },
}


def writable_by_contract(kind: Kind) -> set[str]:
    """Fields of `kind` that the contract lets a caller write."""
    return {*VALUES[kind.name], *(("start_at", "end_at") if kind in (EVENT, WEBINAR) else ())}


__all__ = ["BASE", "calendar_pb2"]
