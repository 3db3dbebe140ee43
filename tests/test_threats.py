"""SECURITY.md: every threat has a test, every test that is named is there."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "SECURITY.md").read_text()
_TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
_OWASP = [f"API{number}" for number in range(1, 11)]


def _rows(beginning: str) -> list[list[str]]:
    """Cells of the table rows whose first cell begins with `beginning`."""
    lines = [line for line in TEXT.splitlines() if line.startswith(f"| {beginning}")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


THREATS = [row for row in _rows("T") if re.fullmatch(r"T\d+", row[0])]


@cache
def _tests_in(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text())
    return frozenset(
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def test_threats_are_numbered() -> None:
    assert len(THREATS) >= 30
    assert [row[0] for row in THREATS] == [f"T{n}" for n in range(1, len(THREATS) + 1)]


@pytest.mark.parametrize("row", THREATS, ids=lambda row: row[0])
def test_a_threat_has_a_defence_and_a_test(row: list[str]) -> None:
    assert len(row) == 4, "number, threat, what stands against it, test"
    assert all(row)
    assert _TEST.search(row[3])


@pytest.mark.parametrize(("path", "name"), sorted(set(_TEST.findall(TEXT))))
def test_a_test_that_is_named_is_there(path: str, name: str) -> None:
    assert (ROOT / path).is_file()
    assert not name or name in _tests_in(path)


def test_every_item_of_owasp_leads_to_threats() -> None:
    rows = {row[0].split()[0]: row[1] for row in _rows("API")}
    assert list(rows) == _OWASP
    known = {row[0] for row in THREATS}
    for item, text in rows.items():
        named = set(re.findall(r"\bT\d+\b", text))
        assert named, item
        assert named <= known, item


def test_what_is_not_defended_is_said() -> None:
    _, _, rest = TEXT.partition("### What is not defended")
    assert rest.count("\n- **") >= 5


def test_who_is_trusted_is_said() -> None:
    for party in ("operator", "caller", "person in the browser", "provider", "CalDAV host",
                  "webhook sender", "other replicas", "vault"):  # fmt: skip
        assert _rows(party), party
