"""How each operation of GoTo behaves, and why others are missing."""

from collections.abc import Mapping

from google.protobuf.duration_pb2 import Duration

from providers.core import operations as ops
from providers.core.auth import OAuthConfig
from providers.core.operations import Operation, ResourceKind
from providers.goto import (
    calendars,
    events,
    meetings,
    recordings,
    registrants,
    webinar_parse,
    webinar_writes,
    webinars,
)
from ucal.v1 import provider_pb2, types_pb2, watch_pb2

# "collab:" is for both products; accounts' administration would need "identity:".
SCOPES = ("collab:",)
OAUTH = OAuthConfig(
    authorize_url="https://authentication.logmeininc.com/oauth/authorize",
    token_url="https://authentication.logmeininc.com/oauth/token",
    revoke_url="https://identity.goto.com/oauth/revoke",
    scopes=SCOPES,
    client_auth="basic",
)
_POLL = Duration(seconds=60)
_RECONCILED = watch_pb2.DELETION_SUPPORT_RECONCILED

FEATURES: Mapping[Operation, provider_pb2.Capability] = {
    ops.LIST_CALENDARS: provider_pb2.Capability(
        support=provider_pb2.SUPPORT_EMULATED,
        readable_fields=calendars.READABLE,
        max_page_size=1,
        oauth_scopes=SCOPES,
    ),
    ops.GET_CALENDAR: provider_pb2.Capability(
        support=provider_pb2.SUPPORT_EMULATED,
        readable_fields=calendars.READABLE,
        oauth_scopes=SCOPES,
    ),
    ops.LIST_EVENTS: provider_pb2.Capability(
        readable_fields=meetings.READABLE,
        max_page_size=events.MAX_PAGE,
        oauth_scopes=SCOPES,
        notes="Meetings that are ahead, and the last session of those that were held; without a "
        "start of the window within the past year. GoTo lists no meeting while it is running. "
        "Reusable rooms have no time and are left out of windows; their sessions show as "
        "recordings only.",
    ),
    ops.GET_EVENT: provider_pb2.Capability(
        readable_fields=meetings.READABLE,
        oauth_scopes=SCOPES,
        notes="organizer costs a request: name other fields in read_mask to go without.",
    ),
    ops.CREATE_EVENT: provider_pb2.Capability(
        writable_fields=(*meetings.WRITABLE, "conference"),
        idempotency=provider_pb2.IDEMPOTENCY_SUPPORT_NONE,
        conference_kinds=[types_pb2.CONFERENCE_KIND_GOTO],
        oauth_scopes=SCOPES,
        notes="Every meeting has GoTo's call, asked for or not. GoTo keeps instants, and no zone; "
        "subjects have 100 characters at most.",
    ),
    ops.UPDATE_EVENT: provider_pb2.Capability(
        writable_fields=meetings.WRITABLE,
        oauth_scopes=SCOPES,
        notes="GoTo replaces the whole meeting and has no versions: of two changes at the same "
        "time the later one wins.",
    ),
    ops.DELETE_EVENT: provider_pb2.Capability(oauth_scopes=SCOPES),
    ops.WATCH_EVENTS: provider_pb2.Capability(
        min_poll_interval=_POLL,
        deletions=_RECONCILED,
        oauth_scopes=SCOPES,
        notes="GoTo has no webhooks for meetings. While a meeting is running GoTo lists it "
        "nowhere: it looks deleted then, and is told as new when it has ended.",
    ),
    ops.LIST_WEBINARS: provider_pb2.Capability(
        readable_fields=webinar_parse.READABLE,
        max_page_size=webinars.MAX_PAGE,
        oauth_scopes=SCOPES,
        notes="GoTo wants a range: where the window is open it reaches a year from now. Lists "
        "tell approval_mode, but neither organizer nor capacity.",
    ),
    ops.GET_WEBINAR: provider_pb2.Capability(
        readable_fields=webinar_parse.READABLE,
        oauth_scopes=SCOPES,
        notes="panelists and registration_fields cost a request each: name other fields in "
        "read_mask to go without. has_recording is read when read_mask names it. Of a sequence "
        "GoTo shows the sessions ahead; each session of a series is a webinar of its own. Not "
        "told: approval_mode.",
    ),
    ops.CREATE_WEBINAR: provider_pb2.Capability(
        writable_fields=webinar_writes.WRITABLE_ON_CREATE,
        idempotency=provider_pb2.IDEMPOTENCY_SUPPORT_NONE,
        oauth_scopes=SCOPES,
        notes="Recurrence: one RRULE of FREQ=DAILY, WEEKLY or MONTHLY with COUNT or UNTIL and no "
        "other part. GoTo keeps one zone, that of start_at.",
    ),
    ops.UPDATE_WEBINAR: provider_pb2.Capability(
        writable_fields=webinar_parse.WRITABLE,
        scopes=[types_pb2.UPDATE_SCOPE_ALL],
        oauth_scopes=SCOPES,
        notes="GoTo replaces the whole definition, has no versions, and does not show the "
        "e-mail settings, which may fall back to its own. Sessions of a sequence are not moved. "
        "What is running or over cannot be changed.",
    ),
    ops.DELETE_WEBINAR: provider_pb2.Capability(
        scopes=[types_pb2.UPDATE_SCOPE_ALL], oauth_scopes=SCOPES
    ),
    ops.WATCH_WEBINARS: provider_pb2.Capability(
        min_poll_interval=_POLL,
        deletions=_RECONCILED,
        oauth_scopes=SCOPES,
        notes="GoTo tells when a webinar is made, changed or deleted, and nobody that it began or "
        "ended. Lists do not tell of panelists and registrants: changes of those are not seen.",
    ),
    ops.LIST_WEBINAR_REGISTRANTS: provider_pb2.Capability(
        max_page_size=registrants.MAX_PAGE,
        oauth_scopes=SCOPES,
        notes="GoTo does not filter by status: pages of a status may be short or empty. Answers "
        "to the form are not in the list.",
    ),
    ops.CREATE_WEBINAR_REGISTRANT: provider_pb2.Capability(
        writable_fields=registrants.WRITABLE,
        oauth_scopes=SCOPES,
        notes="GoTo wants a first and a last name: the last word of name is the latter. Keys of "
        "answers are those of registration_fields.",
    ),
    ops.LIST_RECORDINGS: provider_pb2.Capability(
        readable_fields=recordings.READABLE,
        max_page_size=recordings.MAX_PAGE,
        oauth_scopes=SCOPES,
        notes="Those of meetings, then those of webinars; the latter have no start and are told "
        "by created_at. Without a start of the window those of meetings within the past year. "
        "Where the user lacks one of the two products, those of the other. URLs of downloads "
        "are signed and short-lived: lists leave them out, GetRecording has them.",
    ),
    ops.GET_RECORDING: provider_pb2.Capability(
        readable_fields=recordings.READABLE, oauth_scopes=SCOPES
    ),
    ops.WATCH_RECORDINGS: provider_pb2.Capability(
        min_poll_interval=_POLL, deletions=_RECONCILED, oauth_scopes=SCOPES
    ),
}

_ONE_CALENDAR = "GoTo has one calendar per organizer, which comes and goes with the organizer"
_MADE_UP = "GoTo has no calendars: the organizer stands for the one that holds all meetings"
REASONS: Mapping[Operation | ResourceKind, str] = {
    ops.LIST_CALENDARS: _MADE_UP,
    ops.GET_CALENDAR: _MADE_UP,
    ops.CREATE_CALENDAR: _ONE_CALENDAR,
    ops.UPDATE_CALENDAR: _ONE_CALENDAR,
    ops.DELETE_CALENDAR: _ONE_CALENDAR,
    ops.WATCH_CALENDARS: "an organizer's one calendar does not change",
    ops.LIST_EVENT_INSTANCES: "GoTo Meeting has no recurrence rules: what it calls recurring is a "
    "reusable room without a schedule",
    ops.RESPOND_TO_EVENT: "GoTo Meeting has no invitees, and so no answers",
    types_pb2.RESOURCE_KIND_BUSY: "GoTo has no free/busy",
    types_pb2.RESOURCE_KIND_LINK: "GoTo has no API for booking links; personal meeting rooms are "
    "none",
    ops.LIST_TRANSCRIPT_SEGMENTS: "GoTo has transcripts as files only, on hosts and in a form that "
    "are not documented: see the media of GetRecording",
    ops.UPDATE_WEBINAR_REGISTRANT_STATUS: "GoTo's API neither approves nor denies registrants",
    types_pb2.RESOURCE_KIND_ROOM: "GoTo's meeting API knows no rooms of buildings",
    types_pb2.RESOURCE_KIND_LOCATION: "GoTo's meeting API knows no buildings",
}
