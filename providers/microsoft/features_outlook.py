"""How each operation of `outlook` behaves, and why others are missing."""

from collections.abc import Mapping

from google.protobuf.duration_pb2 import Duration

from providers.core import operations as ops
from providers.core.operations import Operation, ResourceKind
from providers.microsoft import busy, calendars, drafts, places, reading
from providers.microsoft.carrying import MAX_CARRIED
from providers.microsoft.series import SCOPES
from ucal.v1 import provider_pb2, types_pb2, watch_pb2

_POLL = Duration(seconds=30)
_READ = ("Calendars.ReadWrite", "Calendars.Read", "Calendars.ReadWrite.Shared")
_WRITE = ("Calendars.ReadWrite", "Calendars.ReadWrite.Shared")
_PLACES = ("Place.Read.All",)
_DIRECTORY = "Work and school accounts only; an administrator has to consent to Place.Read.All."
_TEAMS = (types_pb2.CONFERENCE_KIND_TEAMS,)

FEATURES: Mapping[Operation, provider_pb2.Capability] = {
    ops.LIST_CALENDARS: provider_pb2.Capability(
        readable_fields=(*calendars.READABLE, "raw"),
        max_page_size=calendars.MAX_PAGE,
        oauth_scopes=_READ,
        notes="A calendar has no zone of its own. Colours without a shade of their own are those "
        "that Outlook on the web shows.",
    ),
    ops.GET_CALENDAR: provider_pb2.Capability(
        readable_fields=(*calendars.READABLE, "raw"), oauth_scopes=_READ
    ),
    ops.CREATE_CALENDAR: provider_pb2.Capability(
        writable_fields=calendars.WRITABLE, oauth_scopes=_WRITE
    ),
    ops.UPDATE_CALENDAR: provider_pb2.Capability(
        writable_fields=calendars.WRITABLE, oauth_scopes=_WRITE
    ),
    ops.DELETE_CALENDAR: provider_pb2.Capability(oauth_scopes=_WRITE),
    ops.WATCH_CALENDARS: provider_pb2.Capability(min_poll_interval=_POLL, oauth_scopes=_READ),
    ops.LIST_EVENTS: provider_pb2.Capability(
        readable_fields=(*reading.READABLE, "raw"),
        max_page_size=reading.MAX_PAGE,
        max_window=Duration(seconds=int(reading.MAX_WINDOW.total_seconds())),
        updated_after=True,
        expand_recurring=True,
        etags=True,
        oauth_scopes=_READ,
        notes="Which instances of a series are cancelled is told by GetEvent. Attachments are "
        "listed by GetEvent, without their content.",
    ),
    ops.GET_EVENT: provider_pb2.Capability(
        readable_fields=(*reading.READABLE, "raw"), etags=True, oauth_scopes=_READ
    ),
    ops.LIST_EVENT_INSTANCES: provider_pb2.Capability(
        readable_fields=(*reading.READABLE, "raw"),
        max_page_size=reading.MAX_PAGE,
        max_window=Duration(seconds=int(reading.MAX_WINDOW.total_seconds())),
        etags=True,
        oauth_scopes=_READ,
        notes="Cancelled instances are gone.",
    ),
    ops.CREATE_EVENT: provider_pb2.Capability(
        writable_fields=drafts.WRITABLE,
        idempotency=provider_pb2.IDEMPOTENCY_SUPPORT_PROVIDER,
        etags=True,
        conference_kinds=_TEAMS,
        oauth_scopes=_WRITE,
        notes="Guests are always told. One reminder, on the screen. Public is the same as default. "
        "Floating times are refused. Calls of other products cannot be attached. Zones come back "
        "as the main city of their Windows zone. Metadata is one extended property.",
    ),
    ops.UPDATE_EVENT: provider_pb2.Capability(
        writable_fields=drafts.WRITABLE,
        scopes=SCOPES,
        etags=True,
        conference_kinds=_TEAMS,
        oauth_scopes=_WRITE,
        notes="Guests are always told. THIS_AND_FOLLOWING makes a second series, with a Teams "
        "meeting of its own. Exchange forgets exceptions of a series whose time or rule changes: "
        f"at most {MAX_CARRIED} are made again, the loss of more is reported as coerced "
        "recurrence. Events cannot be moved to another calendar.",
    ),
    ops.DELETE_EVENT: provider_pb2.Capability(
        scopes=SCOPES,
        etags=True,
        oauth_scopes=_WRITE,
        notes="Guests of a meeting that the account holds are always told.",
    ),
    ops.RESPOND_TO_EVENT: provider_pb2.Capability(
        scopes=(types_pb2.UPDATE_SCOPE_THIS_INSTANCE, types_pb2.UPDATE_SCOPE_ALL),
        etags=True,
        oauth_scopes=_WRITE,
    ),
    ops.WATCH_EVENTS: provider_pb2.Capability(
        min_poll_interval=_POLL,
        deletions=watch_pb2.DELETION_SUPPORT_EXACT,
        oauth_scopes=_READ,
        notes="Series and their exceptions, not planned instances. A cancelled instance is told as "
        "a change of its series, whose recurrence.excluded names it. Graph does not tell when a "
        "meeting begins or ends.",
    ),
    ops.LIST_BUSY: provider_pb2.Capability(
        max_page_size=busy.MAX_PAGE,
        max_window=Duration(seconds=int(busy.MAX_WINDOW.total_seconds())),
        oauth_scopes=_READ,
        notes="Ids of calendars, or addresses of people and rooms of the organization; addresses "
        "need a work or school account.",
    ),
    ops.WATCH_BUSY: provider_pb2.Capability(min_poll_interval=_POLL, oauth_scopes=_READ),
    ops.LIST_ROOMS: provider_pb2.Capability(
        max_page_size=places.MAX_PAGE, oauth_scopes=_PLACES, notes=_DIRECTORY
    ),
    ops.GET_ROOM: provider_pb2.Capability(oauth_scopes=_PLACES, notes=_DIRECTORY),
    ops.LIST_LOCATIONS: provider_pb2.Capability(
        max_page_size=places.MAX_PAGE,
        oauth_scopes=_PLACES,
        notes=f"Lists of rooms. {_DIRECTORY}",
    ),
    ops.GET_LOCATION: provider_pb2.Capability(oauth_scopes=_PLACES, notes=_DIRECTORY),
}

REASONS: Mapping[Operation | ResourceKind, str] = {
    types_pb2.RESOURCE_KIND_LINK: "services of Microsoft Bookings belong to `teams`: connect it",
    types_pb2.RESOURCE_KIND_WEBINAR: "webinars belong to Microsoft Teams: connect `teams`",
    types_pb2.RESOURCE_KIND_RECORDING: "recordings belong to Microsoft Teams: connect `teams`",
}
