"""R12 under load: thousands of forged deliveries, while a caller goes on being answered."""

import asyncio
import base64
import os
import re
import tempfile
import time
from pathlib import Path

import grpc

from benchmarks.chaos.figures import CLAIMS, Row
from benchmarks.load import H2LOAD
from tests.ports import free_port
from tests.system.processes import service
from ucal.v1 import connection_pb2, connection_pb2_grpc, event_pb2, event_pb2_grpc

_RATE = re.compile(r"finished in [\d.]+\w+, ([\d.]+) req/s")
_CODES = re.compile(r"status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx")
_CALLS = 6_000
_WANTED = 1_000
_SETTINGS = """\
store = "memory:"
log_level = "warning"

[[connections]]
id = "bench"
provider = "sandbox"
"""


async def run() -> list[Row]:
    """Forge as fast as it goes."""
    if H2LOAD is None:
        return [("R12", CLAIMS["R12"], "h2load is missing: apt-get install nghttp2-client", False)]
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        keys = {"UCAL_CHAOS_KEYS": base64.b64encode(os.urandom(32)).decode()}
        settings = 'keyring = "env:UCAL_CHAOS_KEYS"\n' + _SETTINGS
        with service(settings, Path(folder), keys, port) as process:
            async with grpc.aio.insecure_channel(process.address) as channel:
                return [await _forged(channel, port, Path(folder))]


async def _forged(channel: grpc.aio.Channel, port: int, folder: Path) -> Row:
    made = connection_pb2.Connection(id="c", provider="calcom")
    made.api_key.api_key = "cal_live_0123456789"
    await connection_pb2_grpc.ConnectionServiceStub(channel).CreateConnection(
        connection_pb2.CreateConnectionRequest(connection=made)
    )
    body = folder / "body"
    body.write_bytes(b'{"triggerEvent": "BOOKING_CREATED", "payload": {"uid": "u"}}')
    process = await asyncio.create_subprocess_exec(
        str(H2LOAD), "--h1", "-n", str(_CALLS), "-c", "20", "-d", str(body),
        "-H", f"x-cal-signature-256: {'0' * 64}", f"http://127.0.0.1:{port}/webhooks/calcom/c",
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    reading = asyncio.create_task(process.communicate())
    waits = []
    stub = event_pb2_grpc.EventServiceStub(channel)
    while not reading.done():
        began = time.perf_counter()
        await stub.ListEvents(
            event_pb2.ListEventsRequest(connection_id="bench", page_size=5), timeout=10
        )
        waits.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(0.02)
    text = (await reading)[0].decode()
    rate, codes = _RATE.search(text), _CODES.search(text)
    if rate is None or codes is None:
        raise RuntimeError(f"the load did not go through: {text[-300:]}")
    refused = int(codes[3])
    slowest = max(waits, default=0.0)
    measured = (
        f"{float(rate[1]):.0f} forged a second, {refused} of {_CALLS} refused; "
        f"slowest of {len(waits)} calls meanwhile {slowest:.0f} ms"
    )
    ok = float(rate[1]) >= _WANTED and refused == _CALLS
    return "R12", CLAIMS["R12"], measured, ok
