"""grpc.health.v1 for callers whom nobody knows: what they may hold of this process is bounded.

The servicer of grpcio-health-checking keeps every name that is watched, however long and made up,
for as long as the stream lasts, and needs no credentials: a few hundred streams took gigabytes.
"""

from typing import Any

import grpc
from grpc_health.v1 import health_pb2
from grpc_health.v1._async import HealthServicer

from server.interceptors.wrap import Context

# Balancers hold one for each of their connections.
_MOST = 1_000


class Health(HealthServicer):
    """Health, the watches of which are counted."""

    def __init__(self, most: int = _MOST) -> None:
        """`most`: watches at once, of all callers."""
        super().__init__()
        self._most = most
        self._open = 0
        self._names = {""}

    async def set(self, service: str, status: int) -> None:
        """Say how `service` is, which may be watched from now on."""
        self._names.add(service)
        await super().set(service, status)

    async def Watch(  # noqa: N802 - a servicer's own name
        self, request: health_pb2.HealthCheckRequest, context: Context
    ) -> Any:
        """Part of grpc.health.v1. A service that is not here is told so, and not waited for."""
        if request.service not in self._names:
            unknown = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
            await context.write(health_pb2.HealthCheckResponse(status=unknown))
            return
        if self._open >= self._most:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many watch: call Check")
        self._open += 1
        try:
            await super().Watch(request, context)
        finally:
            self._open -= 1
