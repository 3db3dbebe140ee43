"""The other calendars: personal, the team's in New York, holidays."""

from datetime import date, datetime, timedelta

from providers.core import times
from providers.sandbox.seed.calendars import HOLIDAYS, PERSONAL, TEAM
from providers.sandbox.seed.drafts import ACCEPTED, all_day, draft, invite, keep, repeat, timed
from providers.sandbox.seed.people import DIEGO, MARIA
from providers.sandbox.world import World
from ucal.v1 import event_pb2

# Month, day, name.
_HOLIDAYS = (
    (1, 1, "New Year's Day"),
    (5, 1, "Labour Day"),
    (10, 3, "German Unity Day"),
    (12, 25, "Christmas Day"),
    (12, 26, "Second Day of Christmas"),
)


def plant(world: World, monday: date) -> None:
    """Plant them around the week of `monday`."""
    _personal(world, monday)
    _team(world, monday)
    for month, day, name in _HOLIDAYS:
        event = all_day(
            draft(HOLIDAYS, f"holiday-{month:02}-{day:02}", name), date(monday.year - 2, month, day)
        )
        event.visibility = event_pb2.EVENT_VISIBILITY_PUBLIC
        event.show_as = event_pb2.SHOW_AS_FREE
        keep(world, repeat(event, ["RRULE:FREQ=YEARLY"]))


def _personal(world: World, monday: date) -> None:
    run = draft(PERSONAL, "morning-run", "Morning run")
    begin = datetime.combine(monday - timedelta(weeks=6), datetime.min.time()).replace(hour=7)
    times.set_floating(run.start_at, begin)
    times.set_floating(run.end_at, begin + timedelta(minutes=40))
    keep(world, repeat(run, ["RRULE:FREQ=WEEKLY;BYDAY=MO,TH"]))

    birthday = all_day(draft(PERSONAL, "birthday-alex", "Alex's birthday"), date(1988, 2, 29))
    birthday.type = event_pb2.EVENT_TYPE_BIRTHDAY
    keep(world, repeat(birthday, ["RRULE:FREQ=YEARLY"]))

    keep(
        world, timed(draft(PERSONAL, "dentist", "Dentist"), monday + timedelta(days=9), "08:15", 45)
    )
    trip = all_day(draft(PERSONAL, "trip", "Weekend in Prague"), monday + timedelta(days=12), 2)
    trip.location = "Prague"
    keep(world, trip)


def _team(world: World, monday: date) -> None:
    zone = "America/New_York"
    hands = timed(
        draft(TEAM, "all-hands", "All hands"),
        monday - timedelta(weeks=26, days=-2),
        "14:10",
        50,
        zone,
    )
    invite(hands, (MARIA, ACCEPTED), (DIEGO, ACCEPTED))
    keep(world, repeat(hands, ["RRULE:FREQ=WEEKLY;BYDAY=WE"]))
    retro = timed(
        draft(TEAM, "retro", "Retrospective"),
        monday - timedelta(weeks=10, days=-4),
        "11:00",
        60,
        zone,
    )
    retro.room_ids.append("hudson")
    keep(
        world, repeat(invite(retro, (MARIA, ACCEPTED)), ["RRULE:FREQ=MONTHLY;BYDAY=FR;BYSETPOS=-1"])
    )
