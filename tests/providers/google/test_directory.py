"""Rooms and locations."""

import pytest

from providers.core.errors import Kind
from tests.providers.google.desk import Desk, meeting, refused
from ucal.v1 import location_pb2, room_pb2


async def _rooms(desk: Desk, location: str = "") -> list[room_pb2.Room]:
    request = room_pb2.ListRoomsRequest(location_id=location, page_size=2)
    found: list[room_pb2.Room] = []
    while True:
        answer = await desk.provider.list_rooms(desk.call, request)
        found += answer.rooms
        if not answer.next_page_token:
            return found
        request.page_token = answer.next_page_token


async def test_rooms_of_a_location(desk: Desk) -> None:
    assert len(await _rooms(desk)) == 6
    found = await _rooms(desk, "BER-1")
    assert [room.name for room in found] == ["Aquarium", "Bibliothek", "Forum"]
    room = found[0]
    assert (room.capacity, room.building, room.floor) == (12, "BER-1", "1")
    assert list(room.features) == ["Screen", "Whiteboard"]
    assert room.id == room.email == room.calendar_id


async def test_a_room_is_read_by_its_address_and_invited(desk: Desk) -> None:
    own_id = (await _rooms(desk))[0].id
    request = room_pb2.GetRoomRequest(id=own_id, include_raw=True)
    room = (await desk.provider.get_room(desk.call, request)).room
    assert room.id == own_id
    assert room.raw["__id"] == "res-1"
    made = await desk.make(meeting(room_ids=[room.id]))
    assert list(made.room_ids) == [room.id]
    assert [a.is_resource for a in made.attendees] == [True]


@pytest.mark.parametrize("own_id", ["nobody", 'x" OR name="y', "a\\", "résumé"])
async def test_a_room_that_is_not_there(desk: Desk, own_id: str) -> None:
    with refused(Kind.NOT_FOUND):
        await desk.provider.get_room(desk.call, room_pb2.GetRoomRequest(id=own_id))


async def test_locations(desk: Desk) -> None:
    request = location_pb2.ListLocationsRequest()
    found = (await desk.provider.list_locations(desk.call, request)).locations
    assert [each.name for each in found] == ["Berlin Mitte", "New York Chelsea"]
    assert found[0].address == "Main Street 1, 10115 Berlin, DE"
    assert list(found[0].floors) == ["1", "2"]
    one = await desk.provider.get_location(
        desk.call, location_pb2.GetLocationRequest(id="BER-1", include_raw=True)
    )
    assert one.location.raw["__id"] == "BER-1"
    with refused(Kind.NOT_FOUND):
        await desk.provider.get_location(desk.call, location_pb2.GetLocationRequest(id="X"))


async def test_an_account_without_directory_rights(desk: Desk) -> None:
    desk.google.directory.allowed = False
    with refused(Kind.FORBIDDEN):
        await _rooms(desk)
