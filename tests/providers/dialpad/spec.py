"""Exchanges with the double, held against Dialpad's OpenAPI document where it is at hand."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]

from tests.providers.dialpad.double.server import Exchange

FOLDER = Path(__file__).resolve().parents[4] / "shared/specs/dialpad"
# Integers of 64 bits in the document, which come as text (the vendor's own examples).
_NUMBERS = ("duration", "duration_ms", "talk_time")
_WITH_IDS = (*_NUMBERS, "id")


def present() -> bool:
    return FOLDER.is_dir()


@cache
def _document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / "dialpad-v2.openapi.cut.json").read_text())
    return found


def check(exchange: Exchange) -> None:
    """Path, parameters, body and answer are those of the document."""
    where = f"{exchange.method} {exchange.path}"
    operation = _operation(exchange.method.lower(), exchange.path)
    assert operation is not None, f"{where}: no such operation"
    queries = {p["name"]: p for p in operation.get("parameters", []) if p["in"] == "query"}
    assert set(exchange.query) <= set(queries), f"{where}: {exchange.query}"
    if exchange.status >= 400:
        return
    missing = {n for n, each in queries.items() if each.get("required")} - set(exchange.query)
    assert not missing, f"{where}: lacks {missing}"
    for name, value in exchange.query.items():
        if queries[name]["schema"].get("type") == "integer":
            assert re.fullmatch(r"-?\d+", value), f"{where}: {name}={value}"
    if exchange.body is not None:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        _validate(schema, exchange.body, where)
        known = _document()["components"]["schemas"][schema["$ref"].split("/")[-1]]["properties"]
        assert set(exchange.body) <= set(known), f"{where}: {set(exchange.body) - set(known)}"
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    with_ids = ("/users", "/webhooks", "/subscriptions")
    names = _WITH_IDS if any(each in exchange.path for each in with_ids) else _NUMBERS
    _validate(schema, _tame(exchange.answer, names), where)


def _operation(method: str, path: str) -> dict[str, Any] | None:
    paths = _document()["paths"]
    for template in sorted(paths, key=lambda each: each.count("{")):
        if (
            re.fullmatch(re.sub(r"\{[^}]*\}", "[^/]+", template), path)
            and method in paths[template]
        ):
            operation: dict[str, Any] = paths[template][method]
            return operation
    return None


def _validate(schema: dict[str, Any], body: Any, where: str) -> None:
    # Beside a reference the document says type: object, and the schema behind it says more.
    whole = {**schema, "components": _document()["components"]}
    try:
        jsonschema.Draft202012Validator(whole).validate(body)
    except jsonschema.ValidationError as error:
        raise AssertionError(f"{where}: {list(error.path)}: {error.message[:200]}") from None


def _tame(found: Any, numbers: tuple[str, ...]) -> Any:
    if isinstance(found, dict):
        return {
            name: int(value)
            if name in numbers and isinstance(value, str)
            else _tame(value, numbers)
            for name, value in found.items()
        }
    return [_tame(each, numbers) for each in found] if isinstance(found, list) else found


def sample(name: str) -> Any:
    """A sample's answer."""
    return json.loads((FOLDER / f"samples/{name}.json").read_text())["response"]["body"]
