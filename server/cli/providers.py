"""`ucal providers`: what each provider can do, from the same record that ListProviders returns."""

import click

from providers.core.capabilities import describe
from providers.registry import PROVIDERS, provider_class
from server.cli.lines import fitted
from ucal.v1 import provider_pb2, types_pb2

_SIGNS = {
    provider_pb2.SUPPORT_NATIVE: "yes",
    provider_pb2.SUPPORT_EMULATED: "emulated",
    provider_pb2.SUPPORT_UNSUPPORTED: "-",
}

# Columns of a line before what may be long.
_BEFORE_METHODS = 15
_BEFORE_REASONS = 49


def _kind(capability: provider_pb2.Capability) -> str:
    return types_pb2.ResourceKind.Name(capability.kind).removeprefix("RESOURCE_KIND_").lower()


def _method(capability: provider_pb2.Capability) -> str:
    name = provider_pb2.Method.Name(capability.method).removeprefix("METHOD_")
    return name.lower().replace("_", "-")


def _overview() -> list[str]:
    lines = []
    for name in PROVIDERS:
        found = describe(provider_class(name))
        can: dict[str, list[str]] = {}
        for each in found.capabilities:
            if each.support != provider_pb2.SUPPORT_UNSUPPORTED:
                can.setdefault(_kind(each), []).append(_method(each))
        lines.append(f"{name}  ({found.display_name})")
        lines += [
            fitted(f"    {kind:<10} {' '.join(methods)}", _BEFORE_METHODS)
            for kind, methods in can.items()
        ]
    return lines


def _one(name: str) -> list[str]:
    found = describe(provider_class(name))
    lines = [f"{found.display_name} {found.api_version}".rstrip(), found.documentation_url]
    for each in found.capabilities:
        what = f"{_kind(each)} {_method(each)}"
        line = f"  {what:<36} {_SIGNS[each.support]:<9} {each.reason}".rstrip()
        lines.append(fitted(line, _BEFORE_REASONS))
    return [line for line in lines if line]


@click.command(epilog="Example: ucal providers caldav")
@click.argument("name", required=False)
def providers(name: str | None) -> None:
    """What every provider can do; with NAME, every method, and why some are missing."""
    if name is None:
        click.echo("\n".join(_overview()))
        return
    if name not in PROVIDERS:
        raise click.BadParameter(f"{name!r} is none of {', '.join(PROVIDERS)}")
    click.echo("\n".join(_one(name)))
