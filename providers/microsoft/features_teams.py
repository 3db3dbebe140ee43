"""How each operation of `teams` behaves, and why others are missing."""

from collections.abc import Mapping

from google.protobuf.duration_pb2 import Duration

from providers.core import operations as ops
from providers.core.operations import Operation, ResourceKind
from providers.microsoft import bookings, forms, reading, recordings, webinars
from ucal.v1 import provider_pb2, types_pb2

_POLL = Duration(seconds=300)
_RECORDINGS = ("OnlineMeetingRecording.Read.All",)
_TRANSCRIPTS = ("OnlineMeetingTranscript.Read.All",)
_WEBINARS = ("VirtualEvent.ReadWrite", "VirtualEvent.Read", "VirtualEvent.Read.All")
_WRITE_WEBINARS = ("VirtualEvent.ReadWrite",)
_BOOKINGS = ("Bookings.Read.All", "Bookings.ReadWrite.All", "Bookings.Manage.All")
_WRITE_BOOKINGS = ("Bookings.ReadWrite.All", "Bookings.Manage.All")
_ORGANIZER = (
    "Meetings that the account organizes. An application needs the tenant's application access "
    "policy for the mailbox."
)

FEATURES: Mapping[Operation, provider_pb2.Capability] = {
    ops.LIST_RECORDINGS: provider_pb2.Capability(
        max_page_size=recordings.MAX_PAGE,
        max_window=Duration(seconds=int(reading.MAX_WINDOW.total_seconds())),
        oauth_scopes=_RECORDINGS,
        notes=f"{_ORGANIZER} event_id is an Outlook event's or an online meeting's. Without it a "
        "person's calendar is walked, the last 30 days unless a window says otherwise; needs "
        "Calendars.Read and OnlineMeetings.Read.",
    ),
    ops.GET_RECORDING: provider_pb2.Capability(oauth_scopes=_RECORDINGS, notes=_ORGANIZER),
    ops.LIST_TRANSCRIPT_SEGMENTS: provider_pb2.Capability(
        max_page_size=recordings.MAX_SEGMENT_PAGE, oauth_scopes=_TRANSCRIPTS, notes=_ORGANIZER
    ),
    ops.WATCH_RECORDINGS: provider_pb2.Capability(
        min_poll_interval=_POLL,
        oauth_scopes=_RECORDINGS,
        notes="Pushed when a recording or a transcript is ready; what else changes is found by "
        "polling. Graph does not tell when a meeting begins or ends.",
    ),
    ops.LIST_WEBINARS: provider_pb2.Capability(
        readable_fields=webinars.READABLE,
        max_page_size=webinars.MAX_PAGE,
        oauth_scopes=_WEBINARS,
        notes="Webinars that the account organizes and has not canceled.",
    ),
    ops.GET_WEBINAR: provider_pb2.Capability(
        readable_fields=(*webinars.READABLE, "registrants"),
        oauth_scopes=_WEBINARS,
        notes="registrants only when the mask names them.",
    ),
    ops.CREATE_WEBINAR: provider_pb2.Capability(
        writable_fields=webinars.WRITABLE,
        oauth_scopes=_WRITE_WEBINARS,
        notes="A draft unless is_published is set. Everybody may register.",
    ),
    ops.UPDATE_WEBINAR: provider_pb2.Capability(
        writable_fields=webinars.WRITABLE,
        oauth_scopes=_WRITE_WEBINARS,
        notes="What was published stays so.",
    ),
    ops.DELETE_WEBINAR: provider_pb2.Capability(
        oauth_scopes=_WRITE_WEBINARS,
        notes="A published webinar is canceled and can still be read.",
    ),
    ops.LIST_WEBINAR_REGISTRANTS: provider_pb2.Capability(
        max_page_size=forms.MAX_PAGE, oauth_scopes=_WEBINARS
    ),
    ops.CREATE_WEBINAR_REGISTRANT: provider_pb2.Capability(
        writable_fields=("name", "email", "answers"),
        oauth_scopes=("VirtualEvent.ReadWrite", "VirtualEventRegistration-Anon.ReadWrite.All"),
        notes="A person registers themselves; others are registered by an application.",
    ),
    ops.UPDATE_WEBINAR_REGISTRANT_STATUS: provider_pb2.Capability(
        oauth_scopes=_WRITE_WEBINARS, notes="CANCELED only: the rest is decided upon in Teams."
    ),
    ops.WATCH_WEBINARS: provider_pb2.Capability(
        min_poll_interval=_POLL,
        oauth_scopes=_WEBINARS,
        notes="Polled: Graph tells of webinars one by one, and to applications of a whole tenant.",
    ),
    ops.LIST_LINKS: provider_pb2.Capability(
        readable_fields=bookings.READABLE,
        max_page_size=bookings.MAX_PAGE,
        oauth_scopes=_BOOKINGS,
        notes="Services of Microsoft Bookings.",
    ),
    ops.GET_LINK: provider_pb2.Capability(
        readable_fields=bookings.READABLE, oauth_scopes=_BOOKINGS
    ),
    ops.CREATE_LINK: provider_pb2.Capability(
        writable_fields=bookings.WRITABLE,
        oauth_scopes=_WRITE_BOOKINGS,
        notes="In the account's only business. The currency is the business's.",
    ),
    ops.UPDATE_LINK: provider_pb2.Capability(
        writable_fields=bookings.WRITABLE, oauth_scopes=_WRITE_BOOKINGS
    ),
    ops.DELETE_LINK: provider_pb2.Capability(oauth_scopes=_WRITE_BOOKINGS),
    ops.WATCH_LINKS: provider_pb2.Capability(min_poll_interval=_POLL, oauth_scopes=_BOOKINGS),
}

_OUTLOOK = "calendars and events belong to Outlook: connect `outlook`"
REASONS: Mapping[Operation | ResourceKind, str] = {
    types_pb2.RESOURCE_KIND_CALENDAR: _OUTLOOK,
    types_pb2.RESOURCE_KIND_EVENT: _OUTLOOK,
    types_pb2.RESOURCE_KIND_BUSY: "busy time belongs to Outlook: connect `outlook`",
    types_pb2.RESOURCE_KIND_ROOM: "rooms belong to Outlook: connect `outlook`",
    types_pb2.RESOURCE_KIND_LOCATION: "locations belong to Outlook: connect `outlook`",
    ops.LIST_LINK_SLOTS: "Bookings tells when its staff is free, and no slots of a service",
}
