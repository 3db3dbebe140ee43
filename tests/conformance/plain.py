"""The plainest request of each operation, and the objects that such a request needs to name."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

from providers.core import operations as ops
from providers.core.operations import Operation
from tests.conformance import samples
from tests.conformance.client import Client
from tests.conformance.kinds import EVENT, KINDS, LINK, METHODS, RECORDING, WEBINAR, Kind
from ucal.v1 import types_pb2, webinar_pb2

NOWHERE = "no-such-id"
Fields = dict[str, Any]

# What operations need beside an id and a resource, when nothing has to be there.
_BARE: Mapping[Operation, Fields] = {
    ops.LIST_BUSY: {"window": samples.window(samples.BASE, days=1)},
    ops.LIST_EVENT_INSTANCES: {
        "recurring_event_id": NOWHERE,
        "window": samples.window(samples.BASE, days=7),
    },
    ops.RESPOND_TO_EVENT: {"id": NOWHERE, "response": types_pb2.ATTENDEE_RESPONSE_ACCEPTED},
    ops.LIST_LINK_SLOTS: {"link_id": NOWHERE, "window": samples.window(samples.BASE, days=1)},
    ops.LIST_TRANSCRIPT_SEGMENTS: {"recording_id": NOWHERE},
    ops.LIST_WEBINAR_REGISTRANTS: {"webinar_id": NOWHERE},
    ops.CREATE_WEBINAR_REGISTRANT: {
        "webinar_id": NOWHERE,
        "registrant": webinar_pb2.WebinarRegistrant(name="Rita", email="rita@example.com"),
    },
    ops.UPDATE_WEBINAR_REGISTRANT_STATUS: {
        "webinar_id": NOWHERE,
        "registrant_id": NOWHERE,
        "status": webinar_pb2.REGISTRANT_STATUS_APPROVED,
    },
}


async def bare(client: Client, operation: Operation) -> Fields:
    """A request that the contract's rules let through; the object it names is not there."""
    if operation in _BARE:
        return dict(_BARE[operation])
    kind = KINDS[operation.kind]
    if operation.method == METHODS.METHOD_LIST:
        return {}
    if operation.method == METHODS.METHOD_CREATE:
        if client.supports(operation):
            return {kind.name: await client.sample(kind)}
        return {kind.name: unsupported_sample(kind)}
    fields: Fields = {"id": NOWHERE}
    if operation.method == METHODS.METHOD_UPDATE:
        keeps = client.capability(operation).writable_fields
        title = kind.title if kind.title in keeps else ""
        fields[kind.name] = kind.resource(**({title: "New"} if title else {}))
        if title:
            fields["update_mask"] = {"paths": [title]}
    return fields


def unsupported_sample(kind: Kind) -> Any:
    """A sound resource for a provider that creates none."""
    found = kind.resource(**{kind.title: samples.title()})
    if kind in (EVENT, WEBINAR):
        for name, hours in (("start_at", 0), ("end_at", 1)):
            when = samples.BASE + timedelta(hours=hours)
            getattr(found, name).CopyFrom(samples.stamp(when, "UTC"))
    return found


async def existing(client: Client, operation: Operation, count: int = 0) -> Fields:
    """A list request whose parent is there and has at least `count` items, or a skip by name."""
    if operation in _PARENTS:
        return await _PARENTS[operation](client, count)
    kind = KINDS[operation.kind]
    await client.at_least(kind, count)
    return client.list_fields(kind)


async def _series(client: Client, count: int) -> Fields:
    if not client.writable(ops.CREATE_EVENT, "recurrence"):
        client.missing("way to make a series")
    event = await client.create(
        EVENT, recurrence={"rules": [f"RRULE:FREQ=DAILY;COUNT={max(count, 2)}"]}
    )
    start = samples.instant(event.start_at)
    return {"recurring_event_id": event.id, "window": samples.window(start, days=count + 2)}


async def _slots(client: Client, count: int) -> Fields:
    del count  # any link has many
    own_id = client.harness.link_id or await client.one(LINK)
    return {"link_id": own_id, "window": samples.window(samples.BASE, days=5)}


async def _transcript(client: Client, count: int) -> Fields:
    del count
    for recording in await client.every(RECORDING):
        if recording.has_transcript:
            return {"recording_id": recording.id}
    if client.plantable(RECORDING.kind):
        return {"recording_id": await client.plant(RECORDING)}
    return client.missing("recording with a transcript")


async def _registrants(client: Client, count: int) -> Fields:
    own_id = await client.one(WEBINAR)
    if client.supports(ops.CREATE_WEBINAR_REGISTRANT):
        for number in range(count):
            await client.call(
                ops.CREATE_WEBINAR_REGISTRANT,
                webinar_id=own_id,
                registrant={"name": f"Reg {number}", "email": f"reg.{number}@example.com"},
            )
    return {"webinar_id": own_id}


_PARENTS: Mapping[Operation, Callable[[Client, int], Awaitable[Fields]]] = {
    ops.LIST_EVENT_INSTANCES: _series,
    ops.LIST_LINK_SLOTS: _slots,
    ops.LIST_TRANSCRIPT_SEGMENTS: _transcript,
    ops.LIST_WEBINAR_REGISTRANTS: _registrants,
}
LISTS = (
    METHODS.METHOD_LIST,
    METHODS.METHOD_LIST_INSTANCES,
    METHODS.METHOD_LIST_SLOTS,
    METHODS.METHOD_LIST_TRANSCRIPT_SEGMENTS,
    METHODS.METHOD_LIST_REGISTRANTS,
)
