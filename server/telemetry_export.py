"""What traces and metrics have in common on their way to a collector: whose they are, and what is
told when it does not take them.

Loaded only when a collector is set.
"""

import logging
from collections.abc import Sequence
from importlib.metadata import version

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased

from server.log import LOG
from server.settings_model import Settings

EXPORT_SECONDS = 5
"""Of one attempt, with all its repetitions."""


def resource_of(settings: Settings) -> Resource:
    """This process, as each span and metric names it; `service.instance.id` is random.

    OTEL_RESOURCE_ATTRIBUTES adds to it.
    """
    return Resource.create(
        {
            "service.name": "ucal",
            "service.version": version("ucal"),
            "deployment.environment.name": settings.environment,
            "cloud.region": settings.region,
        }
    )


class Courier:
    """Keeps the record of what a collector took: that it is away is told once, and so is its
    return. Called from the threads that export.
    """

    def __init__(self, what: str) -> None:
        """`what`: "traces" or "metrics"."""
        self._what = what
        self._away = False
        self._ending = False
        self._refused_at_end = False
        # Each failed attempt is a line or more of the exporter's, and its words are not written.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)

    @property
    def gives_up(self) -> bool:
        """Whether the process ends and the collector was already tried in vain: a process that is
        told to end does not wait for it again and again.
        """
        return self._refused_at_end

    def end(self) -> None:
        """The process is about to end."""
        self._ending = True

    def came(self, *, taken: bool) -> None:
        """An attempt has ended."""
        if not taken:
            self._refused_at_end = self._ending
        if taken == (not self._away):
            return
        self._away = not taken
        if self._away:
            LOG.warning("a collector does not take what it is sent", extra={"kind": self._what})
        else:
            LOG.info("a collector takes what it is sent again", extra={"kind": self._what})


class SpanCourier(SpanExporter):
    """Sends spans to a collector in batches, by OTLP over HTTP."""

    def __init__(self, url: str) -> None:
        self._exporter = OTLPSpanExporter(endpoint=url, timeout=EXPORT_SECONDS)
        self._courier = Courier("traces")

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Part of SpanExporter; in the thread of the processor."""
        if self._courier.gives_up:
            return SpanExportResult.FAILURE
        result = self._exporter.export(spans)
        self._courier.came(taken=result is SpanExportResult.SUCCESS)
        return result

    def end(self) -> None:
        """The process is about to end."""
        self._courier.end()

    def shutdown(self) -> None:
        """Part of SpanExporter."""
        self._exporter.shutdown()  # type: ignore[no-untyped-call]  # SDK 1.45


class SentSpans(TracerProvider):
    """Makes spans, and sends them to the collector of `settings.traces`."""

    def __init__(self, settings: Settings, *, sampled: bool) -> None:
        """`sampled`: all that has no parent is; else it is as OTEL_TRACES_SAMPLER says."""
        super().__init__(
            sampler=ParentBased(ALWAYS_ON) if sampled else None,
            resource=resource_of(settings),
            shutdown_on_exit=False,
        )
        self._way = SpanCourier(settings.traces)
        self.add_span_processor(BatchSpanProcessor(self._way))

    def shutdown(self) -> None:
        """Send what is left."""
        self._way.end()
        super().shutdown()
