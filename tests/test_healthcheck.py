"""The health check of the image, against real processes."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.authority import Authority
from tests.ports import free_port
from tests.system.processes import service

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"


def _check(environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(DEPLOY / "healthcheck.py")],
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", **environment},
        capture_output=True, text=True, timeout=30, check=False, cwd=ROOT,
    )  # fmt: skip


def test_health_check_in_plaintext(tmp_path: Path) -> None:
    with service('store = "memory:"', tmp_path) as process:
        environment = {"UCAL_LISTEN": process.address}
        answer = _check(environment)
        assert answer.returncode == 0, answer.stderr
        process.kill()
        answer = _check(environment)
    assert answer.returncode == 1
    assert answer.stderr == "gRPC health: UNAVAILABLE\n"


def test_health_check_with_client_certificates(tmp_path: Path) -> None:
    """The checker has no certificate: it knocks, and asks the HTTP side."""
    cert, key, trusted = (tmp_path / name for name in ("tls.crt", "tls.key", "ca.crt"))
    authority = Authority()
    private, certificate = authority.leaf(dns=["localhost"])
    key.write_bytes(private)
    cert.write_bytes(certificate)
    trusted.write_bytes(authority.pem)
    http = f"127.0.0.1:{free_port()}"
    environment = {
        "UCAL_HTTP_LISTEN": http,
        "UCAL_TLS_CERT": str(cert),
        "UCAL_TLS_KEY": str(key),
        "UCAL_TLS_CLIENT_CA": str(trusted),
        "UCAL_ACCESS": "mtls",
        "UCAL_POLICIES": '[{"subjects": ["*"], "allow": ["read"], "connections": ["*"]}]',
    }
    with service('store = "memory:"', tmp_path, environment) as process:
        environment["UCAL_LISTEN"] = process.address.replace("127.0.0.1", "0.0.0.0")
        answer = _check(environment)
        assert answer.returncode == 0, answer.stderr
        elsewhere = environment | {"UCAL_HTTP_LISTEN": f"127.0.0.1:{free_port()}"}
        assert _check(elsewhere).stderr == "readyz: URLError\n"
    assert _check(environment).stderr.startswith("gRPC listener: ")


def test_health_check_names_a_wrong_setting() -> None:
    answer = _check({"UCAL_LOG_LEVEL": "loud"})
    assert answer.returncode == 1
    assert answer.stderr.startswith("log_level: must be one of")
