"""What traces cost: the service with a collector beside the service without.

The collector is a double on loopback in this process, so that it takes no CPU of the contestants;
it counts the spans that arrive, since traces that go nowhere would cost too little.
"""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from aiohttp import web

from benchmarks.load import calls_per_second
from benchmarks.paired import Measure, Ratio, figure, interleaved, ratio
from benchmarks.processes import Contestant
from benchmarks.suite_service import METHOD, SETTINGS, request, service

_CALLS = 2000
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
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1/traces"
    try:
        yield found
    finally:
        await runner.cleanup()


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


def _rate(contestant: Contestant) -> Measure:
    async def measure() -> float:
        return await calls_per_second(contestant.port, METHOD, request(1), calls=_CALLS)

    return measure


def _cpu(contestant: Contestant) -> Measure:
    async def measure() -> float:
        before = contestant.cpu()
        await calls_per_second(contestant.port, METHOD, request(1), calls=_CALLS, in_flight=8)
        return (contestant.cpu() - before) / _CALLS * 1e6

    return measure


async def run(rounds: int) -> list[Ratio]:
    """The figures, of the cheapest call there is: one event from the sandbox."""
    async with collector() as usual, collector() as every:
        async with service() as off, service(f'traces = "{usual.url}"\n{SETTINGS}') as on:
            with _sampler("always_on"):
                whole = service(f'traces = "{every.url}"\n{SETTINGS}')
                async with whole as all_of_them:
                    rates = await interleaved(
                        {"on": _rate(on), "off": _rate(off), "again": _rate(off)}, rounds
                    )
                    costs = await interleaved(
                        {
                            "on": _cpu(on),
                            "off": _cpu(off),
                            "again": _cpu(off),
                            "all": _cpu(all_of_them),
                        },
                        rounds,
                    )
        # The services have ended: what was sampled has been sent.
        share = usual.spans / (2 * rounds * _CALLS)
        kept = every.spans / (rounds * _CALLS)
    return [
        ratio("calls/s: traces / none", rates["on"], rates["off"], ">= 0.95", "/s"),
        ratio("A/A calls/s: none / none", rates["again"], rates["off"]),
        ratio("CPU of a call: traces / none", costs["on"], costs["off"], "<= 1.05", "us"),
        ratio("A/A CPU of a call: none / none", costs["again"], costs["off"]),
        ratio("CPU of a call: every call sampled / none", costs["all"], costs["off"], "", "us"),
        figure("share of calls whose span arrived", share, ">= 0.04", ""),
        figure("the same, every call sampled", kept, ">= 0.99", ""),
    ]
