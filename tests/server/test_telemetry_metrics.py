"""Metrics by OTLP: a collector hears what /metrics tells, and one that is away disturbs nobody."""

import asyncio
import io
import json
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import grpc
import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from server.metrics import CALL_SECONDS, REGISTRY
from server.service import running
from server.settings import Settings, SettingsError, parse
from tests.collector import Collector, collector
from tests.zero_storage.stage import logging_to
from ucal.v1 import calendar_pb2, calendar_pb2_grpc

pytest.importorskip(
    "opentelemetry.exporter.otlp.proto.http",
    reason="opentelemetry-exporter-otlp-proto-http is missing: nothing is exported",
)

from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality, Metric
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace import TracerProvider as SdkTracerProvider
from opentelemetry.sdk.trace.export import SpanExportResult

from server.telemetry_export import SpanCourier
from server.telemetry_metrics import MetricsExport, metrics_data

AWAY = "http://127.0.0.1:9/v1/metrics"
NOW = 1_900_000_000_000_000_000


@pytest.fixture
async def found() -> AsyncIterator[Collector]:
    async with collector() as each:
        yield each


def _settings(url: str) -> Settings:
    return parse(
        {
            "listen": "127.0.0.1:0",
            "http_listen": "",
            "store": "memory:",
            "region": "eu",
            "environment": "staging",
            "metrics_otlp": url,
            "limits": {"drain_delay": 0, "drain_grace": 1},
            "connections": [{"id": "sandbox", "provider": "sandbox"}],
        }
    )


def _metrics(request: ExportMetricsServiceRequest) -> dict[str, Metric]:
    (resource,) = request.resource_metrics
    (scope,) = resource.scope_metrics
    return {metric.name: metric for metric in scope.metrics}


def _sent(registry: CollectorRegistry) -> dict[str, Metric]:
    return _metrics(encode_metrics(metrics_data(registry, Resource({}), NOW)))


def test_a_counter_is_a_sum_that_only_rises() -> None:
    registry = CollectorRegistry()
    counter = Counter("polls", "Questions", ("provider",), registry=registry)
    before = time.time_ns()
    counter.labels("zoom").inc(3)
    counter.labels("goto").inc()
    metric = _sent(registry)["polls"]
    assert metric.description == "Questions"
    assert metric.sum.is_monotonic
    cumulative = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
    assert metric.sum.aggregation_temporality == cumulative
    points = {point.attributes[0].value.string_value: point for point in metric.sum.data_points}
    assert {name: point.as_double for name, point in points.items()} == {"zoom": 3, "goto": 1}
    for point in points.values():
        assert [each.key for each in point.attributes] == ["provider"]
        assert point.time_unix_nano == NOW
        # Seconds since 1970 are a float there, good to a microsecond.
        assert before - 1_000 <= point.start_time_unix_nano <= time.time_ns() + 1_000


def test_a_gauge_is_what_it_is_now() -> None:
    registry = CollectorRegistry()
    Gauge("certificate_end_seconds", "When it ends", registry=registry).set(-2.5)
    metric = _sent(registry)["certificate_end_seconds"]
    (point,) = metric.gauge.data_points
    assert (point.as_double, point.time_unix_nano) == (-2.5, NOW)
    assert metric.unit == "s"


def test_a_histogram_counts_between_its_bounds() -> None:
    """Prometheus' buckets include those below them, OpenTelemetry's do not."""
    registry = CollectorRegistry()
    histogram = Histogram(
        "call_seconds", "Time", ("method",), buckets=(0.1, 1, 10), registry=registry
    )
    for seconds in (0.05, 0.1, 0.5, 5, 6, 7, 100):
        histogram.labels("Get").observe(seconds)
    histogram.labels("List").observe(11)
    metric = _sent(registry)["call_seconds"]
    cumulative = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
    assert metric.histogram.aggregation_temporality == cumulative
    assert metric.unit == "s"
    got, listed = metric.histogram.data_points
    assert list(got.explicit_bounds) == [0.1, 1, 10]
    assert list(got.bucket_counts) == [2, 1, 3, 1]
    assert list(listed.bucket_counts) == [0, 0, 0, 1]
    assert (got.count, listed.count) == (7, 1)
    assert got.sum == pytest.approx(118.65)
    assert not got.HasField("min")
    assert not got.HasField("max")
    assert [each.key for each in got.attributes] == ["method"]
    assert 0 < got.start_time_unix_nano <= time.time_ns() + 1_000


def test_what_has_no_series_yet_is_not_sent() -> None:
    registry = CollectorRegistry()
    Counter("polls", "Questions", ("provider",), registry=registry)
    assert _sent(registry) == {}


def test_every_metric_of_the_service_can_be_sent() -> None:
    assert {family.type for family in REGISTRY.collect()} <= {"counter", "gauge", "histogram"}
    CALL_SECONDS.labels("GetEvent", "sandbox", "OK").observe(0.01)
    sent = _sent(REGISTRY)
    assert set(sent) == {family.name for family in REGISTRY.collect() if family.samples}
    assert "ucal_call_seconds" in sent
    assert all(metric.WhichOneof("data") for metric in sent.values())


async def test_a_collector_hears_of_calls_and_of_the_last_one_too(found: Collector) -> None:
    settings = _settings(f"{found.url}/v1/metrics")
    async with running(settings) as service, grpc.aio.insecure_channel(service.address) as channel:
        stub = calendar_pb2_grpc.CalendarServiceStub(channel)
        await stub.ListCalendars(calendar_pb2.ListCalendarsRequest(connection_id="sandbox"))
        assert found.bodies == [], "it is sent each minute, not with each call"
    (body,) = found.bodies
    request = ExportMetricsServiceRequest.FromString(body)
    assert b"POST /v1/metrics" in found.heads[0]
    assert b"application/x-protobuf" in found.heads[0]
    (resource,) = request.resource_metrics
    told = {each.key: each.value.string_value for each in resource.resource.attributes}
    assert told["service.name"] == "ucal"
    assert told["cloud.region"] == "eu"
    assert told["deployment.environment.name"] == "staging"
    assert told["service.version"]
    assert len(told["service.instance.id"]) == 36, "replicas are told apart"
    points = _metrics(request)["ucal_call_seconds"].histogram.data_points
    labels = [{each.key: each.value.string_value for each in point.attributes} for point in points]
    assert {
        "method": "CalendarService/ListCalendars",
        "provider": "sandbox",
        "code": "OK",
    } in labels


async def test_it_is_sent_as_often_as_the_variable_says(
    found: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "20")
    async with running(_settings(f"{found.url}/v1/metrics")):
        for _ in range(3):
            found.came.clear()
            await asyncio.wait_for(found.came.wait(), 10)
    assert len(found.bodies) >= 4


@pytest.mark.parametrize("given", ["soon", "0", "-5", "1.5"])
async def test_an_interval_that_is_none_is_refused(
    monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", given)
    with pytest.raises(SettingsError, match="OTEL_METRIC_EXPORT_INTERVAL: must be a number"):
        async with running(_settings(AWAY)):
            pytest.fail("it serves")


@contextmanager
def _logged() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    with logging_to(stream):
        yield stream


def _events(stream: io.StringIO) -> list[tuple[str, str, str]]:
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    return [(each["level"], each["event"], each.get("kind", "")) for each in lines]


async def test_a_collector_that_is_away_is_told_once_and_so_is_its_return(
    found: Collector,
) -> None:
    with _logged() as stream:
        export = MetricsExport(_settings(f"{found.url}/v1/metrics"))
        found.status = 400
        for _ in range(3):
            await export.send()
        found.status = 200
        for _ in range(2):
            await export.send()
        await export.close()
    assert _events(stream) == [
        ("warning", "a collector does not take what it is sent", "metrics"),
        ("info", "a collector takes what it is sent again", "metrics"),
    ]
    assert len(found.bodies) == 6


async def test_the_same_for_traces_and_none_is_waited_for_twice_at_the_end(
    found: Collector,
) -> None:
    """Spans that wait are several batches, and each attempt may take seconds."""
    span = SdkTracerProvider(shutdown_on_exit=False).get_tracer("x").start_span("x")
    span.end()
    assert isinstance(span, ReadableSpan)
    found.status = 400
    with _logged() as stream:
        courier = SpanCourier(f"{found.url}/v1/traces")
        results = [await asyncio.to_thread(courier.export, [span]) for _ in range(2)]
        assert len(found.bodies) == 2
        courier.end()
        results += [await asyncio.to_thread(courier.export, [span]) for _ in range(3)]
        assert len(found.bodies) == 3
        courier.shutdown()
    assert set(results) == {SpanExportResult.FAILURE}
    assert _events(stream) == [("warning", "a collector does not take what it is sent", "traces")]


async def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "server.telemetry_metrics", None)
    with pytest.raises(SettingsError, match=r"metrics_otlp: needs the packages of ucal\[tele"):
        async with running(_settings(AWAY)):
            pytest.fail("it serves")


def test_the_setting_is_a_url() -> None:
    with pytest.raises(SettingsError, match="metrics_otlp: must be an http or https URL"):
        parse({"metrics_otlp": "yes"})
