"""`ucal completion` in the shells themselves: a person types, presses TAB, and reads."""

import asyncio
import os
import pty
import re
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.server.terminal import PROGRAM, environment

_SECONDS = 30
# fish wants a terminal that is its own, with a session's jobs.
_ON_ITS_OWN_TERMINAL = (
    "import fcntl, os, sys, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
    "os.execv(sys.argv[1], sys.argv[1:])"
)
_ESCAPES = re.compile(r"\x1b(\[[0-9;?<>=]*[A-Za-z]|\][^\x07\x1b]*(\x07|\x1b\\)|[()][A-Z0-9]|[=>])")
# How each is started without anybody's own settings, and taught as `ucal completion --help` says.
SHELLS = {
    "bash": (("--norc", "--noprofile", "-i"), 'eval "$(ucal completion bash)"'),
    "zsh": (
        ("--no-rcs", "-i"),
        'autoload -Uz compinit; compinit -u -D; eval "$(ucal completion zsh)"',
    ),
    "fish": (("--no-config", "-i"), "ucal completion fish | source"),
}


class Typist:
    """A person at a shell.

    Attributes:
        seen: all that the terminal showed.
    """

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal
        self._more = asyncio.Event()
        self.seen = ""
        asyncio.get_running_loop().add_reader(terminal, self._read)

    def _read(self) -> None:
        try:
            found = os.read(self._terminal, 65536)
        except OSError:  # the shell has ended
            found = b""
        if not found:
            asyncio.get_running_loop().remove_reader(self._terminal)
        text = found.decode(errors="replace")
        self.seen += text
        if "\x1b[c" in text or "\x1b[0c" in text:
            # fish asks what terminal this is, and waits for the answer: a VT100.
            os.write(self._terminal, b"\x1b[?1;2c")
        self._more.set()

    def type(self, keys: str) -> None:
        """Press `keys`; what was shown before is forgotten."""
        self.seen = ""
        os.write(self._terminal, keys.encode())

    async def sees(self, pattern: str) -> None:
        """Wait until the terminal shows it."""
        try:
            async with asyncio.timeout(_SECONDS):
                while not re.search(pattern, self._text()):
                    self._more.clear()
                    await self._more.wait()
        except TimeoutError:
            pytest.fail(f"{pattern} is not shown but {self._text()!r}")

    def _text(self) -> str:
        """What was shown, without colours and the like."""
        return _ESCAPES.sub("", self.seen)


@asynccontextmanager
async def at(shell: str, home: Path) -> AsyncIterator[Typist]:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is missing (its package has the same name): nobody presses TAB there")
    words, lesson = SHELLS[shell]
    ours, theirs = pty.openpty()
    path = f"{Path(PROGRAM).parent}:{os.environ['PATH']}"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _ON_ITS_OWN_TERMINAL),
        program,
        *words,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment(
            PATH=path, HOME=str(home), TERM="xterm", PS1="", HISTFILE="", COLUMNS="200"
        ),
    )
    os.close(theirs)
    typist = Typist(ours)
    try:
        # A sum, so that its echo is not taken for the answer.
        typist.type(f"{lesson}; echo ready-$(expr 40 + 2)\r")
        await typist.sees("ready-42")
        yield typist
    finally:
        asyncio.get_running_loop().remove_reader(ours)
        if process.returncode is None:
            process.kill()
        await process.wait()
        os.close(ours)


@pytest.mark.parametrize("shell", list(SHELLS))
async def test_tab_goes_on_with_what_was_begun(shell: str, tmp_path: Path) -> None:
    async with at(shell, tmp_path) as typist:
        typist.type("ucal compl\t")
        await typist.sees("ucal completion")
        typist.type("\x15ucal call ListEventI\t")
        await typist.sees("ListEventInstances")
        typist.type("\x15ucal call ListEvents connection_i\t")
        await typist.sees("connection_id=")
        typist.type("\x15ucal connect google_c\t")
        await typist.sees("google_calendar")
