"""The documentation says what the code does, and the site builds without a warning."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.reasons import Reader, reasons

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"


def _python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip


# -- the catalogue of errors

SECTION = re.compile(
    r"^### (\S+)\n\n(`.*`)\n\n\*\*When:\*\* (.+)\n\n\*\*Do:\*\* (.+)$", re.MULTILINE
)


def _catalogue() -> dict[str, set[str]]:
    page = (DOCS / "errors.md").read_text()
    found = SECTION.findall(page)
    assert len(found) == page.count("\n### "), "a section lacks its code, When or Do"
    names = [name for name, *_ in found]
    assert len(names) == len(set(names))
    return {name: set(re.findall(r"`(\w+)`", codes)) for name, codes, *_ in found}


def test_the_catalogue_of_errors_is_that_of_the_code() -> None:
    emitted, unread = reasons()
    assert unread == [], "a reason is written in a way that tests/reasons.py does not read"
    assert len(emitted) > 100
    assert _catalogue() == emitted


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ('ProviderError(Kind.INVALID, "x", reason="NEW_ONE")', {("INVALID", "NEW_ONE")}),
        ('ProviderError.invalid("f", "x", reason="NEW_ONE")', {("INVALID", "NEW_ONE")}),
        ('X = "NEW_ONE"\nProviderError(Kind.TIMEOUT, "x", reason=X)', {("TIMEOUT", "NEW_ONE")}),
        ('ROWS = {404: (Kind.NOT_FOUND, "NEW_ONE", "not there")}', {("NOT_FOUND", "NEW_ONE")}),
        ('ROW = ("NEW_ONE", "a sentence")', {("PRECONDITION", "NEW_ONE")}),
        (
            'error.kind, error.reason = Kind.FORBIDDEN, "NEW_ONE"',
            {("FORBIDDEN", "NEW_ONE")},
        ),
        (
            "def no(reason):\n return MyError(Kind.CONFLICT, '', reason=reason)\nno('NEW_ONE')",
            {("CONFLICT", "NEW_ONE")},
        ),
        (
            'ProviderError(Kind.TIMEOUT, "x", reason="ONE" if y else "OTHER")',
            {("TIMEOUT", "ONE"), ("TIMEOUT", "OTHER")},
        ),
    ],
)
def test_a_new_reason_is_found(code: str, found: set[tuple[str, str]]) -> None:
    tree = ast.parse(code)
    reader = Reader(tree)
    reader.visit(tree)
    assert reader.found == found
    assert reader.unread == []


def test_a_reason_that_cannot_be_read_is_told() -> None:
    tree = ast.parse('ProviderError(Kind.TIMEOUT, "x", reason=made_up())')
    reader = Reader(tree)
    reader.visit(tree)
    assert reader.unread == ["made_up()"]


# -- generated pages


def test_the_reference_of_the_contract_is_fresh() -> None:
    answer = _python("tools/gen_contract_docs.py", "--check")
    assert answer.returncode == 0, answer.stderr
