"""How each operation of Zoom behaves, and why others are missing."""

from collections.abc import Mapping

from google.protobuf.duration_pb2 import Duration

from providers.core import operations as ops
from providers.core.auth import OAuthConfig
from providers.core.operations import Operation, ResourceKind
from providers.zoom import (
    calendars,
    event_updates,
    event_writes,
    events,
    links,
    media,
    meetings,
    recordings,
    registrants,
    schedules,
    series_writes,
    webinar_writes,
    webinars,
)
from ucal.v1 import provider_pb2, types_pb2, watch_pb2

# Granular scopes, then the classic one. developers.zoom.us/docs/integrations/oauth-scopes-granular
_READ_MEETINGS = ("meeting:read:list_meetings", "meeting:read:meeting", "meeting:read")
_READ_WEBINARS = ("webinar:read:list_webinars", "webinar:read:webinar", "webinar:read")
_READ_REGISTRANTS = ("webinar:read:list_registrants", "webinar:read")
_READ_RECORDINGS = (
    "cloud_recording:read:list_user_recordings",
    "cloud_recording:read:list_recording_files",
    "recording:read",
)
_READ_USER = ("user:read:user", "user:read")

OAUTH = OAuthConfig(
    authorize_url="https://zoom.us/oauth/authorize",
    token_url="https://zoom.us/oauth/token",
    revoke_url="https://zoom.us/oauth/revoke",
    client_auth="basic",
    rotates=True,
    # An authorization code or refresh token that is spent, revoked, or whose owner is gone. The
    # number is not always in the body; "Invalid Token!" comes with error "invalid_request".
    dead_answers=frozenset(
        {"4733", "4734", "4735", "4741", "invalid token!", "invalid authorization code"}
    ),
    service_grant="account_credentials",
)
_SCHEDULER = "Schedules of Zoom Scheduler, which needs a licence."
_TIMES = (
    "Lengths are 1 to 1440 whole minutes; no dates, no floating times, no starts in the past. "
    "Rules are daily, weekly on weekdays, or monthly on one date or one weekday, with 50 "
    "occurrences at most; what Zoom cannot say is refused by the name of the part."
)
_OCCURRENCE = (
    " Of a single occurrence only start, end and description can be changed. A new rule or start "
    "of a series plans its occurrences anew: deletions are made again, changes of single ones are "
    "lost and told as coerced recurrence."
)
_NO_SPLIT = (
    " THIS_AND_FOLLOWING does not exist at Zoom: a second series in place of the rest would have "
    "another number and another join link than those that people have."
)
_POLL = Duration(seconds=60)
_RECONCILED = watch_pb2.DELETION_SUPPORT_RECONCILED

FEATURES: Mapping[Operation, provider_pb2.Capability] = {
    ops.LIST_CALENDARS: provider_pb2.Capability(
        readable_fields=calendars.READABLE,
        max_page_size=calendars.MAX_PAGE,
        oauth_scopes=_READ_USER,
        notes="One calendar for each Zoom user: the own one, or those of the whole account with a "
        "server-to-server app.",
    ),
    ops.GET_CALENDAR: provider_pb2.Capability(
        readable_fields=calendars.READABLE, oauth_scopes=_READ_USER
    ),
    ops.WATCH_CALENDARS: provider_pb2.Capability(
        min_poll_interval=_POLL, deletions=_RECONCILED, oauth_scopes=_READ_USER
    ),
    ops.LIST_EVENTS: provider_pb2.Capability(
        readable_fields=meetings.READABLE,
        max_page_size=events.MAX_PAGE,
        expand_recurring=True,
        oauth_scopes=_READ_MEETINGS,
        notes="Meetings that the user hosts, not those of others. Lists are summaries: see "
        "unknown_fields; view FULL, a window and expand_recurring cost a request for each series. "
        "Zoom forgets one-off meetings 30 days after their date, series after 365 days without a "
        "start. Meetings without a time are left out of windows.",
    ),
    ops.GET_EVENT: provider_pb2.Capability(
        readable_fields=meetings.READABLE, oauth_scopes=_READ_MEETINGS
    ),
    ops.LIST_EVENT_INSTANCES: provider_pb2.Capability(
        readable_fields=meetings.READABLE,
        max_page_size=events.MAX_PAGE,
        oauth_scopes=_READ_MEETINGS,
        notes="A series holds 50 occurrences at most; Zoom plans endless ones about two years "
        "ahead.",
    ),
    ops.CREATE_EVENT: provider_pb2.Capability(
        writable_fields=event_writes.WRITABLE_ON_CREATE,
        conference_kinds=(types_pb2.CONFERENCE_KIND_ZOOM,),
        oauth_scopes=("meeting:write:meeting", "meeting:write"),
        notes=_TIMES + " Attendees are kept as addresses and get no invitation from Zoom. 100 "
        "creations and changes a user and day.",
    ),
    ops.UPDATE_EVENT: provider_pb2.Capability(
        writable_fields=event_updates.WRITABLE_ON_UPDATE,
        scopes=series_writes.SCOPES,
        conference_kinds=(types_pb2.CONFERENCE_KIND_ZOOM,),
        oauth_scopes=("meeting:update:meeting", "meeting:write"),
        notes=_TIMES + _OCCURRENCE + _NO_SPLIT,
    ),
    ops.DELETE_EVENT: provider_pb2.Capability(
        scopes=series_writes.SCOPES,
        oauth_scopes=("meeting:delete:meeting", "meeting:write"),
        notes="With send_notifications the host, alternative hosts and registrants are told; "
        "invitees never are. THIS_AND_FOLLOWING does not exist at Zoom: delete the occurrences one "
        "by one, or give the series an earlier end.",
    ),
    ops.WATCH_EVENTS: provider_pb2.Capability(
        min_poll_interval=_POLL,
        deletions=_RECONCILED,
        oauth_scopes=_READ_MEETINGS,
        notes="Lists of Zoom hold no time of change and no attendees: a change of nothing else is "
        "not seen on one-off meetings. STARTED and ENDED come with deliveries of the app alone, "
        "for those who watch just then.",
    ),
    ops.LIST_WEBINARS: provider_pb2.Capability(
        readable_fields=webinars.READABLE,
        max_page_size=events.MAX_PAGE,
        oauth_scopes=_READ_WEBINARS,
        notes="Series stand there once. A window costs a request for each series.",
    ),
    ops.GET_WEBINAR: provider_pb2.Capability(
        readable_fields=webinars.READABLE,
        oauth_scopes=_READ_WEBINARS,
        notes="panelists, registration_fields, is_polling_enabled and tracking_urls cost a request "
        "and a scope each: name other fields in read_mask to go without. registrants and "
        "has_recording are read when read_mask names them. An occurrence is "
        "<webinar>:<planned start in epoch milliseconds>.",
    ),
    ops.CREATE_WEBINAR: provider_pb2.Capability(
        writable_fields=webinar_writes.WRITABLE,
        oauth_scopes=("webinar:write:webinar", "webinar:write"),
        notes=_TIMES + " Series have an end. registration_fields need registration.",
    ),
    ops.UPDATE_WEBINAR: provider_pb2.Capability(
        writable_fields=webinar_writes.WRITABLE,
        scopes=series_writes.SCOPES,
        oauth_scopes=("webinar:update:webinar", "webinar:write"),
        notes=_TIMES + _OCCURRENCE,
    ),
    ops.DELETE_WEBINAR: provider_pb2.Capability(
        scopes=series_writes.SCOPES,
        oauth_scopes=("webinar:delete:webinar", "webinar:write"),
    ),
    ops.WATCH_WEBINARS: provider_pb2.Capability(
        min_poll_interval=_POLL,
        deletions=_RECONCILED,
        oauth_scopes=_READ_WEBINARS,
        notes="STARTED and ENDED come with deliveries of the app alone, for those who watch just "
        "then.",
    ),
    ops.LIST_WEBINAR_REGISTRANTS: provider_pb2.Capability(
        max_page_size=events.MAX_PAGE,
        oauth_scopes=_READ_REGISTRANTS,
        notes="Pending ones first, then approved, then denied. Zoom lists no canceled ones.",
    ),
    ops.CREATE_WEBINAR_REGISTRANT: provider_pb2.Capability(
        writable_fields=registrants.WRITABLE,
        oauth_scopes=("webinar:write:registrant", "webinar:write"),
        notes="The first word of the name is the first name. answers: fields of the form by name, "
        "own questions by their text. An address may register three times a day.",
    ),
    ops.UPDATE_WEBINAR_REGISTRANT_STATUS: provider_pb2.Capability(
        oauth_scopes=("webinar:update:registrant_status", "webinar:write"),
        notes="Ten changes of one registrant a day. Who is canceled is gone from lists.",
    ),
    ops.LIST_LINKS: provider_pb2.Capability(
        readable_fields=schedules.READABLE,
        max_page_size=links.MAX_PAGE,
        oauth_scopes=("scheduler:read:list_schedule", "scheduler:read"),
        notes=_SCHEDULER,
    ),
    ops.GET_LINK: provider_pb2.Capability(
        readable_fields=schedules.READABLE,
        oauth_scopes=("scheduler:read:get_schedule", "scheduler:read"),
    ),
    ops.CREATE_LINK: provider_pb2.Capability(
        writable_fields=schedules.WRITABLE,
        oauth_scopes=("scheduler:write:insert_schedule", "scheduler:write"),
        notes="A Zoom call at the times of the user's default availability.",
    ),
    ops.UPDATE_LINK: provider_pb2.Capability(
        writable_fields=schedules.WRITABLE,
        oauth_scopes=("scheduler:update:patch_schedule", "scheduler:write"),
    ),
    ops.DELETE_LINK: provider_pb2.Capability(
        oauth_scopes=("scheduler:delete:delete_schedule", "scheduler:write")
    ),
    ops.WATCH_LINKS: provider_pb2.Capability(
        min_poll_interval=_POLL,
        deletions=_RECONCILED,
        oauth_scopes=("scheduler:read:list_schedule", "scheduler:read"),
    ),
    ops.LIST_RECORDINGS: provider_pb2.Capability(
        readable_fields=media.READABLE,
        max_page_size=events.MAX_PAGE,
        max_window=Duration(seconds=int(recordings.SPAN.total_seconds())),
        oauth_scopes=_READ_RECORDINGS,
        notes="The latest month first; without a start of the window the last year. With event_id "
        "the recordings of all past instances.",
    ),
    ops.GET_RECORDING: provider_pb2.Capability(
        readable_fields=media.READABLE,
        oauth_scopes=_READ_RECORDINGS,
        notes="summary and action_items need meeting:read:summary, participants "
        "meeting:read:list_past_participants and a paid plan; without those they are empty.",
    ),
    ops.LIST_TRANSCRIPT_SEGMENTS: provider_pb2.Capability(
        max_page_size=recordings.MAX_SEGMENTS, oauth_scopes=_READ_RECORDINGS
    ),
    ops.WATCH_RECORDINGS: provider_pb2.Capability(
        min_poll_interval=_POLL, deletions=_RECONCILED, oauth_scopes=_READ_RECORDINGS
    ),
}

_ONE_CALENDAR = "a Zoom user has exactly one meeting calendar, which comes and goes with the user"
REASONS: Mapping[Operation | ResourceKind, str] = {
    ops.CREATE_CALENDAR: _ONE_CALENDAR,
    ops.UPDATE_CALENDAR: _ONE_CALENDAR,
    ops.DELETE_CALENDAR: _ONE_CALENDAR,
    ops.RESPOND_TO_EVENT: "Zoom keeps no answers of invitees and sends no invitations",
    types_pb2.RESOURCE_KIND_BUSY: "Zoom lists the meetings that a user hosts, and not those of "
    "others to which the user is invited: busy time made of them would call taken hours free. Zoom "
    "Calendar, which knows, is another product, for accounts whose mail Zoom keeps",
    ops.LIST_LINK_SLOTS: "Zoom Scheduler shows free slots on its booking page only",
    types_pb2.RESOURCE_KIND_ROOM: "Zoom Rooms cannot be invited to a meeting through this API",
    types_pb2.RESOURCE_KIND_LOCATION: "locations of Zoom Rooms have no part in meetings",
}
