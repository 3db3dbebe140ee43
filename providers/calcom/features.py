"""How each operation behaves here, and why the others are missing."""

from collections.abc import Mapping

from google.protobuf.duration_pb2 import Duration

from providers.calcom import busy, calendars, links, walking
from providers.core import operations as ops
from providers.core.operations import Operation, ResourceKind
from ucal.v1 import provider_pb2, types_pb2, watch_pb2

# An API key may ask 120 times a minute, and every look takes one or two.
_POLL = Duration(seconds=30)
_SLOW_POLL = Duration(seconds=120)

FEATURES: Mapping[Operation, provider_pb2.Capability] = {
    ops.LIST_CALENDARS: provider_pb2.Capability(
        max_page_size=calendars.MAX_PAGE,
        oauth_scopes=["APPS_READ"],
        notes="The calendar `bookings` holds the bookings; the others are connected ones, of which "
        "only busy time is shown.",
    ),
    ops.GET_CALENDAR: provider_pb2.Capability(oauth_scopes=["APPS_READ"]),
    ops.WATCH_CALENDARS: provider_pb2.Capability(min_poll_interval=_SLOW_POLL),
    ops.LIST_EVENTS: provider_pb2.Capability(
        max_page_size=walking.MAX_PAGE - 50,
        updated_after=True,
        expand_recurring=True,
        oauth_scopes=["BOOKING_READ"],
        notes="A series is told as its bookings, in order of start; ListEvents tells them also "
        "without expand_recurring. Bookings that the account attends are among them.",
    ),
    ops.GET_EVENT: provider_pb2.Capability(
        oauth_scopes=["BOOKING_READ"],
        notes="The id of a series answers its first booking, with the starts of the others as "
        "RDATE: Cal.com keeps no rule with bookings.",
    ),
    ops.LIST_EVENT_INSTANCES: provider_pb2.Capability(
        max_page_size=walking.MAX_PAGE, oauth_scopes=["BOOKING_READ"]
    ),
    ops.WATCH_EVENTS: provider_pb2.Capability(
        min_poll_interval=_POLL,
        deletions=watch_pb2.DELETION_SUPPORT_CANCELLATIONS_ONLY,
        oauth_scopes=["BOOKING_READ"],
        notes="A moved booking is UPDATED with previous_id. Older self-hosted servers do not tell "
        "changes: there bookings from yesterday on are listed again and compared.",
    ),
    ops.LIST_BUSY: provider_pb2.Capability(
        max_page_size=busy.MAX_PAGE,
        max_window=Duration(seconds=busy.MAX_DAYS * 86_400),
        oauth_scopes=["APPS_READ"],
        notes="Connected calendars by id; `bookings` is worked out from bookings, pending ones "
        "among them unless include_unanswered is false.",
    ),
    ops.WATCH_BUSY: provider_pb2.Capability(min_poll_interval=_SLOW_POLL),
    ops.LIST_LINKS: provider_pb2.Capability(
        max_page_size=links.MAX_PAGE,
        oauth_scopes=["EVENT_TYPE_READ"],
        notes="Event types of the account; not those of teams. Private links are read by id.",
    ),
    ops.GET_LINK: provider_pb2.Capability(oauth_scopes=["EVENT_TYPE_READ"]),
    ops.LIST_LINK_SLOTS: provider_pb2.Capability(
        max_page_size=links.MAX_SLOTS, notes=f"Windows of up to {links.MAX_DAYS} days."
    ),
    ops.WATCH_LINKS: provider_pb2.Capability(min_poll_interval=_SLOW_POLL),
}

_CONSENT = "calendars are connected by the user's consent on Cal.com's own pages"

REASONS: Mapping[Operation | ResourceKind, str] = {
    ops.CREATE_CALENDAR: _CONSENT,
    ops.UPDATE_CALENDAR: "connected calendars are changed at their own provider",
    ops.DELETE_CALENDAR: "disconnecting removes a whole account: the user does it on Cal.com",
    types_pb2.RESOURCE_KIND_EVENT: "this version only reads bookings",
    types_pb2.RESOURCE_KIND_LINK: "this version only reads event types",
    types_pb2.RESOURCE_KIND_RECORDING: "this version does not read recordings of Cal Video",
    types_pb2.RESOURCE_KIND_WEBINAR: "Cal.com has no webinars; seated event types are bookings",
    types_pb2.RESOURCE_KIND_ROOM: "Cal.com has no rooms",
    types_pb2.RESOURCE_KIND_LOCATION: "Cal.com has no locations but those of a link",
}
