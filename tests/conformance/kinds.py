"""The kinds of objects, as a table: their messages, operations, titles and how to list them."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from google.api import field_behavior_pb2

from providers.core import operations as ops
from providers.core.operations import OPERATIONS, Operation, ResourceKind
from ucal.v1 import (
    busy_pb2,
    busy_pb2_grpc,
    calendar_pb2,
    calendar_pb2_grpc,
    event_pb2,
    event_pb2_grpc,
    link_pb2,
    link_pb2_grpc,
    location_pb2,
    location_pb2_grpc,
    provider_pb2,
    recording_pb2,
    recording_pb2_grpc,
    room_pb2,
    room_pb2_grpc,
    types_pb2,
    webinar_pb2,
    webinar_pb2_grpc,
)

METHODS = provider_pb2.Method


@dataclass(frozen=True)
class Kind:
    """One kind of object.

    Attributes:
        name: singular field name in requests and answers.
        plural: field name of lists.
        title: the field that people know it by; "" when it has none.
        resource: its message.
        messages: module of its requests and answers.
        stub: class of its service's stub.
        has_own_id: `raw["__id"]` holds the provider's own id.
    """

    kind: ResourceKind
    name: str
    plural: str
    title: str
    resource: type[Any]
    messages: ModuleType
    stub: type[Any]
    has_own_id: bool = True

    def __str__(self) -> str:
        return self.name

    def op(self, method: provider_pb2.Method.ValueType) -> Operation:
        """The operation of this kind; KeyError when the contract has none."""
        return _BY_PAIR[self.kind, method]

    def has(self, method: provider_pb2.Method.ValueType) -> bool:
        """Whether the contract has such an operation."""
        return (self.kind, method) in _BY_PAIR


_BY_PAIR = {(op.kind, op.method): op for op in OPERATIONS}

CALENDAR = Kind(
    types_pb2.RESOURCE_KIND_CALENDAR, "calendar", "calendars", "name", calendar_pb2.Calendar,
    calendar_pb2, calendar_pb2_grpc.CalendarServiceStub,
)  # fmt: skip
EVENT = Kind(
    types_pb2.RESOURCE_KIND_EVENT, "event", "events", "subject", event_pb2.Event,
    event_pb2, event_pb2_grpc.EventServiceStub,
)  # fmt: skip
BUSY = Kind(
    types_pb2.RESOURCE_KIND_BUSY, "busy", "busy", "", busy_pb2.Busy,
    busy_pb2, busy_pb2_grpc.BusyServiceStub, has_own_id=False,
)  # fmt: skip
LINK = Kind(
    types_pb2.RESOURCE_KIND_LINK, "link", "links", "name", link_pb2.Link,
    link_pb2, link_pb2_grpc.LinkServiceStub,
)  # fmt: skip
RECORDING = Kind(
    types_pb2.RESOURCE_KIND_RECORDING, "recording", "recordings", "title", recording_pb2.Recording,
    recording_pb2, recording_pb2_grpc.RecordingServiceStub,
)  # fmt: skip
WEBINAR = Kind(
    types_pb2.RESOURCE_KIND_WEBINAR, "webinar", "webinars", "subject", webinar_pb2.Webinar,
    webinar_pb2, webinar_pb2_grpc.WebinarServiceStub,
)  # fmt: skip
ROOM = Kind(
    types_pb2.RESOURCE_KIND_ROOM, "room", "rooms", "name", room_pb2.Room,
    room_pb2, room_pb2_grpc.RoomServiceStub, has_own_id=False,
)  # fmt: skip
LOCATION = Kind(
    types_pb2.RESOURCE_KIND_LOCATION, "location", "locations", "name", location_pb2.Location,
    location_pb2, location_pb2_grpc.LocationServiceStub, has_own_id=False,
)  # fmt: skip

KINDS: Mapping[ResourceKind, Kind] = {
    kind.kind: kind for kind in (CALENDAR, EVENT, BUSY, LINK, RECORDING, WEBINAR, ROOM, LOCATION)
}
# Operations of the contract that are one RPC each; watches share one.
CALLS = tuple(op for op in OPERATIONS if not op.watches)
WATCHES = tuple(ops.WATCHES.values())


def request_type(operation: Operation) -> type[Any]:
    """The request message of `operation`."""
    messages = KINDS[operation.kind].messages
    found: type[Any] = getattr(messages, f"{operation.rpc}Request")
    return found


def output_only(message: type[Any]) -> frozenset[str]:
    """Fields of `message` that callers never write."""
    return frozenset(
        field.name
        for field in message.DESCRIPTOR.fields
        if field_behavior_pb2.OUTPUT_ONLY
        in field.GetOptions().Extensions[field_behavior_pb2.field_behavior]
    )
