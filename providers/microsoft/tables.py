"""The words of Graph's enumerations and ours, as tables used in both directions."""

from collections.abc import Mapping
from typing import TypeVar

from ucal.v1 import busy_pb2, event_pb2, types_pb2, webinar_pb2

K = TypeVar("K")
V = TypeVar("V")


def _reversed(table: Mapping[K, V]) -> dict[V, K]:
    """The table the other way round; the first of several keys wins."""
    found: dict[V, K] = {}
    for key, value in table.items():
        found.setdefault(value, key)
    return found


def counted(number: int | None, largest: int = 2**31 - 1) -> int:
    """A number of Graph's as the contract can hold it: not negative, not too large."""
    return min(max(0, number or 0), largest)


# resources/event, showAs. "unknown" is what a mailbox says of items it cannot tell.
SHOW_AS = {
    "busy": event_pb2.SHOW_AS_BUSY,
    "free": event_pb2.SHOW_AS_FREE,
    "tentative": event_pb2.SHOW_AS_TENTATIVE,
    "oof": event_pb2.SHOW_AS_OUT_OF_OFFICE,
    "workingElsewhere": event_pb2.SHOW_AS_WORKING_ELSEWHERE,
}
SHOW_AS_WORD = {event_pb2.SHOW_AS_UNSPECIFIED: "busy", **_reversed(SHOW_AS)}

# resources/event, sensitivity. There is no word for "visible to all who see the calendar".
VISIBILITY = {
    "normal": event_pb2.EVENT_VISIBILITY_DEFAULT,
    "private": event_pb2.EVENT_VISIBILITY_PRIVATE,
    "personal": event_pb2.EVENT_VISIBILITY_PRIVATE,
    "confidential": event_pb2.EVENT_VISIBILITY_CONFIDENTIAL,
}
VISIBILITY_WORD = {
    event_pb2.EVENT_VISIBILITY_UNSPECIFIED: "normal",
    event_pb2.EVENT_VISIBILITY_PUBLIC: "normal",
    **_reversed(VISIBILITY),
}

# resources/responsestatus.
RESPONSE = {
    "none": types_pb2.ATTENDEE_RESPONSE_NEEDS_ACTION,
    "notResponded": types_pb2.ATTENDEE_RESPONSE_NEEDS_ACTION,
    "organizer": types_pb2.ATTENDEE_RESPONSE_ACCEPTED,
    "accepted": types_pb2.ATTENDEE_RESPONSE_ACCEPTED,
    "tentativelyAccepted": types_pb2.ATTENDEE_RESPONSE_TENTATIVE,
    "declined": types_pb2.ATTENDEE_RESPONSE_DECLINED,
}
# The actions that answer an invitation (api/event-accept and its fellows).
RESPONSE_ACTION = {
    types_pb2.ATTENDEE_RESPONSE_ACCEPTED: "accept",
    types_pb2.ATTENDEE_RESPONSE_TENTATIVE: "tentativelyAccept",
    types_pb2.ATTENDEE_RESPONSE_DECLINED: "decline",
}

# resources/attendee, type.
ROLE = {
    "required": types_pb2.ATTENDEE_ROLE_REQUIRED,
    "optional": types_pb2.ATTENDEE_ROLE_OPTIONAL,
    "resource": types_pb2.ATTENDEE_ROLE_REQUIRED,
}
ROLE_WORD = {
    types_pb2.ATTENDEE_ROLE_UNSPECIFIED: "required",
    types_pb2.ATTENDEE_ROLE_REQUIRED: "required",
    types_pb2.ATTENDEE_ROLE_OPTIONAL: "optional",
    types_pb2.ATTENDEE_ROLE_HOST: "required",
    types_pb2.ATTENDEE_ROLE_NON_PARTICIPANT: "optional",
}
EXACT_ROLES = frozenset(
    {
        types_pb2.ATTENDEE_ROLE_UNSPECIFIED,
        types_pb2.ATTENDEE_ROLE_REQUIRED,
        types_pb2.ATTENDEE_ROLE_OPTIONAL,
    }
)

# resources/calendar, onlineMeetingProviderType.
CONFERENCE_KIND = {
    "teamsForBusiness": types_pb2.CONFERENCE_KIND_TEAMS,
    "skypeForBusiness": types_pb2.CONFERENCE_KIND_SKYPE,
    "skypeForConsumer": types_pb2.CONFERENCE_KIND_SKYPE,
}
# What a new event can ask for; Skype was switched off in 2025.
CONFERENCE_WORD = {types_pb2.CONFERENCE_KIND_TEAMS: "teamsForBusiness"}

# resources/scheduleitem, status; what is not here takes no time.
BUSY_KIND = {
    "busy": busy_pb2.BUSY_KIND_BUSY,
    "tentative": busy_pb2.BUSY_KIND_TENTATIVE,
    "oof": busy_pb2.BUSY_KIND_OUT_OF_OFFICE,
    "unknown": busy_pb2.BUSY_KIND_UNSPECIFIED,
}

# resources/calendar, color: presets of Outlook, whose shades depend on the client. Only a
# hexColor is exact; these are the shades that Outlook on the web shows.
PRESET_COLOR = {
    "lightBlue": "#A6D1F5",
    "lightGreen": "#87D28E",
    "lightOrange": "#FCAB73",
    "lightGray": "#C0C0C0",
    "lightYellow": "#F5F26F",
    "lightTeal": "#4ADACC",
    "lightPink": "#F08CC0",
    "lightBrown": "#CEA67C",
    "lightRed": "#F88C9B",
}

# resources/virtualevent, status.
WEBINAR_STATUS = {
    "draft": event_pb2.EVENT_STATUS_TENTATIVE,
    "published": event_pb2.EVENT_STATUS_CONFIRMED,
    "canceled": event_pb2.EVENT_STATUS_CANCELED,
}
# resources/virtualeventregistration, status.
REGISTRANT_STATUS = {
    "registered": webinar_pb2.REGISTRANT_STATUS_APPROVED,
    "canceled": webinar_pb2.REGISTRANT_STATUS_CANCELED,
    "waitlisted": webinar_pb2.REGISTRANT_STATUS_WAITLISTED,
    "pendingApproval": webinar_pb2.REGISTRANT_STATUS_PENDING,
    "rejectedByOrganizer": webinar_pb2.REGISTRANT_STATUS_DENIED,
}
