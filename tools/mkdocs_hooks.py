"""What the site needs besides the pages: providers' pages in the navigation, a page for each reason
of the errors' catalogue (errors/<REASON>.html, so that a program can link to it), and GitHub's
Markdown.

The pages are written to be read in the repository too. Two things differ there: links may leave
docs/, and what belongs to a numbered item is indented by three blanks where Python-Markdown wants
four.
"""

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

_LINK = re.compile(r"\[([^\]]+)\]\(([^)#:]+)(#[^)]*)?\)")
_FENCE = re.compile(r" {0,3}```")
_TITLE = re.compile(r"^# (.+)$", re.MULTILINE)
_REASON = re.compile(r"^### (\S+)\n(.*?)(?=^##)", re.MULTILINE | re.DOTALL)


def on_config(config: Any) -> Any:
    """Every page of docs/providers, by title, below Providers."""
    folder = Path(config["docs_dir"]) / "providers"
    pages = [{_title(path): f"providers/{path.name}"} for path in folder.glob("*.md")]
    section = next(each["Providers"] for each in config["nav"] if "Providers" in each)
    section += sorted(pages, key=lambda page: next(iter(page)).lower())
    return config


def _title(path: Path) -> str:
    found = _TITLE.search(path.read_text())
    title = found[1].partition(":")[0] if found else path.stem
    return title[0].upper() + title[1:]


def on_files(files: Files, config: Any) -> Files:
    """A page for each reason in errors.md."""
    catalogue = (Path(config["docs_dir"]) / "errors.md").read_text()
    for name, text in _REASON.findall(f"{catalogue}\n##"):
        page = f"# {name}\n{text}\nOne of the [reasons of errors](../errors.md#{name.lower()}).\n"
        files.append(File.generated(config, f"errors/{name}.md", content=page))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """The page in Python-Markdown's dialect."""
    lines: list[str] = []
    in_item = in_fence = False
    for line in markdown.splitlines():
        if re.match(r"\d+\. ", line):
            in_item = True
        elif line and not line.startswith("   ") and not in_fence:
            in_item = False
        deeper = in_item and line.startswith("   ")
        if _FENCE.match(line):
            in_fence = not in_fence
        lines.append(_inside(line, page.file.src_uri) if not in_fence else line)
        if deeper:
            lines[-1] = " " + lines[-1]
    return "\n".join(lines)


def _inside(line: str, at: str) -> str:
    """`line` without links to files that are in the repository and not on the site."""

    def written(found: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(at), found[2]))
        if not target.startswith("../"):
            return found[0]
        path = f"`{target.removeprefix('../')}`"
        return path if found[1].strip("`") in path else f"{found[1]} ({path})"

    return _LINK.sub(written, line)
