"""`make chaos` knows where each figure is shown, and what it names is there."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.chaos import figures, selection
from benchmarks.chaos.__main__ import table
from benchmarks.mutated import GROUPS

ROOT = Path(__file__).resolve().parent.parent


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.chaos", *words],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_every_figure_is_shown_or_said_not_to_be() -> None:
    shown = {figure for source in figures.sources() for figure in source.figures}
    assert shown | set(figures.ELSEWHERE) == set(figures.CLAIMS)
    assert list(figures.CLAIMS) == [f"R{number}" for number in range(1, 26)]


def test_every_test_that_is_named_is_there() -> None:
    for source in figures.sources():
        for node in source.nodes:
            path, _, name = node.partition("::")
            tree = ast.parse((ROOT / path).read_text())
            names = {each.name for each in ast.walk(tree) if hasattr(each, "name")}
            assert not name or name in names, node


@pytest.mark.parametrize(
    ("docstring", "wanted"),
    [
        ("R4, R10: replicas are killed", ("R4", "R10")),
        ("R15.", ("R15",)),
        ("R15 for secrets: served", ("R15",)),
        ("An RFC, not a figure: R7", ()),
        ("", ()),
        (None, ()),
    ],
)
def test_figures_are_named_at_the_beginning(docstring: str | None, wanted: tuple[str, ...]) -> None:
    assert figures.named(docstring) == wanted


def test_the_help_has_an_example_and_the_list_runs_nothing() -> None:
    assert "Example: python -m benchmarks.chaos --only" in run("--help").stdout
    listed = run("--list")
    assert listed.returncode == 0
    assert "R17: tests/zero_storage/test_canaries.py" in listed.stdout
    assert run("--only", "R99").returncode == 2


async def test_tests_are_run_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "test_it.py"
    path.write_text(
        "import pytest\n"
        "def test_one(record_property):\n    record_property('measured', '12 a second')\n"
        "@pytest.mark.skip(reason='no moon here')\ndef test_two(): pass\n"
    )
    figure, _, measured, ok = await selection.measured("R1", [str(path)], 0)
    assert (figure, ok) == ("R1", True)
    assert measured.startswith("1 of 2 tests hold, 1 skipped (no moon here), 12 a second")
    path.write_text("def test_one():\n    assert False\n")
    _, _, measured, ok = await selection.measured("R1", [str(path)], 0)
    assert not ok
    assert "failed: test_one" in measured


def test_a_figure_that_does_not_hold_is_seen() -> None:
    assert "| R1 | fast | 3 | NO |" in table([("R1", "fast", "3", False)])


def test_what_is_mutated_and_what_must_notice_is_there() -> None:
    for group in GROUPS:
        paths = [*group.modules, *(each for each in group.tests if each.endswith(".py"))]
        assert [each for each in paths if not (ROOT / each).is_file()] == [], group.name
    assert "python -m benchmarks.mutants" in figures.ELSEWHERE["R25"]
