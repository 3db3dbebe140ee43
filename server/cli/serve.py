"""`ucal serve` and `ucal sandbox`: the service in the foreground, until it is told to end."""

import asyncio
import gc
import signal
import sys
from collections.abc import Awaitable, Callable

import click
import uvloop

from providers.core.errors import ProviderError
from server.cli.variables import strays
from server.crash import leave_nothing
from server.log import LOG, configure
from server.presets import SANDBOX
from server.service import Service, running
from server.settings import Settings, SettingsError, load, parse

_CONFIGURATION_ERROR = 2


async def _until_told(settings: Settings, begun: Callable[[Service], Awaitable[None]]) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    async with running(settings) as service:
        LOG.info("serving", extra={"address": service.address})
        await begun(service)
        # What is loaded by now stays as long as the process. Without this, the first full
        # collection under load walks all of it while every call waits, 80 ms (November 2026).
        gc.freeze()
        await ended.wait()
        LOG.info("draining", extra={"seconds": settings.limits.drain_grace})


def run(settings: Settings, begun: Callable[[Service], Awaitable[None]]) -> None:
    """Serve until SIGTERM or SIGINT, then drain; `begun` is awaited once calls are taken.

    Raises:
        SystemExit: 2, with one clear line, when it cannot be done as it is configured.
    """
    configure(settings.log_level)
    leave_nothing()
    try:
        uvloop.run(_until_told(settings, begun))
    except (SettingsError, ProviderError, OSError) as error:
        click.echo(f"ucal: {error}", err=True)
        sys.exit(_CONFIGURATION_ERROR)


def _loaded(config: str, listen: str) -> Settings:
    try:
        return load(config=config, overrides={"listen": listen} if listen else None)
    except SettingsError as error:
        click.echo(f"ucal: {error}", err=True)
        sys.exit(_CONFIGURATION_ERROR)


@click.command(epilog="Example: ucal serve --config ucal.toml")
@click.option("--config", envvar="UCAL_CONFIG", default="", help="Settings file (TOML).")
@click.option("--listen", default="", help="Overrides the setting listen.")
def serve(config: str, listen: str) -> None:
    """Run the service until SIGTERM or Ctrl-C, then drain."""
    settings = _loaded(config, listen)

    async def begun(service: Service) -> None:
        del service
        for name, _ in strays(settings):
            LOG.warning("a variable of the environment is no setting", extra={"setting": name})

    run(settings, begun)


@click.command(epilog="Example: ucal sandbox --listen 127.0.0.1:50051 &")
@click.option("--listen", default="127.0.0.1:50051", show_default=True)
@click.option("--quiet", is_flag=True, help="Log warnings only.")
def sandbox(listen: str, quiet: bool) -> None:
    """Run the service with the connection `sandbox` alone, in memory: for tests and first steps."""
    given = {**SANDBOX, "listen": listen, "log_level": "warning" if quiet else "info"}
    try:
        # Whoever names an address that others reach wants them to: nothing is kept, nobody known.
        settings = parse({**given, "tls": {"insecure": True}})
    except SettingsError as error:
        click.echo(f"ucal: {error}", err=True)
        sys.exit(_CONFIGURATION_ERROR)

    async def begun(service: Service) -> None:
        click.echo(
            f"ucal is serving on {service.address}, connection_id: sandbox. Try:\n"
            "  ucal call ListEvents connection_id=sandbox page_size=3 "
            f"--address {service.address}"
        )

    run(settings, begun)
