"""Cal.com's words and ours, side by side; both directions read these tables."""

from collections.abc import Mapping
from typing import TypeAlias

from ucal.v1 import event_pb2, types_pb2

ConferenceKind: TypeAlias = types_pb2.ConferenceKind.ValueType

STATUSES: Mapping[str, event_pb2.EventStatus.ValueType] = {
    "accepted": event_pb2.EVENT_STATUS_CONFIRMED,
    "pending": event_pb2.EVENT_STATUS_TENTATIVE,
    "cancelled": event_pb2.EVENT_STATUS_CANCELED,
    "rejected": event_pb2.EVENT_STATUS_CANCELED,
}
CANCELED = frozenset({"cancelled", "rejected"})
PENDING = "pending"
ACCEPTED = "accepted"

# Integration of an event type's location: kind of call.
INTEGRATIONS: Mapping[str, ConferenceKind] = {
    "cal-video": types_pb2.CONFERENCE_KIND_CAL_VIDEO,
    "google-meet": types_pb2.CONFERENCE_KIND_GOOGLE_MEET,
    "zoom": types_pb2.CONFERENCE_KIND_ZOOM,
    "office365-video": types_pb2.CONFERENCE_KIND_TEAMS,
    "webex-video": types_pb2.CONFERENCE_KIND_WEBEX,
    "facetime-video": types_pb2.CONFERENCE_KIND_FACETIME,
    "skype-video": types_pb2.CONFERENCE_KIND_SKYPE,
}
INTEGRATION_OF: Mapping[ConferenceKind, str] = {kind: word for word, kind in INTEGRATIONS.items()}

# What stands in a booking's location, behind "integrations:", before there is a link.
INTERNAL: Mapping[str, ConferenceKind] = {
    "daily": types_pb2.CONFERENCE_KIND_CAL_VIDEO,
    "google:meet": types_pb2.CONFERENCE_KIND_GOOGLE_MEET,
    "zoom": types_pb2.CONFERENCE_KIND_ZOOM,
    "office365_video": types_pb2.CONFERENCE_KIND_TEAMS,
    "webex_video": types_pb2.CONFERENCE_KIND_WEBEX,
    "facetime_video": types_pb2.CONFERENCE_KIND_FACETIME,
    "skype_video": types_pb2.CONFERENCE_KIND_SKYPE,
}
# Words that say what sort of place it is, and not which.
PLACELESS = frozenset(
    {
        "inPerson",
        "attendeeInPerson",
        "link",
        "phone",
        "userPhone",
        "somewhereElse",
        "conferencing",
    }
)

# Host of a join link, or the end of it: kind of call.
HOSTS: Mapping[str, ConferenceKind] = {
    "daily.co": types_pb2.CONFERENCE_KIND_CAL_VIDEO,
    "meet.google.com": types_pb2.CONFERENCE_KIND_GOOGLE_MEET,
    "zoom.us": types_pb2.CONFERENCE_KIND_ZOOM,
    "zoomgov.com": types_pb2.CONFERENCE_KIND_ZOOM,
    "teams.microsoft.com": types_pb2.CONFERENCE_KIND_TEAMS,
    "teams.live.com": types_pb2.CONFERENCE_KIND_TEAMS,
    "webex.com": types_pb2.CONFERENCE_KIND_WEBEX,
    "facetime.apple.com": types_pb2.CONFERENCE_KIND_FACETIME,
    "join.skype.com": types_pb2.CONFERENCE_KIND_SKYPE,
    "gotomeeting.com": types_pb2.CONFERENCE_KIND_GOTO,
    "meet.goto.com": types_pb2.CONFERENCE_KIND_GOTO,
    "dialpad.com": types_pb2.CONFERENCE_KIND_DIALPAD,
}

# Currencies whose minor unit is not a hundredth (ISO 4217), as Stripe counts them.
EXPONENTS: Mapping[str, int] = {
    **dict.fromkeys(
        (
            "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "UGX", "VND",
            "VUV", "XAF", "XOF", "XPF",
        ),
        0,
    ),
    **dict.fromkeys(("BHD", "JOD", "KWD", "OMR", "TND"), 3),
}  # fmt: skip
