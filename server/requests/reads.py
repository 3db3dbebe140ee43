"""Checks of what is asked of reads: windows, filters, page sizes, read masks."""

from typing import Any

from google.protobuf.descriptor import Descriptor
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp

from providers.core.errors import ProviderError
from server.requests.exchange import Check, Exchange
from server.requests.fields import nested
from ucal.v1 import (
    busy_pb2,
    calendar_pb2,
    event_pb2,
    link_pb2,
    location_pb2,
    recording_pb2,
    room_pb2,
    types_pb2,
    webinar_pb2,
)

# Timestamps of the years 1 to 9999, the range of google.protobuf.Timestamp and of datetime.
_FIRST_SECOND = -62135596800
_LAST_SECOND = 253402300799
# What answers hold whatever the mask says.
_ALWAYS = frozenset({"connection_id", "id", "raw"})

RESOURCES: dict[int, Descriptor] = {
    types_pb2.RESOURCE_KIND_CALENDAR: calendar_pb2.Calendar.DESCRIPTOR,
    types_pb2.RESOURCE_KIND_EVENT: event_pb2.Event.DESCRIPTOR,
    types_pb2.RESOURCE_KIND_BUSY: busy_pb2.Busy.DESCRIPTOR,
    types_pb2.RESOURCE_KIND_LINK: link_pb2.Link.DESCRIPTOR,
    types_pb2.RESOURCE_KIND_RECORDING: recording_pb2.Recording.DESCRIPTOR,
    types_pb2.RESOURCE_KIND_WEBINAR: webinar_pb2.Webinar.DESCRIPTOR,
    types_pb2.RESOURCE_KIND_ROOM: room_pb2.Room.DESCRIPTOR,
    types_pb2.RESOURCE_KIND_LOCATION: location_pb2.Location.DESCRIPTOR,
}


def window(request: Any, exchange: Exchange) -> None:
    """Bounds are instants, the first before the second.

    Raises:
        ProviderError: INVALID, naming the bound.
    """
    del exchange
    if not request.HasField("window"):
        return
    both = request.window
    for name in ("start_at", "end_at"):
        if both.HasField(name) and not _is_instant(getattr(both, name)):
            raise ProviderError.invalid(f"window.{name}", "is not within the years 1 to 9999")
    if not (both.HasField("start_at") and both.HasField("end_at")):
        return
    if both.end_at.ToNanoseconds() <= both.start_at.ToNanoseconds():
        raise ProviderError.invalid("window.end_at", "must be after window.start_at")


def _is_instant(stamp: Timestamp) -> bool:
    return _FIRST_SECOND <= stamp.seconds <= _LAST_SECOND and 0 <= stamp.nanos < 1_000_000_000


def whole_window(request: Any, exchange: Exchange) -> None:
    """Both bounds are there where the answer would be endless without them."""
    if exchange.operation.name == "list_events" and not request.expand_recurring:
        return
    for name in ("start_at", "end_at"):
        if not request.window.HasField(name):
            raise ProviderError.invalid(f"window.{name}", "is required here")


def expansion(request: Any, exchange: Exchange) -> None:
    """The provider, or its adapter, expands series."""
    if request.expand_recurring and not exchange.capability.expand_recurring:
        raise exchange.unsupported("series cannot be expanded in lists", "expand_recurring")


def updated_after(request: Any, exchange: Exchange) -> None:
    """The provider filters by time of change."""
    if not request.HasField("updated_after"):
        return
    if not exchange.capability.updated_after:
        raise exchange.unsupported("lists cannot be filtered by time of change", "updated_after")
    if not _is_instant(request.updated_after):
        raise ProviderError.invalid("updated_after", "is not within the years 1 to 9999")


def query(request: Any, exchange: Exchange) -> None:
    """The provider searches."""
    if request.query and not exchange.capability.query:
        raise exchange.unsupported("there is no search at the provider", "query")


def page_size(request: Any, exchange: Exchange) -> None:
    """A wish beyond the provider's largest page is brought down to it."""
    largest = exchange.capability.max_page_size
    if largest and request.page_size > largest:
        request.page_size = largest


def read_mask(request: Any, exchange: Exchange) -> None:
    """Every path of the mask is one of the resource.

    Raises:
        ProviderError: INVALID, naming the path.
    """
    if not request.HasField("read_mask"):
        return
    resource = RESOURCES[exchange.operation.kind]
    if not request.read_mask.paths:
        raise ProviderError.invalid("read_mask", "is empty; leave it out to get every field")
    for path in request.read_mask.paths:
        if path != "*" and not nested(resource, path):
            raise ProviderError.invalid("read_mask", f"no such field: {path[:100]!r}")


def trim(resource: Any, mask: FieldMask) -> None:
    """Leave in `resource` what `mask` names; ids, and raw where it was asked for, always stay."""
    if not mask.paths or "*" in mask.paths:
        return
    keep = _ALWAYS.union(mask.paths)
    if any("." in path for path in mask.paths):
        _trim_nested(resource, mask)
        return
    for field, _ in resource.ListFields():
        if field.name not in keep:
            resource.ClearField(field.name)


def _trim_nested(resource: Any, mask: FieldMask) -> None:
    kept = type(resource)()
    present = [name for name in sorted(_ALWAYS) if name in resource.DESCRIPTOR.fields_by_name]
    FieldMask(paths=[*mask.paths, *present]).MergeMessage(resource, kept)
    resource.CopyFrom(kept)


CHECKS: dict[str, tuple[Check, ...]] = {
    "window": (window,),
    "expand_recurring": (expansion,),
    "updated_after": (updated_after,),
    "query": (query,),
    "page_size": (page_size,),
    "read_mask": (read_mask,),
}
