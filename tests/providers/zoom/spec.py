"""Zoom's own specification, and what was said to the double held against it.

Read where the project's shared folder is; nothing of it is kept here. Its known faults are worked
around by name.
"""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from openapi_schema_validator import OAS30Validator

from tests.providers.zoom.double.server import Exchange

FOLDER = Path(__file__).resolve().parents[4] / "shared" / "specs" / "zoom"
SAMPLES = FOLDER / "samples"
_FILES = {
    "zoom-meetings-v2.openapi.cut.json": "/v2",
    "zoom-scheduler.openapi.cut.json": "/v2/scheduler",
}
# The specification's own faults: parameters that it does not declare, and answers that it narrows.
_UNDECLARED = {("GET", "/users/{userId}/webinars"): {"next_page_token"}}
# In no file of ours: Users API, tracking sources, token endpoint, downloads.
_NARROW = re.compile(r"recording_files\[\d+\]\.status: 'processing'")
_ELSEWHERE = re.compile(r"/v2/users(/[^/]+)?|.*/tracking_sources|/oauth/.*|/rec/.*")


def there() -> bool:
    """Whether the specification can be read."""
    return all((FOLDER / name).is_file() for name in _FILES)


def sample(name: str) -> Any:
    """A sample as it stands in the folder."""
    return json.loads((SAMPLES / f"{name}.json").read_text())


@cache
def _operations() -> list[tuple[str, re.Pattern[str], str, Any, Any]]:
    """Method, path, path as written, operation, document."""
    found = []
    for name, root in _FILES.items():
        document = json.loads((FOLDER / name).read_text())
        for path, methods in document["paths"].items():
            pattern = re.compile(root + re.sub(r"\{[^}]+\}", "[^/]+", path))
            found += [
                (method.upper(), pattern, path, operation, document)
                for method, operation in methods.items()
                if method in {"get", "post", "put", "patch", "delete"}
            ]
    # What is written out goes before what a parameter may stand for.
    return sorted(found, key=lambda each: each[2].count("{"))


def check(exchange: Exchange) -> list[str]:
    """What is wrong with one exchange; nothing for what is in no file of ours."""
    if _ELSEWHERE.fullmatch(exchange.path):
        return []
    where = f"{exchange.method} {exchange.path} {exchange.status}"
    for method, pattern, path, operation, document in _operations():
        if method == exchange.method and pattern.fullmatch(exchange.path):
            problems = [
                *_query(exchange, path, operation),
                *_body(exchange.body, operation, document),
                *_answer(exchange, operation, document),
            ]
            return [f"{where}: {problem}" for problem in problems]
    return [] if exchange.status == 404 else [f"{where}: no such operation"]


def _query(exchange: Exchange, path: str, operation: Any) -> list[str]:
    declared = {p["name"] for p in operation.get("parameters", ()) if p["in"] == "query"}
    declared |= _UNDECLARED.get((exchange.method, path), set())
    return [f"parameter {name}" for name in exchange.query if name not in declared]


def _body(body: Any, operation: Any, document: Any) -> list[str]:
    if body is None:
        return []
    if "requestBody" not in operation:
        return ["takes no body"]
    content = operation["requestBody"]["content"]["application/json"]
    schema = _loosened(content["schema"], document)
    unknown = set(body) - _names(schema, document)
    return [f"unknown field {name}" for name in sorted(unknown)] + _valid(body, schema, document)


def _names(schema: Any, document: Any) -> set[str]:
    schema = _resolved(schema, document)
    found = set(schema.get("properties", ()))
    for key in ("allOf", "oneOf", "anyOf"):
        for each in schema.get(key, ()):
            found |= _names(each, document)
    return found


def _resolved(schema: Any, document: Any) -> Any:
    if "$ref" in schema:
        return document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def _answer(exchange: Exchange, operation: Any, document: Any) -> list[str]:
    responses = operation["responses"]
    if str(exchange.status) not in responses:
        # 401 and 403 are declared for few operations and happen to all of them.
        return [] if exchange.status >= 400 else ["undeclared status"]
    content = responses[str(exchange.status)].get("content", {}).get("application/json", {})
    if exchange.status >= 400 or "schema" not in content:
        return []
    return _valid(exchange.answer, _loosened(content["schema"], document), document)


def _loosened(schema: Any, document: Any) -> Any:
    """A copy without the specification's own faults."""
    schema = json.loads(json.dumps(_resolved(schema, document)))
    if "start" in schema.get("required", ()):
        schema["required"] = [n for n in schema["required"] if n in schema.get("properties", {})]
    repetition = schema.get("properties", {}).get("recurrence", {}).get("properties", {})
    repetition.get("weekly_days", {}).pop("enum", None)
    return schema


def _valid(value: Any, schema: Any, document: Any) -> list[str]:
    whole = {**schema, "components": document.get("components", {})}
    errors = OAS30Validator(whole).iter_errors(value)
    found = [f"{error.json_path}: {error.message[:200]}" for error in errors]
    return [each for each in found if not _NARROW.search(each)]
