"""How each operation of Dialpad behaves, and why others are missing."""

from collections.abc import Mapping

from google.protobuf.duration_pb2 import Duration

from providers.core import operations as ops
from providers.core.auth import OAuthConfig
from providers.core.operations import Operation, ResourceKind
from providers.dialpad import event_writes, events, meetings, recordings, rooms
from ucal.v1 import provider_pb2, types_pb2, watch_pb2

_READ = ("conference:read", "conference:all")
_WRITE = ("conference:all",)
OAUTH = OAuthConfig(
    authorize_url="https://dialpad.com/oauth2/authorize",
    token_url="https://dialpad.com/oauth2/token",
    scopes=("conference:read", "conference:all", "offline_access"),
)
_SCOPES = (types_pb2.UPDATE_SCOPE_THIS_INSTANCE, types_pb2.UPDATE_SCOPE_ALL)
_POLL = Duration(seconds=60)
_SLOW_POLL = Duration(seconds=300)
_RECONCILED = watch_pb2.DELETION_SUPPORT_RECONCILED

FEATURES: Mapping[Operation, provider_pb2.Capability] = {
    ops.LIST_CALENDARS: provider_pb2.Capability(
        readable_fields=rooms.READABLE,
        max_page_size=rooms.MAX_PAGE,
        oauth_scopes=_READ,
        notes="Conference rooms of the company. A user without a room has a calendar user-<id>.",
    ),
    ops.GET_CALENDAR: provider_pb2.Capability(
        support=provider_pb2.SUPPORT_EMULATED,
        readable_fields=rooms.READABLE,
        oauth_scopes=_READ,
    ),
    ops.WATCH_CALENDARS: provider_pb2.Capability(
        min_poll_interval=_SLOW_POLL, deletions=_RECONCILED, oauth_scopes=_READ
    ),
    ops.LIST_EVENTS: provider_pb2.Capability(
        readable_fields=meetings.READABLE,
        max_page_size=events.MAX_PAGE,
        expand_recurring=True,
        oauth_scopes=_WRITE,
        notes="Meetings of the user to whom the room belongs. Where the window is open it reaches "
        "a year from now. Without expand_recurring each series costs a request. Pins of "
        "organizers are in GetEvent only.",
    ),
    ops.GET_EVENT: provider_pb2.Capability(
        readable_fields=meetings.READABLE,
        oauth_scopes=_WRITE,
        notes="An instance is <series>:<planned start, Unix time>, and is looked for in the list "
        "within two months of it. What was taken out of a series is found by comparing its rule "
        "with its instances of two years, 400 at most.",
    ),
    ops.LIST_EVENT_INSTANCES: provider_pb2.Capability(
        readable_fields=meetings.READABLE, max_page_size=events.MAX_PAGE, oauth_scopes=_WRITE
    ),
    ops.CREATE_EVENT: provider_pb2.Capability(
        writable_fields=event_writes.WRITABLE_ON_CREATE,
        idempotency=provider_pb2.IDEMPOTENCY_SUPPORT_NONE,
        conference_kinds=[types_pb2.CONFERENCE_KIND_DIALPAD],
        oauth_scopes=_WRITE,
        notes="Every meeting has a call of its own (UNIQUE_MEETING). Dialpad plans in its user's "
        "zone: a series that has other dates there is deleted again and refused. One RRULE of "
        "FREQ=DAILY, WEEKLY or MONTHLY with INTERVAL, BYDAY, COUNT, UNTIL; each EXDATE costs a "
        "request. Roles of attendees are not kept.",
    ),
    ops.UPDATE_EVENT: provider_pb2.Capability(
        writable_fields=meetings.WRITABLE,
        scopes=_SCOPES,
        oauth_scopes=_WRITE,
        notes="Dialpad wants title, times and everybody with each change and has no versions: of "
        "two changes at the same time the later one wins. THIS_AND_FOLLOWING does not exist at "
        "Dialpad: a second series in place of the rest would have another link and other pins than "
        "those that people have.",
    ),
    ops.DELETE_EVENT: provider_pb2.Capability(
        scopes=_SCOPES,
        oauth_scopes=_WRITE,
        notes="THIS_AND_FOLLOWING does not exist at Dialpad: delete the instances one by one, or "
        "give the series an earlier end.",
    ),
    ops.WATCH_EVENTS: provider_pb2.Capability(
        min_poll_interval=_POLL,
        deletions=_RECONCILED,
        oauth_scopes=_WRITE,
        notes="Dialpad tells nobody of meetings being planned, changed or deleted.",
    ),
    ops.LIST_RECORDINGS: provider_pb2.Capability(
        readable_fields=recordings.READABLE,
        max_page_size=recordings.MAX_PAGE,
        oauth_scopes=_READ,
        notes="Meetings of the history that hold a recording; not phone calls. The history has no "
        "filter: it is read until a page of it is older than the window. Of which event a "
        "recording is Dialpad does not tell. URLs with a query are in GetRecording only.",
    ),
    ops.GET_RECORDING: provider_pb2.Capability(
        support=provider_pb2.SUPPORT_EMULATED,
        readable_fields=recordings.READABLE,
        oauth_scopes=_READ,
    ),
    ops.WATCH_RECORDINGS: provider_pb2.Capability(
        min_poll_interval=_POLL,
        deletions=_RECONCILED,
        oauth_scopes=_READ,
        notes="Dialpad's call events make the service look: when a call of the user has ended, is "
        "recorded or transcribed. What they hold for meetings is not documented, so that nothing "
        "but the history is believed; what others recorded is seen at the next poll: ask for a "
        "poll_interval where that matters. Call events need conference:all.",
    ),
}

_ROOMS_OF_DIALPAD = "Dialpad makes a user's conference room itself: its API has no such call"
REASONS: Mapping[Operation | ResourceKind, str] = {
    ops.GET_CALENDAR: "Dialpad has no way to ask for one room: it is looked for in the list",
    ops.GET_RECORDING: "Dialpad has no way to ask for one recording: it is looked for in the "
    "history",
    ops.CREATE_CALENDAR: _ROOMS_OF_DIALPAD,
    ops.UPDATE_CALENDAR: _ROOMS_OF_DIALPAD,
    ops.DELETE_CALENDAR: _ROOMS_OF_DIALPAD,
    ops.RESPOND_TO_EVENT: "Dialpad keeps no answers of attendees",
    ops.LIST_TRANSCRIPT_SEGMENTS: "Dialpad has transcripts of meetings as a link only, to a form "
    "that is not documented: see the media of GetRecording",
    types_pb2.RESOURCE_KIND_BUSY: "Dialpad has no free/busy API",
    types_pb2.RESOURCE_KIND_LINK: "Dialpad has no booking links; the URL of a room is none",
    types_pb2.RESOURCE_KIND_WEBINAR: "Dialpad has no webinar API",
    types_pb2.RESOURCE_KIND_ROOM: "Dialpad's rooms are calls, and none that could be invited",
    types_pb2.RESOURCE_KIND_LOCATION: "Dialpad's meeting API knows no buildings",
}
