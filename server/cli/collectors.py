"""What `ucal doctor` finds about collectors of telemetry: whether they take what is sent."""

import importlib.util
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx

from server.cli.reach import Finding
from server.settings import Settings

_SECONDS = 3.0
_PACKAGES = "opentelemetry.exporter.otlp.proto.http"


async def collectors(settings: Settings, *, online: bool) -> list[Finding]:
    """Those that are set; `online`: each is sent a message without a span or a metric."""
    asked = list(_named(settings))
    if not asked:
        return []
    if not _is_installed():
        return [Finding("fail", f"{asked[0][0]}: packages are missing", "install ucal[telemetry]")]
    return [await _tried(*each) for each in asked] if online else []


def _named(settings: Settings) -> Iterator[tuple[str, str]]:
    for key in ("traces", "metrics_otlp"):
        if getattr(settings, key):
            yield key, getattr(settings, key)


def _is_installed() -> bool:
    try:
        return importlib.util.find_spec(_PACKAGES) is not None
    except ModuleNotFoundError:
        return False


async def _tried(key: str, url: str) -> Finding:
    """An empty body is a good message of Protocol Buffers, and says nothing."""
    host = urlsplit(url).netloc
    headers = {"content-type": "application/x-protobuf"}
    try:
        async with httpx.AsyncClient(timeout=_SECONDS) as client:
            answer = await client.post(url, content=b"", headers=headers)
    except httpx.HTTPError as error:
        text = f"{key}: {host} cannot be reached ({type(error).__name__})"
        return Finding("note", text, "calls go on without it; its numbers are lost meanwhile")
    if answer.is_success:
        return Finding("ok", f"{key}: {host} takes what is sent")
    advice = {
        401: "its token goes into OTEL_EXPORTER_OTLP_HEADERS, which this look does not send",
        403: "its token goes into OTEL_EXPORTER_OTLP_HEADERS, which this look does not send",
        404: "the URL has a path: /v1/traces, /v1/metrics",
    }.get(answer.status_code, "look into its own log")
    return Finding("note", f"{key}: {host} answers HTTP {answer.status_code}", advice)
