"""docs/settings.md, out of the settings' record and its docstrings; `gen_docs.py` writes it."""

import inspect
import re
import textwrap
from collections.abc import Iterator

import msgspec

from providers.core.settings import ProviderSettings
from server.settings import variables
from server.settings_model import (
    Access,
    Aws,
    Grant,
    Issuer,
    Limits,
    Policy,
    Secrets,
    Settings,
    StaticConnection,
    Table,
    Tls,
    Vault,
)

HEAD = """\
<!-- Written by `make docs` out of server/settings_model.py. Do not edit. -->

# Settings

A TOML file, which `UCAL_CONFIG` or `ucal serve --config` names; variables go before it. In a
variable a list is comma-separated, and a list of tables is JSON. What is wrong is told at start
with its key, and `ucal doctor` tells it before. How they go together: [operations](operations.md),
[access](access.md), [keys and vaults](keys.md), [replicas](replicas.md).
"""
TABLES: dict[str, type[Table]] = {
    "[tls]": Tls,
    "[access]": Access,
    "[[access.issuers]]": Issuer,
    "[[policies]]": Policy,
    "[limits]": Limits,
    "[secrets]": Secrets,
    "[vault]": Vault,
    "[aws]": Aws,
    "[[connections]]": StaticConnection,
}
_ATTRIBUTE = re.compile(r"^(\w+): (.+(?:\n {4}\S.*)*)", re.MULTILINE)


def _told(kind: type) -> dict[str, str]:
    """What the docstring tells of each field."""
    listed = inspect.cleandoc(kind.__doc__ or "").partition("Attributes:\n")[2]
    found = _ATTRIBUTE.findall(textwrap.dedent(listed))
    return {name: " ".join(text.split()) for name, text in found}


def _shown(value: object) -> str:
    """A default as a file or a variable would have it; "" where it is nothing."""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, float):
        return f"`{value:g}`"
    if isinstance(value, tuple):
        return f"`{', '.join(map(str, value))}`" if value else ""
    return f"`{value}`" if isinstance(value, int | str) and value != "" else ""


def _words(text: str) -> str:
    """A docstring's words as Markdown: what it quotes is code."""
    return re.sub(r'"([^"]+)"', r"`\1`", text).replace("|", "\\|").removesuffix(".")


def _row(columns: list[str]) -> str:
    return f"| {' | '.join(columns)} |"


def _table(kind: type[Table], key: str) -> Iterator[str]:
    """A row a field; what is a table has a section of its own."""
    told = (_told(Grant) if issubclass(kind, Grant) else {}) | _told(kind)
    by_key = {found: variable for variable, found in variables().items()}
    yield "\n| setting | variable | default | meaning |\n|---|---|---|---|"
    for field in msgspec.structs.fields(kind):
        path = f"{key}{field.name}"
        if f"[{path}]" in TABLES or path == "providers":
            continue
        variable = f"`{by_key[path]}`" if path in by_key else ""
        default = "(required)" if field.required else _shown(field.default)
        yield _row([f"`{field.name}`", variable, default, _words(told[field.name])])


def _providers() -> Iterator[str]:
    """Settings of each provider; what a provider adds stands on its page."""
    told = _told(ProviderSettings)
    yield "\n## [providers.NAME]\n"
    yield "Settings of one provider, by its name. What a provider has besides stands on"
    yield "[its page](providers.md)."
    yield "\n| setting | variable | meaning |\n|---|---|---|"
    for name, text in told.items():
        if name != "extra":
            variable = f"`UCAL_PROVIDERS__<NAME>__{name.upper()}`"
            yield _row([f"`{name}`", variable, _words(text)])


def page() -> str:
    """The whole page."""
    lines = [HEAD, "## Top level", *_table(Settings, "")]
    for title, kind in TABLES.items():
        intro = (kind.__doc__ or "").partition("Attributes:")[0].partition(": ")[2]
        lines += [f"\n## {title}\n", intro[:1].upper() + " ".join(intro.split())[1:]]
        lines += _table(kind, f"{title.strip('[]')}.")
    return "\n".join([*lines, *_providers()]) + "\n"
