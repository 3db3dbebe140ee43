"""The words of Google's enumerations and ours, as tables used in both directions."""

from collections.abc import Mapping
from typing import TypeVar

from ucal.v1 import calendar_pb2, event_pb2, types_pb2

K = TypeVar("K")
V = TypeVar("V")


def _reversed(table: Mapping[K, V]) -> dict[V, K]:
    """The table the other way round; the first of several keys wins."""
    found: dict[V, K] = {}
    for key, value in table.items():
        found.setdefault(value, key)
    return found


STATUS = {
    "confirmed": event_pb2.EVENT_STATUS_CONFIRMED,
    "tentative": event_pb2.EVENT_STATUS_TENTATIVE,
    "cancelled": event_pb2.EVENT_STATUS_CANCELED,
}
STATUS_WORD = {event_pb2.EVENT_STATUS_UNSPECIFIED: "confirmed", **_reversed(STATUS)}

# "default" is left out by Google, as every default is.
VISIBILITY = {
    "": event_pb2.EVENT_VISIBILITY_DEFAULT,
    "default": event_pb2.EVENT_VISIBILITY_DEFAULT,
    "public": event_pb2.EVENT_VISIBILITY_PUBLIC,
    "private": event_pb2.EVENT_VISIBILITY_PRIVATE,
    "confidential": event_pb2.EVENT_VISIBILITY_CONFIDENTIAL,
}
VISIBILITY_WORD = {
    event_pb2.EVENT_VISIBILITY_UNSPECIFIED: "default",
    event_pb2.EVENT_VISIBILITY_DEFAULT: "default",
    event_pb2.EVENT_VISIBILITY_PUBLIC: "public",
    event_pb2.EVENT_VISIBILITY_PRIVATE: "private",
    event_pb2.EVENT_VISIBILITY_CONFIDENTIAL: "confidential",
}

# fromGmail, and whatever Google invents later, is OTHER with Google's word beside it.
EVENT_TYPE = {
    "": event_pb2.EVENT_TYPE_DEFAULT,
    "default": event_pb2.EVENT_TYPE_DEFAULT,
    "outOfOffice": event_pb2.EVENT_TYPE_OUT_OF_OFFICE,
    "focusTime": event_pb2.EVENT_TYPE_FOCUS_TIME,
    "workingLocation": event_pb2.EVENT_TYPE_WORKING_LOCATION,
    "birthday": event_pb2.EVENT_TYPE_BIRTHDAY,
}
EVENT_TYPE_WORD = {
    event_pb2.EVENT_TYPE_OUT_OF_OFFICE: "outOfOffice",
    event_pb2.EVENT_TYPE_FOCUS_TIME: "focusTime",
    event_pb2.EVENT_TYPE_WORKING_LOCATION: "workingLocation",
    event_pb2.EVENT_TYPE_BIRTHDAY: "birthday",
}

# What takes time, by eventType; besides Google has two words, opaque and transparent.
SHOW_AS_BY_TYPE = {
    "outOfOffice": event_pb2.SHOW_AS_OUT_OF_OFFICE,
    "workingLocation": event_pb2.SHOW_AS_WORKING_ELSEWHERE,
}
TRANSPARENCY_WORD = {
    event_pb2.SHOW_AS_UNSPECIFIED: "opaque",
    event_pb2.SHOW_AS_BUSY: "opaque",
    event_pb2.SHOW_AS_FREE: "transparent",
    event_pb2.SHOW_AS_TENTATIVE: "opaque",
    event_pb2.SHOW_AS_OUT_OF_OFFICE: "opaque",
    event_pb2.SHOW_AS_WORKING_ELSEWHERE: "transparent",
}
# Values that Google keeps as they are.
EXACT_SHOW_AS = frozenset(
    {event_pb2.SHOW_AS_UNSPECIFIED, event_pb2.SHOW_AS_BUSY, event_pb2.SHOW_AS_FREE}
)

RESPONSE = {
    "needsAction": types_pb2.ATTENDEE_RESPONSE_NEEDS_ACTION,
    "accepted": types_pb2.ATTENDEE_RESPONSE_ACCEPTED,
    "tentative": types_pb2.ATTENDEE_RESPONSE_TENTATIVE,
    "declined": types_pb2.ATTENDEE_RESPONSE_DECLINED,
}
RESPONSE_WORD = _reversed(RESPONSE)

REMINDER_METHOD = {
    "popup": event_pb2.REMINDER_METHOD_POPUP,
    "email": event_pb2.REMINDER_METHOD_EMAIL,
}
REMINDER_WORD = {
    event_pb2.REMINDER_METHOD_UNSPECIFIED: "popup",
    event_pb2.REMINDER_METHOD_POPUP: "popup",
    event_pb2.REMINDER_METHOD_EMAIL: "email",
    event_pb2.REMINDER_METHOD_SOUND: "popup",
    event_pb2.REMINDER_METHOD_SMS: "popup",
}
EXACT_REMINDERS = frozenset(
    {
        event_pb2.REMINDER_METHOD_UNSPECIFIED,
        event_pb2.REMINDER_METHOD_POPUP,
        event_pb2.REMINDER_METHOD_EMAIL,
    }
)

ACCESS_ROLE = {
    "freeBusyReader": calendar_pb2.ACCESS_ROLE_FREE_BUSY_READER,
    "reader": calendar_pb2.ACCESS_ROLE_READER,
    # New in 2026: writes events, and does not see the details of private ones.
    "writerWithoutPrivateAccess": calendar_pb2.ACCESS_ROLE_WRITER,
    "writer": calendar_pb2.ACCESS_ROLE_WRITER,
    "owner": calendar_pb2.ACCESS_ROLE_OWNER,
}
WRITERS = frozenset({calendar_pb2.ACCESS_ROLE_WRITER, calendar_pb2.ACCESS_ROLE_OWNER})

CONFERENCE_STATE = {
    "pending": types_pb2.CONFERENCE_STATE_PENDING,
    "success": types_pb2.CONFERENCE_STATE_READY,
    "failure": types_pb2.CONFERENCE_STATE_FAILED,
}
# conferenceSolution.key.type; "addOn" stands for products of other vendors.
CONFERENCE_KIND = {
    "hangoutsMeet": types_pb2.CONFERENCE_KIND_GOOGLE_MEET,
    "eventHangout": types_pb2.CONFERENCE_KIND_OTHER,
    "eventNamedHangout": types_pb2.CONFERENCE_KIND_OTHER,
}
# Products of other vendors, by the host of the link that joins.
CONFERENCE_HOSTS = (
    ("zoom.us", types_pb2.CONFERENCE_KIND_ZOOM),
    ("zoomgov.com", types_pb2.CONFERENCE_KIND_ZOOM),
    ("teams.microsoft.com", types_pb2.CONFERENCE_KIND_TEAMS),
    ("teams.live.com", types_pb2.CONFERENCE_KIND_TEAMS),
    ("webex.com", types_pb2.CONFERENCE_KIND_WEBEX),
    ("gotomeeting.com", types_pb2.CONFERENCE_KIND_GOTO),
    ("goto.com", types_pb2.CONFERENCE_KIND_GOTO),
    ("dialpad.com", types_pb2.CONFERENCE_KIND_DIALPAD),
    ("skype.com", types_pb2.CONFERENCE_KIND_SKYPE),
    ("meet.google.com", types_pb2.CONFERENCE_KIND_GOOGLE_MEET),
)
MEET = "hangoutsMeet"

# The eleven colours of events by colorId, as Google Calendar shows them to people. The `colors`
# resource still answers with the palette of 2012, which nobody sees any more.
EVENT_COLOR = {
    "1": "#7986CB",
    "2": "#33B679",
    "3": "#8E24AA",
    "4": "#E67C73",
    "5": "#F6BF26",
    "6": "#F4511E",
    "7": "#039BE5",
    "8": "#616161",
    "9": "#3F51B5",
    "10": "#0B8043",
    "11": "#D50000",
}


def nearest_color(color: str) -> str:
    """The colorId that comes closest to `color`, "#RRGGBB"."""
    wanted = _channels(color)

    def distance(id: str) -> int:
        there = _channels(EVENT_COLOR[id])
        return sum((a - b) ** 2 for a, b in zip(wanted, there, strict=True))

    return min(EVENT_COLOR, key=distance)


def is_light(color: str) -> bool:
    """Whether black text reads better on `color` than white (ITU-R BT.601 luma)."""
    red, green, blue = _channels(color)
    return 299 * red + 587 * green + 114 * blue > 150_000


def _channels(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)
