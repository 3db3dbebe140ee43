"""Traces through the whole service: what spans hold, how they hang together, what never enters."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from aiohttp import web

from server.service import running
from server.settings import Settings, SettingsError, parse
from tests.loopback import for_all, served
from tests.serving import QUICK
from ucal.v1 import (
    calendar_pb2,
    calendar_pb2_grpc,
    passthrough_pb2,
    passthrough_pb2_grpc,
    watch_pb2,
    watch_pb2_grpc,
)

pytest.importorskip("opentelemetry.sdk.trace", reason="opentelemetry-sdk is missing: no spans")

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import (
    InMemorySpanExporter,
)
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, StatusCode

from server.telemetry import ATTRIBUTES, Telemetry, header_of, parent_of

ROOT = Path(__file__).resolve().parents[2]
CANARY = "Kanarienvogel7391"
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


class Exporter(InMemorySpanExporter):
    """Says when the first span has ended."""

    def __init__(self) -> None:
        super().__init__()
        self.exported = asyncio.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.exported.set()
        return super().export(spans)


class Vendor:
    """Answers every request, and keeps its headers."""

    def __init__(self) -> None:
        self.seen: list[dict[str, str]] = []
        self.status = 200
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.seen.append({name.lower(): value for name, value in request.headers.items()})
        return web.json_response({"text": CANARY}, status=self.status)


@pytest.fixture
async def vendor() -> AsyncIterator[Vendor]:
    found = Vendor()
    async with served(for_all(found.answer)) as found.url:
        yield found


@pytest.fixture
def spans() -> Iterator[Exporter]:
    exporter = Exporter()
    yield exporter
    exporter.clear()


def _telemetry(exporter: Exporter, share: float | None = None, **more: Any) -> Telemetry:
    provider = TracerProvider(shutdown_on_exit=False, **more)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return Telemetry(provider, share)


@asynccontextmanager
async def _channel(url: str, telemetry: Telemetry | None) -> AsyncIterator[grpc.aio.Channel]:
    settings: Settings = parse(
        {
            "listen": "127.0.0.1:0",
            "http_listen": "",
            "store": "memory:",
            "log_level": "warning",
            "passthrough": True,
            "limits": QUICK,
            "connections": [
                {"id": "sandbox", "provider": "sandbox"},
                {
                    "id": "there",
                    "provider": "fathom",
                    "base_url": url,
                    "credentials": {"api_key": CANARY},
                },
            ],
        }
    )
    async with (
        running(settings, telemetry=telemetry) as service,
        grpc.aio.insecure_channel(service.address) as channel,
    ):
        yield channel


def _request() -> passthrough_pb2.CallRequest:
    return passthrough_pb2.CallRequest(
        connection_id="there",
        method=passthrough_pb2.HTTP_METHOD_GET,
        path=f"/{CANARY}",
        query=[passthrough_pb2.HttpQueryParameter(name="who", value=CANARY)],
    )


def _no_canary(found: tuple[ReadableSpan, ...]) -> None:
    for span in found:
        assert CANARY not in span.to_json()
        assert set(span.attributes or {}) <= ATTRIBUTES
        assert not span.events


async def test_a_call_and_its_request_are_one_trace(vendor: Vendor, spans: Exporter) -> None:
    async with _channel(vendor.url, _telemetry(spans)) as channel:
        stub = passthrough_pb2_grpc.PassthroughServiceStub(channel)
        await stub.Call(
            _request(), metadata=(("traceparent", PARENT), ("tracestate", f"a={CANARY}"))
        )
    request, call = spans.get_finished_spans()
    assert (call.name, call.kind) == ("ucal.v1.PassthroughService/Call", SpanKind.SERVER)
    assert dict(call.attributes or {}) == {
        "rpc.system": "grpc",
        "rpc.method": "ucal.v1.PassthroughService/Call",
        "rpc.grpc.status_code": 0,
        "ucal.provider": "fathom",
    }
    assert (request.name, request.kind) == ("GET", SpanKind.CLIENT)
    assert dict(request.attributes or {}) == {
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "ucal.provider": "fathom",
    }
    assert call.parent is not None
    assert call.parent.is_remote
    assert f"{call.context.trace_id:032x}" == TRACE
    assert request.parent is not None
    assert request.parent.span_id == call.context.span_id
    (sent,) = vendor.seen
    assert sent["traceparent"] == f"00-{TRACE}-{request.context.span_id:016x}-01"
    assert "tracestate" not in sent
    _no_canary(spans.get_finished_spans())


async def test_failures_are_told_by_code_and_reason_alone(vendor: Vendor, spans: Exporter) -> None:
    async with _channel("http://127.0.0.1:9", _telemetry(spans)) as channel:
        stub = passthrough_pb2_grpc.PassthroughServiceStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.Call(_request(), timeout=10)
        calendars = calendar_pb2_grpc.CalendarServiceStub(channel)
        with pytest.raises(grpc.aio.AioRpcError):
            await calendars.GetCalendar(
                calendar_pb2.GetCalendarRequest(connection_id="sandbox", id=CANARY)
            )
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    found = spans.get_finished_spans()
    tries = [span for span in found if span.kind is SpanKind.CLIENT]
    assert {(span.attributes or {})["error.type"] for span in tries} == {"NotSentError"}
    failed, missing = (span for span in found if span.kind is SpanKind.SERVER)
    assert (failed.attributes or {})["rpc.grpc.status_code"] == 14
    assert failed.status.status_code is StatusCode.ERROR
    assert failed.status.description is None
    assert (missing.attributes or {})["rpc.grpc.status_code"] == 5
    assert (missing.attributes or {})["ucal.reason"] == "NOT_FOUND"
    assert missing.status.status_code is StatusCode.UNSET, "the caller's mistake is no fault here"
    _no_canary(found)


async def test_a_watch_is_one_span_and_its_end_is_told(vendor: Vendor, spans: Exporter) -> None:
    async with _channel(vendor.url, _telemetry(spans)) as channel:
        stub = watch_pb2_grpc.WatchServiceStub(channel)
        watch = stub.WatchEvents(
            watch_pb2.WatchEventsRequest(scope=watch_pb2.WatchScope(connection_id="sandbox"))
        )
        first = await watch.read()
        assert first.HasField("opened")
        assert spans.get_finished_spans() == ()
        watch.cancel()
        await asyncio.wait_for(spans.exported.wait(), 5)
    (span,) = spans.get_finished_spans()
    assert span.name == "ucal.v1.WatchService/WatchEvents"
    assert (span.attributes or {})["rpc.grpc.status_code"] == 1
    assert span.status.status_code is StatusCode.UNSET


async def test_unsampled_traces_are_handed_on_and_not_kept(vendor: Vendor, spans: Exporter) -> None:
    async with _channel(vendor.url, _telemetry(spans, sampler=ALWAYS_OFF)) as channel:
        stub = passthrough_pb2_grpc.PassthroughServiceStub(channel)
        await stub.Call(_request(), metadata=(("traceparent", PARENT),))
    assert spans.get_finished_spans() == ()
    assert re.fullmatch(f"00-{TRACE}-[0-9a-f]{{16}}-00", vendor.seen[0]["traceparent"])


@pytest.mark.parametrize("share", [0.0, 1.0])
async def test_the_service_samples_where_nobody_decided_before(
    vendor: Vendor, spans: Exporter, share: float
) -> None:
    """A caller's decision holds, either way; of other calls a share is recorded."""
    async with _channel(vendor.url, _telemetry(spans, share)) as channel:
        stub = passthrough_pb2_grpc.PassthroughServiceStub(channel)
        await stub.Call(_request())
        assert len(spans.get_finished_spans()) == 2 * share
        spans.clear()
        await stub.Call(_request(), metadata=(("traceparent", PARENT),))
        assert len(spans.get_finished_spans()) == 2
        spans.clear()
        await stub.Call(_request(), metadata=(("traceparent", f"{PARENT[:-2]}00"),))
    assert spans.get_finished_spans() == ()
    told = [each["traceparent"] for each in vendor.seen]
    assert [parent_of(each).is_valid for each in told] == [True] * 3
    assert [each[-2:] for each in told] == [f"0{share:.0f}", "01", "00"]
    assert [TRACE in each for each in told] == [False, True, True]
    assert not any("b7ad6b7169203331" in each for each in told), "a span of its own"


async def test_without_the_setting_nothing_is_told(vendor: Vendor) -> None:
    async with _channel(vendor.url, None) as channel:
        stub = passthrough_pb2_grpc.PassthroughServiceStub(channel)
        await stub.Call(_request(), metadata=(("traceparent", PARENT),))
    assert "traceparent" not in vendor.seen[0]


async def test_nothing_of_tracing_is_loaded_when_it_is_off() -> None:
    """What is not loaded costs nothing: neither at start nor in a call."""
    code = (
        "import asyncio, sys\n"
        "from server.service import running\n"
        "from server.settings import parse\n"
        "async def main():\n"
        "    given = {'listen': '127.0.0.1:0', 'http_listen': '', 'store': 'memory:',\n"
        "             'limits': {'drain_delay': 0, 'drain_grace': 0}}\n"
        "    async with running(parse(given)):\n"
        "        print(sorted(m for m in sys.modules if m.startswith('opentelemetry')))\n"
        "asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    out, _ = await asyncio.wait_for(process.communicate(), 60)
    assert out == b"[]\n"


async def test_an_unknown_method_does_not_become_a_name(spans: Exporter) -> None:
    answers = httpx.MockTransport(lambda _: httpx.Response(503))
    transport = _telemetry(spans).around(answers)
    await transport.handle_async_request(httpx.Request(CANARY, "https://example.com/"))
    (span,) = spans.get_finished_spans()
    assert span.name == "_OTHER"
    assert span.status.status_code is StatusCode.ERROR
    assert span.parent is None
    _no_canary((span,))


@pytest.mark.parametrize(
    "header",
    [
        "", "00", "x" * 10_000, f"00-{'0' * 32}-b7ad6b7169203331-01", f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-b7ad6b7169203331-01", f"00-{TRACE.upper()}-b7ad6b7169203331-01",
        f"{PARENT}-more", f"00-{TRACE}-b7ad6b716920333-01",
        f"00-{TRACE[:-1]}\u0663-b7ad6b7169203331-01",
        f"00-{TRACE}-b7ad6b7169203331-+1", f" {PARENT}",
    ],
)  # fmt: skip
def test_a_broken_traceparent_is_none(header: str) -> None:
    """W3C Trace Context, level 1, section 3.2.2."""
    assert not parent_of(header).is_valid


def test_a_traceparent_comes_out_as_it_went_in() -> None:
    assert header_of(parent_of(PARENT)) == PARENT
    # A later version may add parts, and flags that are unknown here are not handed on.
    assert header_of(parent_of(f"cc-{TRACE}-b7ad6b7169203331-ff-what")) == PARENT


def test_the_setting_is_a_url() -> None:
    with pytest.raises(SettingsError, match="traces: must be an http or https URL"):
        parse({"traces": "yes"})


async def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "server.telemetry_export", None)
    with pytest.raises(SettingsError, match=r"traces: needs the packages of ucal\[telemetry\]"):
        Telemetry.of(Settings(traces="http://127.0.0.1:4318/v1/traces"))


async def test_spans_reach_a_collector() -> None:
    pytest.importorskip(
        "opentelemetry.exporter.otlp.proto.http",
        reason="opentelemetry-exporter-otlp-proto-http is missing: nothing is exported",
    )
    bodies: list[bytes] = []

    async def take(request: web.Request) -> web.Response:
        bodies.append(await request.read())
        return web.Response()

    app = web.Application()
    app.router.add_post("/v1/traces", take)
    async with served(app) as collector:
        settings = Settings(
            listen="127.0.0.1:0",
            http_listen="",
            store="memory:",
            traces=f"{collector}/v1/traces",
            region="eu",
        )
        async with (
            running(settings) as service,
            grpc.aio.insecure_channel(service.address) as channel,
        ):
            stub = calendar_pb2_grpc.CalendarServiceStub(channel)
            with pytest.raises(grpc.aio.AioRpcError):
                await stub.ListCalendars(
                    calendar_pb2.ListCalendarsRequest(connection_id=CANARY),
                    timeout=5,
                    metadata=(("traceparent", PARENT),),
                )
    sent = b"".join(bodies)
    assert b"ucal.v1.CalendarService/ListCalendars" in sent
    assert bytes.fromhex(TRACE) in sent
    assert b"cloud.region" in sent
    assert CANARY.encode() not in sent
