"""`ucal` as a process of its own, on pipes or a pseudo-terminal, beside a service in the test."""

import asyncio
import os
import pty
import sys
from dataclasses import dataclass
from pathlib import Path

PROGRAM = str(Path(sys.executable).with_name("ucal"))
_SECONDS = 40


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str


def environment(**more: str) -> dict[str, str]:
    """The test's, without what would lead elsewhere."""
    ours = {name: text for name, text in os.environ.items() if not name.startswith("UCAL_")}
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        ours.pop(name, None)
    return ours | {"PYTHONUNBUFFERED": "1"} | more


async def started(*words: str, **more: str) -> asyncio.subprocess.Process:
    """`ucal` with `words`, and `more` in its environment."""
    return await asyncio.create_subprocess_exec(
        PROGRAM,
        *words,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment(**more),
    )


async def ucal(*words: str, terminal: bool = False, **more: str) -> Ran:
    """Run `ucal` to its end; with `terminal`, its standard output is one."""
    if terminal:
        return await _on_a_terminal(words, more)
    process = await started(*words, **more)
    try:
        async with asyncio.timeout(_SECONDS):
            out, err = await process.communicate()
    finally:
        await ended(process)
    return Ran(process.returncode or 0, out.decode(), err.decode())


async def ended(process: asyncio.subprocess.Process) -> None:
    """End `process` if it still runs."""
    if process.returncode is None:
        process.kill()
        await process.communicate()


async def _on_a_terminal(words: tuple[str, ...], more: dict[str, str]) -> Ran:
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        PROGRAM,
        *words,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=theirs,
        stderr=asyncio.subprocess.PIPE,
        env=environment(**{"COLUMNS": "160", "TERM": "dumb", **more}),
    )
    os.close(theirs)
    try:
        async with asyncio.timeout(_SECONDS):
            printed, (_, err) = await asyncio.gather(
                asyncio.to_thread(_read, ours), process.communicate()
            )
    finally:
        await ended(process)
        os.close(ours)
    return Ran(process.returncode or 0, printed.decode(), err.decode())


def _read(descriptor: int) -> bytes:
    printed = b""
    while True:
        try:
            chunk = os.read(descriptor, 65536)
        except OSError:  # Linux says so that the other side is closed
            return printed
        if not chunk:
            return printed
        printed += chunk


_SPAWN = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"


async def typed(*words: str, answers: list[tuple[str, str]], **more: str) -> Ran:
    """`ucal` on a terminal of its own; each answer is typed once its question is asked."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _SPAWN,
        PROGRAM,
        *words,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=environment(**more),
    )
    assert process.stdin is not None
    assert process.stdout is not None
    printed, from_here = "", 0
    try:
        async with asyncio.timeout(_SECONDS):
            for question, answer in answers:
                while question not in printed[from_here:]:
                    chunk = await process.stdout.read(4096)
                    assert chunk, f"{question!r} was never asked:\n{printed}"
                    printed += chunk.decode()
                from_here = len(printed)
                process.stdin.write(f"{answer}\n".encode())
            printed += (await process.stdout.read()).decode()
            await process.wait()
    finally:
        await ended(process)
        process.stdin.close()
    return Ran(process.returncode or 0, printed, "")
