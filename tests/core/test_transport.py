"""Sockets: what was sent and what was not, caps, no cookies, no proxies, a whole pool."""

import asyncio
import gzip
import os
import ssl
import tracemalloc
import zlib
from pathlib import Path

import httpx
import pytest
from aiohttp import web

from providers.core.connector import authorities
from providers.core.errors import Kind, ProviderError
from providers.core.guard import Guard
from providers.core.http import Door, Http
from providers.core.transport import (
    AnswerLostError,
    BadAnswerError,
    NotSentError,
    TooLargeError,
    Transport,
    was_sent,
)
from tests.authority import Authority
from tests.core.upstream import LOOPBACK, door, failure, heard, serving, talking, upstream


def transport(**options: object) -> Transport:
    return Transport(Guard(allowed_networks=LOOPBACK), **options)  # type: ignore[arg-type]


async def test_nothing_is_sent_when_nobody_listens() -> None:
    async with talking(_nothing) as origin:
        pass
    async with transport() as way:
        for method in ("GET", "POST"):
            request = httpx.Request(method, origin)
            with pytest.raises(NotSentError):
                await way.handle_async_request(request)
            assert not was_sent(request)


async def _nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await heard(reader)


async def test_nothing_is_sent_when_tls_fails() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 this is no TLS\r\n\r\n")

    async with talking(talk) as origin, transport() as way:
        request = httpx.Request("POST", origin.replace("http:", "https:"))
        with pytest.raises(NotSentError):
            await way.handle_async_request(request)
        assert not was_sent(request)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
async def test_a_connection_that_breaks_after_the_request_is_told_and_not_tried_again(
    method: str,
) -> None:
    """aiohttp would send idempotent methods again by itself: a PUT with If-None-Match meets its own
    work then."""
    requests: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await heard(reader))

    async with talking(talk) as origin, transport() as way:
        request = httpx.Request(method, origin)
        with pytest.raises(AnswerLostError):
            await way.handle_async_request(request)
        assert was_sent(request)
    assert len(requests) == 1


async def test_a_kept_connection_that_the_server_closed_meanwhile_is_not_used() -> None:
    """A write must not be lost to a server's keep-alive limit, when its end has been heard."""
    ends: list[asyncio.StreamWriter] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await heard(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        ends.append(writer)
        await reader.read()

    async with talking(talk) as origin, transport() as way:
        http = Http(Door(way), origin)
        assert (await http.send("POST", "/")).content == b"ok"
        ends[0].close()
        await ends[0].wait_closed()
        await asyncio.sleep(0)
        for _ in range(100):  # until the loop has heard of it
            await asyncio.sleep(0.001)
            if way.connector is not None and not way.connector.idle:
                break
        assert (await http.send("POST", "/")).content == b"ok"
    assert len(ends) == 2


async def test_a_deadline_tells_what_was_sent_from_what_waited_for_a_connection() -> None:
    """One connection: the first caller's request is under way, the second's never left."""
    heard_one = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await heard(reader)
        heard_one.set()
        await reader.read()

    async with talking(talk) as origin, door(max_connections=1) as way:
        end = asyncio.get_running_loop().time() + 0.3
        http = Http(way, origin, deadline=end)
        first = asyncio.create_task(failure(http.send("POST", "/")))
        await heard_one.wait()
        second = asyncio.create_task(failure(http.send("POST", "/")))
        assert (await first).kind is Kind.OUTCOME_UNKNOWN
        assert (await second).kind is Kind.UNAVAILABLE


# -- TLS


def _certificate(folder: Path, host: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context for `host`, and a client's that trusts whoever vouches for it."""
    authority = Authority()
    pem = folder / "server.pem"
    pem.write_bytes(b"".join(authority.leaf(dns=[host])))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    client = ssl.create_default_context(cadata=authority.pem.decode())
    return server, client


@pytest.mark.parametrize(
    ("host", "trusted", "fine"),
    [("localhost", True, True), ("localhost", False, False), ("other.example", True, False)],
)
async def test_tls_is_spoken_with_the_host_that_was_meant(
    tmp_path: Path, host: str, trusted: bool, fine: bool
) -> None:
    server, client = _certificate(tmp_path, host)
    asked: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        asked.append(request.host)
        return web.Response(text="secret")

    async with serving(handler, server) as origin:
        where = origin.replace("127.0.0.1", "localhost")
        verify = client if trusted else None
        async with door(guard=Guard(["localhost"]), verify=verify) as way:
            for _ in range(2):
                sent = Http(way, where).send("POST", "/")
                if fine:
                    assert (await sent).content == b"secret"
                else:
                    assert (await failure(sent)).kind is Kind.UNAVAILABLE
    assert len(asked) == (2 if fine else 0)


def test_the_process_has_one_set_of_authorities() -> None:
    assert authorities() is authorities()
    assert authorities().verify_mode is ssl.CERT_REQUIRED
    assert authorities().check_hostname
    assert authorities().minimum_version >= ssl.TLSVersion.TLSv1_2


# -- bodies


@pytest.mark.parametrize(
    ("coding", "pack"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda data: zlib.compress(data)[2:-4]),
        ("identity", bytes),
    ],
)
async def test_bodies_are_inflated(coding: str, pack: object) -> None:
    whole = os.urandom(300_000) + b"0" * 300_000

    async def handler(request: web.Request) -> web.Response:
        assert request.headers["accept-encoding"] == "gzip, deflate"
        assert "gzip" in request.headers["user-agent"]  # else Google does not compress
        return web.Response(body=pack(whole), headers={"content-encoding": coding})  # type: ignore[operator]

    async with upstream(handler) as http:
        reply = await http.send("GET", "x")
    assert reply.content == whole
    assert "content-encoding" not in reply.headers


async def test_a_bomb_costs_no_more_than_the_cap() -> None:
    """300 MB in 300 kB. Seen on httpx and aiohttp as they come: all of it in memory."""
    packer = zlib.compressobj(wbits=31)
    bomb = b"".join(packer.compress(bytes(1_000_000)) for _ in range(300)) + packer.flush()
    assert len(bomb) < 400_000

    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=bomb, headers={"content-encoding": "gzip"})

    async with upstream(handler) as http:
        tracemalloc.start()
        error = await failure(http.send("GET", "x"))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert (error.kind, error.reason) == (Kind.PROVIDER_FAULT, "ANSWER_TOO_LARGE")
    assert peak < 20_000_000, peak


async def test_many_small_members_of_gzip_are_one_body_or_an_error_and_cost_little() -> None:
    async def handler(request: web.Request) -> web.Response:
        body = gzip.compress(b"") * 100_000
        return web.Response(body=body, headers={"content-encoding": "gzip"})

    async with upstream(handler) as http, asyncio.timeout(3):
        error = None
        try:
            assert (await http.send("GET", "x")).content == b""
        except ProviderError as caught:
            error = caught
        assert error is None or error.kind is Kind.UNAVAILABLE


async def test_a_plain_body_over_the_cap_is_cut_off() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await heard(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(bytes(100_000))
            await writer.drain()

    async with talking(talk) as origin, transport(max_body=1_000_000) as way:
        response = await way.handle_async_request(httpx.Request("GET", origin))
        with pytest.raises(TooLargeError):
            async for _ in response.aiter_raw():
                pass
        await response.aclose()


@pytest.mark.parametrize("coding", ["br", "zstd", "compress", "gzip, gzip", "aes128gcm"])
async def test_a_coding_that_was_not_asked_for_is_refused(coding: str) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await heard(reader)
        writer.write(
            f"HTTP/1.1 200 OK\r\ncontent-encoding: {coding}\r\ncontent-length: 0\r\n\r\n".encode()
        )
        await reader.read()

    async with talking(talk) as origin, transport() as way:
        with pytest.raises(BadAnswerError):
            await way.handle_async_request(httpx.Request("GET", origin))


async def test_a_large_request_goes_out_whole() -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(text=str(len(await request.read())))

    async with upstream(handler) as http:
        reply = await http.send("PUT", "x", content=bytes(5_000_000))
    assert reply.content == b"5000000"


# -- what is shared, and what is not


async def test_cookies_of_one_caller_do_not_reach_the_next() -> None:
    """By host name: aiohttp's jar ignores addresses."""
    seen: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(request.headers.get("cookie", ""))
        response = web.Response()
        response.set_cookie("session", "mine")
        return response

    async with serving(handler) as origin, door(guard=Guard(["localhost"])) as way:
        http = Http(way, origin.replace("127.0.0.1", "localhost"))
        assert "set-cookie" not in (await http.send("GET", "/")).headers
        await http.send("GET", "/")
    assert seen == ["", ""]


async def test_the_environment_names_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(text="direct")

    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with upstream(handler) as http:
        assert (await http.send("GET", "x")).content == b"direct"


async def test_cancelled_calls_leave_the_pool_whole() -> None:
    """R9: ten thousand callers give up at every stage; then every place in the pool is free."""
    served = 0

    async def handler(request: web.Request) -> web.Response:
        nonlocal served
        served += 1
        if "slow" in request.path:
            await asyncio.sleep(0.05)
        return web.Response(text="ok")

    async with upstream(handler, max_connections=80, seconds=100) as http:
        for turn in range(20):
            tasks = [asyncio.create_task(http.send("GET", "slow")) for _ in range(500)]
            for _ in range(turn):
                await asyncio.sleep(0)
            await asyncio.sleep(0.002 * (turn % 5))
            for task in tasks:
                task.cancel()
            ends = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(isinstance(end, asyncio.CancelledError) for end in ends)
        replies = await asyncio.gather(*(http.send("GET", "fast") for _ in range(100)))
        assert {reply.content for reply in replies} == {b"ok"}
        way = http.door.transport
        assert isinstance(way, Transport)
        assert way.connector is not None
        assert way.connector.busy == 0
    assert served > 100


async def test_a_closed_transport_says_that_nothing_was_sent() -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response()

    async with upstream(handler) as http:
        await http.send("GET", "x")
        await http.door.transport.aclose()
        assert (await failure(http.send("POST", "x"))).kind is Kind.UNAVAILABLE
