"""The gRPC server: options, interceptors, services, health, drain."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from server.health import Health
from server.interceptors.access import Access
from server.interceptors.access_log import AccessLog
from server.interceptors.admission import Admission
from server.interceptors.deadline import Deadline
from server.interceptors.errors import Errors
from server.interceptors.peers import Peers
from server.interceptors.validation import Validation
from server.interceptors.wrap import Stack, Wrapping
from server.reflection import add_reflection

# RELIABILITY and PERFORMANCE: each of these was seen to matter.
OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.max_receive_message_length", 4 * 1024 * 1024),
    ("grpc.max_send_message_length", 16 * 1024 * 1024),
    ("grpc.max_concurrent_streams", 1000),
    # Clients that ping an idle watch every 10 s are not sent away with "too many pings".
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    # gRPC core sheds a burst of new streams with CANCELLED otherwise.
    ("grpc.server.max_pending_requests", 100_000),
    ("grpc.server.max_pending_requests_hard_limit", 200_000),
)


@dataclass(frozen=True, slots=True)
class Service:
    """A servicer, its name, and the generated function that adds it."""

    name: str
    add: Callable[[Any, Any], None]
    servicer: object


class _Generic:
    """A server as the generated functions see it, which takes generic handlers alone.

    grpc.aio waits for each registered method by a task of its own, and for all of them anew with
    every call (1.85): with this contract's methods that costs 50 us a call.
    """

    def __init__(self, server: grpc.aio.Server) -> None:
        self._server = server

    def add_generic_rpc_handlers(self, handlers: Sequence[grpc.GenericRpcHandler]) -> None:
        """Part of grpc.aio.Server."""
        self._server.add_generic_rpc_handlers(handlers)

    def add_registered_method_handlers(self, name: str, handlers: object) -> None:
        """Part of grpc.aio.Server: left out."""


class GrpcServer:
    """A grpc.aio server with the house's interceptors around every method of the contract."""

    def __init__(
        self,
        services: Sequence[Service],
        *,
        default_deadline: float = 30.0,
        max_calls: int = 5_000,
        max_streams: int = 20_000,
        reuse_port: bool = False,
        max_connection_age: float = 0,
        layers: Sequence[Wrapping] = (),
        peers: Peers | None = None,
        access: Access | None = None,
    ) -> None:
        """A server of `services`, not yet started.

        Args:
            layers: further ones, around all but the access log.
            peers: where callers may come from; absent: everywhere.
            access: who they are and what they may do; absent: everything.
        """
        self._services = services
        self._health = Health()
        options = [*OPTIONS, ("grpc.so_reuseport", int(reuse_port))]
        if max_connection_age:
            options.append(("grpc.max_connection_age_ms", int(max_connection_age * 1000)))
        self._server = grpc.aio.server(
            interceptors=[
                Stack(
                    [
                        AccessLog(),
                        *layers,
                        Errors(),
                        peers or Peers(()),
                        Admission(max_calls, max_streams),
                        Deadline(default_deadline),
                        *((access.outer,) if access else ()),
                    ],
                    Validation(),
                    (access.inner,) if access else (),
                )
            ],
            options=options,
        )
        for service in services:
            service.add(service.servicer, _Generic(self._server))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        names = [service.name for service in services]
        add_reflection(self._server, [*names, "grpc.health.v1.Health"])

    async def start(self, address: str, credentials: grpc.ServerCredentials | None = None) -> int:
        """Listen on `address` ("host:port", port 0 for any, or "unix:path"); the port is returned.

        Raises:
            OSError: the address cannot be had.
        """
        try:
            if credentials is None:
                port = self._server.add_insecure_port(address)
            else:
                port = self._server.add_secure_port(address, credentials)
        except RuntimeError:
            raise OSError(f"cannot listen on {address}: is another process there?") from None
        await self._server.start()
        await self._say(health_pb2.HealthCheckResponse.SERVING)
        return int(port)

    async def _say(self, status: int) -> None:
        for name in ("", *(service.name for service in self._services)):
            await self._health.set(name, status)

    async def drain(self, delay: float, grace: float) -> None:
        """Stop: unhealthy for `delay` seconds, so that balancers look away, then a last `grace`."""
        await self._say(health_pb2.HealthCheckResponse.NOT_SERVING)
        await asyncio.sleep(delay)
        await self._server.stop(grace)
