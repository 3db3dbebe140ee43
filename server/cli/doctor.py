"""`ucal doctor`: whether this machine and these settings can run the service, and what to do."""

import asyncio
import json
import os
import platform
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict

import click
import grpc

from providers.registry import PROVIDERS, provider_class
from server.cli.addresses import addresses
from server.cli.bus_check import bus_check
from server.cli.collectors import collectors
from server.cli.entrance import entrance
from server.cli.private_files import private_files
from server.cli.reach import Finding, reach
from server.cli.safes import safes
from server.cli.store_check import store_check
from server.cli.variables import strays
from server.settings import Settings, SettingsError, load

_OLDEST = (3, 11)
_COLOURS = {"ok": "green", "note": "yellow", "fail": "red"}


def _runtime() -> Iterator[Finding]:
    version = platform.python_version()
    good = sys.version_info >= _OLDEST
    yield Finding(
        "ok" if good else "fail", f"Python {version}", "" if good else "use 3.11 or newer"
    )
    yield Finding("ok", f"grpcio {grpc.__version__}, {len(PROVIDERS)} providers")


def _variables(settings: Settings) -> Iterator[Finding]:
    for name, meant in strays(settings):
        advice = f"is {meant} meant? as it is, it has no effect" if meant else "it has no effect"
        yield Finding("note", f"{name}: no setting has this variable", advice)


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


async def _look(settings: Settings, *, online: bool) -> list[Finding]:
    return [
        *await store_check(settings),
        *await addresses(settings, online=online),
        *await bus_check(settings),
        *await entrance(settings, online=online),
        *await safes(settings),
        *await collectors(settings, online=online),
        *(await reach(settings) if online else ()),
    ]


def _examined(config: str, *, online: bool) -> list[Finding]:
    """All that can be found."""
    found = list(_runtime())
    try:
        settings = load(config=config)
    except SettingsError as error:
        return [*found, Finding("fail", "settings", str(error))]
    found.append(Finding("ok", f"settings: {config or 'defaults and environment'}"))
    found += _variables(settings)
    found += private_files(settings, config)
    found += asyncio.run(_look(settings, online=online))
    found += _clients(settings)
    return found


def _shown(findings: Sequence[Finding]) -> None:
    plain = False if os.environ.get("NO_COLOR") else None
    for found in findings:
        advice = f"\n      {found.advice}" if found.advice else ""
        state = click.style(f"{found.state:<5}", fg=_COLOURS[found.state])
        click.echo(f"{state} {found.text}{advice}", color=plain)
    number = sum(found.state == "fail" for found in findings)
    last = f"{number} to mend" if number else "nothing keeps the service from running here"
    click.echo(f"\n{last}")


@click.command(epilog="Example: UCAL_CONFIG=ucal.toml ucal doctor")
@click.option("--config", envvar="UCAL_CONFIG", default="", help="Settings file (TOML).")
@click.option("--offline", is_flag=True, help="Send nothing to providers, public_url, collectors.")
@click.option("--json", "as_json", is_flag=True, help="A JSON list of what was found.")
def doctor(config: str, offline: bool, as_json: bool) -> None:
    """Look for what would keep the service from running here; exit 1 if something would.

    Settings, variables, files, keys, store, bus, addresses, access, TLS, collectors, OAuth
    clients; and each provider that is set up gets one request without credentials, to see whether
    it answers and whether the clocks agree. Nothing is written.
    """
    findings = _examined(config, online=not offline)
    if as_json:
        click.echo(json.dumps([asdict(found) for found in findings], indent=2))
    else:
        _shown(findings)
    if any(found.state == "fail" for found in findings):
        sys.exit(1)
