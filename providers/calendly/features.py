"""How each operation of Calendly behaves, and why others are missing."""

from collections.abc import Mapping

from google.protobuf.duration_pb2 import Duration

from providers.calendly import (
    booking,
    busy,
    calendars,
    link_writes,
    links,
    recordings,
    slots,
    tables,
)
from providers.calendly.api import MAX_PAGE
from providers.calendly.event_parse import READABLE as EVENT_FIELDS
from providers.core import operations as ops
from providers.core.auth import OAuthConfig
from providers.core.operations import Operation, ResourceKind
from ucal.v1 import provider_pb2, types_pb2, watch_pb2

# developer.calendly.com, "OAuth 2.1", "Scopes"; older apps have the one scope "default".
OAUTH = OAuthConfig(
    authorize_url="https://auth.calendly.com/oauth/authorize",
    token_url="https://auth.calendly.com/oauth/token",
    revoke_url="https://auth.calendly.com/oauth/revoke",
    scopes=(
        "users:read",
        "event_types:write",
        "scheduled_events:write",
        "availability:read",
        "scheduling_links:write",
        "shares:write",
        "meeting_recaps:read",
        "webhooks:write",
    ),
    client_auth="post",
    rotates=True,
)
_USERS = ("users:read", "default")
_EVENTS = ("scheduled_events:read", "scheduled_events:write", "default")
_BOOKINGS = ("scheduled_events:write", "default")
_RECAPS = ("meeting_recaps:read", "meeting_recaps:write", "default")
_AVAILABILITY = ("availability:read", "availability:write", "default")
_WEEK = Duration(seconds=7 * 86_400)
_SOME_MINUTES = Duration(seconds=300)
_TYPES = ("event_types:read", "event_types:write", "default")

FEATURES: Mapping[Operation, provider_pb2.Capability] = {
    ops.LIST_CALENDARS: provider_pb2.Capability(
        support=provider_pb2.SUPPORT_EMULATED,
        readable_fields=calendars.READABLE,
        max_page_size=1,
        oauth_scopes=_USERS,
    ),
    ops.GET_CALENDAR: provider_pb2.Capability(
        support=provider_pb2.SUPPORT_EMULATED,
        readable_fields=calendars.READABLE,
        oauth_scopes=_USERS,
    ),
    ops.LIST_EVENTS: provider_pb2.Capability(
        readable_fields=EVENT_FIELDS,
        max_page_size=MAX_PAGE,
        oauth_scopes=_EVENTS,
        notes="attendees, timezone, booking_answers and the ids of moves cost a call for each "
        "event: they are there with view FULL, or when read_mask names them.",
    ),
    ops.GET_EVENT: provider_pb2.Capability(readable_fields=EVENT_FIELDS, oauth_scopes=_EVENTS),
    ops.CREATE_EVENT: provider_pb2.Capability(
        writable_fields=booking.WRITABLE,
        conference_kinds=tuple(tables.KIND_OF_CALL),
        oauth_scopes=_BOOKINGS,
        notes="Paid plans only. Needs link_id, start_at of a free slot (ListLinkSlots), and one "
        "attendee with a name; further attendees are guests, of whom the address is kept. The "
        "link says how long it takes, and which places and calls there are to "
        "choose from.",
    ),
    ops.DELETE_EVENT: provider_pb2.Capability(
        scopes=(types_pb2.UPDATE_SCOPE_THIS_INSTANCE,),
        oauth_scopes=_BOOKINGS,
        notes="The event is canceled and kept; all invitees are told, also those of a group.",
    ),
    ops.WATCH_EVENTS: provider_pb2.Capability(
        support=provider_pb2.SUPPORT_EMULATED,
        reason="Calendly has no filter by change: all events to come are listed and compared",
        deletions=watch_pb2.DELETION_SUPPORT_CANCELLATIONS_ONLY,
        min_poll_interval=Duration(seconds=60),
        oauth_scopes=_EVENTS,
        notes="Events that began more than a day ago are not followed. A move is told once, as "
        "UPDATED of the new event with previous_id.",
    ),
    ops.LIST_BUSY: provider_pb2.Capability(
        max_page_size=busy.MAX_PAGE,
        max_window=_WEEK,
        oauth_scopes=_AVAILABILITY,
        notes="Calendars of others count where their owner has Calendly check them for conflicts.",
    ),
    ops.WATCH_BUSY: provider_pb2.Capability(
        min_poll_interval=_SOME_MINUTES,
        oauth_scopes=_AVAILABILITY,
    ),
    ops.LIST_LINKS: provider_pb2.Capability(
        readable_fields=links.READABLE,
        max_page_size=MAX_PAGE,
        oauth_scopes=_TYPES,
        notes="Single-use links are not listed: Calendly shows them once, when they are made.",
    ),
    ops.GET_LINK: provider_pb2.Capability(readable_fields=links.READABLE, oauth_scopes=_TYPES),
    ops.CREATE_LINK: provider_pb2.Capability(
        writable_fields=link_writes.WRITABLE_ON_CREATE,
        oauth_scopes=("event_types:write", "scheduling_links:write", "shares:write", "default"),
        notes="With parent_link_id: a link that can be used once, has no id, and is shown this "
        "once; name and duration may differ from its parent's. With max_uses 1 and no parent: an "
        f"event type for one booking, open for {link_writes.ONE_OFF_DAYS} days. Else an event "
        "type of one host. Prices, questions, buffers and slugs are set in Calendly only.",
    ),
    ops.UPDATE_LINK: provider_pb2.Capability(
        writable_fields=link_writes.WRITABLE_ON_UPDATE,
        oauth_scopes=("event_types:write", "default"),
        notes="Event types of one host; Calendly refuses groups, collectives and round robins.",
    ),
    ops.LIST_LINK_SLOTS: provider_pb2.Capability(
        max_page_size=slots.MAX_PAGE,
        max_window=_WEEK,
        oauth_scopes=_TYPES,
        notes="From now on, and for the link's own duration only.",
    ),
    ops.WATCH_LINKS: provider_pb2.Capability(
        min_poll_interval=Duration(seconds=60),
        oauth_scopes=_TYPES,
    ),
    ops.LIST_RECORDINGS: provider_pb2.Capability(
        readable_fields=recordings.READABLE,
        max_page_size=MAX_PAGE,
        oauth_scopes=_RECAPS,
        notes="Recaps of Calendly Notetaker: words, neither sound nor picture. Paid plans only. "
        "Those that are being made or failed are not listed.",
    ),
    ops.GET_RECORDING: provider_pb2.Capability(
        readable_fields=recordings.READABLE,
        oauth_scopes=_RECAPS,
    ),
    ops.LIST_TRANSCRIPT_SEGMENTS: provider_pb2.Capability(
        max_page_size=recordings.MAX_SEGMENTS,
        oauth_scopes=_RECAPS,
        notes="Calendly tells who speaks, and not when.",
    ),
    ops.WATCH_RECORDINGS: provider_pb2.Capability(
        min_poll_interval=_SOME_MINUTES,
        oauth_scopes=_RECAPS,
    ),
}

_ONE_CALENDAR = "Calendly has no calendar containers: each user is shown as one calendar"
REASONS: Mapping[Operation | ResourceKind, str] = {
    types_pb2.RESOURCE_KIND_CALENDAR: _ONE_CALENDAR,
    ops.LIST_EVENT_INSTANCES: "Calendly has no recurring events",
    ops.UPDATE_EVENT: "Calendly events cannot be edited or moved over the API: hand out the "
    "reschedule_url of the invitee, which raw holds",
    ops.RESPOND_TO_EVENT: "invitees of Calendly are booked or canceled, and never asked",
    ops.DELETE_LINK: "Calendly has no delete for event types: set is_active to false",
    types_pb2.RESOURCE_KIND_WEBINAR: "Calendly has no webinars",
    types_pb2.RESOURCE_KIND_ROOM: "Calendly has no rooms",
    types_pb2.RESOURCE_KIND_LOCATION: "Calendly keeps no locations of an organization for its API",
}
