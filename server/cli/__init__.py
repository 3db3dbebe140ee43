"""The `ucal` command."""

import asyncio
import signal

import click

from server.app import GrpcServer, Service
from server.log import LOG, configure
from server.services.providers import ProviderService
from ucal.v1 import provider_pb2_grpc

_DRAIN_DELAY = 1.0
_DRAIN_GRACE = 10.0


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ucal")
def main() -> None:
    """One gRPC contract over every calendar, booking and meeting provider."""


async def _serve(listen: str) -> None:
    server = GrpcServer(
        [
            Service(
                "ucal.v1.ProviderService",
                provider_pb2_grpc.add_ProviderServiceServicer_to_server,
                ProviderService(),
            )
        ]
    )
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    port = await server.start(listen)
    LOG.info("serving", extra={"address": f"{listen.rpartition(':')[0]}:{port}"})
    await ended.wait()
    LOG.info("draining", extra={"seconds": _DRAIN_GRACE})
    await server.drain(_DRAIN_DELAY, _DRAIN_GRACE)


@main.command(epilog="Example: ucal serve --listen 127.0.0.1:50051")
@click.option("--listen", envvar="UCAL_LISTEN", default="127.0.0.1:50051", show_default=True)
@click.option("--log-level", envvar="UCAL_LOG_LEVEL", default="info", show_default=True)
def serve(listen: str, log_level: str) -> None:
    """Run the service until SIGTERM or Ctrl-C, then drain."""
    configure(log_level)
    try:
        asyncio.run(_serve(listen))
    except OSError as error:
        raise click.ClickException(str(error)) from None
