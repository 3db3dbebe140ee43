"""The service as a process of its own, as operators run it, so that it can be killed."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.ports import free_port

_START_SECONDS = 30


@dataclass
class Process:
    """A running service.

    Attributes:
        address: of gRPC.
        log: what it wrote to stderr.
    """

    address: str
    log: Path
    handle: "subprocess.Popen[bytes]"

    def kill(self) -> None:
        """kill -9."""
        self.handle.send_signal(signal.SIGKILL)
        self.handle.wait(10)


@contextmanager
def service(
    settings: str,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    http: int = 0,
    *,
    port: int = 0,
) -> Iterator[Process]:
    """`python -m server` with `settings` in TOML, and what it needs beside it in `folder`.

    `http`: port of the HTTP side; 0: there is none. `port`: of gRPC; 0: any. It ends at once when
    it is asked to, unless `settings` have limits of their own: no balancer waits for word of it.
    """
    port = port or free_port()
    config = folder / f"ucal-{port}.toml"
    http_listen = f"127.0.0.1:{http}" if http else ""
    config.write_text(f'listen = "127.0.0.1:{port}"\nhttp_listen = "{http_listen}"\n{settings}')
    log = folder / f"service-{port}.log"
    at_once = {} if "[limits]" in settings else {"UCAL_LIMITS_DRAIN_DELAY": "0"}
    with log.open("wb") as stderr:
        handle = subprocess.Popen(
            [sys.executable, "-m", "server"],
            env=os.environ | {"UCAL_CONFIG": str(config)} | at_once | dict(environment or {}),
            stdout=subprocess.DEVNULL,
            stderr=stderr,
        )
    try:
        _wait(handle, port, log)
        yield Process(f"127.0.0.1:{port}", log, handle)
    finally:
        if handle.poll() is None:
            handle.terminate()
            try:
                handle.wait(20)
            except subprocess.TimeoutExpired:
                handle.kill()
                handle.wait(5)


def _wait(handle: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if handle.poll() is not None:
            raise RuntimeError(f"the service ended: {log.read_text()[-2000:]}")
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError("the service does not listen")


CALDAV = """
[[connections]]
id = "local"
provider = "caldav"
base_url = "{url}"
credentials = {{ username = "{username}", password = "{password}" }}
"""
