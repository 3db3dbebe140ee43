"""Rooms and locations: resources and buildings of a Workspace directory, where the scope allows.

A room is addressed by its e-mail address, which is also its calendar and the guest that invites it.
"""

from typing import Any, TypeVar

import msgspec

from providers.core.call import Call
from providers.core.errors import ProviderError
from providers.core.http import Reply, quote
from providers.core.raw import fill_raw
from providers.core.wire import decode
from providers.google import cursors
from providers.google.api import Api
from providers.google.wire_directory import (
    Building,
    BuildingAddress,
    CalendarResource,
    RawBuildings,
    RawCalendarResources,
)
from ucal.v1 import location_pb2, room_pb2

BASE_URL = "https://admin.googleapis.com"
MAX_PAGE = 500
_DEFAULT_PAGE = 100
_RESOURCES = "admin/directory/v1/customer/my_customer/resources"

T = TypeVar("T")


def _convert(reply: Reply, item: dict[str, Any], type: type[T]) -> T:
    try:
        return msgspec.convert(item, type)
    except msgspec.ValidationError:
        raise cursors.malformed(reply) from None


def parse_room(
    target: room_pb2.Room, found: CalendarResource, connection_id: str, raw: dict[str, Any] | None
) -> None:
    """One resource into an empty `target`."""
    target.connection_id = connection_id
    target.id = target.email = target.calendar_id = found.resourceEmail
    target.name = found.resourceName or found.generatedResourceName
    target.capacity = max(found.capacity, 0)
    target.building = target.location_id = found.buildingId
    target.floor = found.floorName
    for each in found.featureInstances:
        if each.feature is not None and each.feature.name:
            target.features.append(each.feature.name)
    if raw is not None:
        fill_raw(target.raw, raw, found.resourceId or found.resourceEmail)


def parse_location(
    target: location_pb2.Location, found: Building, connection_id: str, raw: dict[str, Any] | None
) -> None:
    """One building into an empty `target`."""
    target.connection_id = connection_id
    target.id = found.buildingId
    target.name = found.buildingName
    target.floors.extend(found.floorNames)
    if found.address is not None:
        target.address = _on_one_line(found.address)
    if raw is not None:
        fill_raw(target.raw, raw, found.buildingId)


def _on_one_line(address: BuildingAddress) -> str:
    parts = [
        *address.addressLines,
        address.sublocality,
        f"{address.postalCode} {address.locality}".strip(),
        address.administrativeArea,
        address.regionCode,
    ]
    return ", ".join(part for part in parts if part)


def _params(page_size: int, page_token: str) -> dict[str, str | int]:
    params: dict[str, str | int] = {"maxResults": page_size or _DEFAULT_PAGE}
    if page_token:
        params["pageToken"] = page_token
    return params


def _quoted(value: str) -> str:
    """A value in a search query."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


async def list_rooms(
    api: Api, call: Call, request: room_pb2.ListRoomsRequest
) -> room_pb2.ListRoomsResponse:
    """ListRooms."""
    params = _params(request.page_size, request.page_token)
    if request.location_id:
        params["query"] = f"buildingId={_quoted(request.location_id)}"
    reply = await api.send("GET", f"{_RESOURCES}/calendars", params=params)
    page = decode(reply, RawCalendarResources)
    answer = room_pb2.ListRoomsResponse(next_page_token=page.nextPageToken)
    for item in page.items:
        found = _convert(reply, item, CalendarResource)
        raw = item if request.include_raw else None
        parse_room(answer.rooms.add(), found, call.connection_id, raw)
    return answer


async def get_room(
    api: Api, call: Call, request: room_pb2.GetRoomRequest
) -> room_pb2.GetRoomResponse:
    """GetRoom."""
    params = {"query": f"resourceEmail={_quoted(request.id)}", "maxResults": "2"}
    reply = await api.send("GET", f"{_RESOURCES}/calendars", params=params)
    for item in decode(reply, RawCalendarResources).items:
        found = _convert(reply, item, CalendarResource)
        if found.resourceEmail.lower() == request.id.lower():
            answer = room_pb2.GetRoomResponse()
            raw = item if request.include_raw else None
            parse_room(answer.room, found, call.connection_id, raw)
            return answer
    raise ProviderError.not_found("room", request.id)


async def list_locations(
    api: Api, call: Call, request: location_pb2.ListLocationsRequest
) -> location_pb2.ListLocationsResponse:
    """ListLocations."""
    params = _params(request.page_size, request.page_token)
    reply = await api.send("GET", f"{_RESOURCES}/buildings", params=params)
    page = decode(reply, RawBuildings)
    answer = location_pb2.ListLocationsResponse(next_page_token=page.nextPageToken)
    for item in page.buildings:
        found = _convert(reply, item, Building)
        raw = item if request.include_raw else None
        parse_location(answer.locations.add(), found, call.connection_id, raw)
    return answer


async def get_location(
    api: Api, call: Call, request: location_pb2.GetLocationRequest
) -> location_pb2.GetLocationResponse:
    """GetLocation."""
    reply = await api.send(
        "GET",
        f"{_RESOURCES}/buildings/{quote(request.id)}",
        resource=("location", request.id),
    )
    item = decode(reply, dict[str, Any])
    found = _convert(reply, item, Building)
    answer = location_pb2.GetLocationResponse()
    raw = item if request.include_raw else None
    parse_location(answer.location, found, call.connection_id, raw)
    return answer
