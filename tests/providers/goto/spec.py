"""Exchanges with the double, held against GoTo's OpenAPI documents where they are at hand."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]

from tests.providers.goto.double.server import Exchange

FOLDER = Path(__file__).resolve().parents[4] / "shared/specs/goto"
_DOCUMENTS = {"/G2M/rest": "gotomeeting-v1", "/G2W/rest/v2": "gotowebinar-v2"}
# What the double writes as the vendor is seen to, and not as its documents have it.
_ODD = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.\+0000")
_TRUTHS = {"true": True, "false": False}
# Of a sequence, in the prose of createWebinar alone.
_PROSE = {"recurrencePattern", "recurrenceStart", "recurrenceEnd"}


def present() -> bool:
    return FOLDER.is_dir()


@cache
def _document(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.openapi.cut.json").read_text())
    for schema in found["components"]["schemas"].values():
        # Some names that are required stand nowhere among the properties ("webinarId", "status").
        if "required" in schema and "properties" in schema:
            schema["required"] = [n for n in schema["required"] if n in schema["properties"]]
    return found


def check(exchange: Exchange) -> None:
    """Path, parameters, body and answer are those of the document."""
    for prefix, name in _DOCUMENTS.items():
        if exchange.path.startswith(prefix):
            _check(_document(name), exchange, exchange.path.removeprefix(prefix))


def _check(document: dict[str, Any], exchange: Exchange, path: str) -> None:
    where = f"{exchange.method} {path}"
    operation = _operation(document, exchange.method.lower(), path)
    assert operation is not None, f"{where}: no such operation"
    parameters = [_resolve(document, each) for each in operation.get("parameters", [])]
    queries = {each["name"]: each for each in parameters if each["in"] == "query"}
    if exchange.status < 400:
        missing = {n for n, each in queries.items() if each.get("required")} - set(exchange.query)
        assert not missing, f"{where}: lacks {missing}"
    assert set(exchange.query) <= set(queries), f"{where}: {exchange.query}"
    if exchange.body is not None and exchange.status < 400:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        _validate(document, schema, exchange.body, where, closed=True)
    if exchange.status < 300 and exchange.answer is not None:
        assert str(exchange.status) in operation["responses"], f"{where}: {exchange.status}"
        content = operation["responses"][str(exchange.status)]["content"]
        schema = content["application/json"]["schema"]
        _validate(document, schema, _tame(exchange.answer), where, closed=False)


def _operation(document: dict[str, Any], method: str, path: str) -> dict[str, Any] | None:
    found = sorted(document["paths"], key=lambda each: each.count("{"))
    for template in found:
        pattern = re.sub(r"\{[^}]*\}", "[^/]+", template)
        if re.fullmatch(pattern, path) and method in document["paths"][template]:
            operation: dict[str, Any] = document["paths"][template][method]
            return operation
    return None


def _resolve(document: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in found:
        for name in found["$ref"].removeprefix("#/").split("/"):
            document = document[name]
        return document
    return found


def _validate(
    document: dict[str, Any], schema: dict[str, Any], body: Any, where: str, *, closed: bool
) -> None:
    whole = {**schema, "components": document["components"]}
    try:
        jsonschema.Draft4Validator(whole).validate(body)
    except jsonschema.ValidationError as error:
        raise AssertionError(f"{where}: {list(error.path)}: {error.message[:200]}") from None
    known = _resolve(document, schema).get("properties")
    if closed and known and isinstance(body, dict):
        assert set(body) <= set(known) | _PROSE, f"{where}: {set(body) - set(known)}"


def _tame(found: Any) -> Any:
    if isinstance(found, dict):
        return {name: _tame(value) for name, value in found.items()}
    if isinstance(found, list):
        return [_tame(each) for each in found]
    if isinstance(found, str):
        odd = _ODD.fullmatch(found)
        return f"{odd[1]}Z" if odd else _TRUTHS.get(found, found)
    return found
