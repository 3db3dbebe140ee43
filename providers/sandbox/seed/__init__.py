"""What a world holds at first: a believable account, around the present day.

Everything is a function of the connection's id and the instant of the first visit.
"""

from datetime import timedelta

from providers.sandbox.seed import (
    bookings,
    calendars,
    fillers,
    people,
    places,
    recordings,
    shared,
    webinars,
    work,
)
from providers.sandbox.seed.drafts import monday_of
from providers.sandbox.world import World

_OLD = timedelta(days=30)


def plant(world: World) -> None:
    """Fill an empty world."""
    world.account.CopyFrom(people.ACCOUNT)
    world.now = world.born - _OLD  # so that created_at and updated_at lie in the past
    places.plant(world)
    calendars.plant(world)
    bookings.plant(world)
    monday = monday_of(world.born)
    work.plant(world, monday)
    shared.plant(world, monday)
    week = monday - fillers.BEHIND
    while week <= monday + fillers.AHEAD:
        fillers.plant_week(world, week)
        week += timedelta(days=7)
    recordings.plant(world, monday)
    webinars.plant(world, monday)
    world.now = world.born
    world.journal.begin()
