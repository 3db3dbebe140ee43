"""A service of which everything is caught that it writes, or tells anybody but its caller."""

import base64
import io
import logging
import os
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import grpc
import httpx
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from server.bus.replicas import Replicas
from server.log import configure
from server.service import running
from server.settings import Settings
from server.settings_model import Limits
from server.telemetry import Telemetry, TracedTransport
from server.telemetry_metrics import MetricsExport
from server.watch.hub import Hub
from tests.collector import Collector, collector
from tests.conformance.client import CONNECTION, Client, connect
from tests.conformance.subjects import Harness, Subject
from tests.zero_storage.wire import Wire
from tests.zero_storage.words import CORE
from ucal.v1 import connection_pb2, connection_pb2_grpc

BAD_CONNECTION = "conformance-bad"
_WRITING = os.O_WRONLY | os.O_RDWR
_opened: list[set[str]] = []


def _note(event: str, args: tuple[Any, ...]) -> None:
    if event == "open" and _opened and isinstance(args[0], str) and args[2] & _WRITING:
        _opened[-1].add(args[0])


sys.addaudithook(_note)


@contextmanager
def opened_files() -> Iterator[set[str]]:
    """Paths of files that this process opens for writing meanwhile."""
    _opened.append(set())
    try:
        yield _opened[-1]
    finally:
        _opened.pop()


class Caught(Telemetry):
    """Keeps every span, and marks what providers answer."""

    def __init__(self, wire: Wire) -> None:
        self.exporter = InMemorySpanExporter()
        provider = TracerProvider(sampler=ALWAYS_ON, shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        super().__init__(provider)
        self.tracer = provider.get_tracer("controls")
        self._wire = wire

    def around(self, transport: httpx.AsyncBaseTransport) -> TracedTransport:
        return super().around(self._wire.around(transport))

    def text(self) -> str:
        """All of all spans."""
        return "\n".join(span.to_json() for span in self.exporter.get_finished_spans())


@dataclass
class Stage:
    """The service, its caller, and what is caught.

    Attributes:
        failures: whatever reached callers of failed calls.
        bus: what went to other feeds and replicas.
        pages: answers of the HTTP side to others than the service's callers.
        secrets: credentials that are in use.
        export: sends metrics to `collector`.
    """

    client: Client
    http: httpx.AsyncClient
    url: str
    folder: Path
    wire: Wire
    spans: Caught
    export: MetricsExport
    collector: Collector
    log: io.StringIO = field(default_factory=io.StringIO)
    failures: list[bytes] = field(default_factory=list)
    bus: list[str] = field(default_factory=list)
    pages: list[bytes] = field(default_factory=list)
    written: set[str] = field(default_factory=set)
    secrets: list[str] = field(default_factory=list)

    async def channels(self) -> Mapping[str, list[bytes]]:
        """Everything that was caught, by where."""
        metrics = await self.http.get(f"{self.url}/metrics")
        await self.export.send()
        inside = {path for path in self.folder.rglob("*") if path.is_file()}
        outside = {Path(name) for name in self.written if Path(name).is_file()} - inside
        return {
            "logs": [self.log.getvalue().encode()],
            "traces": [self.spans.text().encode()],
            "metrics": [metrics.content],
            "metrics by OTLP": [*self.collector.heads, *self.collector.bodies],
            "files": [path.read_bytes() for path in sorted(inside)],
            "names of files": [str(path.relative_to(self.folder)).encode() for path in inside],
            "other files": [path.read_bytes() for path in sorted(outside)],
            "bus": [each.encode() for each in self.bus],
            "errors": self.failures,
            "pages": self.pages,
        }


@contextmanager
def logging_to(stream: io.StringIO) -> Iterator[None]:
    """The house's logging, at its most talkative, in place of pytest's."""
    root, ours = logging.getLogger(), logging.getLogger("ucal")
    before = (root.handlers[:], root.level, ours.level, logging.raiseExceptions)
    configure("debug", stream)
    try:
        yield
    finally:
        root.handlers[:] = before[0]
        root.setLevel(before[1])
        ours.setLevel(before[2])
        logging.raiseExceptions = before[3]


@asynccontextmanager
async def exporting(found: Collector) -> AsyncIterator[MetricsExport]:
    """What `running` makes for the setting, so that a test can have it send at once."""
    export = MetricsExport(Settings(metrics_otlp=f"{found.url}/v1/metrics"))
    try:
        yield export
    finally:
        await export.close()


@contextmanager
def overheard() -> Iterator[list[str]]:
    """What parts of the service tell one another, and other replicas, before it is sealed."""
    found: list[str] = []
    nudge, say = Hub.nudge, Replicas.say

    def nudged(hub: Hub, *args: Any) -> int:
        found.append(repr(args))
        return nudge(hub, *args)

    def said(replicas: Replicas, body: Any) -> None:
        found.append(repr(body))
        say(replicas, body)

    with patch.object(Hub, "nudge", nudged), patch.object(Replicas, "say", said):
        yield found


def secrets_of(harness: Harness) -> list[str]:
    """Credentials that a harness hands to the service, if they can be told from other words."""
    found = [harness.settings.client_secret, harness.settings.webhook_secret]
    form = harness.connection.WhichOneof("credentials")
    if form is not None:
        given = getattr(harness.connection, form)
        found += [value for each, value in given.ListFields() if isinstance(value, str)]
    return [word for word in found if len(word) >= 10 and "@" not in word and "://" not in word]


def marked_credentials(connection: connection_pb2.Connection) -> connection_pb2.Connection:
    """`connection` with the word in place of each credential."""
    found = connection_pb2.Connection()
    found.CopyFrom(connection)
    form = found.WhichOneof("credentials")
    if form is not None:
        given = getattr(found, form)
        for each, value in given.ListFields():
            if isinstance(value, str) and "url" not in each.name:
                setattr(given, each.name, f"{CORE}-{each.name}")
    return found


def _settings(harness: Harness, folder: Path, port: int, store: str, bus: str) -> Settings:
    keys = folder.parent / "keys"
    keys.write_text(base64.b64encode(os.urandom(32)).decode())
    keys.chmod(0o600)
    return Settings(
        listen="127.0.0.1:0",
        http_listen=f"127.0.0.1:{port}",
        public_url=f"http://127.0.0.1:{port}",
        store=store or f"sqlite:///{folder}/ucal.db",
        bus=bus,
        keyring=str(keys),
        log_level="debug",
        passthrough=True,
        allowed_networks=("127.0.0.0/8",),
        redirect_uris=("https://app.example/back",),
        providers={harness.provider: harness.settings},
        limits=Limits(drain_delay=0, drain_grace=1),
    )


@asynccontextmanager
async def stage(
    subject: Subject, folder: Path, port: int, *, store: str = "", bus: str = "memory:"
) -> AsyncIterator[Stage]:
    """The whole service in front of one provider, with a connection that the API has made."""
    log, wire = io.StringIO(), Wire()
    folder.mkdir()
    async with (
        subject.make() as harness,
        httpx.AsyncClient(trust_env=False) as http,
        collector() as collected,
        exporting(collected) as export,
    ):
        spans = Caught(wire)
        with logging_to(log), opened_files() as written, overheard() as said:
            asked = _settings(harness, folder, port, store, bus)
            async with (
                running(asked, telemetry=spans) as service,
                grpc.aio.insecure_channel(service.address) as channel,
            ):
                await _connected(channel, harness)
                client = await connect(subject.id, harness, channel, service.hub)
                url = f"http://{service.http_address}"
                yield Stage(
                    client, http, url, folder, wire, spans, export, collected, log, [], said, [],
                    written, secrets_of(harness),
                )  # fmt: skip


async def _connected(channel: grpc.aio.Channel, harness: Harness) -> None:
    stub = connection_pb2_grpc.ConnectionServiceStub(channel)
    good = connection_pb2.Connection()
    good.CopyFrom(harness.connection)
    for own_id, connection in (
        (CONNECTION, good),
        (BAD_CONNECTION, marked_credentials(harness.connection)),
    ):
        connection.id = own_id
        await stub.CreateConnection(connection_pb2.CreateConnectionRequest(connection=connection))
