"""`make bench`: every suite, or those that are named; tables to the screen and to results/.

python -m benchmarks [SUITE ...] [--rounds N]
"""

import argparse
import asyncio
import importlib
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from benchmarks.load import NoLoadGeneratorError
from benchmarks.paired import HEAD, ROUNDS, Ratio

SUITES: dict[str, str] = {
    "service": "benchmarks.suite_service:run",
    "start-up": "benchmarks.suite_service:start_up",
    "upstream": "benchmarks.suite_upstream:run",
    "caldav": "benchmarks.suite_caldav:run",
    "google": "benchmarks.suite_google:run",
    "outlook": "benchmarks.suite_outlook:run",
    "recurrence": "benchmarks.suite_recurrence:run",
    "watch": "benchmarks.suite_watch:run",
    "replicas": "benchmarks.suite_replicas:run",
    "crowd": "benchmarks.suite_crowd:run",
    "telemetry": "benchmarks.suite_telemetry:run",
}
RESULTS = Path(__file__).parent / "results"


def _suite(name: str) -> Callable[[int], Awaitable[list[Ratio]]]:
    module, _, attribute = SUITES[name].partition(":")
    found: Callable[[int], Awaitable[list[Ratio]]] = getattr(
        importlib.import_module(module), attribute
    )
    return found


async def _run(names: list[str], rounds: int) -> str:
    parts = []
    for name in names:
        print(f"{name}: {rounds} rounds", flush=True)
        begin = time.perf_counter()
        try:
            rows = [found.row() for found in await _suite(name)(rounds)]
        except NoLoadGeneratorError as error:
            rows = [f"| {error} | | | | | |"]
        table = "\n".join([HEAD, *rows])
        print(f"{table}\n({time.perf_counter() - begin:.0f} s)\n", flush=True)
        parts.append(f"## {name}\n\n{table}\n")
    return "\n".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m benchmarks")
    parser.add_argument("suites", nargs="*", choices=[*SUITES, []], help="default: all")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    arguments = parser.parse_args()
    text = asyncio.run(_run(arguments.suites or list(SUITES), arguments.rounds))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "latest.md").write_text(f"# Benchmarks\n\n{text}")


if __name__ == "__main__":
    main()
