"""Plain meetings that make weeks look lived in: the same ones for a connection in every process."""

import hashlib
import random
from datetime import date, datetime, timedelta

from providers.sandbox.clock import micros
from providers.sandbox.seed import people
from providers.sandbox.seed.calendars import WORK
from providers.sandbox.seed.drafts import ACCEPTED, WAITING, draft, invite, keep, local, timed
from providers.sandbox.world import World

BEHIND = timedelta(weeks=4)
AHEAD = timedelta(weeks=8)
PER_WEEK = 6

_PREFIX = "meeting-"
_SUBJECTS = (
    "Architecture talk",
    "Budget check",
    "Bug triage",
    "Customer call",
    "Design review",
    "Hiring sync",
    "Incident review",
    "Lunch and learn",
    "Pairing session",
    "Roadmap update",
    "Security review",
    "Vendor call",
)
_CLOCKS = ("10:00", "10:30", "11:15", "12:00", "13:30", "15:00", "16:30")
_LENGTHS = (25, 30, 45, 60)


def begin_of(monday: date) -> datetime:
    """The instant at which the week of `monday` begins for the account."""
    return local(monday, "00:00")


def plant_week(world: World, monday: date) -> None:
    """Plant the meetings of one week."""
    seed = hashlib.sha256(f"{world.connection_id}\n{monday}".encode()).digest()
    dice = random.Random(seed)  # noqa: S311 - looks, not secrets
    places = dice.sample([(day, clock) for day in range(5) for clock in _CLOCKS], PER_WEEK)
    for number, (day, clock) in enumerate(sorted(places)):
        event = draft(WORK, f"{_PREFIX}{monday:%G-w%V}-{number + 1}", dice.choice(_SUBJECTS))
        timed(event, monday + timedelta(days=day), clock, dice.choice(_LENGTHS))
        guests = dice.sample(people.COLLEAGUES, dice.randint(1, 3))
        invite(event, *((person, dice.choice((ACCEPTED, ACCEPTED, WAITING))) for person in guests))
        if dice.random() < 0.3:
            event.location = dice.choice(("Room Spree", "Room Havel", "Canteen"))
        keep(world, event)


def clear_before(world: World, monday: date) -> None:
    """Remove the meetings planted for weeks before that of `monday`."""
    limit = micros(begin_of(monday))
    agenda = world.agendas[WORK]
    old = [own_id for start, own_id in agenda.rows if start < limit and own_id.startswith(_PREFIX)]
    for own_id in old:
        world.drop_event(WORK, own_id)
