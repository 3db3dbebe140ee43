"""What traces cost: the service with a collector beside the service without.

The collector is a double on loopback in this process, so that it takes no CPU of the contestants;
it counts the spans that arrive, since traces that go nowhere would cost too little. A contestant is
three processes: of two that do the same one is often 5 % slower than the other for all its life.
"""

import os
import statistics
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

from aiohttp import web

from benchmarks.load import calls_per_second
from benchmarks.paired import Measure, Ratio, figure, interleaved, ratio
from benchmarks.processes import Contestant
from benchmarks.suite_service import METHOD, SETTINGS, request, service
from tests.loopback import served

_CALLS = 1000
_PROCESSES = 3
_SAMPLER = "OTEL_TRACES_SAMPLER"


class Collector:
    """Takes spans in by OTLP over HTTP.

    Attributes:
        url: for the setting `traces`.
        spans: how many came.
    """

    def __init__(self) -> None:
        self.url = ""
        self.spans = 0

    async def take(self, asked: web.Request) -> web.Response:
        """POST /v1/traces."""
        from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

        found = trace_service_pb2.ExportTraceServiceRequest.FromString(await asked.read())
        self.spans += sum(
            len(scope.spans) for each in found.resource_spans for scope in each.scope_spans
        )
        return web.Response(content_type="application/x-protobuf")


@asynccontextmanager
async def collector() -> AsyncIterator[Collector]:
    """A collector on a port of its own."""
    found = Collector()
    app = web.Application()
    app.router.add_post("/v1/traces", found.take)
    async with served(app) as origin:
        found.url = f"{origin}/v1/traces"
        yield found


@contextmanager
def _sampler(name: str) -> Iterator[None]:
    """Processes that begin within the block sample by `name`."""
    before = os.environ.get(_SAMPLER)
    os.environ[_SAMPLER] = name
    try:
        yield
    finally:
        del os.environ[_SAMPLER]
        if before is not None:
            os.environ[_SAMPLER] = before


def _rate(crowd: Sequence[Contestant]) -> Measure:
    async def measure() -> float:
        found = [
            await calls_per_second(each.port, METHOD, request(1), calls=_CALLS) for each in crowd
        ]
        return statistics.harmonic_mean(found)

    return measure


def _cpu(crowd: Sequence[Contestant]) -> Measure:
    async def measure() -> float:
        before = sum(each.cpu() for each in crowd)
        for each in crowd:
            await calls_per_second(each.port, METHOD, request(1), calls=_CALLS, in_flight=8)
        return (sum(each.cpu() for each in crowd) - before) / len(crowd) / _CALLS * 1e6

    return measure


async def run(rounds: int) -> list[Ratio]:
    """The figures, of the cheapest call there is: one event from the sandbox."""
    async with collector() as usual, collector() as every:
        async with AsyncExitStack() as stack:

            async def crowd(traces: str = "") -> list[Contestant]:
                settings = f'traces = "{traces}"\n{SETTINGS}'
                return [
                    await stack.enter_async_context(service(settings)) for _ in range(_PROCESSES)
                ]

            on, off, again = await crowd(usual.url), await crowd(), await crowd()
            with _sampler("always_on"):
                whole = await crowd(every.url)
            rates = await interleaved(
                {"on": _rate(on), "off": _rate(off), "again": _rate(again)}, rounds
            )
            costs = await interleaved(
                {"on": _cpu(on), "off": _cpu(off), "again": _cpu(again), "all": _cpu(whole)},
                rounds,
            )
        # The services have ended: what was sampled has been sent.
        calls = rounds * _CALLS * _PROCESSES
    return [
        ratio("calls/s: traces / none", rates["on"], rates["off"], ">= 0.95", "/s"),
        ratio("A/A calls/s: none / none", rates["again"], rates["off"]),
        ratio("CPU of a call: traces / none", costs["on"], costs["off"], "<= 1.05", "us"),
        ratio("A/A CPU of a call: none / none", costs["again"], costs["off"]),
        ratio("CPU of a call: every call sampled / none", costs["all"], costs["off"], "", "us"),
        figure("share of calls whose span arrived", usual.spans / 2 / calls, ">= 0.04", ""),
        figure("the same, every call sampled", every.spans / calls, ">= 0.99", ""),
    ]
