"""Locations, rooms, and when rooms and colleagues are busy."""

from datetime import timedelta

from providers.sandbox import drafts
from providers.sandbox.agenda import Agenda
from providers.sandbox.seed import people
from providers.sandbox.seed.drafts import ZONE, draft, monday_of, repeat, timed
from providers.sandbox.world import World
from ucal.v1 import location_pb2, room_pb2

# Id, name, address, floors, zone.
_LOCATIONS = (
    ("berlin", "Berlin", "Torstrasse 1, 10119 Berlin, Germany", ("EG", "1", "3"), ZONE),
    (
        "new-york",
        "New York",
        "11 W 42nd St, New York, NY 10036, USA",
        ("12", "14"),
        "America/New_York",
    ),
    ("tokyo", "Tokyo", "1-1 Marunouchi, Chiyoda-ku, Tokyo 100-0005, Japan", ("7",), "Asia/Tokyo"),
)
# Id, name, capacity, features, floor, location.
_ROOMS = (
    ("spree", "Spree", 8, ("display", "video", "whiteboard"), "3", "berlin"),
    ("havel", "Havel", 4, ("display",), "3", "berlin"),
    ("panke", "Panke", 20, ("projector", "video", "wheelchair access"), "EG", "berlin"),
    ("hudson", "Hudson", 10, ("display", "video"), "14", "new-york"),
    ("sumida", "Sumida", 6, ("display", "video"), "7", "tokyo"),
)
# Weekday and hour at which a colleague or a room is taken for an hour, week by week.
_TAKEN = ("MO 10:00", "TU 15:00", "WE 11:00", "TH 09:30", "FR 14:00")
_DAYS = ("MO", "TU", "WE", "TH", "FR")


def plant(world: World) -> None:
    """Plant them."""
    for own_id, name, address, floors, zone in _LOCATIONS:
        location = location_pb2.Location(id=own_id, name=name, address=address, floors=floors)
        location.timezone = zone
        world.save(world.locations, location)
    for own_id, name, capacity, features, floor, location_id in _ROOMS:
        room = room_pb2.Room(id=own_id, name=name, capacity=capacity, features=features)
        room.email = room.calendar_id = f"room-{own_id}@example.com"
        room.building = world.locations.get(location_id).name
        room.floor, room.location_id = floor, location_id
        world.save(world.rooms, room)
        world.room_of[room.email] = own_id
    zones = {own_id: zone for own_id, _, _, _, zone in _LOCATIONS}
    for index, (own_id, *_, location_id) in enumerate(_ROOMS):
        _shadow(world, f"room-{own_id}@example.com", index, zones[location_id])
    for index, person in enumerate((*people.COLLEAGUES, people.CLARA, people.DIEGO)):
        _shadow(world, person.email, index + 2, ZONE)


def _shadow(world: World, address: str, index: int, zone: str) -> None:
    """Two weekly hours, and which two depends on `index`; nobody sees more than that."""
    agenda = world.shadows[address] = Agenda(zone)
    begin = monday_of(world.born) - timedelta(weeks=26)
    for turn in (index, index + 2):
        weekday, clock = _TAKEN[turn % len(_TAKEN)].split()
        event = draft(world.primary_id, f"{address}-{turn}", "")
        timed(event, begin + timedelta(days=_DAYS.index(weekday)), clock, 60, zone)
        repeat(event, ["RRULE:FREQ=WEEKLY"])
        drafts.settle_times(event)
        agenda.put(event)
