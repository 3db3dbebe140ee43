"""The documentation says what the code does, and the site builds without a warning."""

import ast
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from providers.registry import PROVIDERS
from tests.reasons import Reader, reasons

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"


def _script(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


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


def test_the_reference_tells_every_field_with_its_comment() -> None:
    page = (DOCS / "contract.md").read_text()
    for words in (
        "| `ListEvents` | [ListEventsRequest](#listeventsrequest) |",
        "| `WatchEvents` | [WatchEventsRequest](#watcheventsrequest) | stream of ",
        "### WatchEventsResponse.Opened",
        "| map of `string` to `string` |",
    ):
        assert words in page
    assert "|  |" not in re.sub(r"\|  \|$", "", page, flags=re.MULTILINE), "a comment is missing"


def test_every_provider_has_a_page() -> None:
    assert [name for name in PROVIDERS if not (DOCS / f"providers/{name}.md").exists()] == []


# -- the site

FROM_ELSEWHERE = re.compile(
    r"<(?:script|img|iframe|source)\b[^>]*\bsrc=[\"']?(?:https?:)?//"
    r"|<link\b[^>]*\brel=[\"']?(?:stylesheet|preload|icon|preconnect)[^>]*\bhref=[\"']?(?:https?:)?//"
    r"|url\([\"']?(?:https?:)?//|@import"
)


@pytest.mark.skipif(find_spec("material") is None, reason="mkdocs-material is not installed")
def test_the_site_builds_without_a_warning_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    answer = subprocess.run(
        [_script("mkdocs"), "build", "--strict", "--quiet", "--site-dir", str(tmp_path)],
        cwd=ROOT, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    assert "WARNING" not in answer.stderr
    pages = [path for kind in ("html", "css") for path in tmp_path.rglob(f"*.{kind}")]
    assert len(pages) > len(PROVIDERS)
    hits = {path.name: FROM_ELSEWHERE.search(path.read_text()) for path in pages}
    assert {name: found[0] for name, found in hits.items() if found} == {}
    told = {path.stem for path in (tmp_path / "errors").glob("*.html")}
    assert told == set(_catalogue())
