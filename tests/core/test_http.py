"""The door against a real upstream: what is sent, what is followed, what a lost answer means."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from providers.core.auth import basic
from providers.core.errors import Kind, ProviderError
from providers.core.guard import Guard
from providers.core.http import Door, Http
from providers.core.transport import Transport

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def upstream(handler: Handler, **options: object) -> AsyncIterator[Http]:
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    async with Transport(Guard(allowed_networks=["127.0.0.0/8"]), **options) as transport:
        deadline = asyncio.get_running_loop().time() + 5
        yield Http(Door(transport), f"http://127.0.0.1:{port}/v1/", deadline=deadline)
    await runner.cleanup()


async def test_a_request_is_signed_joined_and_quoted() -> None:
    seen: list[web.Request] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(request)
        return web.json_response({"ok": True})

    async with upstream(handler) as http:
        signed = Http(http.door, http.base_url, auth=basic("u", "p"), deadline=http.deadline)
        reply = await signed.send("GET", "things/a%2Fb", params={"q": "x y", "n": ["1", "2"]})
    assert reply.content == b'{"ok": true}'
    assert seen[0].raw_path == "/v1/things/a%2Fb?q=x%20y&n=1&n=2"
    assert seen[0].headers["authorization"] == "Basic dTpw"


async def test_an_inflated_body_is_capped() -> None:
    async def handler(request: web.Request) -> web.Response:
        body = gzip.compress(b"0" * 3_000_000)
        return web.Response(body=body, headers={"content-encoding": "gzip"})

    async with upstream(handler, max_body=1_000_000) as http:
        with pytest.raises(ProviderError) as caught:
            await http.send("GET", "x")
    assert caught.value.kind is Kind.PROVIDER_FAULT
    async with upstream(handler) as http:
        assert len((await http.send("GET", "x")).content) == 3_000_000


@pytest.mark.parametrize(
    ("method", "kind"), [("GET", Kind.UNAVAILABLE), ("POST", Kind.OUTCOME_UNKNOWN)]
)
async def test_a_lost_answer(method: str, kind: Kind) -> None:
    async def handler(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with upstream(handler) as http:
        with pytest.raises(ProviderError) as caught:
            await http.send(method, "x")
    assert caught.value.kind is kind


async def test_a_server_error_is_retried_for_reads_only() -> None:
    asked: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        asked.append(request.method)
        return web.Response(status=503 if len(asked) < 2 or request.method == "POST" else 200)

    async with upstream(handler) as http:
        assert (await http.send("GET", "x")).status == 200
        with pytest.raises(ProviderError) as caught:
            await http.send("POST", "x")
    assert caught.value.kind is Kind.OUTCOME_UNKNOWN
    assert asked == ["GET", "GET", "POST"]


async def test_nothing_sent_is_unavailable_even_for_a_write() -> None:
    async with Transport(Guard(allowed_networks=["127.0.0.0/8"])) as transport:
        http = Http(Door(transport), "http://127.0.0.1:9/")
        with pytest.raises(ProviderError) as caught:
            await http.send("POST", "x")
    assert caught.value.kind is Kind.UNAVAILABLE


async def test_redirects_stay_on_allowed_hosts() -> None:
    async def handler(request: web.Request) -> web.Response:
        if request.path.endswith("away"):
            return web.Response(status=302, headers={"location": "http://169.254.169.254/"})
        if request.path.endswith("near"):
            return web.Response(status=301, headers={"location": "/v1/there"})
        return web.Response(text=request.path)

    async with upstream(handler) as http:
        assert (await http.send("GET", "near")).content == b"/v1/there"
        with pytest.raises(ProviderError) as caught:
            await http.send("GET", "away")
        assert caught.value.reason == "REDIRECT_REFUSED"


async def test_private_addresses_are_refused_unless_listed() -> None:
    async with Transport(Guard()) as transport:
        for url in (
            "https://127.0.0.1/",
            "https://[::ffff:10.0.0.1]/",
            "https://0x7f.1/",
            "http://a.example/",
        ):
            with pytest.raises(ProviderError) as caught:
                await Http(Door(transport), url).send("GET", "x")
            assert caught.value.kind is Kind.INVALID


async def test_cancelled_calls_leave_the_pool_whole() -> None:
    gate = asyncio.Event()

    async def handler(request: web.Request) -> web.Response:
        if "slow" in request.path:
            await gate.wait()
        return web.Response(text="ok")

    async with upstream(handler, max_connections=10) as http:
        for _ in range(5):
            tasks = [asyncio.create_task(http.send("GET", "slow")) for _ in range(20)]
            await asyncio.sleep(0)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        assert (await http.send("GET", "fast")).content == b"ok"
        gate.set()
