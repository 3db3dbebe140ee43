"""A real PostgreSQL server for tests, on a port of its own, gone with the session.

Used as fixtures: `from tests.postgres import postgres_url  # noqa: F401`.
"""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.ports import free_port

_SETTINGS = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "max_connections=60")
_START_SECONDS = 15.0


def binary(name: str) -> str:
    """Path of a program of PostgreSQL, "" when it is not installed."""
    found = shutil.which(name)
    debian = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return found or (str(debian[-1]) if debian else "")


def _user() -> str | None:
    """PostgreSQL does not run as root: the user to become then."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    return None


class PostgresServer:
    """A server that can be killed, and started again with what it holds."""

    def __init__(self) -> None:
        self._user = _user()
        self._folder = tempfile.mkdtemp(prefix="ucal-postgres-")
        self._port = free_port()
        self._quiet: Any = {
            "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": self._folder,
        }  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"postgresql://test@127.0.0.1:{self._port}"
        if self._user is not None:
            shutil.chown(self._folder, self._user)
        subprocess.run(
            [binary("initdb"), "-D", f"{self._folder}/data", "-U", "test", "-A", "trust", "-N"],
            check=True, user=self._user, **self._quiet,
        )  # fmt: skip

    def start(self, *settings: str) -> None:
        """Start it, and wait until it answers."""
        options = [part for each in (*_SETTINGS, *settings) for part in ("-c", each)]
        command = [
            binary("postgres"), "-D", f"{self._folder}/data", "-p", str(self._port), "-k", "",
            "-h", "127.0.0.1", *options,
        ]  # fmt: skip
        # Not by Popen's `user`: it forks, which a process with a gRPC channel does not survive.
        if self._user is not None:
            found = pwd.getpwnam(self._user)
            who = [f"--reuid={found.pw_uid}", f"--regid={found.pw_gid}", "--clear-groups"]
            command = [binary("setpriv"), *who, *command]
        until = time.monotonic() + _START_SECONDS
        while True:
            self._process = subprocess.Popen(command, start_new_session=True, **self._quiet)
            if _is_ready(self._port, self._process):
                return
            # The children of one that was killed hold its memory until they notice.
            if time.monotonic() > until:
                raise RuntimeError(f"postgres ended with {self._process.returncode}")
            time.sleep(0.1)

    def kill(self) -> None:
        """kill -9, without a word to its children; what it holds stays."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(timeout=20)
            self._process = None

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """While the block lasts it does nothing, and connections to it stay open."""
        assert self._process is not None
        found = subprocess.run(
            ["pgrep", "-P", str(self._process.pid)], check=False, capture_output=True
        )
        pids = [self._process.pid, *map(int, found.stdout.split())]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    def close(self) -> None:
        """End it, and forget what it holds."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(timeout=20)
        shutil.rmtree(self._folder, ignore_errors=True)


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """A server; "postgresql://test@127.0.0.1:<port>"."""
    server = PostgresServer()
    try:
        server.start()
        yield server.url
    finally:
        server.close()


def _is_ready(port: int, process: "subprocess.Popen[bytes]") -> bool:
    """Whether the server came up; it did not if it has ended.

    Raises:
        RuntimeError: neither.
    """
    command = [binary("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port), "-t", "1"]
    for _ in range(200):
        if process.poll() is not None:
            return False
        if subprocess.run(command, check=False).returncode == 0:
            return True
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.05)
    raise RuntimeError("postgres did not start")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """One server for the session."""
    missing = [name for name in ("initdb", "postgres", "pg_isready") if not binary(name)]
    if missing:
        pytest.skip(f"PostgreSQL is not installed here: no {', '.join(missing)}")
    with postgres() as url:
        yield url


@pytest.fixture
async def postgres_url(postgres_server: str) -> AsyncIterator[str]:
    """A new, empty database."""
    name = f"t{uuid.uuid4().hex}"
    admin = await asyncpg.connect(f"{postgres_server}/postgres")
    try:
        await admin.execute(f"CREATE DATABASE {name}")
        yield f"{postgres_server}/{name}"
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await admin.close()


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The setting `store` of a new store that replicas can share, on either engine."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ucal.db"
    found: str = request.getfixturevalue("postgres_url")
    return found
