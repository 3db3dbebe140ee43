"""Write docs/providers.md, and README's table, out of the providers' capabilities, and
docs/settings.md out of the settings; `--check` only compares.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import settings_page
from google.protobuf.duration_pb2 import Duration

from providers.core.capabilities import describe
from providers.core.operations import OPERATIONS
from providers.registry import PROVIDERS, provider_class
from ucal.v1 import provider_pb2, types_pb2, watch_pb2

PAGE = Path(__file__).resolve().parent.parent / "docs/providers.md"
HEAD = """\
<!-- Written by `make docs` out of the providers' capabilities. Do not edit. -->

# Providers

What each provider does through the contract. **full**: the provider does it; **emulated**: the
service does it out of other calls of the provider; **unsupported**: it ends with `UNIMPLEMENTED`
and the reason given here. `ProviderService.ListProviders` returns the same, with the fields that
each method reads and writes; the conformance suite fails when any of it is not so.

In this first table `*` marks what is emulated.
"""
KINDS = list(dict.fromkeys(op.kind for op in OPERATIONS))
WORDS = {
    provider_pb2.SUPPORT_NATIVE: "full",
    provider_pb2.SUPPORT_EMULATED: "emulated",
    provider_pb2.SUPPORT_UNSUPPORTED: "unsupported",
}
ABSENT = provider_pb2.SUPPORT_UNSUPPORTED


def _words(name: str, prefix: str) -> str:
    return name.removeprefix(prefix).lower().replace("_", " ")


def _kind(kind: types_pb2.ResourceKind.ValueType) -> str:
    return _words(types_pb2.ResourceKind.Name(kind), "RESOURCE_KIND_")


def _method(capability: provider_pb2.Capability) -> str:
    return _words(provider_pb2.Method.Name(capability.method), "METHOD_")


def _time(length: Duration) -> str:
    seconds = length.ToTimedelta().total_seconds()
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"


# -- the table of all providers


def _cell(provider: provider_pb2.Provider, kind: types_pb2.ResourceKind.ValueType) -> str:
    there = [c for c in provider.capabilities if c.kind == kind and c.support != ABSENT]
    emulated = provider_pb2.SUPPORT_EMULATED
    return ", ".join(_method(c) + "\\*" * (c.support == emulated) for c in there) or "-"


def _table(providers: list[provider_pb2.Provider]) -> Iterator[str]:
    yield f"| provider | {' | '.join(map(_kind, KINDS))} |"
    yield "|---" * (len(KINDS) + 1) + "|"
    for provider in providers:
        cells = " | ".join(_cell(provider, kind) for kind in KINDS)
        yield f"| [{provider.id}](#{provider.id}) | {cells} |"


# -- the section of one provider


def _watch(capability: provider_pb2.Capability) -> Iterator[str]:
    if not capability.watch_source or capability.support == ABSENT:
        return
    yield _words(watch_pb2.WatchSource.Name(capability.watch_source), "WATCH_SOURCE_")
    yield f"at least {_time(capability.min_poll_interval)} apart"
    deletions = watch_pb2.DeletionSupport.Name(capability.deletions)
    yield f"deletions {_words(deletions, 'DELETION_SUPPORT_')}"


def _limits(capability: provider_pb2.Capability) -> Iterator[str]:
    """What a caller should know of a method, in words."""
    yield from _watch(capability)
    if capability.max_page_size:
        yield f"pages of up to {capability.max_page_size}"
    if capability.HasField("max_window"):
        yield f"{_time(capability.max_window)} a call, longer windows are split"
    flags = {
        "needs its parent": capability.list_needs_parent,
        "filters by time of change": capability.updated_after,
        "searches": capability.query,
        "expands series": capability.expand_recurring,
        "etags": capability.etags,
        "request_id": capability.idempotency == provider_pb2.IDEMPOTENCY_SUPPORT_PROVIDER,
    }
    yield from (words for words, is_so in flags.items() if is_so)
    if capability.scopes:
        names = [_words(types_pb2.UpdateScope.Name(s), "UPDATE_SCOPE_") for s in capability.scopes]
        yield f"of series: {', '.join(names)}"
    if capability.conference_kinds:
        names = [types_pb2.ConferenceKind.Name(kind) for kind in capability.conference_kinds]
        yield f"makes calls: {', '.join(_words(name, 'CONFERENCE_KIND_') for name in names)}"
    if capability.writable_fields:
        yield f"writes {', '.join(f'`{name}`' for name in capability.writable_fields)}"


def _row(what: str, capability: provider_pb2.Capability) -> str:
    reason = [capability.reason] if capability.reason else []
    notes = [capability.notes] if capability.notes else []
    details = "; ".join([*reason, *_limits(capability), *notes]).replace("|", "\\|")
    return f"| {_kind(capability.kind)} | {what} | {WORDS[capability.support]} | {details} |"


def _rows(provider: provider_pb2.Provider) -> Iterator[str]:
    """One row a method; one row for a whole kind that is missing for one reason."""
    for kind in KINDS:
        found = [c for c in provider.capabilities if c.kind == kind]
        if all(c.support == ABSENT and c.reason == found[0].reason for c in found):
            yield _row("all", found[0])
        else:
            yield from (_row(_method(capability), capability) for capability in found)


def _scopes(provider: provider_pb2.Provider) -> Iterator[str]:
    """Which OAuth scope opens which methods."""
    methods: dict[str, list[str]] = {}
    for capability in provider.capabilities:
        if capability.oauth_scopes and capability.support != ABSENT:
            scopes = " or ".join(f"`{scope}`" for scope in capability.oauth_scopes)
            methods.setdefault(scopes, []).append(f"{_kind(capability.kind)} {_method(capability)}")
    for scopes, names in methods.items():
        yield f"- {scopes}: {', '.join(names)}"


def _section(provider: provider_pb2.Provider) -> Iterator[str]:
    auth = [_words(provider_pb2.AuthKind.Name(k), "AUTH_KIND_") for k in provider.auth_kinds]
    yield f"\n## {provider.id}\n"
    yield f"{provider.display_name}. Signs in with: {', '.join(auth)}."
    if provider.documentation_url:
        yield f"API {provider.api_version or '(no version)'}: <{provider.documentation_url}>."
    yield f"Passthrough: {'yes' if provider.passthrough else 'no'}."
    yield "\n| object | method | support | reason and limits |\n|---|---|---|---|"
    yield from _rows(provider)
    if scopes := list(_scopes(provider)):
        yield "\nOAuth scopes, any one of which is enough:\n"
        yield from scopes


# -- the table in README.md

README = PAGE.parent.parent / "README.md"
SETTINGS = PAGE.with_name("settings.md")
BEGIN, END = "<!-- support: written by `make docs` -->\n", "<!-- end of support -->"
READS = {provider_pb2.METHOD_LIST, provider_pb2.METHOD_GET}
WRITES = {
    provider_pb2.METHOD_CREATE: "create",
    provider_pb2.METHOD_UPDATE: "update",
    provider_pb2.METHOD_DELETE: "delete",
}


def _brief(provider: provider_pb2.Provider, kind: types_pb2.ResourceKind.ValueType) -> str:
    """What there is of a kind, in a word or two."""
    there = {c.method for c in provider.capabilities if c.kind == kind and c.support != ABSENT}
    written = [word for method, word in WRITES.items() if method in there]
    words = ["read"] if there & READS else []
    words += ["write"] if len(written) == len(WRITES) else written
    words += ["watch"] if provider_pb2.METHOD_WATCH in there else []
    return " ".join(words) or "-"


def _support(providers: list[provider_pb2.Provider]) -> Iterator[str]:
    yield f"| provider | {' | '.join(map(_kind, KINDS))} |"
    yield "|---" * (len(KINDS) + 1) + "|"
    for provider in providers:
        cells = " | ".join(_brief(provider, kind) for kind in KINDS)
        yield f"| [{provider.display_name}](docs/providers/{provider.id}.md) | {cells} |"


def readme() -> str:
    """README.md with its table as it is now."""
    text = README.read_text()
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    table = "\n".join(_support([describe(provider_class(name)) for name in PROVIDERS]))
    return f"{before}{BEGIN}{table}\n{END}{after}"


def page() -> str:
    """The whole page."""
    providers = [describe(provider_class(name)) for name in PROVIDERS]
    sections = [line for provider in providers for line in _section(provider)]
    return "\n".join([HEAD, *_table(providers), *sections]) + "\n"


def main() -> None:
    """Write the pages, or with `--check` compare."""
    pages = {PAGE: page(), README: readme(), SETTINGS: settings_page.page()}
    if "--check" in sys.argv[1:]:
        stale = [at.name for at, text in pages.items() if not at.exists() or at.read_text() != text]
        if stale:
            sys.exit(f"{', '.join(stale)} stale, run `make docs`")
        return
    PAGE.parent.mkdir(exist_ok=True)
    for at, text in pages.items():
        at.write_text(text)


if __name__ == "__main__":
    main()
