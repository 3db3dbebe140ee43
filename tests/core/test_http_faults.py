"""R6: what an upstream can do wrong ends in a documented error, in time, in little memory."""

import asyncio
import gzip
import tracemalloc
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from providers.core.errors import Kind, ProviderError
from providers.core.http import Http
from providers.core.wire import decode
from tests.core.upstream import Talk, door, heard, talking

OK = b"HTTP/1.1 200 OK\r\n"
SECONDS = 0.5


class Thing(msgspec.Struct):
    id: int
    name: str


def says(*parts: bytes) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await heard(reader)
        for part in parts:
            writer.write(part)
        await writer.drain()

    return talk


def body(content: bytes, *headers: bytes, status: bytes = b"200 OK") -> Talk:
    head = [
        b"HTTP/1.1 " + status,
        b"content-length: %d" % len(content),
        b"connection: close",
        *headers,
    ]
    return says(b"\r\n".join(head) + b"\r\n\r\n" + content)


def drips(first: bytes, drop: bytes) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await heard(reader)
        writer.write(first)
        while True:
            writer.write(drop)
            await writer.drain()
            await asyncio.sleep(0.01)

    return talk


async def resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await heard(reader)
    writer.transport.abort()


async def hangs(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await heard(reader)
    await reader.read()


async def floods(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await heard(reader)
    while True:
        writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100)
        await writer.drain()


LOST = (Kind.UNAVAILABLE, Kind.OUTCOME_UNKNOWN)
LATE = (Kind.TIMEOUT, Kind.OUTCOME_UNKNOWN)
# Answered, and yet of no use: the work is done.
ODD = (Kind.PROVIDER_FAULT, Kind.PROVIDER_FAULT)

FAULTS: dict[str, tuple[Talk, tuple[Kind, Kind]]] = {
    "close": (says(), LOST),
    "reset": (resets, LOST),
    "hang": (hangs, LATE),
    "slow header": (drips(OK, b"x"), LATE),
    "slow body": (drips(OK + b"content-length: 100000\r\n\r\n", b"1"), LATE),
    "1xx flood": (floods, LOST),
    "truncated head": (says(OK + b"content-le"), LOST),
    "truncated body": (says(OK + b'content-length: 90\r\n\r\n{"id": 1'), LOST),
    "bad chunk": (says(OK + b"transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n"), LOST),
    "bad gzip": (body(b"not gzip", b"content-encoding: gzip"), LOST),
    "truncated gzip": (body(gzip.compress(b"{}" * 999)[:20], b"content-encoding: gzip"), LOST),
    "other length": (says(OK + b"content-length: 2\r\ncontent-length: 5\r\n\r\n{}{}{"), LOST),
    "length and chunks": (
        says(OK + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
        LOST,
    ),
    "100k headers": (says(OK + b"a: b\r\n" * 100_000 + b"content-length: 2\r\n\r\n{}"), LOST),
    "huge header": (says(OK + b"a: " + b"b" * 100_000 + b"\r\ncontent-length: 0\r\n\r\n"), LOST),
    "no HTTP": (says(b"SSH-2.0-OpenSSH_9.9\r\n"), LOST),
    "empty": (body(b""), ODD),
    "truncated JSON": (body(b'{"id": 1, "na'), ODD),
    "HTML": (body(b"<html><body>Bad gateway", b"content-type: text/html"), ODD),
    "invalid UTF-8": (body(b'{"id": 1, "name": "\xff\xfe"}'), ODD),
    "wrong types": (body(b'{"id": "one", "name": []}'), ODD),
    "missing": (body(b'{"name": "x"}'), ODD),
    "deep": (body(b"[" * 1_000_000), ODD),
    "huge": (
        drips(OK + b"\r\n", bytes(4_000_000)),
        (Kind.PROVIDER_FAULT, Kind.OUTCOME_UNKNOWN),
    ),
    "500": (body(b"", status=b"500 x"), LOST),
    "502": (body(b"<html>", status=b"502 x"), LOST),
    "503": (body(b"", status=b"503 x"), LOST),
    "504": (body(b"", status=b"504 x"), LATE),
    "521": (body(b"", status=b"521 x"), LOST),
    "503 that refuses": (
        body(b"", b"retry-after: 99", status=b"503 x"),
        (Kind.UNAVAILABLE, Kind.UNAVAILABLE),
    ),
    "429": (
        body(b"", b"retry-after: 99", status=b"429 x"),
        (Kind.RATE_LIMITED, Kind.RATE_LIMITED),
    ),
    "redirect to metadata": (
        body(b"", b"location: http://169.254.169.254/latest", status=b"307 x"),
        ODD,
    ),
    "redirect to a file": (body(b"", b"location: file:///etc/passwd", status=b"307 x"), ODD),
    "redirect to itself": (body(b"", b"location: /", status=b"307 x"), ODD),
    "redirect to nothing": (body(b"", b"location: http://[", status=b"307 x"), ODD),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_fault_ends_in_a_documented_error(fault: str, method: str) -> None:
    talk, (read, write) = FAULTS[fault]
    async with talking(talk) as origin, door() as way:
        loop = asyncio.get_running_loop()
        # What does not last ends by itself, on a busy machine later.
        end = loop.time() + (SECONDS if read is Kind.TIMEOUT else 10 * SECONDS)
        http = Http(way, origin, deadline=end)
        tracemalloc.start()
        with pytest.raises(ProviderError) as caught:
            decode(await http.send(method, "/things/secret-id?q=secret"), Thing)
        late = loop.time() - end
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    error = caught.value
    assert error.kind is (read if method == "GET" else write), (error.kind, error.message)
    assert late < 0.1, f"{late} s after the deadline"
    assert peak < 40_000_000, peak
    told = f"{error!r} {error.message} {error.metadata} {error.violations}"
    for word in ("secret", "127.0.0.1", "<html", "169.254", "OpenSSH"):
        assert word not in told
    chain = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    assert chain is None, f"a traceback would print {chain!r}"


@pytest.mark.parametrize(
    "answer",
    [
        says(b"HTTP/1.0 200 OK\r\n\r\n", b'{"id": 1, "name": "x"}'),
        says(
            b"HTTP/1.1 103 Early Hints\r\n\r\n" * 3,
            OK,
            b'content-length: 22\r\n\r\n{"id": 1, "name": "x"}',
        ),
        body(b'{"id": 1, "name": "x", "new": [1, {"a": null}]}', b"content-type: text/plain"),
    ],
)
async def test_what_is_odd_but_allowed_is_read(answer: Callable[..., Any]) -> None:
    async with talking(answer) as origin, door() as way:
        reply = await Http(way, origin).send("GET", "/")
    assert decode(reply, Thing) == Thing(1, "x")
