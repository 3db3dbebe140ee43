"""Reading the settings: a TOML file, overridden by the environment, held against the rules.

`load()` reads the file that `UCAL_CONFIG` names, then the variables `UCAL_<NAME>`,
`UCAL_<TABLE>_<NAME>` and `UCAL_PROVIDERS__<PROVIDER>__<NAME>`; lists are comma-separated there,
lists of tables are JSON.
What is wrong is said once, with the key and where it was set, never with a secret. The record is
in `server.settings_model`, the rules in `server.settings_rules`.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

import msgspec

from providers.core.settings import ProviderSettings
from server.settings_model import (
    DEFAULT_KEYRING,
    DEFAULT_STORE,
    Access,
    Limits,
    Secrets,
    Settings,
    SettingsError,
    StaticConnection,
    Table,
    Tls,
)
from server.settings_rules import check

__all__ = [
    "DEFAULT_KEYRING",
    "DEFAULT_STORE",
    "Access",
    "Limits",
    "Secrets",
    "Settings",
    "SettingsError",
    "StaticConnection",
    "Tls",
    "load",
    "parse",
    "variables",
]

_PROVIDER_PREFIX = "UCAL_PROVIDERS__"
# Where a variable is called otherwise than its table and key.
_VARIABLES = {"access.mode": "UCAL_ACCESS"}
_MAX_FILE = 4 * 1024 * 1024


def load(
    environment: Mapping[str, str] = os.environ,
    *,
    config: str = "",
    overrides: Mapping[str, str] | None = None,
) -> Settings:
    """The settings of this process.

    Args:
        environment: variables.
        config: path of the file, in place of UCAL_CONFIG.
        overrides: top-level settings from the command line; they go through the same rules.

    Raises:
        SettingsError: something is wrong, with its key.
    """
    path = config or environment.get("UCAL_CONFIG", "")
    given = _read(Path(path).expanduser()) if path else {}
    sources: dict[str, str] = {}
    _override(given, environment, sources)
    for key, text in (overrides or {}).items():
        given[key] = _value(key, text)
        sources[key] = f"--{key.replace('_', '-')}"
    return parse(given, sources=sources, default_source=path)


def parse(
    given: Mapping[str, Any],
    *,
    sources: Mapping[str, str] | None = None,
    default_source: str = "",
) -> Settings:
    """The settings in `given`, a parsed TOML document.

    Raises:
        SettingsError: something is wrong, with its key, and its source out of `sources`.
    """
    try:
        raw = {**given, "providers": _providers(given.get("providers", {}))}
        found = msgspec.convert(raw, type=Settings, strict=False)
        check(found)
    except msgspec.ValidationError as error:
        key, problem = _located(str(error))
    except SettingsError as error:
        key, problem = error.key, error.problem
    else:
        return found
    raise SettingsError(key, problem, (sources or {}).get(key, default_source))


def _located(message: str) -> tuple[str, str]:
    """Key and problem of a message like "problem - at `$.path`"."""
    problem, _, place = message.partition(" - at `")
    key = place.rstrip("`").removeprefix("$").removeprefix(".").replace("[...]", "")
    if "unknown field" in problem:
        name = problem.split("`")[1]
        return f"{key}.{name}" if key else name, "is not a setting"
    return key or "settings", problem[:1].lower() + problem[1:]


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_FILE)
        return tomllib.loads(data.decode("utf-8"))
    except OSError as error:
        raise SettingsError("UCAL_CONFIG", f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError("UCAL_CONFIG", f"{path} is not UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        # Its text quotes single characters only.
        raise SettingsError("UCAL_CONFIG", f"{path} is not TOML: {error}") from None


_PLAIN = tuple(field for field in ProviderSettings.__dataclass_fields__ if field != "extra")


def _providers(given: object) -> dict[str, ProviderSettings]:
    if not isinstance(given, dict):
        raise SettingsError("providers", "must be tables [providers.NAME]")
    return {str(name): _provider(str(name), table) for name, table in given.items()}


def _provider(name: str, table: object) -> ProviderSettings:
    if not isinstance(table, dict):
        raise SettingsError(f"providers.{name}", "must be a table")
    known: dict[str, str] = {}
    extra: dict[str, str] = {}
    for key, value in table.items():
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise SettingsError(f"providers.{name}.{key}", "must be text")
        (known if key in _PLAIN else extra)[key] = str(value)
    return ProviderSettings(**known, extra=extra)


def variables() -> dict[str, str]:
    """TOML key of every variable, providers' aside."""
    found = {}
    for name in Settings.__struct_fields__:
        kind = Settings.__annotations__[name]
        if isinstance(kind, type) and issubclass(kind, Table):
            for inner in kind.__struct_fields__:
                key = f"{name}.{inner}"
                found[_VARIABLES.get(key, f"UCAL_{name}_{inner}".upper())] = key
        elif name not in {"providers", "connections"}:
            found[f"UCAL_{name}".upper()] = name
    return found


def _override(
    given: dict[str, Any], environment: Mapping[str, str], sources: dict[str, str]
) -> None:
    """Write the variables of `environment` over `given`."""
    for variable, key in variables().items():
        if variable in environment:
            table, _, name = key.rpartition(".")
            _table(given, table)[name] = _value(key, environment[variable])
            sources[key] = variable
    for variable, value in environment.items():
        if variable.startswith(_PROVIDER_PREFIX):
            provider, _, name = variable.removeprefix(_PROVIDER_PREFIX).lower().partition("__")
            key = f"providers.{provider}"
            if not provider or not name:
                raise SettingsError(variable, "must be UCAL_PROVIDERS__<NAME>__<SETTING>")
            _table(given, key)[name] = value
            sources[f"{key}.{name}"] = variable


def _table(given: dict[str, Any], key: str) -> dict[str, Any]:
    """The table at the dotted `key`, made if need be."""
    found = given
    for part in key.split(".") if key else ():
        found = found.setdefault(part, {})
        if not isinstance(found, dict):
            raise SettingsError(key, "must be a table")
    return found


def _value(key: str, text: str) -> object:
    """`text` of a variable as TOML would have it; only lists are written otherwise."""
    table, _, name = key.rpartition(".")
    owner = Settings.__annotations__[table] if table else Settings
    kind = owner.__annotations__[name]
    if get_origin(kind) is tuple and isinstance(get_args(kind)[0], type(Settings)):
        return _tables(key, text)
    if get_origin(kind) is tuple:
        return [part.strip() for part in text.split(",") if part.strip()]
    return text


def _tables(key: str, text: str) -> object:
    """A list of tables, which a variable holds as JSON."""
    try:
        return msgspec.json.decode(text or "[]")
    except msgspec.DecodeError:
        raise SettingsError(key, "must be a JSON list of tables in a variable") from None
