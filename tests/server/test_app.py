"""The server through a real channel: statuses, reflection, health."""

from collections.abc import AsyncIterator

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2
from grpc_status import rpc_status

from server.app import GrpcServer, Service
from server.services.providers import ProviderService
from ucal.v1 import provider_pb2, provider_pb2_grpc


@pytest.fixture
async def channel() -> AsyncIterator[grpc.aio.Channel]:
    server = GrpcServer(
        [
            Service(
                "ucal.v1.ProviderService",
                provider_pb2_grpc.add_ProviderServiceServicer_to_server,
                ProviderService(),
            )
        ]
    )
    port = await server.start("127.0.0.1:0")
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as found:
        yield found
    await server.drain(0, 1)


def details(error: grpc.aio.AioRpcError, kind: type) -> list:
    status = rpc_status.from_call(error)
    found = []
    for packed in status.details:
        if packed.Is(kind.DESCRIPTOR):
            message = kind()
            packed.Unpack(message)
            found.append(message)
    return found


async def test_an_unknown_provider_is_not_found_with_details(channel: grpc.aio.Channel) -> None:
    stub = provider_pb2_grpc.ProviderServiceStub(channel)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.GetProvider(provider_pb2.GetProviderRequest(id="nowhere"))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    (info,) = details(caught.value, error_details_pb2.ErrorInfo)
    assert (info.reason, info.domain) == ("NOT_FOUND", "ucal")
    (resource,) = details(caught.value, error_details_pb2.ResourceInfo)
    assert (resource.resource_type, resource.resource_name) == ("provider", "nowhere")


async def test_a_broken_rule_is_named_by_its_field(channel: grpc.aio.Channel) -> None:
    stub = provider_pb2_grpc.ProviderServiceStub(channel)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.ListProviders(provider_pb2.ListProvidersRequest(page_size=-1))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    (bad,) = details(caught.value, error_details_pb2.BadRequest)
    assert [v.field for v in bad.field_violations] == ["page_size"]


async def test_a_body_that_is_no_message_is_invalid(channel: grpc.aio.Channel) -> None:
    call = channel.unary_unary("/ucal.v1.ProviderService/GetProvider")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(b"\xff\xff\xff")
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_call_without_deadline_is_told_the_default(channel: grpc.aio.Channel) -> None:
    call = provider_pb2_grpc.ProviderServiceStub(channel).ListProviders(
        provider_pb2.ListProvidersRequest()
    )
    await call
    assert ("ucal-default-deadline", "30s") in list(await call.trailing_metadata())


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
async def test_reflection_answers_under_both_names(channel: grpc.aio.Channel, version: str) -> None:
    call = channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )()
    await call.write(reflection_pb2.ServerReflectionRequest(list_services=""))
    await call.done_writing()
    answer = await call.read()
    names = {service.name for service in answer.list_services_response.service}
    assert {"ucal.v1.ProviderService", "grpc.health.v1.Health"} <= names


async def test_health_is_told_per_service(channel: grpc.aio.Channel) -> None:
    stub = health_pb2_grpc.HealthStub(channel)
    for name in ("", "ucal.v1.ProviderService"):
        answer = await stub.Check(health_pb2.HealthCheckRequest(service=name))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
