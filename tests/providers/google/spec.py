"""Google's discovery documents as judges of what is asked and what is answered.

The documents are those shipped in google-api-python-client.
"""

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any
from urllib.parse import unquote

import pytest

from tests.providers.google.double.server import Exchange

NAMES = ("calendar.v3", "meet.v2", "workspaceevents.v1", "admin.directory_v1", "oauth2.v2")
_RFC3339 = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?"
)  # with an offset, or beside a timeZone
_PYTHON: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
}


@dataclass(frozen=True)
class Method:
    """One method of a document."""

    document: dict[str, Any]
    data: dict[str, Any]
    pattern: re.Pattern[str]


def _walk(node: dict[str, Any]) -> Any:
    yield from node.get("methods", {}).values()
    for inner in node.get("resources", {}).values():
        yield from _walk(inner)


@cache
def methods() -> tuple[Method, ...]:
    """Every method of every document; longest paths first."""
    folder = resources.files("googleapiclient").joinpath("discovery_cache", "documents")
    found = []
    for name in NAMES:
        document = json.loads(folder.joinpath(f"{name}.json").read_text())
        for data in _walk(document):
            path = f"/{document['servicePath']}{data.get('flatPath') or data['path']}"
            pattern = re.sub(r"\{\+?\w+\}", "[^/]+", path.replace(".", r"\."))
            found.append(Method(document, data, re.compile(pattern)))
    return tuple(sorted(found, key=lambda m: -len(m.pattern.pattern)))


def method_of(exchange: Exchange) -> Method:
    """What the exchange is an example of."""
    for method in methods():
        same = method.data["httpMethod"] == exchange.method
        if same and method.pattern.fullmatch(exchange.path):
            return method
    raise AssertionError(f"no method of Google's: {exchange.method} {exchange.path}")


def check(exchange: Exchange) -> None:
    """Hold one exchange against the documents."""
    if exchange.path in ("/token", "/revoke"):
        return
    method = method_of(exchange)
    where = f"{exchange.method} {method.data['id']}"
    _query(where, method, exchange)
    asked = method.data.get("request", {}).get("$ref")
    if exchange.body is not None:
        assert asked, f"{where}: a body where Google takes none"
        _value(f"{where} request", method.document, {"$ref": asked}, exchange.body)
    if exchange.status >= 400 or exchange.answer is None:
        return
    told = method.data.get("response", {}).get("$ref")
    assert told, f"{where}: an answer where Google gives none"
    _value(f"{where} answer", method.document, {"$ref": told}, exchange.answer)


def _query(where: str, method: Method, exchange: Exchange) -> None:
    known = method.document["parameters"] | method.data.get("parameters", {})
    if exchange.status >= 400:
        known = known | {name: {"type": "string"} for name in exchange.query}
    for full_name, value in exchange.query.items():
        name = full_name.removeprefix("$")  # system parameters have a second spelling
        assert name in known, f"{where}: no parameter {name}"
        schema = known[name]
        assert schema.get("location", "query") == "query", f"{where}: {name} belongs in the path"
        values = value if isinstance(value, list) else [value]
        assert len(values) == 1 or schema.get("repeated"), f"{where}: {name} comes twice"
        for each in values:
            _text(f"{where} {name}", schema, each.partition(";")[0] if name == "alt" else each)
    for name, schema in method.data.get("parameters", {}).items():
        if schema.get("required") and schema["location"] == "query":
            assert name in exchange.query, f"{where}: {name} is missing"
    assert len(exchange.query.get("quotaUser", "")) <= 40, where


def _text(where: str, schema: dict[str, Any], value: str) -> None:
    kind = schema["type"]
    if kind == "integer":
        number = int(value)
        assert number >= int(schema.get("minimum", number)), where
        assert number <= int(schema.get("maximum", number)), where
    elif kind == "boolean":
        assert value in ("true", "false"), where
    if "enum" in schema:
        assert value in schema["enum"], f"{where}: {value}"
    if schema.get("format") == "date-time":
        assert _RFC3339.fullmatch(value), f"{where}: {value}"
        assert value[-1] == "Z" or value[-6] in "+-", f"{where}: no offset"


def _value(where: str, document: dict[str, Any], schema: dict[str, Any], value: Any) -> None:
    if "$ref" in schema:
        schema = document["schemas"][schema["$ref"]]
    if value is None:
        return  # clears a field in a patch
    kind = schema.get("type", "any")
    if kind == "any":
        return
    assert isinstance(value, _PYTHON[kind]), f"{where}: {value!r} is no {kind}"
    assert kind not in ("integer", "number") or not isinstance(value, bool), where
    if kind == "array":
        for each in value:
            _value(f"{where}[]", document, schema["items"], each)
    elif kind == "object":
        _object(where, document, schema, value)
    elif kind == "string":
        _string(where, schema, value)


def _object(where: str, document: dict[str, Any], schema: dict[str, Any], value: Any) -> None:
    known = schema.get("properties", {})
    more = schema.get("additionalProperties")
    for name, each in value.items():
        assert name in known or more is not None, f"{where}: no field {name}"
        _value(f"{where}.{name}", document, known.get(name, more), each)


def _string(where: str, schema: dict[str, Any], value: str) -> None:
    if "enum" in schema:
        assert value in schema["enum"], f"{where}: {value}"
    form = schema.get("format", "")
    if form in ("date-time", "google-datetime"):
        assert _RFC3339.fullmatch(value), f"{where}: {value}"
    elif form == "date":
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", value), f"{where}: {value}"
    elif form == "int64":
        assert re.fullmatch(r"-?\d+", value), f"{where}: {value}"


def check_all(journal: list[Exchange]) -> None:
    """Hold everything that was said against the documents."""
    pytest.importorskip("googleapiclient", reason="google-api-python-client (extra: strangers)")
    for exchange in journal:
        assert unquote(exchange.path).isprintable()
        check(exchange)
