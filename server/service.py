"""The composition root: everything that one process runs, opened in order and closed in reverse."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from providers.core.errors import ProviderError
from server.access.build import access_of
from server.app import GrpcServer
from server.app import Service as GrpcService
from server.connect.commands import Commands
from server.connect.origin import Origin
from server.connect.pages import ConnectPages
from server.connections.facade import Connections
from server.dispatch import Dispatcher
from server.http import HttpServer
from server.interceptors.access import Access
from server.interceptors.peers import Peers
from server.interceptors.wrap import Wrapping
from server.pages import Pages
from server.services.connections import ConnectionService
from server.services.passthrough import PassthroughService
from server.services.providers import ProviderService
from server.services.resources import resource_services
from server.services.watch import NAME as WATCH_SERVICE
from server.services.watch import WatchService, add_watch_service
from server.settings import Settings, SettingsError
from server.settings_rules import split_address
from server.tls import Certificates
from server.watch.hub import Hub
from server.watching import Watching, watching
from ucal.v1 import connection_pb2_grpc, passthrough_pb2_grpc, provider_pb2_grpc

if TYPE_CHECKING:
    from server.telemetry import Telemetry
    from server.telemetry_metrics import MetricsExport


@dataclass(frozen=True, slots=True)
class Service:
    """A service that takes calls.

    Attributes:
        address: of gRPC, with the port that was really taken.
        port: the same port; 0 for a unix socket.
        http_address: "host:port" of HTTP; "" when there is none.
        hub: the watch engine.
    """

    address: str
    port: int
    http_address: str
    hub: Hub


@asynccontextmanager
async def running(
    settings: Settings, *, telemetry: "Telemetry | None" = None
) -> AsyncIterator[Service]:
    """The service with `settings`; it drains when the block ends.

    Args:
        telemetry: makes spans; absent: as the setting `traces` says.

    Raises:
        SettingsError, KeyRingError, StoreSettingError: it is not set up well.
        OSError: an address cannot be had.
        ProviderError: UNAVAILABLE, the store cannot be reached.
    """
    async with AsyncExitStack() as stack:
        telemetry = telemetry or _telemetry(settings)
        exports = [each for each in (telemetry, _metrics_export(settings)) if each is not None]
        stack.push_async_callback(_closed, exports)
        connections = Connections(settings, around=telemetry.around if telemetry else None)
        stack.push_async_callback(connections.close)
        await connections.open()
        watches = await stack.enter_async_context(watching(settings, connections))
        hub = watches.hub
        layers = () if telemetry is None else (telemetry.layer(),)
        access = access_of(settings, connections)
        if access is not None:
            stack.push_async_callback(access.gate.close)
        origin = Origin(
            settings.public_url, is_open="open" in settings.access.mode, tls=settings.tls.http
        )
        makers = access.makers if access is not None else None
        pages = ConnectPages(connections, origin, Commands(settings), makers)
        server = _grpc_server(
            settings, connections, watches, origin=origin, layers=layers, access=access
        )
        routes = [*watches.ingress.routes(), *pages.routes()]
        certificates = Certificates(settings.tls) if settings.tls.cert else None
        http_address = await _http(
            settings, connections, hub, stack, routes=routes, certificates=certificates
        )
        origin.address = http_address
        stack.push_async_callback(_end, settings, server, hub)
        port = await server.start(
            settings.listen, certificates.grpc() if certificates is not None else None
        )
        host, wished = split_address(settings.listen, "listen")
        address = settings.listen if not wished and host.startswith("unix:") else f"{host}:{port}"
        yield Service(address, port, http_address, hub)


def _telemetry(settings: Settings) -> "Telemetry | None":
    """What makes spans, if any are wanted; else none of it is loaded."""
    if not settings.traces:
        return None
    from server.telemetry import Telemetry  # noqa: PLC0415

    return Telemetry.of(settings)


def _metrics_export(settings: Settings) -> "MetricsExport | None":
    """What sends metrics to a collector, if there is one; else none of it is loaded.

    Raises:
        SettingsError: the packages are missing, or the interval is none.
    """
    if not settings.metrics_otlp:
        return None
    try:
        from server.telemetry_metrics import MetricsExport  # noqa: PLC0415
    except ImportError:
        raise SettingsError("metrics_otlp", "needs the packages of ucal[telemetry]") from None
    return MetricsExport(settings)


async def _closed(exports: "Sequence[Telemetry | MetricsExport]") -> None:
    """All at once: a collector that is away is waited for once."""
    await asyncio.gather(*(each.close() for each in exports))


async def _end(settings: Settings, server: GrpcServer, hub: Hub) -> None:
    """Let calls and streams end in peace."""
    hub.drain(settings.limits.drain_grace)
    await server.drain(settings.limits.drain_delay, settings.limits.drain_grace)


def _grpc_server(
    settings: Settings,
    connections: Connections,
    watches: Watching,
    *,
    origin: Origin,
    layers: Sequence[Wrapping],
    access: Access | None,
) -> GrpcServer:
    pages = Pages(connections.sealer("page"))
    limits = settings.limits
    return GrpcServer(
        [
            *resource_services(Dispatcher(connections, pages, watches.hub.tokens)),
            GrpcService(
                WATCH_SERVICE, add_watch_service, WatchService(watches.hub, watches.registrations)
            ),
            GrpcService(
                "ucal.v1.ConnectionService",
                connection_pb2_grpc.add_ConnectionServiceServicer_to_server,
                ConnectionService(
                    directory=connections.directory,
                    authorizations=connections.authorizations,
                    tickets=connections.tickets,
                    origin=origin,
                    sealer=connections.sealer("connections"),
                ),
            ),
            GrpcService(
                "ucal.v1.ProviderService",
                provider_pb2_grpc.add_ProviderServiceServicer_to_server,
                ProviderService(),
            ),
            GrpcService(
                "ucal.v1.PassthroughService",
                passthrough_pb2_grpc.add_PassthroughServiceServicer_to_server,
                PassthroughService(connections, enabled=settings.passthrough),
            ),
        ],
        default_deadline=limits.default_deadline,
        max_calls=limits.max_calls,
        max_streams=limits.max_streams,
        max_connection_age=limits.max_connection_age,
        layers=layers,
        peers=Peers(settings.access.ip_allow_list, settings.access.trusted_proxies),
        access=access,
    )


async def _http(
    settings: Settings,
    connections: Connections,
    hub: Hub,
    stack: AsyncExitStack,
    *,
    routes: Sequence[web.RouteDef],
    certificates: Certificates | None,
) -> str:
    """Start the HTTP side, if there is one; its address."""
    if not settings.http_listen:
        return ""

    async def ready() -> str:
        if hub.draining:
            return "this server is about to end"
        if not connections.ring.ids:
            return "the keys cannot be had from their vault"
        try:
            await connections.store.ping()
        except ProviderError:
            return "the store does not answer"
        return ""

    host, port = split_address(settings.http_listen, "http_listen")
    http = HttpServer(ready, routes, trouble=lambda: connections.trouble)
    stack.push_async_callback(http.stop)
    tls = certificates.http() if certificates is not None and settings.tls.http else None
    return f"{host}:{await http.start(host, port, tls)}"
