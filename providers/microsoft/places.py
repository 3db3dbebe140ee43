"""Rooms, and lists of rooms as locations (learn.microsoft.com/graph/api/place-list).

A room's id is its address, under which it is invited and its busy time asked for.
"""

from typing import Any

import msgspec

from providers.core.errors import ProviderError
from providers.core.http import Reply, quote
from providers.core.raw import fill_raw
from providers.core.wire import decode
from providers.microsoft import tables
from providers.microsoft.api import Api, malformed
from providers.microsoft.wire import RawPage
from providers.microsoft.wire_places import Place
from ucal.v1 import location_pb2, room_pb2

MAX_PAGE = 1_000
_ROOM = "microsoft.graph.room"
_LIST = "microsoft.graph.roomlist"


async def _page(api: Api, path: str, size: int, token: str, what: str) -> tuple[Reply, RawPage]:
    resource = (what, path.split("/")[1])
    if token:
        reply = await api.send("GET", token, resource=resource)
    else:
        params = {"$top": size or MAX_PAGE}
        reply = await api.send("GET", path, params=params, resource=resource)
    return reply, decode(reply, RawPage)


def _convert(reply: Reply, item: dict[str, Any]) -> Place:
    try:
        return msgspec.convert(item, Place)
    except msgspec.ValidationError:
        raise malformed(reply) from None


async def list_rooms(api: Api, request: room_pb2.ListRoomsRequest) -> room_pb2.ListRoomsResponse:
    """ListRooms."""
    path = f"places/{_ROOM}"
    if request.location_id:
        path = f"places/{quote(request.location_id)}/{_LIST}/rooms"
    reply, page = await _page(api, path, request.page_size, request.page_token, "location")
    answer = room_pb2.ListRoomsResponse()
    for item in page.value:
        raw = item if request.include_raw else None
        parse_room(answer.rooms.add(), _convert(reply, item), api, request.location_id, raw)
    if page.nextLink:
        answer.next_page_token = api.relative(page.nextLink, reply)
    return answer


async def get_room(api: Api, request: room_pb2.GetRoomRequest) -> room_pb2.GetRoomResponse:
    """GetRoom."""
    item, found = await _read(api, request.id, _ROOM, "room")
    answer = room_pb2.GetRoomResponse()
    parse_room(answer.room, found, api, "", item if request.include_raw else None)
    return answer


async def _read(api: Api, own_id: str, kind: str, what: str) -> tuple[dict[str, Any], Place]:
    if "@" not in own_id:
        raise ProviderError.invalid("id", "is an address in Microsoft's directory")
    reply = await api.send("GET", f"places/{quote(own_id)}/{kind}", resource=(what, own_id))
    item = decode(reply, dict[str, Any])
    return item, _convert(reply, item)


def parse_room(
    target: room_pb2.Room,
    found: Place,
    api: Api,
    location_id: str,
    raw: dict[str, Any] | None = None,
) -> None:
    """A room of Graph into an empty `target`."""
    address = found.emailAddress or ""
    target.connection_id = api.connection_id
    target.id = address or found.id
    target.name = found.displayName or found.nickname or ""
    target.email = address
    target.calendar_id = address
    target.capacity = tables.counted(found.capacity)
    target.building = found.building or ""
    number = "" if found.floorNumber is None else str(found.floorNumber)
    target.floor = found.floorLabel or number
    target.location_id = location_id
    devices = (found.audioDeviceName, found.videoDeviceName, found.displayDeviceName)
    target.features.extend(each for each in (*devices, *(found.tags or ())) if each)
    if found.isWheelChairAccessible:
        target.features.append("isWheelChairAccessible")
    if raw is not None:
        fill_raw(target.raw, raw, found.id)


async def list_locations(
    api: Api, request: location_pb2.ListLocationsRequest
) -> location_pb2.ListLocationsResponse:
    """ListLocations."""
    path = f"places/{_LIST}"
    reply, page = await _page(api, path, request.page_size, request.page_token, "location")
    answer = location_pb2.ListLocationsResponse()
    for item in page.value:
        raw = item if request.include_raw else None
        parse_location(answer.locations.add(), _convert(reply, item), api, raw)
    if page.nextLink:
        answer.next_page_token = api.relative(page.nextLink, reply)
    return answer


async def get_location(
    api: Api, request: location_pb2.GetLocationRequest
) -> location_pb2.GetLocationResponse:
    """GetLocation."""
    item, found = await _read(api, request.id, _LIST, "location")
    answer = location_pb2.GetLocationResponse()
    parse_location(answer.location, found, api, item if request.include_raw else None)
    return answer


def parse_location(
    target: location_pb2.Location, found: Place, api: Api, raw: dict[str, Any] | None = None
) -> None:
    """A list of rooms into an empty `target`."""
    target.connection_id = api.connection_id
    target.id = found.emailAddress or found.id
    target.name = found.displayName or ""
    where = found.address
    if where is not None:
        words = (where.street, where.city, where.state, where.postalCode, where.countryOrRegion)
        target.address = ", ".join(each for each in words if each)
    if raw is not None:
        fill_raw(target.raw, raw, found.id)
