"""How each operation of Google Calendar behaves, and why others are missing."""

from collections.abc import Mapping

from google.protobuf.duration_pb2 import Duration

from providers.core import operations as ops
from providers.core.operations import Operation, ResourceKind
from providers.google import busy, calendars, conferences, directory, reading, scopes, writing
from providers.google.overrides import MAX_CARRIED
from providers.google.series import SCOPES
from ucal.v1 import provider_pb2, types_pb2, watch_pb2

_POLL = Duration(seconds=30)
_ROOMS = (
    "Google Workspace only, for an account that may read the directory's resources; others get "
    "PERMISSION_DENIED."
)

FEATURES: Mapping[Operation, provider_pb2.Capability] = {
    ops.LIST_CALENDARS: provider_pb2.Capability(
        readable_fields=calendars.READABLE,
        max_page_size=calendars.MAX_PAGE,
        oauth_scopes=scopes.LIST_CALENDARS,
        notes="Calendars that the user has hidden from the list are left out.",
    ),
    ops.GET_CALENDAR: provider_pb2.Capability(
        readable_fields=(*calendars.READABLE, "raw"), oauth_scopes=scopes.LIST_CALENDARS
    ),
    ops.CREATE_CALENDAR: provider_pb2.Capability(
        writable_fields=calendars.WRITABLE, oauth_scopes=scopes.WRITE_CALENDARS
    ),
    ops.UPDATE_CALENDAR: provider_pb2.Capability(
        writable_fields=calendars.WRITABLE,
        oauth_scopes=scopes.WRITE_CALENDARS,
        notes="A calendar is two objects at Google, so it has no version of its own. The colour is "
        "this user's, everything else is what all users of the calendar see.",
    ),
    ops.DELETE_CALENDAR: provider_pb2.Capability(
        oauth_scopes=scopes.WRITE_CALENDARS,
        notes="A calendar that is not owned is unsubscribed; the primary one is never touched.",
    ),
    ops.WATCH_CALENDARS: provider_pb2.Capability(
        min_poll_interval=_POLL,
        deletions=watch_pb2.DELETION_SUPPORT_EXACT,
        oauth_scopes=scopes.LIST_CALENDARS,
    ),
    ops.LIST_EVENTS: provider_pb2.Capability(
        readable_fields=(*reading.READABLE, "raw"),
        max_page_size=reading.MAX_PAGE,
        updated_after=True,
        query=True,
        expand_recurring=True,
        etags=True,
        oauth_scopes=scopes.READ_EVENTS,
        notes="In an expanded list is_exception is set on instances that were moved; Google does "
        "not tell other changed instances from planned ones there.",
    ),
    ops.GET_EVENT: provider_pb2.Capability(
        readable_fields=(*reading.READABLE, "raw"),
        etags=True,
        oauth_scopes=scopes.READ_EVENTS,
        notes="A deleted event is CANCELED for some weeks, then NOT_FOUND.",
    ),
    ops.LIST_EVENT_INSTANCES: provider_pb2.Capability(
        readable_fields=(*reading.READABLE, "raw"),
        max_page_size=reading.MAX_PAGE,
        etags=True,
        oauth_scopes=scopes.READ_EVENTS,
    ),
    ops.CREATE_EVENT: provider_pb2.Capability(
        writable_fields=writing.WRITABLE_ON_CREATE,
        idempotency=provider_pb2.IDEMPOTENCY_SUPPORT_PROVIDER,
        etags=True,
        conference_kinds=conferences.KINDS,
        oauth_scopes=scopes.WRITE_EVENTS,
        notes="Eleven colours: the nearest is taken. Roles are required and optional. Reminders "
        "pop up or are mailed. Floating times are refused. Calls of other products cannot be "
        "attached. Focus time, out of office and working location live in the primary calendar.",
    ),
    ops.UPDATE_EVENT: provider_pb2.Capability(
        writable_fields=writing.WRITABLE_ON_UPDATE,
        scopes=SCOPES,
        etags=True,
        conference_kinds=conferences.KINDS,
        oauth_scopes=scopes.WRITE_EVENTS,
        notes="THIS_AND_FOLLOWING makes a second series, with a Meet call of its own. At most "
        f"{MAX_CARRIED} changed instances are carried over; the loss of more is reported as "
        "coerced recurrence.",
    ),
    ops.DELETE_EVENT: provider_pb2.Capability(
        scopes=SCOPES, etags=True, oauth_scopes=scopes.WRITE_EVENTS
    ),
    ops.RESPOND_TO_EVENT: provider_pb2.Capability(
        scopes=(types_pb2.UPDATE_SCOPE_THIS_INSTANCE, types_pb2.UPDATE_SCOPE_ALL),
        etags=True,
        oauth_scopes=scopes.WRITE_EVENTS,
    ),
    ops.WATCH_EVENTS: provider_pb2.Capability(
        min_poll_interval=_POLL,
        deletions=watch_pb2.DELETION_SUPPORT_EXACT,
        oauth_scopes=scopes.READ_EVENTS,
        notes="Series and their exceptions, not planned instances. A cancelled instance is told as "
        "an event with status CANCELED.",
    ),
    ops.LIST_BUSY: provider_pb2.Capability(
        max_page_size=busy.MAX_PAGE,
        max_window=Duration(seconds=int(busy.MAX_WINDOW.total_seconds())),
        oauth_scopes=scopes.FREE_BUSY,
        notes="Addresses of people work where their free/busy time is shared. With "
        "include_unanswered=false events are read instead, which needs more than free/busy rights.",
    ),
    ops.WATCH_BUSY: provider_pb2.Capability(min_poll_interval=_POLL, oauth_scopes=scopes.FREE_BUSY),
    ops.LIST_ROOMS: provider_pb2.Capability(
        max_page_size=directory.MAX_PAGE, oauth_scopes=scopes.DIRECTORY, notes=_ROOMS
    ),
    ops.GET_ROOM: provider_pb2.Capability(oauth_scopes=scopes.DIRECTORY, notes=_ROOMS),
    ops.LIST_LOCATIONS: provider_pb2.Capability(
        max_page_size=directory.MAX_PAGE, oauth_scopes=scopes.DIRECTORY, notes=_ROOMS
    ),
    ops.GET_LOCATION: provider_pb2.Capability(oauth_scopes=scopes.DIRECTORY, notes=_ROOMS),
}

REASONS: Mapping[Operation | ResourceKind, str] = {
    types_pb2.RESOURCE_KIND_LINK: "appointment schedules of Google Calendar have no public API",
    types_pb2.RESOURCE_KIND_WEBINAR: "Google Calendar has no webinars",
    types_pb2.RESOURCE_KIND_RECORDING: "recordings belong to Google Meet: connect google_meet",
}
