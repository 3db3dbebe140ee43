"""A real NATS server on a port of its own, which can be killed and started again."""

import shutil
import socket
import subprocess
import time
from contextlib import suppress

import pytest

from tests.ports import free_port

BINARY = shutil.which("nats-server") or shutil.which("nats-server", path="/usr/sbin:/sbin") or ""


class NatsServer:
    """See the module."""

    def __init__(self) -> None:
        if not BINARY:
            pytest.skip("NATS is not installed here: no nats-server")
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"nats://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start it, and wait until it listens."""
        self._process = subprocess.Popen(
            [BINARY, "-a", "127.0.0.1", "-p", str(self._port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + 10
        while time.monotonic() < until:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self._port), 1):
                return
            time.sleep(0.02)
        raise RuntimeError("nats-server does not listen")

    def kill(self) -> None:
        """kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    close = kill
