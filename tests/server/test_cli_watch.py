"""`ucal watch`: changes handed to commands and URLs, at least once; streams go on after a cut."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web

from providers.core.push import Delivery
from providers.fathom.webhook import verify
from server.cli.webhooks import delivery_id, payload, signature
from server.presets import SANDBOX
from server.service import running
from server.settings import parse
from tests.loopback import served
from tests.server.terminal import ended, started, ucal
from ucal.v1 import types_pb2, watch_pb2

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
CALENDARS = {"work", "holidays", "personal", "scratch", "team-new-york"}
# Writes what it is told to a file, then ends as the file "code" says.
SCRIPT = """\
import json, os, pathlib, sys
folder = pathlib.Path(sys.argv[1])
change = json.load(sys.stdin)
assert os.environ["UCAL_CHANGE_KIND"] == "calendar" and os.environ["UCAL_DEDUP_KEY"]
code = folder / "code"
if code.exists() and len((folder / "log").read_text().split()) == 2:
    sys.exit(int(code.read_text()))
with (folder / "log").open("a") as log:
    print(os.environ["UCAL_CHANGE_TYPE"], change["id"], sep=":", file=log)
"""


@asynccontextmanager
async def sandbox(listen: str = "127.0.0.1:0", keyring: str = "") -> AsyncIterator[str]:
    settings = parse(
        {
            **SANDBOX,
            "listen": listen,
            "keyring": keyring,
            "log_level": "error",
            "limits": {"drain_delay": 0, "drain_grace": 0.2},
        }
    )
    async with running(settings) as service:
        yield service.address


@pytest.fixture
async def address() -> AsyncIterator[str]:
    async with sandbox() as found:
        yield found


def words(address: str, token_file: Path) -> tuple[str, ...]:
    return (
        *("watch", "sandbox", "--kind", "calendar", "--initial", "--address", address),
        *("--token-file", str(token_file), "--retry-delay", "0.01"),
    )


def script(folder: Path) -> str:
    path = folder / "on-change"
    path.write_text(SCRIPT)
    (folder / "log").touch()
    return f"{sys.executable} {path} {folder}"


async def until(found: Callable[[], bool], process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(40):
        while not found():
            assert process.returncode is None, await process.communicate()
            await asyncio.sleep(0.02)


async def stopped(process: asyncio.subprocess.Process) -> int:
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(20):
        await process.communicate()
    return process.returncode or 0


async def test_a_command_gets_each_change_and_then_the_token_moves(
    address: str, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    process = await started(*words(address, token), "--exec", script(tmp_path))
    try:
        await until(token.exists, process)
        assert await stopped(process) == 143
    finally:
        await ended(process)
    assert set((tmp_path / "log").read_text().split()) == {f"created:{each}" for each in CALENDARS}


async def test_what_a_command_did_not_take_comes_again(address: str, tmp_path: Path) -> None:
    token = tmp_path / "token"
    command = script(tmp_path)
    (tmp_path / "code").write_text("7")
    failed = await ucal(*words(address, token), "--exec", command, "--attempts", "2")
    assert failed.code == 1
    assert failed.err.count("exit code 7") == 2
    assert "given up after 2 attempt(s)" in failed.err
    assert not token.exists()
    (tmp_path / "code").unlink()
    process = await started(*words(address, token), "--exec", command)
    try:
        await until(token.exists, process)
    finally:
        await ended(process)
    seen = (tmp_path / "log").read_text().split()
    assert len(seen) == 7
    assert {each.partition(":")[2] for each in seen[2:]} == CALENDARS


async def test_a_command_that_hangs_is_ended(address: str, tmp_path: Path) -> None:
    ran = await ucal(
        *words(address, tmp_path / "token"),
        *("--exec", "sleep 300", "--handler-timeout", "0.2", "--attempts", "1"),
    )
    assert ran.code == 1
    assert "sleep: longer than 0.2 s" in ran.err


async def test_a_command_that_is_not_there_is_told_at_once(address: str, tmp_path: Path) -> None:
    ran = await ucal(*words(address, tmp_path / "token"), "--exec", "./nowhere")
    assert ran.code == 1
    assert "cannot run ./nowhere" in ran.err
    assert "1 attempt(s)" in ran.err


async def test_a_command_ends_with_the_watch(address: str, tmp_path: Path) -> None:
    number = tmp_path / "number"
    command = f"sh -c 'sleep 300 & echo $! > {number}.new; mv {number}.new {number}; wait'"
    process = await started(*words(address, tmp_path / "token"), "--exec", command)
    try:
        await until(number.exists, process)
        assert await stopped(process) == 143
    finally:
        await ended(process)
    assert not _runs(int(number.read_text()))


def _runs(number: int) -> bool:
    """Whether the process does anything; one that waits to be reaped does not."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        try:
            os.kill(number, 0)
        except ProcessLookupError:
            return False
        return not Path("/proc/self").exists()


Answer = Callable[[int], web.Response]


@asynccontextmanager
async def receiver(
    answer: Answer,
) -> AsyncIterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    """A URL, and what arrived there; the n-th request gets `answer(n)`, from 1."""
    arrived: list[tuple[dict[str, str], bytes]] = []

    async def take(request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        arrived.append((headers, await request.read()))
        return answer(len(arrived))

    app = web.Application()
    app.router.add_post("/{tail:.*}", take)
    async with served(app) as url:
        yield f"{url}/hook?key=hidden", arrived


@pytest.fixture
def secret_file(tmp_path: Path) -> str:
    path = tmp_path / "secret"
    path.write_text(f"{SECRET}\n")
    path.chmod(0o600)
    return str(path)


async def test_posts_are_signed_and_tried_again_until_taken(
    address: str, tmp_path: Path, secret_file: str
) -> None:
    """The receiver's side is the reader of another sender's Standard Webhooks."""
    token = tmp_path / "token"

    def answer(number: int) -> web.Response:
        if number == 2:
            return web.Response(status=302, headers={"location": "/elsewhere"})
        return web.Response(status=503 if number == 1 else 204)

    async with receiver(answer) as (url, arrived):
        process = await started(*words(address, token), "--post", url, "--secret-file", secret_file)
        try:
            await until(token.exists, process)
            await stopped(process)
        finally:
            await ended(process)
    for headers, body in arrived:
        verify(Delivery(headers, body, {}), SECRET, datetime.now(UTC))
    ids = [headers["webhook-id"] for headers, _ in arrived]
    assert len(arrived) == 7
    assert ids[0] == ids[1] == ids[2]
    assert len(set(ids)) == 5
    told = [json.loads(body) for _, body in arrived]
    assert {each["type"] for each in told} == {"calendar.created"}
    assert {each["data"]["id"] for each in told} == CALENDARS


async def test_a_receiver_that_is_gone_ends_the_watch(
    address: str, tmp_path: Path, secret_file: str
) -> None:
    async with receiver(lambda _: web.Response(status=410)) as (url, arrived):
        ran = await ucal(
            *words(address, tmp_path / "token"), "--post", url, "--secret-file", secret_file
        )
    assert ran.code == 1
    assert "HTTP 410" in ran.err
    assert "hidden" not in ran.err
    assert len(arrived) == 1
    assert not (tmp_path / "token").exists()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--post", "http://127.0.0.1:1/"], "--post needs --secret-file"),
        (["--post", "ftp://a.example", "--secret-file", "s"], "http or https"),
        (["--post", "http://127.0.0.1:1/", "--exec", "true"], "choose one"),
        (["--post", "http://127.0.0.1:1/", "--secret-file", "nowhere"], "cannot read nowhere"),
    ],
)
async def test_options_that_do_not_go_together(options: list[str], told: str) -> None:
    ran = await ucal("watch", "sandbox", *options)
    assert ran.code == 2
    assert told in ran.err


def test_the_signature_is_that_of_the_standard() -> None:
    """The vector of Standard Webhooks' own libraries; two keys give two signatures."""
    key = b"1\xf2\x90\xf6\xbf\x06)\x8a\xabO\x08\xd4<?\x08,\xf6H\xa3b\xda-\xa4\xb0"
    signed = signature([key], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert len(signature([key, key + b"2"], "m", 1, b"").split()) == 2


def test_a_repeat_has_the_same_id() -> None:
    change = watch_pb2.Change(
        type=watch_pb2.CHANGE_TYPE_DELETED,
        kind=types_pb2.RESOURCE_KIND_EVENT,
        id="e",
        dedup_key="key",
    )
    assert delivery_id(change) == delivery_id(watch_pb2.Change(dedup_key="key"))
    body = json.loads(payload(change, datetime(2026, 11, 25, tzinfo=UTC)))
    assert body["type"] == "event.deleted"
    assert body["timestamp"] == "2026-11-25T00:00:00Z"


async def test_a_watch_comes_back_after_a_cut(tmp_path: Path) -> None:
    keyring = tmp_path / "keys"
    await ucal("keys", "generate", "--file", str(keyring))
    process = None
    try:
        async with sandbox(keyring=str(keyring)) as address:
            process = await started(*words(address, tmp_path / "token"), "--json")
            await _said(process, b'"opened"', b'"synced"')
        async with sandbox(address, str(keyring)):
            await _said(process, b'"opened"')
            assert await stopped(process) == 143
    finally:
        if process is not None:
            await ended(process)


async def _said(process: asyncio.subprocess.Process, *texts: bytes) -> None:
    assert process.stdout is not None
    async with asyncio.timeout(60):
        for text in texts:
            line = b""
            while text not in line:
                line = await process.stdout.readline()
                assert line, await process.communicate()


async def test_a_service_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    ran = await ucal("watch", "sandbox", "--address", "127.0.0.1:1")
    assert ran.code == 14
    assert "Is the service running" in ran.err
