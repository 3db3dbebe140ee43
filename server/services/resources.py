"""The services of the resources: every RPC that an `Operation` stands for, tied to the dispatcher.

The tie is data, so that an RPC without an operation, or the other way round, is found by a test and
not by a caller.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from providers.core.operations import OPERATIONS, Operation
from server.app import Service
from server.dispatch import Dispatcher
from server.interceptors.wrap import Context
from server.services.busy import batch_list_busy
from ucal.v1 import (
    busy_pb2_grpc,
    calendar_pb2_grpc,
    event_pb2_grpc,
    link_pb2_grpc,
    location_pb2_grpc,
    recording_pb2_grpc,
    room_pb2_grpc,
    webinar_pb2_grpc,
)

Method = Callable[[Any, Context], Awaitable[Any]]

_SERVICERS: tuple[tuple[str, type[Any], Callable[[Any, Any], None]], ...] = (
    (
        "CalendarService",
        calendar_pb2_grpc.CalendarServiceServicer,
        calendar_pb2_grpc.add_CalendarServiceServicer_to_server,
    ),
    (
        "EventService",
        event_pb2_grpc.EventServiceServicer,
        event_pb2_grpc.add_EventServiceServicer_to_server,
    ),
    (
        "BusyService",
        busy_pb2_grpc.BusyServiceServicer,
        busy_pb2_grpc.add_BusyServiceServicer_to_server,
    ),
    (
        "LinkService",
        link_pb2_grpc.LinkServiceServicer,
        link_pb2_grpc.add_LinkServiceServicer_to_server,
    ),
    (
        "RecordingService",
        recording_pb2_grpc.RecordingServiceServicer,
        recording_pb2_grpc.add_RecordingServiceServicer_to_server,
    ),
    (
        "WebinarService",
        webinar_pb2_grpc.WebinarServiceServicer,
        webinar_pb2_grpc.add_WebinarServiceServicer_to_server,
    ),
    (
        "RoomService",
        room_pb2_grpc.RoomServiceServicer,
        room_pb2_grpc.add_RoomServiceServicer_to_server,
    ),
    (
        "LocationService",
        location_pb2_grpc.LocationServiceServicer,
        location_pb2_grpc.add_LocationServiceServicer_to_server,
    ),
)


def resource_services(dispatcher: Dispatcher) -> list[Service]:
    """The services of all resources, ready to be added to a server."""
    found = []
    for name, base, add in _SERVICERS:
        servicer = base()
        for operation in _operations(base):
            setattr(servicer, operation.rpc, _method(dispatcher, operation))
        if name == "BusyService":
            servicer.BatchListBusy = batch_list_busy(servicer.ListBusy)
        found.append(Service(f"ucal.v1.{name}", add, servicer))
    return found


def _operations(base: type[Any]) -> Sequence[Operation]:
    return [operation for operation in OPERATIONS if hasattr(base, operation.rpc)]


def _method(dispatcher: Dispatcher, operation: Operation) -> Method:
    async def call(request: Any, context: Context) -> Any:
        return await dispatcher.run(operation, request, context)

    return call
