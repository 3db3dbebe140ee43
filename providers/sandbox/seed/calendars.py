"""The account's calendars."""

from providers.sandbox import conferences
from providers.sandbox.agenda import Agenda
from providers.sandbox.seed.drafts import ZONE
from providers.sandbox.world import World
from ucal.v1 import calendar_pb2

WORK = "work"
PERSONAL = "personal"
TEAM = "team-new-york"
HOLIDAYS = "holidays"
EMPTY = "scratch"

_OWNER = calendar_pb2.ACCESS_ROLE_OWNER
_READER = calendar_pb2.ACCESS_ROLE_READER

# Id, name, description, zone, colour, role.
_CALENDARS = (
    (WORK, "Work", "Meetings of Robin Sand", ZONE, "#3F51B5", _OWNER),
    (PERSONAL, "Personal", "", ZONE, "#0B8043", _OWNER),
    (EMPTY, "Scratch", "Empty, for tests to fill", "Asia/Tokyo", "#616161", _OWNER),
    (
        TEAM,
        "Team New York",
        "Shared by the team",
        "America/New_York",
        "#F4511E",
        calendar_pb2.ACCESS_ROLE_WRITER,
    ),
    (HOLIDAYS, "Holidays", "Subscribed, cannot be changed", ZONE, "#8E24AA", _READER),
)


def plant(world: World) -> None:
    """Plant them; which kinds of calls can be asked for differs from one to the other."""
    for own_id, name, description, zone, color, role in _CALENDARS:
        calendar = calendar_pb2.Calendar(id=own_id, name=name, description=description)
        calendar.timezone, calendar.color, calendar.access_role = zone, color, role
        calendar.is_primary = own_id == WORK
        calendar.is_read_only = role == _READER
        if own_id in (WORK, EMPTY):
            calendar.location = "Berlin" if own_id == WORK else ""
            calendar.allowed_conference_kinds.extend(conferences.KINDS)
        elif own_id == PERSONAL:
            calendar.allowed_conference_kinds.append(conferences.MEET)
        if calendar.allowed_conference_kinds:
            calendar.default_conference_kind = conferences.MEET
        world.save(world.calendars, calendar)
        world.agendas[own_id] = Agenda(zone)
    world.primary_id = WORK
