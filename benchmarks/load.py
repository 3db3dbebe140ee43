"""A cheap load generator: h2load, written in C, with a framed request in a file.

A Python client costs more than the server that it measures.
"""

import asyncio
import re
import shutil
import struct
import tempfile
import time
from pathlib import Path

H2LOAD = shutil.which("h2load")
_RATE = re.compile(r"finished in [\d.]+\w+, ([\d.]+) req/s")
_DONE = re.compile(r"requests: (\d+) total.* (\d+) succeeded, (\d+) failed")
_STATUS = re.compile(r"status codes: (\d+) 2xx")


class NoLoadGeneratorError(RuntimeError):
    """h2load is missing: apt-get install nghttp2-client."""


async def calls_per_second(
    port: int, method: str, request: bytes, *, calls: int, in_flight: int = 32
) -> float:
    """Unary calls of `method` a second, `in_flight` at a time over 4 connections.

    Raises:
        NoLoadGeneratorError: there is no h2load.
        RuntimeError: calls failed.
    """
    if H2LOAD is None:
        raise NoLoadGeneratorError("install h2load: apt-get install nghttp2-client")
    with tempfile.TemporaryDirectory() as folder:
        body = Path(folder) / "request"
        body.write_bytes(b"\0" + struct.pack(">I", len(request)) + request)
        connections = min(4, in_flight)
        process = await asyncio.create_subprocess_exec(
            H2LOAD, "-n", str(calls), "-c", str(connections), "-m", str(in_flight // connections),
            "-w", "22", "-W", "24", "-d", str(body), "-H", "content-type: application/grpc",
            "-H", "te: trailers", f"http://127.0.0.1:{port}{method}",
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, _ = await process.communicate()
    text = out.decode()
    rate, done = _RATE.search(text), _DONE.search(text)
    if rate is None or done is None or int(done[2]) != calls:
        raise RuntimeError(f"the load did not go through: {text[-800:]}")
    return float(rate[1])


def cpu_seconds(pid: int) -> float:
    """CPU time that the process `pid` has used, to the nanosecond."""
    return time.clock_gettime((~pid << 3) | 2)
