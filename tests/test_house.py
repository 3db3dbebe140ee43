"""The laws of the house that no compiler, linter or type checker holds on its own."""

import ast
import importlib
import re
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CODE = sorted(p for d in ("server", "providers") for p in (ROOT / d).rglob("*.py"))
FOLDERS = sorted(
    p.parent.name for p in ROOT.glob("providers/*/__init__.py") if p.parent.name != "core"
)
# In memory, or held against real servers: there is no vendor to imitate.
WITHOUT_DOUBLE = {"caldav", "sandbox"}


def _run(*command: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=100, check=False
    )


def _python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return _run(sys.executable, *arguments)


# -- import laws

LINT_IMPORTS = str(Path(sys.executable).with_name("lint-imports"))


def test_import_laws_hold() -> None:
    answer = _run(LINT_IMPORTS, "--no-cache")
    assert answer.returncode == 0, answer.stdout


MINIATURE = {
    "server/__init__.py": "",
    "server/app.py": "import providers.registry\nimport providers.core.base\nimport grpc\n",
    "providers/__init__.py": "",
    "providers/registry.py": "",
    "providers/core/__init__.py": "",
    "providers/core/base.py": "import ucal.v1\n",
    "providers/one/__init__.py": "import providers.core.base\n",
    "providers/two/__init__.py": "",
    "ucal/__init__.py": "",
    "ucal/v1/__init__.py": "",
    "ucal/v1/x_pb2_grpc.py": "import grpc\n",
}


def _laws_of_a_miniature(root: Path, module: str, line: str) -> str:
    for name, text in MINIATURE.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + (line if name == module else ""))
    shutil.copy(ROOT / "pyproject.toml", root)
    return _run(LINT_IMPORTS, "--no-cache", cwd=root).stdout


def test_import_laws_let_the_house_be(tmp_path: Path) -> None:
    assert "4 kept, 0 broken" in _laws_of_a_miniature(tmp_path, "", "")


@pytest.mark.parametrize(
    ("module", "line", "law"),
    [
        ("providers/one/__init__.py", "import providers.two", "know nothing of one another"),
        ("providers/one/__init__.py", "import grpc", "neither gRPC nor logging"),
        ("providers/one/__init__.py", "import ucal.v1.x_pb2_grpc", "neither gRPC nor logging"),
        ("providers/core/base.py", "import logging", "neither gRPC nor logging"),
        ("providers/core/base.py", "import providers.one", "know nothing of one another"),
        ("providers/core/base.py", "import server.app", "no edge back"),
        ("server/app.py", "import providers.one", "the server names no provider"),
        ("ucal/v1/__init__.py", "import providers.core", "no edge back"),
    ],
)
def test_import_laws_bite(tmp_path: Path, module: str, line: str, law: str) -> None:
    assert f"{law} BROKEN" in _laws_of_a_miniature(tmp_path, module, line)


# -- registry, folders, tests


def _registry() -> dict[str, str]:
    table: dict[str, str] = importlib.import_module("providers.registry").PROVIDERS
    return table


def test_registry_is_sorted() -> None:
    assert list(_registry()) == sorted(_registry())


def test_every_folder_has_a_row_and_every_row_a_folder() -> None:
    folders = {
        target.removeprefix("providers.").partition(":")[0].partition(".")[0]
        for target in _registry().values()
    }
    assert sorted(folders) == FOLDERS


def test_every_row_loads_the_provider_of_that_name() -> None:
    for name, target in _registry().items():
        module, _, attribute = target.partition(":")
        assert getattr(importlib.import_module(module), attribute).name == name


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_folder_has_tests_and_a_double(folder: str) -> None:
    tests = ROOT / "tests/providers" / folder
    assert list(tests.glob("test_*.py")), f"no tests in {tests.relative_to(ROOT)}"
    if folder not in WITHOUT_DOUBLE:
        assert (tests / "double.py").exists() or (tests / "double").is_dir()


# -- sizes and shape


def _lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def test_modules_are_small() -> None:
    sizes = {str(p.relative_to(ROOT)): _lines(p) for p in CODE if p.name != "__init__.py"}
    assert {name: size for name, size in sizes.items() if size > 400} == {}
    assert not sizes or statistics.median(sizes.values()) <= 150


def _functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function without its docstring: documentation is never too long here."""
    first = function.body[0]
    is_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    docstring = (first.end_lineno or 0) - first.lineno + 1 if is_docstring else 0
    return (function.end_lineno or 0) - function.lineno + 1 - docstring


def test_functions_are_small() -> None:
    found = {f"{p.relative_to(ROOT)}:{f.name}": _body_lines(f) for p in CODE for f in _functions(p)}
    assert {name: size for name, size in found.items() if size > 60} == {}


def test_no_keyword_bags() -> None:
    """`**kwargs` hides what a layer takes from its reader and from the type checker."""
    bags = [f"{p.relative_to(ROOT)}:{f.name}" for p in CODE for f in _functions(p) if f.args.kwarg]
    assert bags == []


def test_no_drawer_modules() -> None:
    drawers = {"utils.py", "util.py", "helpers.py", "common.py", "misc.py"}
    assert [str(p.relative_to(ROOT)) for p in CODE if p.name in drawers] == []


# -- generated files


def test_generated_code_is_fresh() -> None:
    answer = _python("tools/gen_protos.py", "--check")
    assert answer.returncode == 0, answer.stderr


def test_generated_docs_are_fresh() -> None:
    answer = _python("tools/gen_docs.py", "--check")
    assert answer.returncode == 0, answer.stderr


# -- nothing of one machine in the repository

# In pieces, so that this file does not find itself.
MACHINE = re.compile(
    "|".join(
        [
            r"(?<![\w.])/" + r"(?:work|root|home/\w+|Users/\w+)/",
            "files" + r"\.pythonhosted\.org",
            "registry" + r"\.npmjs\.org",
            "proxy" + r"\.golang\.org",
            "static" + r"\.crates\.io",
            r"repo1?" + r"\.maven\.",
            r"bash" + r"_jobs",
        ]
    )
)


def test_no_machine_paths_or_registry_hosts() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("no git checkout: the list of the project's files is missing")
    names = _run("git", "ls-files", "-z").stdout.split("\0")
    hits = []
    for path in (ROOT / name for name in names if name):
        if path.is_file() and not path.is_symlink():
            text = path.read_bytes().decode("utf-8", "replace")
            hits += [f"{path.relative_to(ROOT)}: {match[0]}" for match in MACHINE.finditer(text)]
    assert hits == []
