"""How each operation of Acuity behaves, and why others are missing."""

from collections.abc import Mapping

from google.protobuf.duration_pb2 import Duration

from providers.acuity import booking, busy, calendars, changing, events, links, slots
from providers.acuity.event_parse import READABLE as EVENT_FIELDS
from providers.core import operations as ops
from providers.core.auth import OAuthConfig
from providers.core.operations import Operation, ResourceKind
from ucal.v1 import provider_pb2, types_pb2, watch_pb2

# developers.acuityscheduling.com/docs/oauth2: one scope, tokens that neither end nor renew.
OAUTH = OAuthConfig(
    authorize_url="https://acuityscheduling.com/oauth2/authorize",
    token_url="https://acuityscheduling.com/oauth2/token",
    scopes=("api-v1",),
    client_auth="post",
    pkce=False,
)
_SCOPES = ("api-v1",)
_THIS = (types_pb2.UPDATE_SCOPE_THIS_INSTANCE,)
_POLL = Duration(seconds=60)
_SLOW_POLL = Duration(seconds=300)

FEATURES: Mapping[Operation, provider_pb2.Capability] = {
    ops.LIST_CALENDARS: provider_pb2.Capability(
        readable_fields=calendars.READABLE,
        max_page_size=calendars.MAX_PAGE,
        oauth_scopes=_SCOPES,
        notes="Staff see their own. Of several calendars none is primary: requests name one.",
    ),
    ops.GET_CALENDAR: provider_pb2.Capability(
        readable_fields=calendars.READABLE, oauth_scopes=_SCOPES
    ),
    ops.WATCH_CALENDARS: provider_pb2.Capability(
        min_poll_interval=_SLOW_POLL, oauth_scopes=_SCOPES
    ),
    ops.LIST_EVENTS: provider_pb2.Capability(
        readable_fields=EVENT_FIELDS,
        max_page_size=events.MAX_PAGE,
        oauth_scopes=_SCOPES,
        notes="booking_answers are there with view FULL, or when read_mask names them.",
    ),
    ops.GET_EVENT: provider_pb2.Capability(readable_fields=EVENT_FIELDS, oauth_scopes=_SCOPES),
    ops.CREATE_EVENT: provider_pb2.Capability(
        writable_fields=booking.WRITABLE,
        oauth_scopes=_SCOPES,
        notes="Needs link_id, start_at of a free slot (ListLinkSlots), and exactly one attendee "
        "with a name. Without calendar_id Acuity chooses a calendar that is free. timezone is the "
        "client's.",
    ),
    ops.UPDATE_EVENT: provider_pb2.Capability(
        writable_fields=changing.WRITABLE,
        scopes=_THIS,
        oauth_scopes=_SCOPES,
        notes="A move keeps the id. The client cannot be changed here: an appointment is one "
        "client's. With a change of time and of details, the time is changed first; when the "
        'details fail then, the error has metadata moved="true".',
    ),
    ops.DELETE_EVENT: provider_pb2.Capability(
        scopes=_THIS,
        oauth_scopes=_SCOPES,
        notes="The appointment is canceled, for good, and kept.",
    ),
    ops.WATCH_EVENTS: provider_pb2.Capability(
        deletions=watch_pb2.DELETION_SUPPORT_RECONCILED,
        min_poll_interval=_POLL,
        oauth_scopes=_SCOPES,
        notes="An appointment that is moved out of the watched window is told as DELETED.",
    ),
    ops.LIST_BUSY: provider_pb2.Capability(
        support=provider_pb2.SUPPORT_EMULATED,
        max_page_size=busy.MAX_PAGE,
        oauth_scopes=_SCOPES,
        notes="Own events only: what Acuity reads from other calendars is not visible. A block "
        "that repeats is told once.",
    ),
    ops.WATCH_BUSY: provider_pb2.Capability(min_poll_interval=_SLOW_POLL, oauth_scopes=_SCOPES),
    ops.LIST_LINKS: provider_pb2.Capability(
        readable_fields=links.READABLE, max_page_size=links.MAX_PAGE, oauth_scopes=_SCOPES
    ),
    ops.GET_LINK: provider_pb2.Capability(readable_fields=links.READABLE, oauth_scopes=_SCOPES),
    ops.WATCH_LINKS: provider_pb2.Capability(min_poll_interval=_SLOW_POLL, oauth_scopes=_SCOPES),
    ops.LIST_LINK_SLOTS: provider_pb2.Capability(
        max_page_size=slots.MAX_PAGE,
        oauth_scopes=_SCOPES,
        notes=f"From now on; windows of {slots.MAX_WINDOW.days} days at most, as each day is a "
        "call of ten that Acuity answers in a second.",
    ),
}

_BY_HAND = "made in Acuity's web interface only"
REASONS: Mapping[Operation | ResourceKind, str] = {
    types_pb2.RESOURCE_KIND_CALENDAR: f"calendars are {_BY_HAND}",
    types_pb2.RESOURCE_KIND_LINK: f"appointment types are {_BY_HAND}",
    ops.LIST_BUSY: "Acuity has no free/busy call: appointments and blocks are read and joined",
    ops.LIST_EVENT_INSTANCES: "Acuity has no recurring appointments over its API",
    ops.RESPOND_TO_EVENT: "clients of Acuity are booked or canceled, and never asked",
    types_pb2.RESOURCE_KIND_RECORDING: "Acuity has no recordings",
    types_pb2.RESOURCE_KIND_WEBINAR: "Acuity has no webinars: classes are appointments",
    types_pb2.RESOURCE_KIND_ROOM: "Acuity has no rooms beside its calendars",
    types_pb2.RESOURCE_KIND_LOCATION: "Acuity has no locations beside its calendars",
}
