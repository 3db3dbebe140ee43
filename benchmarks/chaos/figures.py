"""What is promised, and where it is shown: by tests that name a figure, or by modules beside this.

A test names a figure by beginning its docstring, or that of its file, with it: "R7: what may ...".
A module of this package that has `async def run() -> list[tuple[str, str, str, bool]]` (figure,
claim, measured, ok) names those that it measures in its docstring.
"""

import ast
import importlib
import pkgutil
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import mutants

Row = tuple[str, str, str, bool]
Run = Callable[[], Awaitable[list[Row]]]

ROOT = Path(__file__).resolve().parents[2]
CLAIMS: dict[str, str] = {
    "R1": "load, own cost: at least 4,000 ListEvents a second, the slowest within 60 ms",
    "R2": "load before a provider that takes 200 ms: 800 a second at 400 in flight; adds 25 ms",
    "R3": "5,000 watches at 32 kB each or less; all opened at once without an error",
    "R4": "replicas killed at random under load: nothing lost, nothing out of order",
    "R5": "rolling restart: no failed call",
    "R6": "whatever a provider does wrong: a documented code, in time, in little memory",
    "R7": "no storm of retries; Retry-After is obeyed",
    "R8": "a lost answer never creates twice",
    "R9": "ten thousand cancelled calls leave nothing behind",
    "R10": "an expired sync token: RESET, then the same final state",
    "R11": "clocks that are ten minutes wrong",
    "R12": "forged, altered, late, repeated and huge deliveries wake nobody",
    "R13": "tampering with stored credentials never gives another tenant's",
    "R14": "keys are rotated under 500 calls a second without a failed call; old keys are useless",
    "R15": "the vault is down, sealed, its token expired: served for its time, then told; recovers",
    "R16": "store and bus are killed and come back: calls go on, nothing is lost",
    "R17": "zero storage: no canary and no credential anywhere, whatever fails or crashes",
    "R18": "tenants never see one another's; every key against every connection and RPC",
    "R19": "no spelling, name, answer or redirect leads inside the network",
    "R20": "bad input of every kind: no crash, no hang, no code outside the contract",
    "R21": "hostile gRPC: alive within 50 ms after each attack, 20 MB more memory or less",
    "R22": "memory, files and tasks come back after load, faults and churn of watches",
    "R23": "recurrence and XML bombs are refused or bounded within 100 ms",
    "R24": "time zones and recurrence agree with two other expanders",
    "R25": "mutation score of at least 80 % on what guards",
}
# Tests that show a figure besides those that name one.
ALSO: dict[str, tuple[str, ...]] = {
    "R10": ("tests/conformance/test_watch.py",),
    "R11": (
        "tests/core/test_replies.py",
        "tests/push/test_forgery.py::test_an_old_and_a_future_delivery_are_refused",
    ),
    "R19": ("tests/core/test_http_places.py",),
    "R20": (
        "tests/conformance/test_bad_input.py",
        "tests/core/test_ical.py",
        "tests/core/test_raw.py",
        "tests/core/test_recurrence_structure.py",
    ),
    "R24": ("tests/core/test_recurrence_oracle.py",),
}
# Whoever wants them runs another command.
ELSEWHERE: dict[str, str] = {
    "R25": f"an hour or more, by python -m benchmarks.mutants; {mutants.last()}",
}
_NAMED = re.compile(r"R\d+(?:, R\d+)*\b")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a figure is measured.

    Attributes:
        figures: which ones.
        nodes: tests, as pytest names them.
        run: a module's measurement, in place of tests.
    """

    name: str
    figures: tuple[str, ...]
    nodes: tuple[str, ...] = ()
    run: Run | None = None


def named(docstring: str | None) -> tuple[str, ...]:
    """The figures that a docstring begins with."""
    found = _NAMED.match(docstring or "")
    return tuple(found[0].split(", ")) if found else ()


def tests_by_figure() -> dict[str, list[str]]:
    """For each figure the tests that name it."""
    found: dict[str, list[str]] = {figure: list(ALSO.get(figure, ())) for figure in CLAIMS}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        place = path.relative_to(ROOT).as_posix()
        for figures, node in _of_file(ast.parse(path.read_text())):
            for figure in figures:
                found.setdefault(figure, []).append(f"{place}{node}")
    return found


def _of_file(tree: ast.Module) -> Iterator[tuple[tuple[str, ...], str]]:
    whole = named(ast.get_docstring(tree))
    if whole:
        yield whole, ""
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        own = tuple(each for each in named(ast.get_docstring(node)) if each not in whole)
        if own and node.name.startswith("test_"):
            yield own, f"::{node.name}"


def sources() -> list[Source]:
    """Everything that measures, modules first."""
    found = list(_modules())
    shown = {figure for source in found for figure in source.figures}
    for figure, nodes in tests_by_figure().items():
        if nodes:
            own = tuple(dict.fromkeys(nodes))
            found.append(Source(f"tests of {figure}", (figure,), own))
        elif figure not in shown and figure not in ELSEWHERE:
            raise LookupError(f"{figure} is shown nowhere: name it in a test, or in ELSEWHERE")
    return found


def _modules() -> Iterator[Source]:
    package = importlib.import_module("benchmarks.chaos")
    for info in pkgutil.iter_modules(package.__path__):
        if info.name in {"__main__", "figures", "selection"}:
            continue
        module = importlib.import_module(f"benchmarks.chaos.{info.name}")
        run: Run | None = getattr(module, "run", None)
        if run is not None:
            yield Source(info.name, named_anywhere(module.__doc__), run=run)


def named_anywhere(docstring: str | None) -> tuple[str, ...]:
    """The figures in a module's docstring."""
    return tuple(dict.fromkeys(x for x in re.findall(r"\bR\d+\b", docstring or "") if x in CLAIMS))
