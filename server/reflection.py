"""Server reflection under both of its names.

grpcio-reflection serves v1alpha only (1.85); the messages of v1 are the same on the wire, so a
generic handler serves the one servicer under the other name too.
"""

from collections.abc import Sequence

import grpc
from google.protobuf import descriptor_pool
from grpc_reflection.v1alpha import reflection, reflection_pb2
from grpc_reflection.v1alpha._async import ReflectionServicer

V1 = "grpc.reflection.v1.ServerReflection"


class _Pool:
    """The default pool, which finds methods too: protobuf's own does not (7.35)."""

    def __init__(self) -> None:
        self._pool = descriptor_pool.Default()

    def __getattr__(self, name: str) -> object:
        return getattr(self._pool, name)

    def FindFileContainingSymbol(self, symbol: str) -> object:  # noqa: N802 - a pool's own name
        """Part of DescriptorPool."""
        try:
            return self._pool.FindMethodByName(symbol).containing_service.file
        except KeyError:
            return self._pool.FindFileContainingSymbol(symbol)


def add_reflection(server: grpc.aio.Server, services: Sequence[str]) -> None:
    """Let tools such as grpcurl and buf curl ask `server` for its descriptors."""
    names = (*services, V1, reflection.SERVICE_NAME)
    servicer = ReflectionServicer(service_names=names, pool=_Pool())
    handler = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    server.add_generic_rpc_handlers(
        tuple(
            grpc.method_handlers_generic_handler(name, {"ServerReflectionInfo": handler})
            for name in (V1, reflection.SERVICE_NAME)
        )
    )
