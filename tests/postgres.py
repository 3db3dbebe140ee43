"""A real PostgreSQL server for tests, on a port of its own, gone with the session.

Used as fixtures: `from tests.postgres import postgres_url  # noqa: F401`.
"""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

_SETTINGS = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "max_connections=60")


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


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """A server; "postgresql://test@127.0.0.1:<port>"."""
    folder = tempfile.mkdtemp(prefix="ucal-postgres-")
    user = _user()
    if user is not None:
        shutil.chown(folder, user)
    port = _free_port()
    quiet: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
    try:
        subprocess.run(
            [binary("initdb"), "-D", f"{folder}/data", "-U", "test", "-A", "trust", "-N"],
            check=True, user=user, **quiet,
        )  # fmt: skip
        options = [part for each in _SETTINGS for part in ("-c", each)]
        process = subprocess.Popen(
            [binary("postgres"), "-D", f"{folder}/data", "-p", str(port), "-k", "",
             "-h", "127.0.0.1", *options],
            user=user, start_new_session=True, **quiet,
        )  # fmt: skip
        try:
            _await_ready(port, process)
            yield f"postgresql://test@127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=20)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _await_ready(port: int, process: "subprocess.Popen[bytes]") -> None:
    command = [binary("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port), "-t", "1"]
    for _ in range(200):
        if process.poll() is not None:
            raise RuntimeError(f"postgres ended with {process.returncode}")
        if subprocess.run(command, check=False).returncode == 0:
            return
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
