"""The service as `ucal serve` runs it, on a random port, with what TOML says.

python -m benchmarks.ours SETTINGS.toml     prints its port, ends with its input
"""

import asyncio
import signal
import sys
import tomllib
from pathlib import Path

from server.cli.serve import run
from server.service import Service
from server.settings import parse


async def _begun(service: Service) -> None:
    print(service.port, flush=True)
    ended = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    ended.add_done_callback(lambda _: signal.raise_signal(signal.SIGTERM))


if __name__ == "__main__":
    run(parse(tomllib.loads(Path(sys.argv[1]).read_text())), _begun)
