"""How each operation behaves here: the sandbox can do all that the contract says."""

from collections.abc import Mapping

from google.protobuf.duration_pb2 import Duration

from providers.core import operations as ops
from providers.core.operations import Operation
from providers.sandbox import calendar_writes, conferences, drafts, links, webinars
from ucal.v1 import provider_pb2, types_pb2, watch_pb2

MAX_PAGE = 2_500

_ALL_SCOPES = (
    types_pb2.UPDATE_SCOPE_THIS_INSTANCE,
    types_pb2.UPDATE_SCOPE_THIS_AND_FOLLOWING,
    types_pb2.UPDATE_SCOPE_ALL,
)
_PROVIDER = provider_pb2.IDEMPOTENCY_SUPPORT_PROVIDER


def _list() -> provider_pb2.Capability:
    return provider_pb2.Capability(max_page_size=MAX_PAGE, etags=True)


def _watch() -> provider_pb2.Capability:
    return provider_pb2.Capability(
        min_poll_interval=Duration(seconds=1), deletions=watch_pb2.DELETION_SUPPORT_EXACT
    )


def _create(*fields: str) -> provider_pb2.Capability:
    return provider_pb2.Capability(writable_fields=fields, idempotency=_PROVIDER, etags=True)


def _update(*fields: str) -> provider_pb2.Capability:
    return provider_pb2.Capability(writable_fields=fields, etags=True)


FEATURES: Mapping[Operation, provider_pb2.Capability] = {
    ops.LIST_CALENDARS: _list(),
    ops.GET_CALENDAR: provider_pb2.Capability(etags=True),
    ops.CREATE_CALENDAR: _create(*calendar_writes.WRITABLE),
    ops.UPDATE_CALENDAR: _update(*calendar_writes.WRITABLE),
    ops.DELETE_CALENDAR: provider_pb2.Capability(etags=True),
    ops.WATCH_CALENDARS: _watch(),
    ops.LIST_EVENTS: provider_pb2.Capability(
        max_page_size=MAX_PAGE, etags=True, updated_after=True, query=True, expand_recurring=True
    ),
    ops.GET_EVENT: provider_pb2.Capability(etags=True),
    ops.LIST_EVENT_INSTANCES: _list(),
    ops.CREATE_EVENT: provider_pb2.Capability(
        writable_fields=[*drafts.WRITABLE, "calendar_id", "link_id"],
        idempotency=_PROVIDER,
        etags=True,
        conference_kinds=conferences.KINDS,
        notes="A Teams call is PENDING for two seconds, so that readiness can be waited for.",
    ),
    ops.UPDATE_EVENT: provider_pb2.Capability(
        writable_fields=[*drafts.WRITABLE, "calendar_id"],
        scopes=_ALL_SCOPES,
        etags=True,
        conference_kinds=conferences.KINDS,
    ),
    ops.DELETE_EVENT: provider_pb2.Capability(
        scopes=_ALL_SCOPES,
        etags=True,
        notes="Single events and series are gone; an instance is canceled and kept.",
    ),
    ops.RESPOND_TO_EVENT: provider_pb2.Capability(
        scopes=(types_pb2.UPDATE_SCOPE_THIS_INSTANCE, types_pb2.UPDATE_SCOPE_ALL),
        etags=True,
        notes="proposed_time is dropped and reported.",
    ),
    ops.WATCH_EVENTS: _watch(),
    ops.LIST_BUSY: provider_pb2.Capability(max_page_size=MAX_PAGE),
    ops.WATCH_BUSY: provider_pb2.Capability(min_poll_interval=Duration(seconds=1)),
    ops.LIST_LINKS: _list(),
    ops.GET_LINK: provider_pb2.Capability(etags=True),
    ops.CREATE_LINK: _create(*links.WRITABLE, "parent_link_id"),
    ops.UPDATE_LINK: _update(*links.WRITABLE),
    ops.DELETE_LINK: provider_pb2.Capability(etags=True),
    ops.LIST_LINK_SLOTS: provider_pb2.Capability(
        max_page_size=MAX_PAGE, notes="Windows of up to 366 days."
    ),
    ops.WATCH_LINKS: _watch(),
    ops.LIST_RECORDINGS: provider_pb2.Capability(max_page_size=MAX_PAGE),
    ops.GET_RECORDING: provider_pb2.Capability(),
    ops.LIST_TRANSCRIPT_SEGMENTS: provider_pb2.Capability(max_page_size=MAX_PAGE),
    ops.WATCH_RECORDINGS: _watch(),
    ops.LIST_WEBINARS: _list(),
    ops.GET_WEBINAR: provider_pb2.Capability(etags=True),
    ops.CREATE_WEBINAR: _create(*webinars.WRITABLE),
    ops.UPDATE_WEBINAR: provider_pb2.Capability(
        writable_fields=webinars.WRITABLE, scopes=(types_pb2.UPDATE_SCOPE_ALL,), etags=True
    ),
    ops.DELETE_WEBINAR: provider_pb2.Capability(scopes=(types_pb2.UPDATE_SCOPE_ALL,), etags=True),
    ops.LIST_WEBINAR_REGISTRANTS: provider_pb2.Capability(max_page_size=MAX_PAGE),
    ops.CREATE_WEBINAR_REGISTRANT: provider_pb2.Capability(
        writable_fields=("name", "email", "answers")
    ),
    ops.UPDATE_WEBINAR_REGISTRANT_STATUS: provider_pb2.Capability(),
    ops.WATCH_WEBINARS: _watch(),
    ops.LIST_ROOMS: provider_pb2.Capability(max_page_size=MAX_PAGE),
    ops.GET_ROOM: provider_pb2.Capability(),
    ops.LIST_LOCATIONS: provider_pb2.Capability(max_page_size=MAX_PAGE),
    ops.GET_LOCATION: provider_pb2.Capability(),
}
