"""How each operation of Calendly behaves, and why others are missing."""

from collections.abc import Mapping

from providers.calendly import calendars, links
from providers.calendly.api import MAX_PAGE
from providers.calendly.event_parse import READABLE as EVENT_FIELDS
from providers.core import operations as ops
from providers.core.auth import OAuthConfig
from providers.core.operations import Operation, ResourceKind
from ucal.v1 import provider_pb2, types_pb2

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
    ops.LIST_LINKS: provider_pb2.Capability(
        readable_fields=links.READABLE,
        max_page_size=MAX_PAGE,
        oauth_scopes=_TYPES,
        notes="Single-use links are not listed: Calendly shows them once, when they are made.",
    ),
    ops.GET_LINK: provider_pb2.Capability(readable_fields=links.READABLE, oauth_scopes=_TYPES),
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
