"""Metrics by OTLP: what /metrics tells, sent to a collector every minute.

Loaded only when the setting `metrics_otlp` names a collector. The registry of `server.metrics`
stays the one place where anything is counted: it is read here, in a thread, and a call costs no
more for it.
"""

import asyncio
import os
import time
from collections.abc import Iterable, Iterator
from typing import Any

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricExportResult,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.samples import Sample

from server.metrics import REGISTRY
from server.settings_model import Settings, SettingsError
from server.telemetry_export import EXPORT_SECONDS, Courier, resource_of

_INTERVAL = "OTEL_METRIC_EXPORT_INTERVAL"
_INTERVAL_MS = 60_000
_CUMULATIVE = AggregationTemporality.CUMULATIVE
_SCOPE = InstrumentationScope("ucal")
# Not known of a histogram of Prometheus; what encodes it leaves such a field out.
_UNKNOWN: Any = None
_BEGUN = time.time()

Labels = tuple[tuple[str, str], ...]


def metrics_data(registry: CollectorRegistry, resource: Resource, now: int) -> MetricsData:
    """All that `registry` holds, in OpenTelemetry's terms; `now`: nanoseconds since 1970.

    Names are those of /metrics without `_total`, which Prometheus adds to sums by itself. All is
    cumulative, and a series begins when it was first counted.
    """
    found = [metric for family in registry.collect() for metric in _metric(family, now)]
    scope = ScopeMetrics(_SCOPE, found, "")
    return MetricsData([ResourceMetrics(resource, [scope], "")])


def _metric(family: Family, now: int) -> Iterator[Metric]:
    """`family` in OpenTelemetry's terms; nothing while it has no series."""
    series = _series(family.samples)
    if not series:
        return
    data: Gauge | Histogram | Sum
    if family.type == "histogram":
        data = Histogram([_histogram(*each, now) for each in series.items()], _CUMULATIVE)
    elif family.type == "counter":
        points = [
            NumberDataPoint(dict(labels), _start(samples), now, _value(samples, "_total"))
            for labels, samples in series.items()
        ]
        data = Sum(points, _CUMULATIVE, is_monotonic=True)
    else:
        data = Gauge(
            [NumberDataPoint(dict(each.labels), 0, now, each.value) for each in family.samples]
        )
    yield Metric(family.name, family.documentation, _unit(family.name), data)


def _series(samples: Iterable[Sample]) -> dict[Labels, list[Sample]]:
    """Samples by the labels of their series; `le` is none of them."""
    found: dict[Labels, list[Sample]] = {}
    for each in samples:
        labels = tuple((name, value) for name, value in each.labels.items() if name != "le")
        found.setdefault(labels, []).append(each)
    return found


def _histogram(labels: Labels, samples: list[Sample], now: int) -> HistogramDataPoint:
    """Prometheus counts what is at most `le`, OpenTelemetry what is between two bounds."""
    buckets = [(each.labels["le"], int(each.value)) for each in samples if "le" in each.labels]
    upto = [count for _, count in buckets]
    return HistogramDataPoint(
        attributes=dict(labels),
        start_time_unix_nano=_start(samples),
        time_unix_nano=now,
        count=upto[-1],
        sum=_value(samples, "_sum"),
        bucket_counts=[count - before for count, before in zip(upto, [0, *upto], strict=False)],
        explicit_bounds=[float(bound) for bound, _ in buckets[:-1]],
        min=_UNKNOWN,
        max=_UNKNOWN,
    )


def _value(samples: Iterable[Sample], suffix: str) -> float:
    return next(each.value for each in samples if each.name.endswith(suffix))


def _start(samples: Iterable[Sample]) -> int:
    """When the series began to count, nanoseconds since 1970."""
    created = (each.value for each in samples if each.name.endswith("_created"))
    return int(next(created, _BEGUN) * 1e9)


def _unit(name: str) -> str:
    return "s" if name.endswith("_seconds") else "By" if name.endswith("_bytes") else ""


class MetricsExport:
    """Sends the metrics of this process to a collector, until it is closed."""

    def __init__(self, settings: Settings) -> None:
        """Of `settings.metrics_otlp`, every 60 s or as OTEL_METRIC_EXPORT_INTERVAL says.

        Raises:
            SettingsError: the interval is none.
        """
        self._seconds = _interval()
        self._resource = resource_of(settings)
        self._exporter = OTLPMetricExporter(settings.metrics_otlp, timeout=EXPORT_SECONDS)
        self._courier = Courier("metrics")
        self._ended = asyncio.Event()
        self._task = asyncio.create_task(self._go_on())

    async def _go_on(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self._seconds):
                    await self._ended.wait()
                return
            except TimeoutError:
                await self.send()

    async def send(self) -> None:
        """Send what is counted by now, off the loop."""
        await asyncio.to_thread(self._sent)

    def _sent(self) -> None:
        if self._courier.gives_up:
            return
        data = metrics_data(REGISTRY, self._resource, time.time_ns())
        result = self._exporter.export(data)
        self._courier.came(taken=result is MetricExportResult.SUCCESS)

    async def close(self) -> None:
        """Send for the last time; a collector that is away costs a few seconds."""
        self._courier.end()
        self._ended.set()
        await self._task
        await self.send()
        await asyncio.to_thread(self._exporter.shutdown)


def _interval() -> float:
    """Seconds between two exports."""
    given = os.environ.get(_INTERVAL, "")
    if not given:
        return _INTERVAL_MS / 1000
    if not (given.isascii() and given.isdigit() and int(given)):
        raise SettingsError(_INTERVAL, "must be a number of milliseconds")
    return int(given) / 1000
