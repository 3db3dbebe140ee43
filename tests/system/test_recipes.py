"""The recipes are parts of programs that run: of examples/, or of this page itself."""

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.system.commands import ROOT, demo

RECIPES = (ROOT / "docs/recipes.md").read_text()
LANGUAGES = {  # the fence's word, the folder of the example, the ending of its files
    "Go": ("go", "go", "go"),
    "TypeScript": ("ts", "typescript", "ts"),
    "Python": ("python", "python", "py"),
    "Java": ("java", "java", "java"),
    "Rust": ("rust", "rust", "rs"),
}
MADE = {"gen", "node_modules", "dist", "target"}
TASKS = (
    "Read all pages",
    "Create",
    "Change one instance",
    "Watch, and come back after a cut",
    "Read an error",
)


def _section(title: str) -> str:
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", RECIPES, re.MULTILINE | re.DOTALL)
    assert found, title
    return found[1]


def _blocks(text: str, fence: str) -> list[str]:
    return re.findall(rf"^```{fence}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def _flat(code: str) -> str:
    """Without what a recipe may differ in: its own indentation, and blank lines' spaces."""
    return "\n".join(line.strip() for line in code.strip().splitlines())


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_all_recipes_and_they_are_of_its_example(language: str) -> None:
    fence, folder, ending = LANGUAGES[language]
    section = _section(language)
    titles = re.findall(r"^### (.+)$", section, re.MULTILINE)
    assert [title for title in TASKS if title not in titles] == []
    blocks = _blocks(section, fence)
    assert len(blocks) == len(titles)
    sources = (ROOT / "examples" / folder).rglob(f"*.{ending}")
    programs = [_flat(path.read_text()) for path in sources if not MADE & set(path.parts)]
    for block in blocks:
        assert any(_flat(block) in program for program in programs), block
        assert textwrap.dedent(block) == block, "a recipe is not indented as a whole"


def test_the_rest_of_python_runs(tmp_path: Path) -> None:
    program = "\n".join(_blocks(_section("More of Python"), "python"))
    assert "CreateEvent" in program
    assert "UpdateEvent" in program
    with demo(tmp_path) as port:
        answer = subprocess.run(
            [sys.executable, "-W", "error", "-c", program],
            env=os.environ | {"UCAL_ADDRESS": f"127.0.0.1:{port}"},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
