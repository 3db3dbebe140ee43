"""Microsoft's metadata as a judge of what is asked and what is answered.

The document (v1.0 paths and schemas) lies beside the repository; without it nothing is judged.
"""

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from tests.providers.microsoft.double.server import Exchange

FOLDER = Path(__file__).resolve().parents[4] / "shared/specs/microsoft-graph"
SPEC = FOLDER / "graph-v1.0-calendar.openapi.json"
SAMPLES = FOLDER / "samples"
# Live, and cut from the document (its SOURCES.md says so).
_BEYOND = (
    re.compile(r"/users/[^/]+"),
    re.compile(r"/users/[^/]+/mailboxSettings/timeZone"),
    re.compile(r"/\$batch"),
)
_PYTHON: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
}


def there() -> bool:
    """Whether the document is at hand."""
    return SPEC.is_file()


@dataclass(frozen=True)
class Path_:  # noqa: N801 - a path of the document, not of a file
    """One path of the document."""

    pattern: re.Pattern[str]
    methods: dict[str, Any]


@cache
def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(SPEC.read_text())
    return found


@cache
def paths() -> tuple[Path_, ...]:
    """Every path; those with the most words of their own first."""
    found = []
    for path, methods in document()["paths"].items():
        pattern = re.escape(path.removesuffix("()"))
        pattern = re.sub(r"='\\?@?\w+'|=\\?@\w+|='\\\{\w+\\\}'", "=[^,)]+", pattern)
        pattern = re.sub(r"\\\{[^}]*\\\}", "[^/]+", pattern)
        words = len(re.sub(r"\{[^}]*\}", "", path))
        found.append((words, Path_(re.compile(pattern, re.IGNORECASE), methods)))
    return tuple(each for _, each in sorted(found, key=lambda pair: -pair[0]))


def _normal(path: str) -> str:
    path = re.sub(r"^/?me(?=/|$)", "/users/me", "/" + path.lstrip("/"))
    return path.replace("microsoft.graph.", "graph.").removesuffix("()")


def _operation(exchange: Exchange) -> Any:
    path = _normal(exchange.path)
    if any(each.fullmatch(path) for each in _BEYOND):
        return None
    for candidate in paths():
        fits = candidate.pattern.fullmatch(unquote(path)) or candidate.pattern.fullmatch(path)
        if fits and exchange.method.lower() in candidate.methods:
            return candidate.methods[exchange.method.lower()]
    raise AssertionError(f"no operation of Graph's: {exchange.method} {exchange.path}")


def check(exchange: Exchange, *, bodies: bool = True) -> None:
    """Hold one exchange against the document; errors are held to their own form.

    Args:
        bodies: what was asked too; strangers may be sloppy.
    """
    if exchange.status >= 400:
        assert isinstance(exchange.answer, bytes) or exchange.answer["error"]["code"]
        return
    operation = _operation(exchange)
    if operation is None:
        return
    where = f"{exchange.method} {exchange.path}"
    known = {p["name"] for p in operation.get("parameters", []) if p.get("in") == "query"}
    # Tokens of links are Graph's own affair, $format is OData's.
    unknown = set(exchange.query) - known - {"$skiptoken", "$deltatoken", "$format"}
    assert not unknown, f"{where}: {unknown} in the query"
    if bodies and isinstance(exchange.body, dict):
        wanted = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        _value(f"{where} request", wanted.get("schema", {}), exchange.body)
    if isinstance(exchange.answer, dict):
        responses = operation["responses"]
        answer = responses.get(str(exchange.status)) or responses.get("2XX") or {}
        content = answer.get("content", {}).get("application/json", {})
        if content:
            _value(f"{where} answer", content["schema"], exchange.answer)


def check_all(journal: list[Exchange], *, bodies: bool = True) -> None:
    """Every exchange, if the document is at hand."""
    if there():
        for exchange in journal:
            check(exchange, bodies=bodies)


def _resolve(schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        found: Any = document()
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        schema = found
    return schema


def _derived(schema: dict[str, Any], value: Any) -> dict[str, Any]:
    """The schema that "@odata.type" names, where the value says what it is."""
    name = str(value.get("@odata.type", "")).lstrip("#") if isinstance(value, dict) else ""
    found: dict[str, Any] = document()["components"]["schemas"].get(name, schema)
    return found


def _properties(schema: dict[str, Any]) -> dict[str, Any]:
    schema = _resolve(schema)
    found = dict(schema.get("properties", {}))
    for part in [*schema.get("allOf", []), *schema.get("anyOf", [])]:
        found |= _properties(part)
    return found


def _open(schema: dict[str, Any]) -> bool:
    """A navigation property that was cut, or anything at all."""
    schema = _resolve(schema)
    parts = [*schema.get("allOf", []), *schema.get("anyOf", [])]
    return "x-cut-target" in schema or any(_open(each) for each in parts)


def _enum(schema: dict[str, Any]) -> list[Any] | None:
    schema = _resolve(schema)
    if "enum" in schema:
        found: list[Any] = schema["enum"]
        return found
    for part in [*schema.get("allOf", []), *schema.get("anyOf", [])]:
        inner = _enum(part)
        if inner is not None:
            return inner
    return None


def _value(where: str, schema: dict[str, Any], value: Any) -> None:
    if value is None:
        return  # the metadata tells few properties as nullable that are
    schema = _derived(_resolve(schema), value)
    kind = schema.get("type")
    words = _enum(schema)
    if words is not None:
        assert value in words, f"{where}: {value!r} is none of {words}"
        return
    if kind in _PYTHON and kind != "object":
        right = isinstance(value, _PYTHON[kind]) and not (
            kind in ("integer", "number") and isinstance(value, bool)
        )
        assert right, f"{where}: {value!r:.80} is no {kind}"
    if isinstance(value, list):
        for index, each in enumerate(value):
            _value(f"{where}[{index}]", schema.get("items", {}), each)
    elif isinstance(value, dict):
        _object(where, schema, value)


def _object(where: str, schema: dict[str, Any], value: dict[str, Any]) -> None:
    known = _properties(schema)
    if not known or _open(schema):
        return
    lower = {name.lower(): inner for name, inner in known.items()}
    for name, inner in value.items():
        if "@" in name or name == "error":
            continue
        found = known.get(name)
        if found is None and name[:1].upper() + name[1:] in known:
            found = lower[name.lower()]  # actions: the service takes both spellings
        assert found is not None, f"{where}: there is no {name}"
        _value(f"{where}.{name}", found, inner)
