"""How each operation behaves here, and why the others are missing."""

from collections.abc import Mapping

from google.protobuf.duration_pb2 import Duration

from providers.caldav import busy, calendars, dumping, events
from providers.core import operations as ops
from providers.core.operations import Operation, ResourceKind
from ucal.v1 import provider_pb2, types_pb2, watch_pb2

_SCOPES = (
    types_pb2.UPDATE_SCOPE_THIS_INSTANCE,
    types_pb2.UPDATE_SCOPE_THIS_AND_FOLLOWING,
    types_pb2.UPDATE_SCOPE_ALL,
)
_IDEMPOTENT = provider_pb2.IDEMPOTENCY_SUPPORT_PROVIDER
# A server of one's own may be asked often, for sync-collection is cheap; iCloud is everybody's.
_OFTEN = Duration(seconds=2)
_ICLOUD_POLL = Duration(seconds=60)
_READABLE_CALENDAR = (
    "connection_id", "id", "name", "description", "timezone", "is_primary", "is_read_only",
    "color", "access_role", "raw",
)  # fmt: skip

FEATURES: Mapping[Operation, provider_pb2.Capability] = {
    ops.LIST_CALENDARS: provider_pb2.Capability(
        max_page_size=events.MAX_PAGE, readable_fields=_READABLE_CALENDAR
    ),
    ops.GET_CALENDAR: provider_pb2.Capability(readable_fields=_READABLE_CALENDAR),
    ops.CREATE_CALENDAR: provider_pb2.Capability(
        writable_fields=calendars.WRITABLE, idempotency=_IDEMPOTENT
    ),
    ops.UPDATE_CALENDAR: provider_pb2.Capability(writable_fields=calendars.WRITABLE),
    ops.DELETE_CALENDAR: provider_pb2.Capability(),
    ops.WATCH_CALENDARS: provider_pb2.Capability(min_poll_interval=_OFTEN),
    ops.LIST_EVENTS: provider_pb2.Capability(
        max_page_size=events.MAX_PAGE,
        etags=True,
        expand_recurring=True,
        notes="Series are expanded by the service, the same way for every server.",
    ),
    ops.GET_EVENT: provider_pb2.Capability(etags=True),
    ops.LIST_EVENT_INSTANCES: provider_pb2.Capability(
        support=provider_pb2.SUPPORT_EMULATED, max_page_size=events.MAX_PAGE, etags=True
    ),
    ops.CREATE_EVENT: provider_pb2.Capability(
        writable_fields=[*dumping.WRITABLE, "calendar_id"], idempotency=_IDEMPOTENT, etags=True
    ),
    ops.UPDATE_EVENT: provider_pb2.Capability(
        writable_fields=[*dumping.WRITABLE, "calendar_id"], scopes=_SCOPES, etags=True
    ),
    ops.DELETE_EVENT: provider_pb2.Capability(scopes=_SCOPES, etags=True),
    ops.RESPOND_TO_EVENT: provider_pb2.Capability(
        scopes=(types_pb2.UPDATE_SCOPE_THIS_INSTANCE, types_pb2.UPDATE_SCOPE_ALL),
        etags=True,
        notes=(
            "Needs a server that tells the account's mail addresses; comment and proposed_time "
            "are dropped and reported."
        ),
    ),
    ops.WATCH_EVENTS: provider_pb2.Capability(
        min_poll_interval=_OFTEN,
        deletions=watch_pb2.DELETION_SUPPORT_EXACT,
        notes=(
            "Objects are told as a whole: when one instance changes, its series does. On a server "
            "without sync-collection etags are compared."
        ),
    ),
    ops.LIST_BUSY: provider_pb2.Capability(
        support=provider_pb2.SUPPORT_EMULATED,
        max_page_size=busy.MAX_PAGE,
        notes="Addresses of people are asked of the server's scheduling outbox, where it has one.",
    ),
    ops.WATCH_BUSY: provider_pb2.Capability(min_poll_interval=_OFTEN),
}


def _seldom(found: provider_pb2.Capability) -> provider_pb2.Capability:
    slower = provider_pb2.Capability()
    slower.CopyFrom(found)
    if found.HasField("min_poll_interval"):
        slower.min_poll_interval.CopyFrom(_ICLOUD_POLL)
    return slower


ICLOUD_FEATURES = {operation: _seldom(found) for operation, found in FEATURES.items()}

REASONS: Mapping[Operation | ResourceKind, str] = {
    ops.LIST_EVENT_INSTANCES: "the service expands the series; servers expand in different ways",
    ops.LIST_BUSY: (
        "the service works it out from the events, because servers count declined invitations"
    ),
    types_pb2.RESOURCE_KIND_LINK: "CalDAV has no scheduling links",
    types_pb2.RESOURCE_KIND_RECORDING: "CalDAV has no recordings",
    types_pb2.RESOURCE_KIND_WEBINAR: "CalDAV has no webinars",
    types_pb2.RESOURCE_KIND_ROOM: "CalDAV has no list of rooms; rooms are attendees",
    types_pb2.RESOURCE_KIND_LOCATION: "CalDAV has no locations but the text in an event",
}

ICLOUD_REASONS: Mapping[Operation | ResourceKind, str] = {
    **REASONS,
    ops.LIST_BUSY: "the service works it out from the events: iCloud refuses free-busy-query",
    types_pb2.RESOURCE_KIND_LINK: "iCloud Calendar has no scheduling links",
    types_pb2.RESOURCE_KIND_RECORDING: "iCloud Calendar has no recordings",
    types_pb2.RESOURCE_KIND_WEBINAR: "iCloud Calendar has no webinars",
}
