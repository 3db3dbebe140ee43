"""R1, R2, R3: what calls cost, with a fast and a slow provider, and what watches cost."""

import asyncio
import re
import struct
import tempfile
from pathlib import Path

from benchmarks.chaos.figures import CLAIMS, Row
from benchmarks.load import H2LOAD
from benchmarks.suite_service import METHOD, request, service
from benchmarks.suite_watch import run as watches

_RATE = re.compile(r"finished in [\d.]+\w+, ([\d.]+) req/s")
_DONE = re.compile(r"requests: (\d+) total.* (\d+) succeeded, (\d+) failed")
_TIMES = re.compile(r"time for request:\s+(\S+)\s+(\S+)\s+(\S+)")
_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0}
_SLOW_MS = 200


async def run() -> list[Row]:
    """The three."""
    if H2LOAD is None:
        missing = "h2load is missing: apt-get install nghttp2-client"
        return [(figure, CLAIMS[figure], missing, False) for figure in ("R1", "R2", "R3")]
    async with service() as ours:
        # A process loads an adapter with the first call that needs it.
        _, first, _ = await _load(ours.port, calls=1, clients=1, streams=1)
        rate, slowest, _ = await _load(ours.port, calls=20_000, clients=8, streams=10)
        text = f"{rate:.0f} a second, slowest {slowest:.0f} ms; the process's first: {first:.0f} ms"
        rows = [_row("R1", text, rate >= 4000 and slowest <= 60)]
        many, _, _ = await _load(ours.port, calls=4000, clients=10, streams=40, slow=True)
        _, _, mean = await _load(ours.port, calls=1500, clients=10, streams=10, slow=True)
        added = mean - _SLOW_MS
        text = f"{many:.0f} a second at 400 in flight, {added:.0f} ms added at 100"
        rows.append(_row("R2", text, many >= 800 and added <= 25))
    found = await watches(3)
    text = "; ".join(f"{each.name}: {each.median:.3g} {each.unit}" for each in found)
    memory = next(each for each in found if "memory" in each.name)
    rows.append(_row("R3", text, bool(memory.holds)))
    return rows


def _row(figure: str, measured: str, ok: bool) -> Row:
    return figure, CLAIMS[figure], measured, ok


async def _load(
    port: int, *, calls: int, clients: int, streams: int, slow: bool = False
) -> tuple[float, float, float]:
    """Calls a second, the slowest and the mean in milliseconds.

    Raises:
        RuntimeError: a call failed.
    """
    body = request(5)
    more = ["-H", f"ucal-sandbox-latency-ms: {_SLOW_MS}"] if slow else []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "request"
        path.write_bytes(b"\0" + struct.pack(">I", len(body)) + body)
        process = await asyncio.create_subprocess_exec(
            str(H2LOAD), "-n", str(calls), "-c", str(clients), "-m", str(streams), "-w", "22",
            "-W", "24", "-d", str(path), "-H", "content-type: application/grpc",
            "-H", "te: trailers", *more, f"http://127.0.0.1:{port}{METHOD}",
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, _ = await process.communicate()
    text = out.decode()
    rate, done, times = _RATE.search(text), _DONE.search(text), _TIMES.search(text)
    if rate is None or done is None or times is None or int(done[2]) != calls:
        raise RuntimeError(f"the load did not go through: {text[-300:]}")
    return float(rate[1]), _milliseconds(times[2]), _milliseconds(times[3])


def _milliseconds(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()  # type: ignore[union-attr]
    return float(number) * _UNITS[unit]
