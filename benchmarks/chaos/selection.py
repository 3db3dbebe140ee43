"""Tests as a measurement: run in a process of their own, and counted."""

import asyncio
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

from benchmarks.chaos.figures import CLAIMS, ROOT, Row

_SECONDS = 900


async def measured(figure: str, nodes: Sequence[str], workers: int) -> Row:
    """Run the tests `nodes`; how many there were, and what they have measured.

    A test tells a number by pytest's `record_property("measured", ...)`.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        began = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}",
            "-n", str(workers), "--dist", "loadgroup", *nodes,
            cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        try:
            out, _ = await asyncio.wait_for(process.communicate(), _SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()
            return figure, CLAIMS[figure], f"not done in {_SECONDS} s", False
        seconds = time.monotonic() - began
        if not report.exists():
            return figure, CLAIMS[figure], out.decode().strip().splitlines()[-1][:200], False
        return _row(figure, ET.parse(report).getroot(), seconds)


def _row(figure: str, report: ET.Element, seconds: float) -> Row:
    cases = list(report.iter("testcase"))
    failed = [case for case in cases if case.find("failure") is not None]
    failed += [case for case in cases if case.find("error") is not None]
    skipped = [case.find("skipped") for case in cases if case.find("skipped") is not None]
    told = [
        each.get("value", "") for each in report.iter("property") if each.get("name") == "measured"
    ]
    parts = [f"{len(cases) - len(failed) - len(skipped)} of {len(cases)} tests hold"]
    if skipped:
        why = {each.get("message", "") for each in skipped if each is not None}
        parts.append(f"{len(skipped)} skipped ({'; '.join(sorted(why))[:120]})")
    parts += [f"failed: {case.get('name')}" for case in failed[:3]]
    parts += told
    parts.append(f"{seconds:.0f} s")
    ok = bool(cases) and not failed and len(skipped) < len(cases)
    return figure, CLAIMS[figure], ", ".join(parts), ok
