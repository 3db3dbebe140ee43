"""Admin SDK Directory API as Google spells it: rooms and buildings. No mapping lives here.

Reference: developers.google.com/workspace/admin/directory/reference/rest, resources.calendars and
resources.buildings.
"""

from typing import Any

import msgspec

from providers.google.wire import Int32


class Feature(msgspec.Struct, gc=False):
    """featureInstances[].feature."""

    name: str = ""


class FeatureInstance(msgspec.Struct, gc=False):
    """featureInstances[]."""

    feature: Feature | None = None


class CalendarResource(msgspec.Struct, gc=False):
    """Resource of resources.calendars: a room, or a piece of equipment."""

    resourceEmail: str
    resourceId: str = ""
    resourceName: str = ""
    generatedResourceName: str = ""
    resourceType: str = ""
    capacity: Int32 = 0
    buildingId: str = ""
    floorName: str = ""
    floorSection: str = ""
    featureInstances: list[FeatureInstance] = []


class RawCalendarResources(msgspec.Struct, gc=False):
    """Answer of resources.calendars.list, with rooms as they came."""

    items: list[dict[str, Any]] = []
    nextPageToken: str = ""


class BuildingAddress(msgspec.Struct, gc=False):
    """buildings#address."""

    addressLines: list[str] = []
    sublocality: str = ""
    locality: str = ""
    administrativeArea: str = ""
    postalCode: str = ""
    regionCode: str = ""


class Building(msgspec.Struct, gc=False):
    """Resource of resources.buildings."""

    buildingId: str
    buildingName: str = ""
    floorNames: list[str] = []
    address: BuildingAddress | None = None


class RawBuildings(msgspec.Struct, gc=False):
    """Answer of resources.buildings.list, with buildings as they came."""

    buildings: list[dict[str, Any]] = []
    nextPageToken: str = ""
