"""R25: how many small changes of the code that guards its tests notice, counted with mutmut 3.

python -m benchmarks.mutants [--only guard ...] [--survivors]

Each group of modules is changed in a copy of the tree, one change at a time, and the group's own
tests are run against each: that does not take whole suites, and a change that only a test far away
would notice counts as unnoticed. Changes of words that people read (a string with a space in it)
are counted apart: no test should hold a sentence fast. What stands at the level of a module, and
functions with a decorator, are not changed: mutmut 3 changes what is in plain functions.
"""

import argparse
import ast
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.mutated import GROUPS, Group

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "benchmarks" / "results" / "chaos-R25.md"
_COPIED = ("server", "providers", "protos", "tests", "benchmarks", "tools", "pyproject.toml")
_KILLED = {1, 3}  # a test failed, or could not even be collected
_TIMEOUT = {36, 24, -24, 152, 255, -9}  # a loop that did not end: noticed
_HEAD = (
    "| guarded | modules | changes | noticed | of words | score |",
    "|---|---|---|---|---|---|",
)
_EXAMPLE = "Example: python -m benchmarks.mutants --only guard --survivors"


@dataclass(frozen=True, slots=True)
class Change:
    """One mutant.

    Attributes:
        of_words: only what people read is changed.
        text: the line as it was and as it was made.
    """

    name: str
    noticed: bool
    of_words: bool
    text: str


@dataclass(frozen=True, slots=True)
class Score:
    """What became of a group's changes; those of words are not among the others."""

    group: str
    modules: int
    changes: int
    noticed: int
    words: int

    @property
    def row(self) -> str:
        """A line of the table."""
        percent = f"{100 * self.noticed / self.changes:.1f} %" if self.changes else "-"
        parts = (self.group, self.modules, self.changes, self.noticed, self.words, percent)
        return f"| {' | '.join(map(str, parts))} |"


def _configured(group: Group) -> str:
    listed = {
        "source_paths": ["server", "providers"],
        "only_mutate": list(group.modules),
        "also_copy": ["protos", "benchmarks", "tools"],
        "pytest_add_cli_args": ["-n", "0", "-p", "no:cacheprovider", "-o", "timeout=60"],
        "pytest_add_cli_args_test_selection": list(group.tests),
        "process_isolation": group.isolation,
        "use_git_change_detection": False,
        "track_dependencies": False,
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in listed.items()]
    return "\n".join(["", "[tool.mutmut]", *lines, ""])


def _copy(group: Group, folder: Path) -> None:
    for name in _COPIED:
        source = ROOT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "node_modules")
            shutil.copytree(source, folder / name, ignore=ignored)
        else:
            shutil.copy(source, folder / name)
    with (folder / "pyproject.toml").open("a") as file:
        file.write(_configured(group))


def changes(group: Group, workers: int) -> list[Change]:
    """Change the group's modules in every way that mutmut knows, each before the group's tests.

    Raises:
        RuntimeError: the tests do not pass even on what is not changed.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _copy(group, folder)
        done = subprocess.run(
            [sys.executable, "-m", "mutmut", "run", "--max-children", str(workers)],
            cwd=folder, capture_output=True, text=True, errors="replace", check=False,
        )  # fmt: skip
        found = [
            each for module in group.modules for each in _of_module(folder / "mutants" / module)
        ]
        if not found:
            raise RuntimeError(f"{group.name}: {(done.stdout + done.stderr)[-3000:]}")
        return found


def _of_module(path: Path) -> Iterator[Change]:
    meta = path.with_name(f"{path.name}.meta")
    if not meta.exists():
        return
    functions = {
        node.name: node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    for key, code in json.loads(meta.read_text())["exit_code_by_key"].items():
        name = key.rpartition(".")[2]
        if code is None:
            raise RuntimeError(f"{key} was not judged")
        was = functions[f"{name.rpartition('__mutmut_')[0]}__mutmut_orig"]
        old, new = _difference(was, functions[name])
        words = isinstance(old, ast.Constant) and " " in str(old.value)
        text = f"{_spelt(old)}  ->  {_spelt(new)}"
        noticed = code in _KILLED or code in _TIMEOUT
        yield Change(f"{path.name}:{key}", noticed=noticed, of_words=words, text=text)


def _spelt(node: ast.AST | None) -> str:
    return ast.unparse(node) if node is not None else "nothing"


def _difference(old: ast.AST, new: ast.AST) -> tuple[ast.AST | None, ast.AST | None]:
    """The smallest parts in which two trees differ."""
    for name in old._fields:
        if isinstance(old, ast.FunctionDef | ast.AsyncFunctionDef) and name == "name":
            continue
        one, other = getattr(old, name, None), getattr(new, name, None)
        if isinstance(one, list) and isinstance(other, list):
            if len(one) != len(other):
                return old, new
            pairs = list(zip(one, other, strict=True))
        else:
            pairs = [(one, other)]
        for a, b in pairs:
            if not isinstance(a, ast.AST) or not isinstance(b, ast.AST):
                if a != b:
                    return old, new
            elif type(a) is not type(b):
                return (a, b) if isinstance(a, ast.expr | ast.stmt) else (old, new)
            elif ast.dump(a) != ast.dump(b):
                found = _difference(a, b)
                return found if isinstance(found[0], ast.expr | ast.stmt) else (old, new)
    return None, None


def scored(group: Group, found: list[Change]) -> Score:
    """Count."""
    counted = [each for each in found if not each.of_words]
    noticed = sum(each.noticed for each in counted)
    return Score(group.name, len(group.modules), len(counted), noticed, len(found) - len(counted))


def _kept() -> dict[str, list[str]]:
    """The table's rows by group, as they are written down."""
    lines = RESULT.read_text().splitlines() if RESULT.exists() else []
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in lines if line[:1] == "|"
    ]
    return {row[0]: row for row in rows if row[0] in {group.name for group in GROUPS}}


def written(new: dict[str, Score]) -> str:
    """The table with what is new in it, and the score of all."""
    rows = {
        name: Score(name, *(int(cell) for cell in cells[1:5])) for name, cells in _kept().items()
    }
    rows |= new
    ordered = [rows[group.name] for group in GROUPS if group.name in rows]
    every = Score(
        "all",
        sum(each.modules for each in ordered),
        sum(each.changes for each in ordered),
        sum(each.noticed for each in ordered),
        sum(each.words for each in ordered),
    )
    return "\n".join([*_HEAD, *(each.row for each in ordered), every.row])


def last() -> str:
    """What was written down, in one line."""
    rows = _kept().values()
    told = [f"{row[0]} {row[5]}" for row in rows]
    return f"last: {', '.join(told)}" if told else "never measured here"


def main() -> int:
    """Measure; 1 when a group that was measured is below 80 %."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.mutants", description="R25: the mutation score.", epilog=_EXAMPLE
    )
    names = [group.name for group in GROUPS]
    parser.add_argument(
        "--only", action="append", choices=names, metavar="GROUP", default=[],
        help=f"only this group; repeatable: {', '.join(names)}",
    )  # fmt: skip
    parser.add_argument("--survivors", action="store_true", help="print what no test noticed")
    parser.add_argument("--workers", type=int, default=1, help="mutants at once (default: 1)")
    arguments = parser.parse_args()
    new: dict[str, Score] = {}
    for group in GROUPS:
        if arguments.only and group.name not in arguments.only:
            continue
        found = changes(group, arguments.workers)
        new[group.name] = scored(group, found)
        print(new[group.name].row, flush=True)
        for each in found if arguments.survivors else ():
            if not each.noticed and not each.of_words:
                print(f"  {each.name}\n    {each.text}")
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text(f"# Chaos: R25, mutants\n\n{written(new)}\n")
    return 0 if all(each.noticed >= 0.8 * each.changes for each in new.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
