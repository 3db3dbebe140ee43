"""Cal.com's objects as its API v2 spells them. No meaning is given to anything here.

cal.com/docs/api-reference/v2. Nearly everything is optional: answers of older servers, and of the
list against the single object, lack fields that the description calls required (seen 2025).
"""

from typing import Any

import msgspec


class Envelope(msgspec.Struct, gc=False):
    """Around every success."""

    data: msgspec.Raw
    pagination: "Pagination | None" = None
    meta: "Meta | None" = None


class Pagination(msgspec.Struct, gc=False):
    """Of the list of bookings."""

    hasNextPage: bool = False


class Meta(msgspec.Struct, gc=False):
    """Of the list of bookings in newer versions."""

    hasMore: bool = False


class Failure(msgspec.Struct, gc=False):
    """Around errors, and errors that come bare."""

    error: Any = None
    message: Any = None


class Me(msgspec.Struct, gc=False):
    """The account."""

    id: int
    username: str | None = ""
    email: str | None = ""
    name: str | None = ""
    timeZone: str | None = ""


class Host(msgspec.Struct, gc=False):
    """Whose time is booked."""

    name: str | None = ""
    email: str | None = ""
    displayEmail: str | None = ""
    timeZone: str | None = ""


class Attendee(msgspec.Struct, gc=False):
    """Who has booked, or a guest."""

    name: str | None = ""
    email: str | None = ""
    displayEmail: str | None = ""
    timeZone: str | None = ""
    bookingFieldsResponses: dict[str, Any] | None = None


class TypeOfBooking(msgspec.Struct, gc=False):
    """Event type in a booking."""

    id: int | None = None
    slug: str | None = ""


class Booking(msgspec.Struct, gc=False):
    """BookingOutput_2024_08_13 and its kin for series and seats."""

    uid: str
    start: str
    end: str
    title: str | None = ""
    description: str | None = ""
    status: str | None = ""
    hosts: list[Host] | None = None
    attendees: list[Attendee] | None = None
    guests: list[str] | None = None
    eventTypeId: int | None = None
    eventType: TypeOfBooking | None = None
    location: str | None = ""
    meetingUrl: str | None = ""
    bookingFieldsResponses: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    icsUid: str | None = ""
    createdAt: str | None = ""
    updatedAt: str | None = ""
    cancellationReason: str | None = ""
    rescheduledFromUid: str | None = ""
    rescheduledToUid: str | None = ""
    recurringBookingUid: str | None = ""


class Place(msgspec.Struct, gc=False):
    """Location of an event type."""

    type: str = ""
    address: str | None = ""
    link: str | None = ""
    phone: str | None = ""
    integration: str | None = ""
    location: str | None = ""


class Field(msgspec.Struct, gc=False):
    """Booking field of an event type."""

    type: str = ""
    slug: str | None = ""
    label: str | None = ""
    required: bool | None = False
    hidden: bool | None = False
    isDefault: bool | None = False
    options: list[Any] | None = None


class Seats(msgspec.Struct, gc=False):
    """Places in one slot; `disabled` for one-to-one."""

    seatsPerTimeSlot: int | None = None


class Color(msgspec.Struct, gc=False):
    """Colours of an event type."""

    lightThemeHex: str | None = ""


class User(msgspec.Struct, gc=False):
    """Owner in an event type."""

    name: str | None = ""


class EventType(msgspec.Struct, gc=False):
    """EventTypeOutput_2024_06_14."""

    id: int
    title: str | None = ""
    slug: str | None = ""
    description: str | None = ""
    lengthInMinutes: int | None = None
    lengthInMinutesOptions: list[int] | None = None
    locations: list[Place] | None = None
    bookingFields: list[Field] | None = None
    minimumBookingNotice: int | None = None
    beforeEventBuffer: int | None = None
    afterEventBuffer: int | None = None
    seats: Seats | None = None
    color: Color | None = None
    price: int | float | None = None
    currency: str | None = ""
    hidden: bool | None = False
    bookingUrl: str | None = ""


class PrivateLink(msgspec.Struct, gc=False):
    """TimeBasedPrivateLinkOutput and UsageBasedPrivateLinkOutput."""

    linkId: str
    isExpired: bool | None = False
    bookingUrl: str | None = ""
    expiresAt: str | None = ""
    maxUsageCount: int | None = None
    usageCount: int | None = None


class Slot(msgspec.Struct, gc=False):
    """A slot; seats only of seated event types."""

    start: str
    end: str | None = ""
    seatsRemaining: int | None = None


class Integration(msgspec.Struct, gc=False):
    """The product behind a connected account."""

    type: str | None = ""
    title: str | None = ""


class ConnectedCalendar(msgspec.Struct, gc=False):
    """One calendar of a connected account."""

    externalId: str
    name: str | None = ""
    email: str | None = ""
    credentialId: int | None = None


class ConnectedAccount(msgspec.Struct, gc=False):
    """A connected account; `error` in place of `calendars` when it cannot be reached."""

    integration: Integration | None = None
    credentialId: int | None = None
    calendars: list[msgspec.Raw] | None = None
    error: Any = None


class ConnectedCalendars(msgspec.Struct, gc=False):
    """Answer of GET /v2/calendars."""

    connectedCalendars: list[ConnectedAccount] = []


class BusyTime(msgspec.Struct, gc=False):
    """A block of busy time."""

    start: str
    end: str


class Recording(msgspec.Struct, gc=False):
    """A recording of Cal Video; times in seconds."""

    id: str
    startTs: int | None = None
    status: str | None = ""
    duration: int | None = None
    downloadLink: str | None = ""


class Webhook(msgspec.Struct, gc=False):
    """A webhook subscription."""

    id: int | str
