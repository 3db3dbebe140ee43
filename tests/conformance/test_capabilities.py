"""What a provider says of itself is so: in both directions, over the wire."""

from typing import Any

import grpc
import pytest

from providers.core import operations as ops
from providers.core.capabilities import describe
from providers.core.operations import OPERATIONS, Operation
from providers.registry import provider_class
from tests.conformance import plain, samples
from tests.conformance.client import Client
from tests.conformance.failure import Failure
from tests.conformance.kinds import KINDS, METHODS, Kind, output_only
from ucal.v1 import provider_pb2, provider_pb2_grpc, types_pb2, watch_pb2

pytestmark = pytest.mark.asyncio(loop_scope="module")

UNSUPPORTED = provider_pb2.SUPPORT_UNSUPPORTED
# The text that stands where nobody gave a reason.
_NO_REASON = "the provider has nothing like this"
_MISSING_IS_FINE = (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INVALID_ARGUMENT)
_SCOPED = (METHODS.METHOD_UPDATE, METHODS.METHOD_DELETE, METHODS.METHOD_RESPOND)


async def test_the_server_tells_what_the_class_declares(client: Client) -> None:
    declared = describe(provider_class(client.harness.provider))
    assert client.record == declared
    stub = provider_pb2_grpc.ProviderServiceStub(client.channel)
    listed = await stub.ListProviders(provider_pb2.ListProvidersRequest(), timeout=10)
    assert declared in listed.providers


async def test_every_operation_of_the_contract_is_spoken_of_once(client: Client) -> None:
    pairs = [(c.kind, c.method) for c in client.record.capabilities]
    assert sorted(pairs) == sorted((op.kind, op.method) for op in OPERATIONS)


async def test_what_is_not_native_says_why(client: Client) -> None:
    silent = [
        op.name
        for op in OPERATIONS
        if client.capability(op).support != provider_pb2.SUPPORT_NATIVE
        and client.capability(op).reason in ("", _NO_REASON)
    ]
    assert not silent, f"{client.name}: no reason of its own is given for {silent}"


async def test_declared_fields_and_limits_make_sense(client: Client) -> None:
    for op in OPERATIONS:
        found, where = client.capability(op), f"{client.name} {op.name}"
        names = {field.name for field in KINDS[op.kind].resource.DESCRIPTOR.fields}
        assert set(found.readable_fields) <= names, where
        if op.resource != "registrant":
            assert set(found.writable_fields) <= names, where
            closed = set(found.writable_fields) & output_only(KINDS[op.kind].resource)
            assert not closed, f"{where}: {closed} cannot be written by the contract"
        assert not found.scopes or op.method in _SCOPED, where
        assert types_pb2.UPDATE_SCOPE_UNSPECIFIED not in found.scopes, where
        if found.support == UNSUPPORTED:
            assert not found.writable_fields, where
            assert not found.etags, where
        elif op.method in (METHODS.METHOD_CREATE, METHODS.METHOD_UPDATE):
            assert found.writable_fields, f"{where}: keeps no field at all"
        if op.watches and found.support != UNSUPPORTED:
            assert found.watch_source, where
            assert found.deletions, where
            assert found.min_poll_interval.ToTimedelta().total_seconds() > 0, where


@pytest.mark.each_call
async def test_an_operation_works_if_and_only_if_it_is_declared(
    client: Client, operation: Operation
) -> None:
    await declared_is_done(client, operation)


async def declared_is_done(client: Client, operation: Operation) -> None:
    """The heart of the suite; `test_liars` proves that it bites in both directions."""
    fields = await plain.bare(client, operation)
    if client.capability(operation).support == UNSUPPORTED:
        failure = await client.refused(
            operation,
            grpc.StatusCode.UNIMPLEMENTED,
            reason="UNSUPPORTED_BY_PROVIDER",
            **fields,
        )
        says_why(client, operation, failure)
        return
    try:
        await client.call(operation, **fields)
    except Failure as failure:
        if plain.NOWHERE not in str(fields) or failure.code not in _MISSING_IS_FINE:
            raise AssertionError(f"{failure}: {operation.name} is declared to work") from failure
    else:
        where = client.where(operation)
        assert plain.NOWHERE not in str(fields), f"{where}: works on an object that is not there"


def says_why(client: Client, operation: Operation, failure: Failure) -> None:
    """The text of UNIMPLEMENTED is the text of the capability."""
    reason = client.capability(operation).reason
    assert failure.message == f"{client.record.display_name}: {reason}", failure
    metadata = failure.details["ErrorInfo"].metadata
    assert metadata["capability"] == operation.name, failure
    assert metadata["provider"] == client.harness.provider, failure


@pytest.mark.parametrize("kind", KINDS.values(), ids=str)
async def test_a_kind_is_watched_if_and_only_if_it_is_declared(client: Client, kind: Kind) -> None:
    scope = watch_pb2.WatchScope(connection_id=client.connection_id, kinds=[kind.kind])
    if client.harness.calendar_id and kind.name in ("event", "busy"):
        scope.calendar_ids.append(client.harness.calendar_id)
    request = watch_pb2.PollEventsRequest(scope=scope)
    operation = ops.WATCHES.get(kind.kind)
    if operation is not None and client.supports(operation):
        answer = await client.poll(request)
        assert answer.resume_token, f"{client.name} PollEvents {kind}: no token for now"
        assert answer.deletions == client.capability(operation).deletions
        return
    try:
        await client.poll(request)
    except Failure as error:
        failure = error
    else:
        raise AssertionError(f"{client.name} PollEvents {kind}: works, and is not declared")
    fitting = [grpc.StatusCode.UNIMPLEMENTED]
    fitting += [grpc.StatusCode.INVALID_ARGUMENT] if operation is None else []
    assert failure.code in fitting, failure
    if operation is not None:
        says_why(client, operation, failure)


@pytest.mark.each_kind(METHODS.METHOD_GET)
async def test_only_declared_fields_are_filled(client: Client, kind: Kind) -> None:
    readable = set(client.capability(kind.op(METHODS.METHOD_GET)).readable_fields)
    found = await client.get(kind, await client.one(kind))
    filled = {field.name for field, _ in found.ListFields()} - {"connection_id", "id"}
    assert not readable or filled <= readable, f"{client.name} {kind}: {filled - readable}"


@pytest.mark.needs(ops.LIST_EVENTS)
async def test_filters_that_are_not_declared_are_refused(client: Client) -> None:
    declared = client.capability(ops.LIST_EVENTS)
    asked: dict[str, dict[str, Any]] = {
        "query": {"query": "Conformance"},
        "updated_after": {"updated_after": samples.BASE},
        "expand_recurring": {
            "expand_recurring": True,
            "window": samples.window(samples.BASE, days=7),
        },
    }
    for name, fields in asked.items():
        if getattr(declared, name):
            await client.call(ops.LIST_EVENTS, **fields)
        else:
            await client.refused(
                ops.LIST_EVENTS, grpc.StatusCode.UNIMPLEMENTED, field=name, **fields
            )
