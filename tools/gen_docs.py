"""Write docs/providers.md out of the providers' capabilities; `--check` only compares."""

import sys
from collections.abc import Iterator
from pathlib import Path

from providers.core.operations import OPERATIONS, Operation
from providers.core.provider import Provider
from providers.registry import PROVIDERS, provider_class
from ucal.v1 import provider_pb2, types_pb2

PAGE = Path(__file__).resolve().parent.parent / "docs/providers.md"
HEAD = """\
<!-- Written by `make docs` out of the providers' capabilities. Do not edit. -->

# Providers

What each provider does through the contract. `*`: the service does it out of other calls of the
provider. What is not listed ends with `UNIMPLEMENTED` and the reason given below. The same comes
from `ProviderService.ListProviders`, with the fields, scopes and limits of each method.
"""
KINDS = list(dict.fromkeys(op.kind for op in OPERATIONS))


def _kind(operation_kind: types_pb2.ResourceKind.ValueType) -> str:
    return types_pb2.ResourceKind.Name(operation_kind).removeprefix("RESOURCE_KIND_").lower()


def _method(operation: Operation) -> str:
    name = provider_pb2.Method.Name(operation.method).removeprefix("METHOD_")
    return name.lower().replace("_", " ")


def _has(provider: type[Provider], operation: Operation) -> bool:
    if operation.watches:
        return provider.watchable(operation.kind)
    return provider.overrides(operation)


def _mark(provider: type[Provider], operation: Operation) -> str:
    feature = provider.features.get(operation)
    emulated = feature is not None and feature.support == provider_pb2.SUPPORT_EMULATED
    return _method(operation) + ("*" if emulated else "")


def _table(providers: list[type[Provider]]) -> Iterator[str]:
    yield "| provider | " + " | ".join(map(_kind, KINDS)) + " |"
    yield "|---" * (len(KINDS) + 1) + "|"
    for provider in providers:
        cells = [
            ", ".join(
                _mark(provider, op) for op in OPERATIONS if op.kind == k and _has(provider, op)
            )
            for k in KINDS
        ]
        yield (
            f"| [{provider.name}](#{provider.name}) | " + " | ".join(c or "-" for c in cells) + " |"
        )


def _auth(kind: provider_pb2.AuthKind.ValueType) -> str:
    return provider_pb2.AuthKind.Name(kind).removeprefix("AUTH_KIND_").lower().replace("_", " ")


def _section(provider: type[Provider]) -> Iterator[str]:
    yield f"\n## {provider.name}\n"
    yield f"{provider.display_name}. Signs in with: {', '.join(map(_auth, provider.auth_kinds))}."
    if provider.documentation_url:
        yield f"API {provider.api_version or '(no version)'}: <{provider.documentation_url}>."
    missing: dict[str, list[str]] = {}
    for operation in OPERATIONS:
        if not _has(provider, operation):
            name = f"{_kind(operation.kind)} {_method(operation)}"
            missing.setdefault(provider.reason(operation), []).append(name)
    if missing:
        yield "\nNot there:\n"
    for reason, names in missing.items():
        yield f"- {', '.join(names)}: {reason}"


def page() -> str:
    """The whole page."""
    providers = [provider_class(name) for name in PROVIDERS]
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
