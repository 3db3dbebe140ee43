"""A provider that answers as it is told to, and how its answers are asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from providers.core import operations as ops
from providers.core.call import Call
from providers.core.http import Http
from providers.core.provider import Provider
from providers.core.settings import ProviderSettings
from ucal.v1 import (
    busy_pb2,
    event_pb2,
    provider_pb2,
    types_pb2,
)


class Scripted(Provider):
    """Answers what the test has put there, and keeps what it was asked."""

    name = "scripted"
    display_name = "Scripted"
    features: ClassVar = {
        ops.LIST_EVENTS: provider_pb2.Capability(max_page_size=50),
        ops.CREATE_EVENT: provider_pb2.Capability(
            writable_fields=["subject", "start_at", "end_at", "recurrence", "conference"],
            conference_kinds=[types_pb2.CONFERENCE_KIND_ZOOM],
        ),
        ops.UPDATE_EVENT: provider_pb2.Capability(
            writable_fields=["subject", "start_at", "end_at", "description"],
            scopes=[types_pb2.UPDATE_SCOPE_ALL],
            etags=True,
        ),
        ops.DELETE_EVENT: provider_pb2.Capability(),
    }

    def __init__(self) -> None:
        super().__init__(ProviderSettings())
        self.asked: list[Any] = []
        self.events: list[event_pb2.Event] = []
        self.next_cursor = ""
        self.cursor = ""

    async def list_events(
        self, call: Call, request: event_pb2.ListEventsRequest
    ) -> event_pb2.ListEventsResponse:
        self.asked.append(request)
        return event_pb2.ListEventsResponse(
            events=self.events,
            next_page_token=self.next_cursor,
            resume_token=self.cursor.encode(),
        )

    async def create_event(
        self, call: Call, request: event_pb2.CreateEventRequest
    ) -> event_pb2.CreateEventResponse:
        self.asked.append(request)
        return event_pb2.CreateEventResponse(event=request.event)

    async def update_event(
        self, call: Call, request: event_pb2.UpdateEventRequest
    ) -> event_pb2.UpdateEventResponse:
        self.asked.append(request)
        return event_pb2.UpdateEventResponse(event=request.event)

    async def delete_event(
        self, call: Call, request: event_pb2.DeleteEventRequest
    ) -> event_pb2.DeleteEventResponse:
        self.asked.append(request)
        return event_pb2.DeleteEventResponse()

    async def list_busy(
        self, call: Call, request: busy_pb2.ListBusyRequest
    ) -> busy_pb2.ListBusyResponse:
        self.asked.append(request)
        if request.connection_id == "broken":
            raise RuntimeError("a bug")
        return busy_pb2.ListBusyResponse(busy=[busy_pb2.Busy(id="b")])


class Plain:
    """Binds without hiding, so that a test can read what was sealed."""

    def seal(self, payload: bytes, *, bound_to: bytes = b"") -> bytes:
        return (bound_to.hex() + "." + payload.hex()).encode()

    def open(
        self, token: bytes, *, bound_to: bytes = b"", max_age: timedelta | None = None
    ) -> bytes:
        bound, _, payload = token.decode().partition(".")
        if bound != bound_to.hex():
            raise ValueError
        return bytes.fromhex(payload)


@dataclass
class Found:
    provider: Scripted
    call: Call
    account_key: str = "k"
    is_brought: bool = False

    def trailing_metadata(self) -> tuple[tuple[str, str | bytes], ...]:
        return ()


@dataclass
class World:
    """Stands for the connections: one provider behind every connection."""

    provider: Scripted = field(default_factory=Scripted)

    async def resolve(self, connection_id: str, metadata: Mapping[str, str | bytes]) -> Found:
        return Found(self.provider, Call(connection_id, Http.__new__(Http)))

    def after_list(self, connection_id: str, calendar_id: str, cursor: str) -> bytes:
        return f"{connection_id}|{calendar_id}|{cursor}".encode()


def at(hour: int, zone: str = "") -> types_pb2.EventTime:
    return types_pb2.EventTime(
        timestamp=Timestamp(seconds=1_800_000_000 + hour * 3600), time_zone=zone
    )


def day(number: int) -> types_pb2.EventTime:
    when = types_pb2.EventTime()
    when.date.year, when.date.month, when.date.day = 2027, 1, number
    return when


def meeting(**fields: Any) -> event_pb2.Event:
    return event_pb2.Event(**({"subject": "s", "start_at": at(0), "end_at": at(1)} | fields))


async def refused(work: Any, code: grpc.StatusCode, field_path: str = "") -> str:
    """That `work` ends with `code`; the reason of its ErrorInfo."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await work
    assert caught.value.code() is code, caught.value.details()
    status = rpc_status.from_call(caught.value)
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for packed in status.details:
        packed.Unpack(info) or packed.Unpack(bad)
    if field_path:
        assert field_path in [found.field for found in bad.field_violations], bad
    return info.reason


INVALID = grpc.StatusCode.INVALID_ARGUMENT
UNIMPLEMENTED = grpc.StatusCode.UNIMPLEMENTED
