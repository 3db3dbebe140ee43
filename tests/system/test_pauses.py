"""A running service does not stop to walk everything that it loaded at its start."""

import json
import subprocess
import sys

SCRIPT = """
import asyncio, gc, json, signal
from server.cli.serve import run
from server.presets import SANDBOX
from server.settings import parse

async def counted():
    print(json.dumps({"kept apart": gc.get_freeze_count(), "walked": len(gc.get_objects())}))
    signal.raise_signal(signal.SIGTERM)

async def begun(service):
    asyncio.get_running_loop().call_soon(lambda: tasks.append(asyncio.ensure_future(counted())))

tasks = []
run(parse({**SANDBOX, "listen": "127.0.0.1:0", "log_level": "warning"}), begun)
"""


def test_a_full_collection_leaves_out_what_was_loaded_at_the_start() -> None:
    found = subprocess.run(
        [sys.executable, "-c", SCRIPT], check=True, capture_output=True, text=True, timeout=60
    )
    counts = json.loads(found.stdout)
    assert counts["walked"] * 20 < counts["kept apart"]
