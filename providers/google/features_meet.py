"""How each operation of Google Meet behaves, and why others are missing."""

from collections.abc import Mapping

from google.protobuf.duration_pb2 import Duration

from providers.core import operations as ops
from providers.core.operations import Operation, ResourceKind
from providers.google import meet_records, scopes
from ucal.v1 import provider_pb2, types_pb2, watch_pb2

_READABLE = (
    "event_id",
    "start_at",
    "end_at",
    "expires_at",
    "web_url",
    "media",
    "title",
    "duration",
    "participants",
    "state",
    "has_transcript",
    "ical_uid",
    "raw",
)
_NOTES = (
    "The account sees conferences that it organized or took part in, for 30 days. event_id, title "
    "and ical_uid come from the primary calendar and stay empty without a calendar scope. Media "
    "URLs are Drive's and want a drive.meet.readonly scope."
)

FEATURES: Mapping[Operation, provider_pb2.Capability] = {
    ops.LIST_RECORDINGS: provider_pb2.Capability(
        readable_fields=_READABLE,
        max_page_size=meet_records.MAX_PAGE,
        oauth_scopes=scopes.MEET,
        notes=_NOTES,
    ),
    ops.GET_RECORDING: provider_pb2.Capability(
        readable_fields=_READABLE,
        oauth_scopes=scopes.MEET,
        notes=f"{_NOTES} The name of a conference record, as STARTED and ENDED tell it, gives the "
        "call without what was recorded of it.",
    ),
    ops.LIST_TRANSCRIPT_SEGMENTS: provider_pb2.Capability(
        max_page_size=meet_records.MAX_PAGE,
        oauth_scopes=scopes.MEET,
        notes="Meet tells names of speakers, never addresses.",
    ),
    ops.WATCH_RECORDINGS: provider_pb2.Capability(
        reason="Meet tells no changes since a point: recordings are listed again and compared",
        min_poll_interval=Duration(seconds=120),
        deletions=watch_pb2.DELETION_SUPPORT_RECONCILED,
        oauth_scopes=scopes.MEET,
        notes="Pushed once the operator has set up Cloud Pub/Sub. STARTED and ENDED of a call "
        "carry the name of its record, which the ids of its recordings begin with.",
    ),
}

_CALENDAR = "Google Meet keeps calls, not calendars: connect google_calendar"
REASONS: Mapping[Operation | ResourceKind, str] = {
    types_pb2.RESOURCE_KIND_CALENDAR: _CALENDAR,
    types_pb2.RESOURCE_KIND_EVENT: _CALENDAR,
    types_pb2.RESOURCE_KIND_BUSY: _CALENDAR,
    types_pb2.RESOURCE_KIND_LINK: "Google Meet has no pages on which a time can be booked",
    types_pb2.RESOURCE_KIND_WEBINAR: "live streams of Google Meet have no API",
    types_pb2.RESOURCE_KIND_ROOM: "rooms of the organization are in google_calendar",
    types_pb2.RESOURCE_KIND_LOCATION: "buildings of the organization are in google_calendar",
}
