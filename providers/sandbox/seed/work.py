"""The primary calendar: what an office week is made of, in every form that the contract has."""

from datetime import date, timedelta

from providers.core import times
from providers.sandbox import conferences
from providers.sandbox.agenda import instance_event
from providers.sandbox.entries import Series
from providers.sandbox.planned import key_of
from providers.sandbox.seed import bookings, moving
from providers.sandbox.seed.calendars import WORK
from providers.sandbox.seed.drafts import (
    ACCEPTED,
    DECLINED,
    TENTATIVE,
    WAITING,
    ZONE,
    all_day,
    draft,
    first_on,
    invite,
    keep,
    local,
    repeat,
    timed,
    utc,
)
from providers.sandbox.seed.people import AIKO, CLARA, DIEGO, JONAS, MARIA, PRIYA, SAM
from providers.sandbox.world import World
from ucal.v1 import event_pb2, types_pb2

STANDUP = "standup"


def plant(world: World, monday: date) -> None:
    """Plant it around the week of `monday`."""
    _standup(world, monday)
    _series(world, monday)
    _quarterly(world, monday)
    _own_time(world, monday)
    _invitations(world, monday)
    _singles(world, monday)
    _booked(world, monday)


def _call(event: event_pb2.Event, kind: types_pb2.ConferenceKind.ValueType) -> event_pb2.Event:
    event.conference.kind = kind
    conferences.ready(event.conference, event.id)
    return event


def _standup(world: World, monday: date) -> None:
    """Every working day for half a year, one cancelled for good, one cancelled, two changed."""
    event = timed(draft(WORK, STANDUP, "Standup"), monday - timedelta(weeks=26), "09:30", 15)
    invite(event, (PRIYA, ACCEPTED), (JONAS, ACCEPTED), (AIKO, TENTATIVE), (SAM, WAITING))
    skipped = utc(monday - timedelta(weeks=1), "09:30")
    repeat(event, ["RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", f"EXDATE:{skipped}"])
    event.description = "What was done, what comes next, what is in the way."
    keep(world, _call(event, conferences.MEET))
    series = world.agendas[WORK].series[STANDUP]

    moved = _instance(series, monday + timedelta(days=8))
    timed(moved, monday + timedelta(days=8), "11:00", 30)
    moved.subject = "Standup (moved, with demo)"
    _except(world, moved)
    canceled = _instance(series, monday + timedelta(days=3))
    canceled.status = event_pb2.EVENT_STATUS_CANCELED
    canceled.cancellation_reason = "Offsite"
    _except(world, canceled)
    elsewhere = _instance(series, monday - timedelta(days=4))
    elsewhere.location = "Roof terrace"
    _except(world, elsewhere)


def _instance(series: Series, day: date) -> event_pb2.Event:
    return instance_event(series, local(day, "09:30"))


def _except(world: World, event: event_pb2.Event) -> None:
    planned = times.instant(event.original_start_at)
    world.save_exception(key_of(planned), event)


def _series(world: World, monday: date) -> None:
    one = timed(
        draft(WORK, "one-on-one", "1:1 Robin / Priya"),
        monday - timedelta(weeks=12, days=-1),
        "16:00",
        45,
    )
    one.visibility = event_pb2.EVENT_VISIBILITY_PRIVATE
    repeat(invite(one, (PRIYA, ACCEPTED)), ["RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=TU"])
    keep(world, _call(one, conferences.TEAMS))

    first = first_on((monday - timedelta(weeks=20)).replace(day=1), 0)
    planning = timed(draft(WORK, "planning", "Monthly planning"), first, "14:00", 90)
    invite(planning, (PRIYA, ACCEPTED), (JONAS, ACCEPTED), (MARIA, DECLINED), (SAM, ACCEPTED))
    planning.room_ids.append("panke")
    planning.attachments.add(
        id="att-roadmap",
        name="Roadmap.pdf",
        url="https://files.sandbox.example/roadmap.pdf",
        mime_type="application/pdf",
        size_bytes=482_113,
    )
    keep(world, repeat(planning, ["RRULE:FREQ=MONTHLY;BYDAY=1MO"]))

    started = first_on(monday - timedelta(weeks=9), 3)
    course = timed(draft(WORK, "course", "Python course"), started, "10:00", 120)
    invite(course, (JONAS, ACCEPTED), (DIEGO, ACCEPTED))
    keep(world, repeat(course, ["RRULE:FREQ=WEEKLY;COUNT=12;BYDAY=TH"]))

    ended = timed(
        draft(WORK, "migration", "Migration sync"), monday - timedelta(weeks=16), "13:00", 30
    )
    until = utc(monday - timedelta(weeks=4), "13:00")
    keep(world, repeat(invite(ended, (SAM, ACCEPTED)), [f"RRULE:FREQ=WEEKLY;UNTIL={until}"]))

    tokyo = timed(
        draft(WORK, "tokyo-sync", "Sync with Tokyo"),
        monday + timedelta(days=2),
        "17:30",
        30,
        "Asia/Tokyo",
    )
    repeat(invite(tokyo, (AIKO, ACCEPTED)), ["RRULE:FREQ=WEEKLY;BYDAY=WE"])
    tokyo.room_ids.append("sumida")
    keep(world, _call(tokyo, conferences.ZOOM))


def _quarterly(world: World, monday: date) -> None:
    begin = (monday - timedelta(days=200)).replace(day=28)
    review = timed(draft(WORK, "review", "Quarterly review"), begin, "09:00", 180)
    invite(review, (PRIYA, ACCEPTED), (CLARA, TENTATIVE))
    extra = utc(monday + timedelta(days=17), "09:00")
    keep(world, repeat(review, ["RRULE:FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=28", f"RDATE:{extra}"]))


def _own_time(world: World, monday: date) -> None:
    focus = timed(
        draft(WORK, "focus", "Focus time"), monday - timedelta(weeks=8, days=-2), "13:00", 120
    )
    focus.type = event_pb2.EVENT_TYPE_FOCUS_TIME
    keep(world, repeat(focus, ["RRULE:FREQ=WEEKLY;BYDAY=WE,FR"]))

    away = all_day(draft(WORK, "vacation", "Out of office"), monday + timedelta(days=21), 5)
    away.type = event_pb2.EVENT_TYPE_OUT_OF_OFFICE
    keep(world, away)

    home = all_day(draft(WORK, "home-office", "Home office"), monday - timedelta(weeks=8, days=-4))
    home.type = event_pb2.EVENT_TYPE_WORKING_LOCATION
    home.location = "Home"
    keep(world, repeat(home, ["RRULE:FREQ=WEEKLY;BYDAY=FR"]))

    reminder = all_day(draft(WORK, "report", "Send the report"), first_on(monday, 4))
    reminder.show_as = event_pb2.SHOW_AS_FREE
    reminder.reminders.overrides.add(minutes_before=540, method=event_pb2.REMINDER_METHOD_EMAIL)
    keep(world, reminder)


def _invitations(world: World, monday: date) -> None:
    """Called by others: answered in every way, or not yet."""
    answers = ((WAITING, 9), (ACCEPTED, 10), (TENTATIVE, 11), (DECLINED, 11))
    for index, (answer, days) in enumerate(answers):
        name = types_pb2.AttendeeResponse.Name(answer).removeprefix("ATTENDEE_RESPONSE_").lower()
        event = draft(WORK, f"invitation-{name.replace('_', '-')}", f"Partner meeting {index + 1}")
        timed(event, monday + timedelta(days=days), f"{14 + index}:00", 60)
        event.organizer.CopyFrom(CLARA)
        event.attendees.add(name=CLARA.name, email=CLARA.email, response=ACCEPTED)
        event.attendees.add(name=world.account.name, email=world.account.email, response=answer)
        event.attendees.add(
            name=DIEGO.name, email=DIEGO.email, role=types_pb2.ATTENDEE_ROLE_OPTIONAL
        )
        event.attendees[2].response = WAITING
        event.conference.join_url = "https://video.example.org/partner"
        event.conference.kind = types_pb2.CONFERENCE_KIND_WEBEX
        event.conference.state = types_pb2.CONFERENCE_STATE_READY
        keep(world, event)


def _singles(world: World, monday: date) -> None:
    coffee = invite(draft(WORK, moving.ID, "Coffee with Sam"), (SAM, ACCEPTED))
    start = moving.start_at(world.born, 0)
    times.set_instant(coffee.start_at, start, ZONE)
    times.set_instant(coffee.end_at, start + timedelta(minutes=30), ZONE)
    coffee.location = moving.PLACES[0]
    coffee.description = "This meeting moves now and then, so that a watch shows life."
    keep(world, coffee)

    launch = timed(
        draft(WORK, "launch", "Product launch"), monday + timedelta(days=15), "11:00", 60
    )
    invite(launch, (PRIYA, ACCEPTED), (MARIA, ACCEPTED), (CLARA, WAITING), (DIEGO, ACCEPTED))
    launch.color, launch.location = "#D50000", "Torstrasse 1, Berlin"
    launch.categories.extend(["launch", "important"])
    launch.metadata["crm.deal"], launch.metadata["source"] = "4711", "seed"
    launch.reminders.overrides.add(minutes_before=1_440, method=event_pb2.REMINDER_METHOD_EMAIL)
    launch.reminders.overrides.add(minutes_before=10, method=event_pb2.REMINDER_METHOD_POPUP)
    launch.room_ids.append("spree")
    keep(world, _call(launch, conferences.ZOOM))

    canceled = timed(
        draft(WORK, "canceled-workshop", "Workshop"), monday + timedelta(days=6), "09:00", 240
    )
    canceled.status = event_pb2.EVENT_STATUS_CANCELED
    canceled.cancellation_reason = "Too few registrations"
    keep(world, invite(canceled, (MARIA, ACCEPTED)))

    tentative = timed(
        draft(WORK, "interview", "Interview"), monday + timedelta(days=12), "10:00", 60
    )
    tentative.status = event_pb2.EVENT_STATUS_TENTATIVE
    tentative.visibility = event_pb2.EVENT_VISIBILITY_CONFIDENTIAL
    keep(world, invite(tentative, (JONAS, TENTATIVE)))

    night = timed(
        draft(WORK, "deployment", "Deployment window"), monday + timedelta(days=5), "22:00", 300
    )
    keep(world, night)


def _booked(world: World, monday: date) -> None:
    event = timed(
        draft(WORK, "booking-dubois", "Intro call"), monday + timedelta(days=7), "15:00", 30
    )
    event.link_id = bookings.INTRO
    event.booking_answers["topic"] = "Calendar integration"
    event.booking_answers["team_size"] = "11-100"
    keep(world, _call(invite(event, (CLARA, ACCEPTED)), conferences.MEET))
