"""The README's commands give the README's output, on the very service that `make run` starts."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.system.processes import free_port

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SECONDS = 60


def examples() -> list[tuple[str, str]]:
    """Commands and what they print, in the order of the README."""
    found = []
    for block in BLOCK.findall((ROOT / "README.md").read_text()):
        for part in block.split("$ ")[1:]:
            command, _, output = part.partition("\n")
            found.append((command, output.rstrip("\n")))
    return found


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


def run(command: str, expected: str, port: int) -> None:
    """Read what `command` prints until it is what is expected, then end it: watches never end."""
    words = shlex.split(command.replace("127.0.0.1:50051", f"127.0.0.1:{port}"))
    words[0] = str(Path(sys.executable).with_name(Path(words[0]).name))
    process = subprocess.Popen(
        words,
        env=os.environ | {"UCAL_ADDRESS": f"127.0.0.1:{port}", "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    wanted, printed = pattern(expected), ""
    try:
        for line in process.stdout:
            printed += line
            if wanted.match(printed):
                return
        pytest.fail(f"{command}\nprinted:\n{printed}\nand not:\n{expected}")
    finally:
        process.terminate()
        process.communicate()


@pytest.mark.timeout(_SECONDS)
def test_the_commands_of_the_readme(tmp_path: Path) -> None:
    found = examples()
    assert len(found) >= 6
    with demo(tmp_path) as port:
        for command, output in found:
            run(command, output, port)
