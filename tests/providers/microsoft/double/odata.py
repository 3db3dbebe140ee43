"""OData as Graph takes it: $filter, $select, $top, $skip, $expand of what the tests ask."""

import re
from collections.abc import Iterator
from typing import Any

from tests.providers.microsoft.double.problems import Problem

Json = dict[str, Any]
_TOKEN = re.compile(
    r"\s*(\(|\)|'(?:[^']|'')*'|\b(?:and|or|eq|ne|lt|le|gt|ge)\b|contains|startswith|,|[^\s(),]+)"
)
_OPS = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
}


class _Parser:
    def __init__(self, text: str, item: Json) -> None:
        self.tokens = _TOKEN.findall(text)
        self.at = 0
        self.item = item

    def _peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def _next(self) -> str:
        found = self._peek()
        self.at += 1
        return found

    def run(self) -> bool:
        found = self._or()
        if self.at < len(self.tokens):
            raise Problem(400, "BadRequest", "Invalid filter clause")
        return found

    def _or(self) -> bool:
        found = self._and()
        while self._peek() == "or":
            self._next()
            found = self._and() or found
        return found

    def _and(self) -> bool:
        found = self._one()
        while self._peek() == "and":
            self._next()
            found = self._one() and found
        return found

    def _one(self) -> bool:
        if self._peek() == "(":
            self._next()
            found = self._or()
            if self._next() != ")":
                raise Problem(400, "BadRequest", "Invalid filter clause")
            return found
        word = self._next()
        if word in ("contains", "startswith"):
            assert self._next() == "("
            path = self._value(self._next())
            assert self._next() == ","
            text = self._value(self._next())
            assert self._next() == ")"
            whole, part = str(path).lower(), str(text).lower()
            return part in whole if word == "contains" else whole.startswith(part)
        left = self._value(word)
        op = self._next()
        if op not in _OPS:
            raise Problem(400, "BadRequest", "Invalid filter clause")
        right = self._value(self._next())
        left, right = _alike(left, right)
        return bool(_OPS[op](left, right))

    def _value(self, word: str) -> Any:
        if word.startswith("'"):
            return word[1:-1].replace("''", "'")
        if word in ("true", "false"):
            return word == "true"
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}T.*", word):
            return word
        found: Any = self.item
        for part in word.split("/"):
            found = found.get(part) if isinstance(found, dict) else None
        return found


def _alike(left: Any, right: Any) -> tuple[Any, Any]:
    """Times are compared as far as both are written."""
    if left is None or right is None:
        return str(left), str(right)
    if isinstance(left, str) and re.match(r"\d{4}-\d\d-\d\dT", left):
        a, b = (re.sub(r"(\.\d+)?Z?$", "", str(each)) for each in (left, right))
        size = max(len(a), len(b))
        return (a + ":00:00")[:size].ljust(size, "0"), (b + ":00:00")[:size].ljust(size, "0")
    return left, right


def matches(text: str, item: Json) -> bool:
    """Whether `item`, times in UTC, passes a $filter."""
    return not text or _Parser(text, item).run()


def selected(item: Json, select: str) -> Json:
    """Only the properties that $select names; annotations and the id always."""
    if not select:
        return {name: value for name, value in item.items() if name != "cancelledOccurrences"}
    names = {name.strip() for name in select.split(",")}
    keep = names | {"id"}
    return {n: v for n, v in item.items() if n in keep or n.startswith("@")}


def size_of(query: Json, default: int, largest: int) -> int:
    """$top, checked as Graph does."""
    text = str(query.get("$top", default))
    if not text.isdigit() or not 1 <= int(text) <= largest:
        raise Problem(400, "ErrorInvalidUrlQuery", f"$top must be 1 to {largest}")
    return int(text)


def expansions(text: str) -> Iterator[tuple[str, str]]:
    """Names in $expand and what stands in brackets behind them."""
    depth, word = 0, ""
    for char in [*text, ","]:
        if char == "," and depth == 0:
            if word.strip():
                name, _, inside = word.strip().partition("(")
                yield name, inside.removesuffix(")")
            word = ""
            continue
        depth += {"(": 1, ")": -1}.get(char, 0)
        word += char
