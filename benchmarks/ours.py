"""The service in a process of its own, on a random port, with what TOML says.

python -m benchmarks.ours SETTINGS.toml     prints its port, ends with its input
"""

import asyncio
import sys
import tomllib
from pathlib import Path

import uvloop

from server.log import configure
from server.service import running
from server.settings import parse


async def main(path: str) -> None:
    settings = parse(tomllib.loads(Path(path).read_text()))
    configure(settings.log_level)
    async with running(settings) as service:
        print(service.port, flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
