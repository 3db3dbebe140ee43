"""Rooms and buildings of the double: the Directory API."""

import re
from typing import Any
from urllib.parse import unquote

from tests.providers.google.double.faults import Problem
from tests.providers.google.double.lists import page, size_of
from tests.providers.google.double.world import Json

_CLAUSE = re.compile(r'\s*(\w+)=("(?:[^"\\]|\\.)*"|[^\s"]+)\s*')


def _room(number: int, building: str, name: str, capacity: int, *features: str) -> Json:
    return {
        "kind": "admin#directory#resources#calendars#CalendarResource",
        "etags": f'"room-{number}"',
        "resourceId": f"res-{number}",
        "resourceName": name,
        "generatedResourceName": f"{building}-1-{name} ({capacity})",
        "resourceEmail": f"c_188{number}@resource.calendar.google.com",
        "capacity": capacity,
        "buildingId": building,
        "floorName": "1",
        "resourceCategory": "CONFERENCE_ROOM",
        "featureInstances": [{"feature": {"name": name}} for name in features],
    }


class Directory:
    """A Workspace customer with two buildings."""

    def __init__(self) -> None:
        self.allowed = True
        self.rooms = [
            _room(1, "BER-1", "Aquarium", 12, "Screen", "Whiteboard"),
            _room(2, "BER-1", "Bibliothek", 4),
            _room(3, "NYC-9", "Central", 20, "Screen"),
            _room(4, "NYC-9", "Dumbo", 2),
            _room(5, "NYC-9", "Empire", 8),
            _room(6, "BER-1", "Forum", 100, "Stage"),
        ]
        self.buildings = [
            {
                "kind": "admin#directory#resources#buildings#Building",
                "buildingId": "BER-1",
                "buildingName": "Berlin Mitte",
                "floorNames": ["1", "2"],
                "address": {
                    "regionCode": "DE",
                    "postalCode": "10115",
                    "locality": "Berlin",
                    "addressLines": ["Main Street 1"],
                },
            },
            {
                "kind": "admin#directory#resources#buildings#Building",
                "buildingId": "NYC-9",
                "buildingName": "New York Chelsea",
                "floorNames": ["1"],
            },
        ]


def _check(google: Any) -> None:
    if not google.directory.allowed:
        raise Problem(403, "forbidden", "Not Authorized to access this resource/api")


def _wanted(room: Json, query: str) -> bool:
    at = 0
    while at < len(query):
        match = _CLAUSE.match(query, at)
        if match is None:
            raise Problem(400, "invalid", "Invalid Input: query")
        value = match[2]
        if value.startswith('"'):
            value = re.sub(r"\\(.)", r"\1", value[1:-1])
        if str(room.get(match[1], "")) != value:
            return False
        at = match.end()
    return True


def _rooms(google: Any, match: Any, query: Json, body: Any, headers: Any) -> Any:
    _check(google)
    found = [room for room in google.directory.rooms if _wanted(room, query.get("query", ""))]
    items, token = page(google.world, found, query, size_of(query, 100, 500), "rooms")
    answer: Json = {"kind": "admin#directory#resources#calendars#calendarResourcesList"}
    if items:
        answer["items"] = items
    return answer | ({"nextPageToken": token} if token else {})


def _buildings(google: Any, match: Any, query: Json, body: Any, headers: Any) -> Any:
    _check(google)
    found = google.directory.buildings
    items, token = page(google.world, found, query, size_of(query, 100, 500), "buildings")
    answer = {"kind": "admin#directory#resources#buildings#buildingsList", "buildings": items}
    return answer | ({"nextPageToken": token} if token else {})


def _building(google: Any, match: Any, query: Json, body: Any, headers: Any) -> Any:
    _check(google)
    for each in google.directory.buildings:
        if each["buildingId"] == unquote(match[1]):
            return each
    raise Problem(404, "notFound", "Resource Not Found: building")


_ROOT = "/admin/directory/v1/customer/my_customer/resources"
ROUTES = [
    ("GET", f"{_ROOT}/calendars", _rooms),
    ("GET", f"{_ROOT}/buildings", _buildings),
    ("GET", rf"{_ROOT}/buildings/([^/]+)", _building),
]
