"""Envoy and two replicas as processes, with the deployed files of `deploy/envoy`.

Addresses, ports and paths of those files are replaced, nothing else.
"""

import asyncio
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.caldav_servers import DavServer
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[3]
CONFIG = ROOT / "deploy/envoy"
ENVOY = Path(sys.executable).with_name("envoy")
COUNTED = re.compile(r"^ucal_call_seconds_count\{(.*)\} ([\d.]+)", re.MULTILINE)
SETTINGS = """\
listen = "127.0.0.1:{port}"
http_listen = "127.0.0.1:{http}"
store = "memory:"
keyring = "{folder}/keys"
log_level = "warning"
passthrough = true
{more}
[limits]
drain_grace = 5

[[connections]]
id = "sandbox"
provider = "sandbox"

[[connections]]
id = "local"
provider = "caldav"
base_url = "{dav.url}"
credentials = {{ username = "{dav.username}", password = "{dav.password}" }}
"""


class MeshError(Exception):
    """What was found to be wrong."""


def say(text: str) -> None:
    print(f"mesh: {text}", flush=True)


def check(truth: object, problem: str) -> None:
    if not truth:
        raise MeshError(problem)


async def until(what: str, ready: Callable[[], Awaitable[bool]], seconds: float = 60) -> None:
    """Ask `ready` until it says yes."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(httpx.TransportError):
            if await ready():
                return
        await asyncio.sleep(0.1)
    raise MeshError(f"{what} did not come about within {seconds:.0f} s")


class Process:
    """A process of our own, its output in a file, ended whatever happens."""

    def __init__(self, name: str, folder: Path, *command: str, **environment: str) -> None:
        self.log = folder / f"{name}.log"
        self._command = command
        self._environment = {"PATH": os.defpath} | environment
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._running = subprocess.Popen(
                self._command, cwd=ROOT, env=self._environment, stdout=log, stderr=log
            )

    @property
    def alive(self) -> bool:
        return self._running is not None and self._running.poll() is None

    def signal(self, number: int) -> None:
        if self._running and self.alive:
            self._running.send_signal(number)

    async def ended(self, seconds: float = 30) -> int:
        assert self._running
        return await asyncio.to_thread(self._running.wait, seconds)

    def kill(self) -> None:
        if self._running:
            self._running.kill()
            self._running.wait(10)


class Mesh:
    """Envoy and its replicas."""

    def __init__(self, folder: Path, config: str, dav: DavServer, more: str, tls: bool) -> None:
        ports = [free_port() for _ in range(6)]
        self.port, self.admin = ports[0], ports[1]
        self.grpc_ports, self.http_ports = ports[2:4], ports[4:6]
        self.address = f"127.0.0.1:{self.port}"
        self.base = f"{'https' if tls else 'http'}://{self.address}"
        self.folder = folder
        self.replicas: list[Process] = []
        self._client = httpx.AsyncClient()
        for number, (port, http) in enumerate(zip(self.grpc_ports, self.http_ports, strict=True)):
            settings = folder / f"replica-{number}.toml"
            settings.write_text(
                SETTINGS.format(
                    port=port,
                    http=http,
                    folder=folder,
                    dav=dav,
                    more=more.format(replica=f"replica-{number}"),
                )
            )
            self.replicas.append(
                Process(
                    f"replica-{number}", folder, sys.executable, "-m", "server",
                    "--config", str(settings),
                )
            )  # fmt: skip
        self.envoy = Process(
            "envoy", folder, str(ENVOY), "-c", str(self._rendered(config)),
            "--disable-hot-restart", "--concurrency", "2", "-l", "warn",
        )  # fmt: skip

    def _rendered(self, name: str) -> Path:
        """The deployed files with this machine's addresses."""
        for path in CONFIG.glob("*.yaml"):
            text = path.read_text().replace("/etc/envoy/", f"{self.folder}/")
            (self.folder / path.name).write_text(text)
        path = self.folder / name
        config = yaml.safe_load(path.read_text())

        def place(holder: dict[str, Any], port: int) -> None:
            holder["address"]["socket_address"] = {"address": "127.0.0.1", "port_value": port}

        static = config["static_resources"]
        place(static["listeners"][0], self.port)
        place(config["admin"], self.admin)
        endpoints = static["clusters"][0]["load_assignment"]["endpoints"][0]["lb_endpoints"]
        for each, port in zip(endpoints, self.grpc_ports, strict=True):
            place(each["endpoint"], port)
        path.write_text(yaml.safe_dump(config))
        return path

    async def end(self) -> None:
        """Kill what was started."""
        for process in (*self.replicas, self.envoy):
            process.kill()
        await self._client.aclose()

    async def stat(self, name: str) -> int:
        answer = await self._client.get(
            f"http://127.0.0.1:{self.admin}/stats", params={"filter": f"^{name}$"}
        )
        found = re.search(r": (\d+)", answer.text)
        return int(found[1]) if found else -1

    async def healthy(self, count: int) -> None:
        async def enough() -> bool:
            for process in (*self.replicas, self.envoy):
                check(process.alive, f"{process.log.stem} ended by itself")
            return await self.stat(r"cluster\.ucal\.membership_healthy") == count

        await until(f"{count} healthy replicas", enough)

    async def seen(self, *ports: int, **labels: str) -> Counter[str]:
        """Calls by method that the replicas counted, of those with `labels`."""
        found: Counter[str] = Counter()
        for port in ports or self.http_ports:
            text = (await self._client.get(f"http://127.0.0.1:{port}/metrics")).text
            for inner, count in COUNTED.findall(text):
                told = dict(re.findall(r'(\w+)="([^"]*)"', inner))
                if labels.items() <= told.items():
                    found[told["method"]] += int(float(count))
        return found


@asynccontextmanager
async def mesh(
    folder: Path, config: str, dav: DavServer, more: str = "", *, tls: bool = False, good: int = 2
) -> AsyncIterator[Mesh]:
    """Both replicas and Envoy, once it finds `good` of them healthy."""
    found = Mesh(folder, config, dav, more, tls)
    processes = [*found.replicas, found.envoy]
    try:
        for process in processes:
            process.start()
        await found.healthy(good)
        yield found
    except BaseException:
        for process in processes:
            sys.stderr.write(f"-- {process.log.name}\n{process.log.read_text()[-3000:]}\n")
        raise
    finally:
        await found.end()
