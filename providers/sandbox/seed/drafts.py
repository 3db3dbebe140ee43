"""How seeds are written: events in local time, saved the way callers' events are."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from providers.core import times, timezones
from providers.sandbox import drafts
from providers.sandbox.seed import people
from providers.sandbox.world import World
from ucal.v1 import event_pb2, types_pb2

ZONE = "Europe/Berlin"

ACCEPTED = types_pb2.ATTENDEE_RESPONSE_ACCEPTED
DECLINED = types_pb2.ATTENDEE_RESPONSE_DECLINED
TENTATIVE = types_pb2.ATTENDEE_RESPONSE_TENTATIVE
WAITING = types_pb2.ATTENDEE_RESPONSE_NEEDS_ACTION


def monday_of(now: datetime) -> date:
    """Monday of the week of `now` in the account's zone."""
    today = now.astimezone(timezones.zone(ZONE)).date()
    return today - timedelta(days=today.weekday())


def local(day: date, clock: str, zone: str = ZONE) -> datetime:
    """`day` at `clock`, "09:30", in `zone`."""
    return datetime.combine(day, time.fromisoformat(clock), timezones.zone(zone))


def draft(calendar_id: str, own_id: str, subject: str) -> event_pb2.Event:
    """An event without time, called by the account."""
    event = event_pb2.Event(id=own_id, calendar_id=calendar_id, subject=subject)
    event.ical_uid = f"{own_id}@sandbox.example"
    event.web_url = f"https://calendar.sandbox.example/e/{own_id}"
    event.organizer.CopyFrom(people.ACCOUNT)
    return event


def timed(
    event: event_pb2.Event, day: date, clock: str, minutes: int, zone: str = ZONE
) -> event_pb2.Event:
    """Let `event` begin on `day` at `clock` in `zone`."""
    start = local(day, clock, zone)
    times.set_instant(event.start_at, start, zone)
    times.set_instant(event.end_at, start + timedelta(minutes=minutes), zone)
    event.timezone = zone
    return event


def all_day(event: event_pb2.Event, day: date, days: int = 1) -> event_pb2.Event:
    """Let `event` take whole days from `day` on."""
    times.set_date(event.start_at, day)
    times.set_date(event.end_at, day + timedelta(days=days))
    return event


def invite(
    event: event_pb2.Event,
    *guests: tuple[types_pb2.Person, types_pb2.AttendeeResponse.ValueType],
) -> event_pb2.Event:
    """Invite the account and `guests`, with the answers they have given."""
    seats = [(people.ACCOUNT, ACCEPTED), *guests]
    for person, response in seats:
        if not any(attendee.email == person.email for attendee in event.attendees):
            event.attendees.add(name=person.name, email=person.email, response=response)
    return event


def repeat(event: event_pb2.Event, rules: Sequence[str]) -> event_pb2.Event:
    """Make a series of `event`."""
    event.recurrence.rules.extend(rules)
    return event


def utc(day: date, clock: str, zone: str = ZONE) -> str:
    """`day` at `clock` in the form that EXDATE and UNTIL take."""
    return f"{local(day, clock, zone).astimezone(timezones.zone('UTC')):%Y%m%dT%H%M%SZ}"


def keep(world: World, event: event_pb2.Event) -> event_pb2.Event:
    """Save `event` as it is; answers and calls given in it stand."""
    before = event_pb2.Event()
    before.CopyFrom(event)
    drafts.settle(world, event, before)
    return world.save_event(event)


def first_on(day: date, weekday: int) -> date:
    """The first `weekday` (0 is Monday) at or after `day`."""
    return day + timedelta(days=(weekday - day.weekday()) % 7)
