"""The health check of the image, against real processes."""

import datetime as dt
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.system.processes import free_port, service

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
    cert, key = _certificate(tmp_path)
    http = f"127.0.0.1:{free_port()}"
    environment = {
        "UCAL_HTTP_LISTEN": http,
        "UCAL_TLS_CERT": str(cert),
        "UCAL_TLS_KEY": str(key),
        "UCAL_TLS_CLIENT_CA": str(cert),
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


def _certificate(folder: Path) -> tuple[Path, Path]:
    """A self-signed certificate of localhost and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / "tls.crt", folder / "tls.key"
    cert_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return cert_file, key_file
