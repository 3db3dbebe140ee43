"""Rooms and lists of rooms."""

from tests.providers.microsoft.double.problems import missing
from tests.providers.microsoft.double.world import Json

LIST = "building1@contoso.com"
ROOMS: list[Json] = [
    {
        "id": f"3162f1e1-c4c0-604b-51d8-91da7898{number:04d}",
        "emailAddress": f"room{number}@contoso.com",
        "displayName": f"Room {number}",
        "building": "1",
        "floorNumber": number,
        "floorLabel": None,
        "capacity": 10 * number,
        "audioDeviceName": None,
        "videoDeviceName": "Camera",
        "displayDeviceName": None,
        "isWheelChairAccessible": number == 1,
        "tags": ["whiteboard"],
        "phone": None,
    }
    for number in range(1, 5)
]
LISTS: list[Json] = [
    {
        "id": "DC404124-302A-92AA-F98D-7B4DEB0C1705",
        "displayName": "Building 1",
        "emailAddress": LIST,
        "address": {"street": "4567 Main Street", "city": "Buffalo", "state": "NY",
                    "postalCode": "98052", "countryOrRegion": "USA"},
    },
    {"id": "DC404124-302A-92AA-F98D-7B4DEB0C1706", "displayName": "Building 2",
     "emailAddress": "building2@contoso.com", "address": None},
    {"id": "DC404124-302A-92AA-F98D-7B4DEB0C1707", "displayName": "Building 3",
     "emailAddress": "building3@contoso.com", "address": None},
]  # fmt: skip


def one(table: list[Json], name: str) -> Json:
    """By address or id."""
    for found in table:
        if name.lower() in (found["id"].lower(), found["emailAddress"]):
            return found
    raise missing()


def rooms_of(name: str) -> list[Json]:
    """Rooms on a list."""
    return ROOMS[:3] if one(LISTS, name)["emailAddress"] == LIST else []
