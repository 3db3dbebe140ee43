"""How each operation behaves here, and why the others are missing."""

from collections.abc import Mapping

from google.protobuf.duration_pb2 import Duration

from providers.calcom import (
    busy,
    calendars,
    changing,
    creating,
    link_writes,
    links,
    recordings,
    tables,
    walking,
)
from providers.core import operations as ops
from providers.core.operations import Operation, ResourceKind
from ucal.v1 import provider_pb2, types_pb2, watch_pb2

# An API key may ask 120 times a minute, and every look takes one or two.
_POLL = Duration(seconds=30)
_SLOW_POLL = Duration(seconds=120)
_READ, _WRITE = ["BOOKING_READ"], ["BOOKING_WRITE"]

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
        max_page_size=walking.MAX_PAGE,
        updated_after=True,
        expand_recurring=True,
        oauth_scopes=_READ,
        notes="A series is told as its bookings, in order of start, with expand_recurring or "
        "without. Bookings that the account attends are among them.",
    ),
    ops.GET_EVENT: provider_pb2.Capability(
        oauth_scopes=_READ,
        notes="The id of a series answers its first booking, with the starts of the others as "
        "RDATE: Cal.com keeps no rule with bookings.",
    ),
    ops.LIST_EVENT_INSTANCES: provider_pb2.Capability(
        max_page_size=walking.MAX_PAGE, oauth_scopes=_READ
    ),
    ops.CREATE_EVENT: provider_pb2.Capability(
        writable_fields=creating.WRITABLE,
        idempotency=provider_pb2.IDEMPOTENCY_SUPPORT_NONE,
        conference_kinds=list(tables.INTEGRATION_OF),
        oauth_scopes=_WRITE,
        notes="Needs link_id, and a first attendee with name and address, who books; further ones "
        "are guests, kept by address. start_at.time_zone is the booker's zone. Place or call must "
        "be one that the link offers. Everybody is told by mail, always.",
    ),
    ops.UPDATE_EVENT: provider_pb2.Capability(
        writable_fields=changing.WRITABLE,
        scopes=(types_pb2.UPDATE_SCOPE_THIS_INSTANCE,),
        oauth_scopes=_WRITE,
        notes="Time, place and status one at a time. A move keeps the length and answers another "
        "id, with moved_from_id. Guests can be added at Cal.com, but not taken away: neither is "
        "offered.",
    ),
    ops.DELETE_EVENT: provider_pb2.Capability(
        scopes=(
            types_pb2.UPDATE_SCOPE_THIS_INSTANCE,
            types_pb2.UPDATE_SCOPE_THIS_AND_FOLLOWING,
            types_pb2.UPDATE_SCOPE_ALL,
        ),
        oauth_scopes=_WRITE,
        notes="Bookings are canceled and kept. A seated booking is canceled for everybody.",
    ),
    ops.RESPOND_TO_EVENT: provider_pb2.Capability(
        scopes=(types_pb2.UPDATE_SCOPE_THIS_INSTANCE,),
        oauth_scopes=_WRITE,
        notes="The host confirms or declines a pending booking; a comment goes with a decline.",
    ),
    ops.WATCH_EVENTS: provider_pb2.Capability(
        min_poll_interval=_POLL,
        deletions=watch_pb2.DELETION_SUPPORT_CANCELLATIONS_ONLY,
        oauth_scopes=_READ,
        notes="A moved booking is UPDATED with previous_id. Older self-hosted servers do not tell "
        "changes: there bookings from yesterday on are listed again and compared. STARTED and "
        "ENDED come with deliveries alone, for those who watch just then.",
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
    ops.CREATE_LINK: provider_pb2.Capability(
        writable_fields=link_writes.WRITABLE_ON_CREATE,
        idempotency=provider_pb2.IDEMPOTENCY_SUPPORT_NONE,
        oauth_scopes=["EVENT_TYPE_WRITE"],
        notes="With parent_link_id a private link: max_uses or expires_at, all else is the "
        "parent's. Prices are settings of payment apps and cannot be written.",
    ),
    ops.UPDATE_LINK: provider_pb2.Capability(
        writable_fields=link_writes.WRITABLE_ON_UPDATE, oauth_scopes=["EVENT_TYPE_WRITE"]
    ),
    ops.DELETE_LINK: provider_pb2.Capability(oauth_scopes=["EVENT_TYPE_WRITE"]),
    ops.LIST_LINK_SLOTS: provider_pb2.Capability(
        max_page_size=links.MAX_SLOTS, notes=f"Windows of up to {links.MAX_DAYS} days."
    ),
    ops.WATCH_LINKS: provider_pb2.Capability(min_poll_interval=_SLOW_POLL),
    ops.LIST_RECORDINGS: provider_pb2.Capability(
        max_page_size=recordings.MAX_PAGE, list_needs_parent=True, oauth_scopes=_READ
    ),
    ops.GET_RECORDING: provider_pb2.Capability(
        oauth_scopes=_READ,
        notes="With the files of the booking's transcripts. Title and owner are the booking's.",
    ),
}

REASONS: Mapping[Operation | ResourceKind, str] = {
    ops.CREATE_CALENDAR: (
        "calendars are connected by the user's consent on Cal.com's own pages, not created"
    ),
    ops.UPDATE_CALENDAR: "connected calendars are changed at their own provider",
    ops.DELETE_CALENDAR: "disconnecting removes a whole account: the user does it on Cal.com",
    ops.LIST_TRANSCRIPT_SEGMENTS: (
        "Cal.com hands out transcripts as files on another host: see the recording's media"
    ),
    ops.WATCH_RECORDINGS: "recordings hang on bookings, and there is no list of all of them",
    types_pb2.RESOURCE_KIND_WEBINAR: "Cal.com has no webinars; seated event types are bookings",
    types_pb2.RESOURCE_KIND_ROOM: "Cal.com has no rooms",
    types_pb2.RESOURCE_KIND_LOCATION: "Cal.com has no locations but those of a link",
}
