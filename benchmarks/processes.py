"""Contestants as processes of their own, so that CPU and memory are theirs alone."""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load import cpu_seconds


@dataclass(frozen=True)
class Contestant:
    """A process that listens.

    Attributes:
        port: of its gRPC server.
        pid: its process.
    """

    port: int
    pid: int

    def cpu(self) -> float:
        """CPU seconds used so far."""
        return cpu_seconds(self.pid)

    def resident_kib(self) -> int:
        """Resident memory."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        raise RuntimeError("the process is gone")


@asynccontextmanager
async def started(*arguments: str) -> AsyncIterator[Contestant]:
    """`python -m ARGUMENTS`, which prints its port first and ends with its input."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", *arguments,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        if process.stdout is None or process.stdin is None:
            raise RuntimeError("no pipes")
        line = await asyncio.wait_for(process.stdout.readline(), 30)
        yield Contestant(int(line), process.pid)
        process.stdin.close()
        await asyncio.wait_for(process.wait(), 30)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@asynccontextmanager
async def echo(answer: bytes) -> AsyncIterator[Contestant]:
    """The bare echo of `answer`."""
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(answer)
        async with started("benchmarks.echo", file.name) as found:
            yield found
