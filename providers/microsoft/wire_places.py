"""Rooms and lists of rooms as Microsoft Graph v1.0 spells them, reduced to what is read."""

import msgspec


class PhysicalAddress(msgspec.Struct, gc=False):
    """resources/physicaladdress."""

    street: str | None = None
    city: str | None = None
    state: str | None = None
    postalCode: str | None = None
    countryOrRegion: str | None = None


class Place(msgspec.Struct, gc=False):
    """resources/room and resources/roomlist."""

    id: str
    displayName: str | None = None
    emailAddress: str | None = None
    address: PhysicalAddress | None = None
    nickname: str | None = None
    building: str | None = None
    floorLabel: str | None = None
    floorNumber: int | None = None
    capacity: int | None = None
    audioDeviceName: str | None = None
    videoDeviceName: str | None = None
    displayDeviceName: str | None = None
    isWheelChairAccessible: bool | None = None
    tags: list[str] | None = None
