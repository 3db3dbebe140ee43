"""`make chaos`: every figure of reliability and security, measured; a table, also in results/.

python -m benchmarks.chaos [--only R14 ...] [--list]
"""

import argparse
import asyncio
import signal
import sys
import time
from pathlib import Path

from benchmarks.chaos import selection
from benchmarks.chaos.figures import CLAIMS, ELSEWHERE, Row, Source, sources

RESULTS = Path(__file__).resolve().parents[1] / "results"
_HEAD = ("| figure | claim | measured | ok |", "|---|---|---|---|")
_EXAMPLE = "Example: python -m benchmarks.chaos --only R14 --only R17"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.chaos",
        description="Faults, kills and hostile input under load: the figures R1 to R25, measured.",
        epilog=_EXAMPLE,
    )
    parser.add_argument(
        "--only", action="append", choices=list(CLAIMS), metavar="FIGURE", default=[],
        help="only this figure; repeatable",
    )  # fmt: skip
    parser.add_argument("--list", action="store_true", help="what shows each figure; run nothing")
    parser.add_argument(
        "--workers", type=int, default=2, help="processes that run tests (default: 2)"
    )
    return parser


def _order(row: Row) -> int:
    return int(row[0].removeprefix("R"))


async def _one(source: Source, wanted: set[str], workers: int) -> list[Row]:
    try:
        if source.run is not None:
            return [row for row in await source.run() if row[0] in wanted]
        return [await selection.measured(source.figures[0], source.nodes, workers)]
    except Exception as error:  # noqa: BLE001 - one measurement that breaks must not hide the others
        text = f"{source.name} broke: {type(error).__name__}: {error}"[:200]
        return [(figure, CLAIMS[figure], text, False) for figure in source.figures]


async def _all(wanted: set[str], workers: int) -> list[Row]:
    rows: list[Row] = []
    for source in sources():
        if not wanted & set(source.figures):
            continue
        print(f"{source.name} ...", end="", file=sys.stderr, flush=True)
        began = time.monotonic()
        found = await _one(source, wanted, workers)
        good = all(ok for *_, ok in found)
        print(f" {'ok' if good else 'FAILED'} ({time.monotonic() - began:.0f} s)", file=sys.stderr)
        rows += found
    return sorted(rows, key=_order)


def table(rows: list[Row]) -> str:
    """Rows in Markdown."""
    lines = [
        f"| {figure} | {claim} | {measured.replace('|', '/')} | {'yes' if ok else 'NO'} |"
        for figure, claim, measured, ok in rows
    ]
    return "\n".join([*_HEAD, *lines])


def _listed() -> str:
    lines = []
    for source in sources():
        what = source.nodes or (f"benchmarks/chaos/{source.name}.py",)
        lines += [f"{figure}: {each}" for figure in source.figures for each in what]
    lines += [f"{figure}: {text}" for figure, text in ELSEWHERE.items()]
    return "\n".join(sorted(lines, key=lambda line: (int(line[1:].split(":")[0]), line)))


def main() -> int:
    """Measure; 1 when a figure does not hold."""
    arguments = _parser().parse_args()
    if arguments.list:
        print(_listed())
        return 0
    wanted = set(arguments.only or CLAIMS)
    # Ended as by Ctrl-C, so that no server of a measurement stays behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    rows = asyncio.run(_all(wanted, arguments.workers))
    left = [f"{figure}: {text}" for figure, text in ELSEWHERE.items() if figure in wanted]
    text = "\n".join([table(rows), "", *left])
    print(text)
    if not rows:
        return 0  # what is measured elsewhere keeps its own table
    RESULTS.mkdir(exist_ok=True)
    name = "chaos.md" if not arguments.only else f"chaos-{'-'.join(arguments.only)}.md"
    (RESULTS / name).write_text(f"# Chaos\n\n{text}\n")
    return 0 if all(ok for *_, ok in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
