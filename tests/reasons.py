"""Every ErrorInfo reason that the code can emit, with its gRPC codes, read off the syntax trees."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from providers.core.errors import Kind
from server.status import CODES

ROOT = Path(__file__).resolve().parent.parent
WORD = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*")
# Expressions that hand on a reason which is written elsewhere, where it is found.
HANDED_ON = {"reason", "own_reason", "error.reason", "row[1]", "found.reason"}
Found = tuple[str, str]


class Reader(ast.NodeVisitor):
    """Reasons of one module.

    Attributes:
        found: (name of the Kind or "", reason).
        unread: `reason=` of errors whose value is none that this reader understands.
    """

    def __init__(self, tree: ast.Module) -> None:
        self.found: set[Found] = set()
        self.unread: list[str] = []
        self._constants: dict[str, str] = {}
        self._parameters: dict[str, tuple[list[str], str]] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                if words := list(_words(node.value)):
                    self._constants[node.targets[0].id] = words[0]
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                names = [each.arg for each in node.args.args]
                if "reason" in names and "Kind" in ast.unparse(node):
                    self._parameters[node.name] = (names, _kind(node.body[-1]))

    def visit_Call(self, node: ast.Call) -> None:
        """`ProviderError(Kind.X, ..., reason="Y")`, or a helper with a parameter `reason`."""
        name = ast.unparse(node.func)
        kind = (
            "INVALID"
            if name.endswith(".invalid")
            else next(filter(None, map(_kind, node.args)), "")
        )
        for keyword in node.keywords:
            if keyword.arg == "reason" and (kind or _makes_errors(name)):
                self._reason(kind, keyword.value)
        names, own = self._parameters.get(name, ([], ""))
        for parameter, argument in zip(names, node.args, strict=False):
            if parameter == "reason" and not isinstance(argument, ast.Starred):
                self._reason(kind or own, argument)
        self.generic_visit(node)

    def visit_Tuple(self, node: ast.Tuple) -> None:
        """Rows `(Kind.X, "Y", "sentence")`, and `("Y", "sentence")` of preconditions."""
        head, *rest = node.elts or [ast.Constant("")]
        kind = _kind(head)
        if kind and rest:
            self.found |= {(kind, word) for word in _words(rest[0])}
        elif len(rest) == 1 and _is_sentence(rest[0]):
            self.found |= {("PRECONDITION", word) for word in _words(head)}
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        """`error.reason = "Y"` and `error.kind, error.reason = Kind.X, "Y"`."""
        targets = getattr(node.targets[0], "elts", [node.targets[0]])
        values = getattr(node.value, "elts", [node.value])
        for target, value in zip(targets, values, strict=False):
            if isinstance(target, ast.Attribute) and target.attr == "reason":
                kind = next(filter(None, map(_kind, values)), "")
                self.found |= {(kind, word) for word in _words(value)}
        self.generic_visit(node)

    def _reason(self, kind: str, value: ast.expr) -> None:
        text = ast.unparse(value)
        if text in self._constants:
            self.found.add((kind, self._constants[text]))
        elif words := list(_words(value)):
            self.found |= {(kind, word) for word in words}
        elif text not in HANDED_ON | {"''"}:
            self.unread.append(text)


def _makes_errors(name: str) -> bool:
    return name.rpartition(".")[2].endswith("Error")


def _kind(node: ast.AST) -> str:
    """X of the first `Kind.X` in `node`; "" when there is none."""
    for each in ast.walk(node):
        if isinstance(each, ast.Attribute) and ast.unparse(each.value) == "Kind":
            return each.attr
    return ""


def _words(node: ast.AST) -> Iterator[str]:
    for each in ast.walk(node):
        is_text = isinstance(each, ast.Constant) and isinstance(each.value, str)
        if is_text and WORD.fullmatch(each.value):
            yield each.value


def _is_sentence(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value


def reasons() -> tuple[dict[str, set[str]], list[str]]:
    """Codes by reason, and what could not be read."""
    codes: dict[str, set[str]] = {kind.value: {CODES[kind].name} for kind in Kind}
    unread: list[str] = []
    for folder in ("server", "providers"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            tree = ast.parse(path.read_text())
            reader = Reader(tree)
            reader.visit(tree)
            unread += [f"{path.relative_to(ROOT)}: {each}" for each in reader.unread]
            for kind, reason in reader.found:
                codes.setdefault(reason, set())
                if kind:
                    codes[reason].add(CODES[Kind[kind]].name)
    return codes, unread
