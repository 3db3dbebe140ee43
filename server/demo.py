"""`make run`: the service beside a real CalDAV server on loopback, so that no account is needed.

The CalDAV server keeps its calendars in a temporary folder, which goes when the demo ends.
"""

import asyncio
import contextlib
import secrets
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import uvloop

from providers.core.errors import ProviderError
from server import presets
from server.log import configure
from server.service import Service, running
from server.settings import Settings, SettingsError, load, parse

USER = "demo"
_START_SECONDS = 20
_CALENDAR = """\
<mkcol xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><set><prop>
<resourcetype><collection/><C:calendar/></resourcetype><displayname>Team</displayname>
<C:supported-calendar-component-set><C:comp name="VEVENT"/></C:supported-calendar-component-set>
</prop></set></mkcol>"""
_EVENT = """\
BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//ucal//demo//EN
BEGIN:VEVENT
UID:{uid}
DTSTAMP:{stamp}
{lines}
END:VEVENT
END:VCALENDAR
"""


@contextlib.asynccontextmanager
async def radicale(folder: Path, password: str) -> AsyncIterator[str]:
    """A Radicale server for `USER`, and its URL; it ends with the block.

    Raises:
        RuntimeError: it did not start.
    """
    port = _free_port()
    users = folder / "users"
    users.write_text(f"{USER}:{password}\n")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "radicale", "--config", "",
        "--server-hosts", f"127.0.0.1:{port}",
        "--auth-type", "htpasswd", "--auth-htpasswd-encryption", "plain",
        "--auth-htpasswd-filename", str(users),
        "--storage-filesystem-folder", str(folder / "collections"),
        "--logging-level", "error",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is the service's; this ends with the block
    )  # fmt: skip
    try:
        await _listening(port, process)
        yield f"http://127.0.0.1:{port}/"
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def _listening(port: int, process: asyncio.subprocess.Process) -> None:
    deadline = asyncio.get_running_loop().time() + _START_SECONDS
    while process.returncode is None and asyncio.get_running_loop().time() < deadline:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            await writer.wait_closed()
            return
        await asyncio.sleep(0.05)
    raise RuntimeError("Radicale did not start; is it installed? make run installs it")


def _events(today: datetime) -> dict[str, str]:
    monday = today - timedelta(days=today.weekday())
    day = f"{monday:%Y%m%d}"
    tomorrow = today + timedelta(days=1)
    return {
        "stand-up": (
            f"SUMMARY:Stand-up\nDTSTART;TZID=Europe/Berlin:{day}T093000\n"
            f"DTEND;TZID=Europe/Berlin:{day}T094500\nRRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"
        ),
        "review": (
            f"SUMMARY:Design review\nLOCATION:Room 4\nDTSTART:{tomorrow:%Y%m%d}T130000Z\n"
            f"DTEND:{tomorrow:%Y%m%d}T140000Z"
        ),
        "offsite": (
            f"SUMMARY:Offsite\nDTSTART;VALUE=DATE:{today + timedelta(days=7):%Y%m%d}\n"
            f"DTEND;VALUE=DATE:{today + timedelta(days=9):%Y%m%d}"
        ),
    }


async def seed(url: str, password: str) -> None:
    """Put a calendar with a few events there, as any CalDAV client would."""
    now = datetime.now(UTC)
    async with httpx.AsyncClient(auth=(USER, password), trust_env=False) as client:
        home = f"{url}{USER}/team/"
        answer = await client.request("MKCOL", home, content=_CALENDAR)
        answer.raise_for_status()
        for uid, lines in _events(now).items():
            text = _EVENT.format(uid=uid, stamp=f"{now:%Y%m%dT%H%M%SZ}", lines=lines)
            answer = await client.put(
                f"{home}{uid}.ics",
                content=text.replace("\n", "\r\n"),
                headers={"content-type": "text/calendar; charset=utf-8"},
            )
            answer.raise_for_status()


def _settings(url: str, password: str) -> Settings:
    """What the environment says, with the demo's connections."""
    own = load()
    shown = {name: getattr(own, name) for name in ("listen", "http_listen", "store", "keyring")}
    return parse({**presets.demo(url, USER, password), **shown, "log_level": "warning"})


def _welcome(service: Service, url: str, password: str) -> str:
    address = f" --address {service.address}" if not service.address.endswith(":50051") else ""
    return f"""\
ucal is serving gRPC on {service.address} and HTTP on {service.http_address or "no port"}.
Two connections need no account: sandbox (in memory) and local (Radicale, a real CalDAV server:
{url} user {USER} password {password}).

Paste one of these into another terminal:

  .venv/bin/ucal call ListCalendars connection_id=local{address}
  .venv/bin/ucal call ListEvents connection_id=local page_size=2{address}
  .venv/bin/ucal watch local --initial --poll 2{address}
  .venv/bin/buf curl --http2-prior-knowledge --protocol grpc \\
      -d '{{"connection_id": "sandbox", "page_size": 2}}' \\
      http://{service.address}/ucal.v1.EventService/ListEvents

{_page(service.http_address)}Ctrl-C ends everything."""


def _page(http_address: str) -> str:
    """Where a person connects an account, for a reader of `make run`."""
    if not http_address:
        return ""
    return f"""\
Connect an account of yours in a browser (caldav, apple_icloud, calcom, ...):

  http://{http_address}/connect/caldav

"""


async def _demo() -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    password = secrets.token_urlsafe(12)
    with tempfile.TemporaryDirectory(prefix="ucal-demo-") as folder:
        async with radicale(Path(folder), password) as url:
            await seed(url, password)
            async with running(_settings(url, password)) as service:
                print(_welcome(service, url, password), flush=True)
                await ended.wait()
                print("ending", flush=True)


def main() -> None:
    """Run the demo until Ctrl-C."""
    configure("warning")
    try:
        uvloop.run(_demo())
    except (SettingsError, ProviderError, OSError, RuntimeError) as error:
        print(f"ucal: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
