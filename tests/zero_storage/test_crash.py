"""R17: a process that dies leaves nothing: no dump, no value in a stack, nothing half written.

The service runs as its own process with a collector of traces; it is killed while calls, watches
and a delivery speak of somebody.
"""

import asyncio
import base64
import os
import resource
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import grpc
import httpx
import pytest
from aiohttp import web

from tests.loopback import served
from tests.ports import free_port
from tests.system.processes import Process, service
from tests.zero_storage.calls import BY_NAME
from tests.zero_storage.marks import fill
from tests.zero_storage.words import CORE, EMAIL, TEXT, Searcher
from ucal.v1 import connection_pb2, event_pb2, watch_pb2

SETTINGS = """\
store = "sqlite:///{folder}/ucal.db"
keyring = "{folder}/keys"
log_level = "debug"
traces = "{collector}"

[[connections]]
id = "sandbox"
provider = "sandbox"
"""
SECRET = "kohlmeise4417-secret"
_SLOW = (("ucal-sandbox-latency-ms", "30000"),)


class Collector:
    """Takes spans by OTLP, as any collector would.

    Attributes:
        taken: bodies of its requests.
    """

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.url = ""

    async def _take(self, request: web.Request) -> web.Response:
        self.taken.append(await request.read())
        return web.Response(body=b"", content_type="application/x-protobuf")

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Collector"]:
        app = web.Application()
        app.router.add_post("/v1/traces", self._take)
        async with served(app) as origin:
            self.url = f"{origin}/v1/traces"
            yield self


@contextmanager
def dumps_wanted() -> Iterator[None]:
    """As an operator's machine may be set up: whoever crashes leaves its memory behind."""
    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, before)


def event() -> event_pb2.Event:
    found = event_pb2.Event(subject=TEXT, description=TEXT, location=TEXT)
    found.attendees.add(name=TEXT, email=EMAIL)
    for when, seconds in ((found.start_at, 0), (found.end_at, 3600)):
        when.timestamp.seconds = 1_800_000_000 + seconds
        when.time_zone = "Europe/Berlin"
    return found


async def talk(channel: grpc.aio.Channel, url: str) -> list[asyncio.Task[object]]:
    """Calls that end, and calls that are under way when it returns."""
    made = BY_NAME["CreateConnection"].request()
    made.connection.id, made.connection.provider = "other", "calcom"
    made.connection.api_key.CopyFrom(connection_pb2.ApiKeyCredentials(api_key=SECRET))
    await BY_NAME["CreateConnection"].call(channel, made)
    create = BY_NAME["CreateEvent"]
    request = create.request(connection_id="sandbox", event=event())
    await create.call(channel, request)
    listed = await BY_NAME["ListEvents"].call(
        channel, BY_NAME["ListEvents"].request(connection_id="sandbox", page_size=1000)
    )
    assert CORE in str(listed), "the word did not come back: nothing is proven"
    for rpc in BY_NAME.values():
        marked = rpc.request()
        fill(marked)
        with suppress(grpc.aio.AioRpcError):
            await rpc.call(channel, marked)
    async with httpx.AsyncClient(trust_env=False) as client:
        await client.post(f"{url}/webhooks/calcom/other", content=TEXT.encode())
    watch = watch_pb2.WatchEventsRequest(
        scope=watch_pb2.WatchScope(connection_id="sandbox"),
        start=watch_pb2.WATCH_START_INITIAL_STATE,
    )
    await BY_NAME["WatchEvents"].call(channel, watch)
    return [
        asyncio.ensure_future(create.call(channel, request, _SLOW, timeout=30)) for _ in range(3)
    ]


def ended_by(process: Process, number: int) -> None:
    process.handle.send_signal(number)
    assert process.handle.wait(20) == -number


@pytest.mark.parametrize("name", ["SIGABRT", "SIGSEGV", "SIGKILL"])
async def test_a_crash_leaves_nothing(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tmp").mkdir()
    keys = tmp_path / "keys"
    keys.write_text(base64.b64encode(bytes(range(32))).decode())
    keys.chmod(0o600)
    root = Path(__file__).resolve().parents[2]
    environment = {
        "TMPDIR": str(tmp_path / "tmp"), "HOME": str(tmp_path), "OTEL_BSP_SCHEDULE_DELAY": "50",
        "OTEL_TRACES_SAMPLER": "always_on", "PYTHONPATH": f"{root}:{root / 'protos'}",
    }  # fmt: skip
    http = free_port()
    monkeypatch.chdir(tmp_path)  # where a dump would be
    async with Collector().running() as collector:
        settings = SETTINGS.format(folder=tmp_path, collector=collector.url)
        with dumps_wanted(), service(settings, tmp_path, environment, http) as process:
            async with grpc.aio.insecure_channel(process.address) as channel:
                under_way = await talk(channel, f"http://127.0.0.1:{http}")
                async with asyncio.timeout(10):
                    while not any(b"CreateEvent" in body for body in collector.taken):
                        await asyncio.sleep(0.02)
                limits = Path(f"/proc/{process.handle.pid}/limits")
                if limits.exists():
                    (line,) = [x for x in limits.read_text().splitlines() if "core" in x]
                    assert line.split()[4:6] == ["1", "1"]
                assert not any(task.done() for task in under_way)
                ended_by(process, getattr(signal, name))
                told = await asyncio.gather(*under_way, return_exceptions=True)
    searched(tmp_path, process, collector, [repr(each) for each in told])
    stack = process.log.read_text().partition("Fatal Python error")[2]
    assert bool(stack) == (name != "SIGKILL"), "a crash tells where"


def searched(folder: Path, process: Process, collector: Collector, told: list[str]) -> None:
    """That nothing is in any file, span or error."""
    searcher = Searcher([CORE, SECRET])
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} >= {".db", ".log"}, "the run wrote no store or no log"
    assert b'"event": "call"' in process.log.read_bytes()
    for path in files:
        assert not path.name.startswith("core"), f"{path.name}: memory was written to disk"
        assert searcher.hits(path.read_bytes()) == [], path.name
    assert collector.taken
    for content in (*collector.taken, *(each.encode() for each in told)):
        assert searcher.hits(content) == []


_DIES = """
import os, sys, threading, warnings
from server.log import configure
from server.crash import leave_nothing
configure("debug")
leave_nothing()
class Rude:
    def __del__(self):
        raise ValueError(sys.argv[1])
Rude()
def fail():
    raise ValueError(sys.argv[1])
thread = threading.Thread(target=fail)
thread.start()
thread.join()
warnings.warn(sys.argv[1])
fail()
"""


def test_the_last_words_of_the_interpreter_are_no_quotations() -> None:
    """Exceptions in a destructor, in a thread, of the main program, and a warning."""
    root = Path(__file__).resolve().parents[2]
    answer = subprocess.run(
        [sys.executable, "-c", _DIES, TEXT],
        env=os.environ | {"PYTHONPATH": f"{root}:{root / 'protos'}"},
        capture_output=True, check=False, timeout=30,
    )  # fmt: skip
    assert answer.returncode == 1
    assert answer.stderr.count(b'"exception": "ValueError"') == 3
    assert b'"at": "fail:' in answer.stderr
    assert b'"logger": "py.warnings"' in answer.stderr
    assert Searcher().hits(answer.stdout + answer.stderr) == []
