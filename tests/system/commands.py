"""The commands of the documents: found in their fenced blocks, run as a reader would.

A `console` block has commands after "$ " and what they print; an `sh` block has commands alone.
A command with a placeholder, `<client-id>`, needs what only its reader has, and is not run.
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
OURS = ("ucal", "buf")
"""Run by the suite. `grpcurl` is run by `python -m tests.interop.documented`."""

_BLOCK = re.compile(r"^```(console|sh)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PLACEHOLDER = re.compile(r"<[a-z][a-z0-9-]*>")
_COMMENT = re.compile(r"\s+#\s.*$", re.MULTILINE)
_HERE = re.compile(r"<<'?(\w+)'?")
_SECONDS = 30


@dataclass(frozen=True)
class Command:
    """One command of a page.

    Attributes:
        line: which ends what it stands for: continued lines are one.
        output: what it prints; "": what it prints does not count, it has to succeed.
    """

    page: str
    line: str
    output: str

    @property
    def program(self) -> str:
        """Its name, without a folder."""
        return Path(self.line.split(maxsplit=1)[0]).name

    @property
    def needs_an_account(self) -> bool:
        """A placeholder stands where only its reader knows what to write."""
        return _PLACEHOLDER.search(self.line) is not None

    def __str__(self) -> str:
        return f"{self.page}: {self.line[:60]}"


def commands(page: Path) -> list[Command]:
    """All of `page`, in order."""
    name, found = str(page.relative_to(ROOT)), []
    for kind, block in _BLOCK.findall(page.read_text()):
        joined = re.sub(r"\s*\\\n\s*", " ", block)
        if kind == "console":
            for part in joined.split("$ ")[1:]:
                line, _, output = part.partition("\n")
                found.append(Command(name, line, output.rstrip("\n")))
        else:
            found += [Command(name, line, "") for line in _whole(_COMMENT.sub("", joined))]
    return found


def _whole(block: str) -> Iterator[str]:
    """The lines of a block; those in one pair of quotes, or of one here-document, as one."""
    begun = ""
    for line in block.splitlines():
        begun = f"{begun}\n{line}" if begun else line
        here = _HERE.search(begun)
        if here and (line == begun or line != here[1]):
            continue
        try:
            shlex.split(begun)
        except ValueError:
            continue
        if begun.strip():
            yield begun
        begun = ""
    assert not begun, f"a quote is left open: {begun}"


@contextmanager
def demo(folder: Path) -> Iterator[int]:
    """What `make run` runs, on ports of its own; its gRPC port."""
    port, http = free_port(), free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "server.demo"],
        cwd=ROOT,
        env=os.environ
        | {
            "HOME": str(folder),
            "UCAL_LISTEN": f"127.0.0.1:{port}",
            "UCAL_HTTP_LISTEN": f"127.0.0.1:{http}",
            "UCAL_LIMITS_DRAIN_DELAY": "0",
        },
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("Ctrl-C"):
                break
        yield port
        process.terminate()
        rest = process.stdout.read()
        assert process.wait(30) == 0, rest
    finally:
        process.kill()
        process.communicate()


def pattern(output: str) -> re.Pattern[str]:
    """`output` as a pattern: a line "..." stands for any lines, "..." in a line for any text."""
    lines = (
        r"(?:.*\n)*?"
        if line.strip() == "..."
        else ".*?".join(map(re.escape, line.split("..."))) + r"\n"
        for line in output.splitlines()
    )
    return re.compile("".join(lines))


def run(
    command: Command, port: int, folder: Path, programs: Mapping[str, str] | None = None
) -> None:
    """Run it in `folder` against the service at `port`.

    What it prints is read until it is what is expected; then it is ended, since watches never end.

    Args:
        programs: where programs are that are not beside Python.

    Raises:
        AssertionError: it printed something else, or failed, with what it printed.
    """
    words = shlex.split(command.line.replace("127.0.0.1:50051", f"127.0.0.1:{port}"))
    beside = str(Path(sys.executable).with_name(command.program))
    words[0] = (programs or {}).get(command.program, beside)
    process = subprocess.Popen(
        words,
        cwd=folder,
        env=os.environ
        | {
            "HOME": str(folder),
            "UCAL_ADDRESS": f"127.0.0.1:{port}",
            "PYTHONUNBUFFERED": "1",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    # A watch has no end: that it begins is what can be seen without an event.
    expected = command.output or ("watching" if command.line.split()[1:2] == ["watch"] else "")
    begins = not command.output
    wanted, printed = pattern(expected), ""
    try:
        for line in process.stdout:
            printed += line
            if expected and (printed.startswith(expected) if begins else wanted.match(printed)):
                return
        code = process.wait(_SECONDS)
        if expected or code:
            raise AssertionError(
                f"{command}\nended with {code}, printed:\n{printed}\nand not:\n{expected}"
            )
    finally:
        process.terminate()
        process.communicate()


def beside_a_reader(folder: Path) -> None:
    """Files that commands name and the reader is to have: a program to hand changes to."""
    script = folder / "on-change"
    script.write_text("#!/bin/sh\ncat >/dev/null\n")
    script.chmod(0o755)
