"""Whether the service that runs with these settings takes calls: exit 0, or 1 and one line.

In plaintext gRPC's own health check is asked. With TLS only callers with a certificate get that
far, so the listener is knocked at and the HTTP side is asked.
"""

import socket
import sys
import urllib.error
import urllib.request

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from server.settings import Settings, SettingsError, load
from server.settings_rules import split_address

_SECONDS = 2.0
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what to knock at, not to listen on


def _near(address: str, key: str) -> tuple[str, int]:
    """Where this machine reaches a listener of `address`."""
    host, port = split_address(address, key)
    return _ANY.get(host, host), port


def _plaintext(listen: str) -> str:
    host, port = _near(listen, "listen")
    where = (
        host
        if host.startswith("unix:")
        else f"[{host}]:{port}"
        if ":" in host
        else f"{host}:{port}"
    )
    with grpc.insecure_channel(where) as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(), timeout=_SECONDS
            )
        except grpc.RpcError as error:
            return f"gRPC health: {error.code().name}"
    name = health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
    return "" if name == "SERVING" else f"gRPC health: {name}"


def _tls(settings: Settings) -> str:
    host, port = _near(settings.listen, "listen")
    try:
        if host.startswith("unix:"):
            with socket.socket(socket.AF_UNIX) as knocking:
                knocking.settimeout(_SECONDS)
                knocking.connect(host.removeprefix("unix:"))
        else:
            socket.create_connection((host, port), _SECONDS).close()
    except OSError as error:
        return f"gRPC listener: {error.strerror or type(error).__name__}"
    if not settings.http_listen:
        return ""
    host, port = _near(settings.http_listen, "http_listen")
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        urllib.request.urlopen(f"http://{place}/readyz", timeout=_SECONDS).close()
    except urllib.error.HTTPError as error:
        error.close()
        return f"readyz: {error.code}"
    except OSError as error:
        return f"readyz: {type(error).__name__}"
    return ""


def main() -> str:
    """What is wrong; "" when nothing is."""
    try:
        settings = load()
    except SettingsError as error:
        return str(error)
    return _tls(settings) if settings.tls.cert else _plaintext(settings.listen)


if __name__ == "__main__":
    sys.exit(main() or 0)
