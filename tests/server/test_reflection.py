"""What tools such as grpcurl learn of the service from the service."""

import pytest
from google.protobuf import descriptor_pb2
from grpc_reflection.v1alpha import reflection_pb2

from tests.serving import serving


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
@pytest.mark.parametrize(
    "symbol",
    ["ucal.v1.EventService", "ucal.v1.EventService.UpdateEvent", "ucal.v1.Event.subject"],
)
async def test_every_kind_of_symbol_leads_to_its_file(version: str, symbol: str) -> None:
    async with serving([]) as channel:
        ask = channel.stream_stream(
            f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
            request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
            response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
        )
        request = reflection_pb2.ServerReflectionRequest(file_containing_symbol=symbol)
        answers = [answer async for answer in ask(iter([request]))]
    files = [
        descriptor_pb2.FileDescriptorProto.FromString(each).name
        for answer in answers
        for each in answer.file_descriptor_response.file_descriptor_proto
    ]
    assert "ucal/v1/event.proto" in files


async def test_an_unknown_symbol_is_not_found() -> None:
    async with serving([]) as channel:
        ask = channel.stream_stream(
            "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
            request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
            response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
        )
        request = reflection_pb2.ServerReflectionRequest(file_containing_symbol="ucal.v1.No.Such")
        answers = [answer async for answer in ask(iter([request]))]
    assert answers[0].error_response.error_code == 5
