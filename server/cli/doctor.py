"""`ucal doctor`: whether this machine and these settings can run the service, and what to do."""

import asyncio
import platform
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import click
import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from providers.core.errors import ProviderError
from providers.registry import PROVIDERS, provider_class
from server.cli.bus_check import bus_check
from server.cli.entrance import entrance
from server.cli.reach import Finding, reach
from server.cli.safes import safes
from server.connections.store import Store
from server.settings import Settings, SettingsError, load
from server.settings_rules import split_address

_OLDEST = (3, 11)
_SECONDS = 3.0


def _runtime() -> Iterator[Finding]:
    version = platform.python_version()
    good = sys.version_info >= _OLDEST
    yield Finding(
        "ok" if good else "fail", f"Python {version}", "" if good else "use 3.11 or newer"
    )
    yield Finding("ok", f"grpcio {grpc.__version__}, {len(PROVIDERS)} providers")


async def _store(settings: Settings) -> Finding:
    kind = settings.store.partition(":")[0]
    store = Store(settings.store)
    try:
        async with asyncio.timeout(_SECONDS):
            await store.ping()
    except (ProviderError, TimeoutError):
        return Finding("fail", f"store: {kind} does not answer", "check the setting `store`")
    finally:
        await store.close()
    return Finding("ok", f"store: {kind} answers")


async def _address(settings: Settings) -> Finding:
    async with grpc.aio.insecure_channel(settings.listen) as channel:
        health: Any = health_pb2_grpc.HealthStub(channel)
        try:
            await health.Check(health_pb2.HealthCheckRequest(), timeout=_SECONDS)
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.UNAVAILABLE:
                return Finding("note", f"{settings.listen}: something else answers there")
        else:
            return Finding("ok", f"{settings.listen}: a service is running and healthy")
    if settings.listen.startswith("unix:"):
        return Finding("ok", f"{settings.listen}: free")
    host, port = split_address(settings.listen, "listen")
    try:
        with socket.create_server((host, port)):
            return Finding("ok", f"{settings.listen}: free")
    except OSError as error:
        advice = "stop what listens there, or set UCAL_LISTEN"
        return Finding("fail", f"{settings.listen}: {error.strerror}", advice)


def _clients(settings: Settings) -> Iterator[Finding]:
    ready = [
        name
        for name in PROVIDERS
        if provider_class(name).oauth is not None
        and name in settings.providers
        and settings.providers[name].client_id
    ]
    if ready:
        yield Finding("ok", f"OAuth clients are set for {', '.join(ready)}")
    else:
        yield Finding(
            "note",
            "no OAuth client is set",
            "for providers that need one: [providers.NAME] client_id, client_secret",
        )
    if not settings.public_url:
        yield Finding("note", "public_url is not set", "watches ask the provider; none pushes")


def _examine(settings: Settings, *, online: bool) -> Iterator[Finding]:
    looks: list[Callable[[Settings], Awaitable[Finding]]] = [_store, _address]

    async def look() -> list[Finding]:
        found = [await each(settings) for each in looks]
        found += await bus_check(settings)
        found += await entrance(settings, online=online)
        found += await safes(settings)
        return found + (await reach(settings) if online else [])

    yield from asyncio.run(look())
    yield from _clients(settings)


@click.command(epilog="Example: UCAL_CONFIG=ucal.toml ucal doctor")
@click.option("--config", envvar="UCAL_CONFIG", default="", help="Settings file (TOML).")
@click.option("--offline", is_flag=True, help="Send nothing to providers.")
def doctor(config: str, offline: bool) -> None:
    """Look for what would keep the service from running here; exit 1 if something would.

    Settings, keys, store, bus, addresses, access, TLS, OAuth clients; and each provider that is
    set up gets one request without credentials, to see whether it answers and whether the clocks
    agree.
    """
    findings = list(_runtime())
    try:
        settings = load(config=config)
    except SettingsError as error:
        findings.append(Finding("fail", "settings", str(error)))
    else:
        findings.append(Finding("ok", f"settings: {config or 'defaults and environment'}"))
        findings += _examine(settings, online=not offline)
    for found in findings:
        advice = f"\n      {found.advice}" if found.advice else ""
        click.echo(f"{found.state:<5} {found.text}{advice}")
    if any(found.state == "fail" for found in findings):
        sys.exit(1)
