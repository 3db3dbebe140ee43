"""Every RPC of the contract, found in its descriptors, and sound requests for each."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message

from providers.core import operations as ops
from providers.core.operations import Operation
from tests.conformance import plain, samples
from tests.conformance.client import Client
from tests.conformance.kinds import EVENT, KINDS, LINK, METHODS, WEBINAR, Kind
from tests.zero_storage.marks import write_on
from tests.zero_storage.words import CORE, EMAIL, TEXT
from ucal.v1 import (
    busy_pb2,
    calendar_pb2,
    connection_pb2,
    event_pb2,
    link_pb2,
    location_pb2,
    passthrough_pb2,
    provider_pb2,
    recording_pb2,
    room_pb2,
    types_pb2,
    watch_pb2,
    webinar_pb2,
)

_MODULES = (
    busy_pb2, calendar_pb2, connection_pb2, event_pb2, link_pb2, location_pb2, passthrough_pb2,
    provider_pb2, recording_pb2, room_pb2, watch_pb2, webinar_pb2,
)  # fmt: skip


@dataclass(frozen=True)
class Rpc:
    """One method of one service."""

    method: MethodDescriptor

    @property
    def path(self) -> str:
        return f"/{self.method.containing_service.full_name}/{self.method.name}"

    @property
    def request(self) -> type[Any]:
        found: type[Any] = message_factory.GetMessageClass(self.method.input_type)
        return found

    @property
    def answer(self) -> type[Any]:
        found: type[Any] = message_factory.GetMessageClass(self.method.output_type)
        return found

    async def call(
        self, channel: grpc.aio.Channel, request: Message, metadata: Any = (), timeout: float = 5
    ) -> Message | None:
        """The answer; of streams the first three messages are taken, and the last is answered.

        Raises:
            grpc.aio.AioRpcError: it failed.
        """
        write, read = self.request.SerializeToString, self.answer.FromString
        if not self.method.server_streaming:
            unary = channel.unary_unary(self.path, write, read)
            found: Message = await unary(request, metadata=metadata, timeout=timeout)
            return found
        stream = channel.unary_stream(self.path, write, read)(
            request, metadata=metadata, timeout=timeout
        )
        last, count = None, 0
        try:
            async for message in stream:
                last, count = message, count + 1
                if count == 3:
                    break
        finally:
            stream.cancel()
        return last


def rpcs() -> Iterator[Rpc]:
    """Every one. `test_searcher` holds the list against the files of the contract."""
    for module in _MODULES:
        for service in module.DESCRIPTOR.services_by_name.values():
            yield from (Rpc(method) for method in service.methods)


BY_NAME = {rpc.method.name: rpc for rpc in rpcs()}


def with_connection(request: Any, connection_id: str) -> Any:
    """`request` about `connection_id`, wherever it says so."""
    for field in request.DESCRIPTOR.fields:
        if field.name == "connection_id":
            request.connection_id = connection_id
        elif field.name in {"scope", "call"} and field.message_type is not None:
            with_connection(getattr(request, field.name), connection_id)
    return request


async def sound(client: Client, operation: Operation) -> Message:
    """A request that can succeed, with the word in what a person would have written."""
    fields = await _FIELDS.get(operation.method, _named)(client, operation)
    request: Message = client.request(operation, **fields)
    return request


async def _listed(client: Client, operation: Operation) -> dict[str, Any]:
    return client.list_fields(KINDS[operation.kind])


async def _under(client: Client, operation: Operation) -> dict[str, Any]:
    return await plain.existing(client, operation)


async def _named(client: Client, operation: Operation) -> dict[str, Any]:
    return {"id": await _one(client, KINDS[operation.kind])}


async def _one(client: Client, kind: Kind) -> str:
    """Some object: one that is there, before another is made."""
    lists = kind.op(METHODS.METHOD_LIST)
    if client.supports(lists) and kind not in (EVENT, WEBINAR, LINK):
        for found in await client.every(kind):
            return str(found.id)
    return await client.one(kind)


async def _made(client: Client, operation: Operation) -> dict[str, Any]:
    kind = KINDS[operation.kind]
    sample = await client.sample(kind)
    keeps = client.capability(operation).writable_fields
    write_on(sample, lambda name: name in keeps or name in {"name", "email"})
    if kind is EVENT and "description" in keeps:
        sample.description = TEXT
    if kind is EVENT and "attendees" in keeps and not sample.attendees:
        sample.attendees.add(name=TEXT, email=EMAIL)
    return {kind.name: sample}


async def _changed(client: Client, operation: Operation) -> dict[str, Any]:
    kind = KINDS[operation.kind]
    own_id = await client.one(kind)
    keeps = client.capability(operation).writable_fields
    if kind.title not in keeps:
        return {"id": own_id, kind.name: kind.resource()}
    resource = kind.resource(**{kind.title: f"{TEXT} {samples.title()}"})
    return {"id": own_id, kind.name: resource, "update_mask": {"paths": [kind.title]}}


async def _answered(client: Client, operation: Operation) -> dict[str, Any]:
    fields = await _named(client, operation)
    return fields | {"response": types_pb2.ATTENDEE_RESPONSE_ACCEPTED, "comment": TEXT}


async def _deleted(client: Client, operation: Operation) -> dict[str, Any]:
    fields = {"id": await client.one(KINDS[operation.kind])}
    named = BY_NAME[operation.rpc].request.DESCRIPTOR.fields_by_name
    return fields | ({"reason": TEXT} if "reason" in named else {})


async def _registered(client: Client, operation: Operation) -> dict[str, Any]:
    person = {"name": TEXT, "email": EMAIL}
    return {"webinar_id": await client.one(WEBINAR), "registrant": person}


async def _judged(client: Client, operation: Operation) -> dict[str, Any]:
    own_id = await client.one(WEBINAR)
    made = await client.call(
        ops.CREATE_WEBINAR_REGISTRANT,
        webinar_id=own_id,
        registrant={"name": "Rita", "email": f"{CORE}.2@example.com"},
    )
    return {"webinar_id": own_id, "registrant_id": made.registrant.id, "status": 1}


_FIELDS = {
    METHODS.METHOD_LIST: _listed,
    METHODS.METHOD_LIST_INSTANCES: _under,
    METHODS.METHOD_LIST_SLOTS: _under,
    METHODS.METHOD_LIST_TRANSCRIPT_SEGMENTS: _under,
    METHODS.METHOD_LIST_REGISTRANTS: _under,
    METHODS.METHOD_CREATE: _made,
    METHODS.METHOD_UPDATE: _changed,
    METHODS.METHOD_DELETE: _deleted,
    METHODS.METHOD_RESPOND: _answered,
    METHODS.METHOD_CREATE_REGISTRANT: _registered,
    METHODS.METHOD_UPDATE_REGISTRANT_STATUS: _judged,
}
