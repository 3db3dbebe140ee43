"""What `ucal doctor` finds about addresses: those it listens on, and the world's."""

import errno
import ipaddress
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import grpc
import httpx
from grpc_health.v1 import health_pb2, health_pb2_grpc

from providers.registry import PROVIDERS, provider_class
from server.cli.reach import Finding
from server.connect.look import icon
from server.settings import Settings
from server.settings_rules import is_loopback, split_address

_SECONDS = 3.0
_ADVICE = {
    errno.EADDRINUSE: "stop what listens there, or set `{}`",
    errno.EADDRNOTAVAIL: "this machine has no such address: set `{}`",
    errno.EACCES: "ports below 1024 are for root: set `{}`",
}
_ICON = "/connect/icon.svg"


async def addresses(settings: Settings, *, online: bool) -> list[Finding]:
    """`online`: public_url is asked, too."""
    ours = await _is_ours(settings)
    found = [await _grpc(settings, ours=ours)]
    if settings.http_listen:
        found.append(await _http(settings))
    found += _pushing(settings)
    if settings.public_url:
        found += [*_told(settings), *([await _asked(settings)] if online else [])]
    return found


async def _is_ours(settings: Settings) -> bool | None:
    """Whether what listens for gRPC is a healthy service; None: it does not speak, or in TLS."""
    async with grpc.aio.insecure_channel(settings.listen) as channel:
        health: Any = health_pb2_grpc.HealthStub(channel)
        try:
            await health.Check(health_pb2.HealthCheckRequest(), timeout=_SECONDS)
        except grpc.aio.AioRpcError as error:
            return None if error.code() is grpc.StatusCode.UNAVAILABLE else False
        return True


async def _grpc(settings: Settings, *, ours: bool | None) -> Finding:
    where = settings.listen
    if ours:
        return Finding("ok", f"{where}: a service is running and healthy")
    if ours is None and where.startswith("unix:"):
        return Finding("ok", f"{where}: free")
    trouble = _trouble(where, "listen")
    if trouble is not None and settings.tls.cert and "in use" in trouble.text:
        return Finding("note", f"{where}: in use", "all is well if it is this service that runs")
    return trouble or Finding("ok", f"{where}: free")


async def _http(settings: Settings) -> Finding:
    where = settings.http_listen
    trouble = _trouble(where, "http_listen")
    if trouble is None:
        return Finding("ok", f"{where}: free")
    if "in use" in trouble.text and await _answers(f"http://{where}/livez", b"ok\n"):
        return Finding("ok", f"{where}: the HTTP side of a service is running")
    if "in use" in trouble.text and settings.tls.http:
        return Finding("note", f"{where}: in use", "all is well if it is this service that runs")
    return trouble


def _trouble(where: str, setting: str) -> Finding | None:
    """Why nothing can listen at `where`."""
    if where.startswith("unix:"):
        return Finding("fail", f"{where}: something else answers there", f"set `{setting}`")
    host, port = split_address(where, setting)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.create_server((host, port), family=family):
            return None
    except OSError as error:
        number = error.errno or 0
        text = "in use" if number == errno.EADDRINUSE else _reason(error)
        return Finding("fail", f"{where}: {text}", _ADVICE.get(number, "set `{}`").format(setting))


def _reason(error: OSError) -> str:
    """The system's words, without what the library adds to them."""
    return (error.strerror or "cannot be had").partition(" (while")[0]


async def _answers(url: str, body: bytes) -> bool:
    async with httpx.AsyncClient(timeout=_SECONDS, trust_env=False) as client:
        try:
            answer = await client.get(url)
        except httpx.HTTPError:
            return False
        return answer.content == body


def _pushing(settings: Settings) -> Iterator[Finding]:
    if settings.public_url:
        return
    named = {*settings.providers, *(each.provider for each in settings.connections)}
    able = [name for name in PROVIDERS if name in named and provider_class(name).pushed_kinds]
    if able:
        text = f"public_url is not set: {', '.join(able)} could push, and will be asked instead"
        yield Finding("note", text, "set it to the https address that leads to http_listen")
    else:
        yield Finding("note", "public_url is not set", "watches ask the provider; none pushes")


def _told(settings: Settings) -> Iterator[Finding]:
    """What can be said of public_url by looking at it."""
    parts = urlsplit(settings.public_url)
    host = parts.hostname or ""
    if not settings.http_listen:
        advice = "set `http_listen`: deliveries and people come to it"
        yield Finding("fail", "public_url is set, but nothing is served there", advice)
    if _is_private(host):
        yield Finding("note", f"public_url: no provider reaches {host}", "it is of this network")
    elif parts.scheme != "https":
        advice = "put something with TLS in front, or set tls.http"
        yield Finding("note", "public_url: providers deliver to https alone", advice)


def _is_private(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return is_loopback(host)


async def _asked(settings: Settings) -> Finding:
    """Whether a service like this one answers there, as far as it can be seen from here."""
    host = urlsplit(settings.public_url).netloc
    try:
        async with httpx.AsyncClient(timeout=_SECONDS) as client:
            answer = await client.get(f"{settings.public_url.rstrip('/')}{_ICON}")
    except httpx.HTTPError as error:
        return Finding(
            "note",
            f"public_url: {host} cannot be reached from here ({type(error).__name__})",
            "that need not mean that providers cannot: look from another network",
        )
    if answer.content == icon():
        return Finding(
            "ok",
            f"public_url: a ucal answers at {host}, seen from here",
            "whether the internet sees the same, only a look from there can tell",
        )
    return Finding(
        "note",
        f"public_url: {host} answers, but not as this service does (HTTP {answer.status_code})",
        "start the service, and lead /webhooks/, /connect/ and /oauth/callback to http_listen",
    )
