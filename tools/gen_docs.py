"""Write docs/providers.md out of the providers' capabilities; `--check` only compares."""

import sys
from collections.abc import Iterator
from pathlib import Path

from providers.core.capabilities import describe
from providers.core.operations import OPERATIONS
from providers.registry import PROVIDERS, provider_class
from ucal.v1 import provider_pb2, types_pb2

PAGE = Path(__file__).resolve().parent.parent / "docs/providers.md"
HEAD = """\
<!-- Written by `make docs` out of the providers' capabilities. Do not edit. -->

# Providers

What each provider does through the contract. `*`: emulated, the service does it out of other
calls of the provider. What is not listed ends with `UNIMPLEMENTED` and the reason given below.
`ProviderService.ListProviders` returns the same, with the fields, scopes and limits of each method.
"""
KINDS = list(dict.fromkeys(op.kind for op in OPERATIONS))
ABSENT = provider_pb2.SUPPORT_UNSUPPORTED


def _words(name: str, prefix: str) -> str:
    return name.removeprefix(prefix).lower().replace("_", " ")


def _kind(kind: types_pb2.ResourceKind.ValueType) -> str:
    return _words(types_pb2.ResourceKind.Name(kind), "RESOURCE_KIND_")


def _method(capability: provider_pb2.Capability) -> str:
    mark = "*" if capability.support == provider_pb2.SUPPORT_EMULATED else ""
    return _words(provider_pb2.Method.Name(capability.method), "METHOD_") + mark


def _cell(provider: provider_pb2.Provider, kind: types_pb2.ResourceKind.ValueType) -> str:
    there = [_method(c) for c in provider.capabilities if c.kind == kind and c.support != ABSENT]
    return ", ".join(there) or "-"


def _table(providers: list[provider_pb2.Provider]) -> Iterator[str]:
    yield f"| provider | {' | '.join(map(_kind, KINDS))} |"
    yield "|---" * (len(KINDS) + 1) + "|"
    for provider in providers:
        cells = " | ".join(_cell(provider, kind) for kind in KINDS)
        yield f"| [{provider.id}](#{provider.id}) | {cells} |"


def _reasons(provider: provider_pb2.Provider) -> Iterator[str]:
    """One line a reason, with the methods that it explains."""
    methods: dict[str, dict[str, list[str]]] = {}
    for capability in provider.capabilities:
        if capability.support != provider_pb2.SUPPORT_NATIVE:
            kinds = methods.setdefault(capability.reason, {})
            kinds.setdefault(_kind(capability.kind), []).append(_method(capability))
    for reason, kinds in methods.items():
        names = [f"{kind} {', '.join(found)}" for kind, found in kinds.items()]
        yield f"- {'; '.join(names)}: {reason}"


def _section(provider: provider_pb2.Provider) -> Iterator[str]:
    auth = [_words(provider_pb2.AuthKind.Name(k), "AUTH_KIND_") for k in provider.auth_kinds]
    yield f"\n## {provider.id}\n"
    yield f"{provider.display_name}. Signs in with: {', '.join(auth)}."
    if provider.documentation_url:
        yield f"API {provider.api_version or '(no version)'}: <{provider.documentation_url}>."
    if reasons := list(_reasons(provider)):
        yield "\nEmulated (`*`) or missing, and why:\n"
        yield from reasons


def page() -> str:
    """The whole page."""
    providers = [describe(provider_class(name)) for name in PROVIDERS]
    sections = [line for provider in providers for line in _section(provider)]
    return "\n".join([HEAD, *_table(providers), *sections]) + "\n"


def main() -> None:
    """Write the page, or with `--check` compare."""
    if "--check" in sys.argv[1:]:
        if not PAGE.exists() or PAGE.read_text() != page():
            sys.exit("docs/providers.md is stale, run `make docs`")
        return
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page())


if __name__ == "__main__":
    main()
