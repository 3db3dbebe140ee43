"""R21: what a hostile client can send to the gRPC port, and how the service is right after it."""

import asyncio
import contextlib
import random
import struct
import time
import zlib
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import grpc

from benchmarks.chaos.figures import CLAIMS, Row
from benchmarks.processes import Contestant
from benchmarks.suite_service import METHOD, service
from ucal.v1 import event_pb2, event_pb2_grpc

Call: TypeAlias = "grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]"
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_ALIVE_MS = 50.0
_MORE_KIB = 20 * 1024
_WARM = 3
_DATA, _HEADERS, _RST, _SETTINGS, _PING = 0, 1, 3, 4, 6
_END_HEADERS, _END_STREAM = 4, 1


def _frame(kind: int, flags: int, stream: int, content: bytes) -> bytes:
    return struct.pack(">I", len(content))[1:] + struct.pack(">BBI", kind, flags, stream) + content


def _field(name: str, value: str) -> bytes:
    """A header, literal, without indexing (RFC 7541, 6.2.2)."""
    return b"\0" + b"".join(_text(each) for each in (name, value))


def _text(text: str) -> bytes:
    content = text.encode()
    if len(content) < 127:
        return bytes([len(content)]) + content
    rest, size = len(content) - 127, b"\x7f"
    while rest >= 128:
        size, rest = size + bytes([rest % 128 + 128]), rest // 128
    return size + bytes([rest]) + content


def _headers(*more: tuple[str, str]) -> bytes:
    known = (
        (":method", "POST"), (":scheme", "http"), (":path", METHOD), (":authority", "x"),
        ("content-type", "application/grpc"), ("te", "trailers"),
    )  # fmt: skip
    return b"".join(_field(*each) for each in (*known, *more))


_START = _PREFACE + _frame(_SETTINGS, 0, 0, b"")


async def _spoken(port: int, *pieces: bytes, wait: float = 3.0) -> None:
    """Send and read until the other side is done, hangs up, or `wait` seconds are over."""
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(wait):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                while await reader.read(65536):
                    pass
            finally:
                writer.close()


async def _resets(port: int) -> None:
    """50,000 streams opened and reset at once (CVE-2023-44487)."""

    def batch(first: int) -> bytes:
        opened = _frame(_HEADERS, _END_HEADERS, first, _headers())
        return opened + _frame(_RST, 0, first, struct.pack(">I", 8))

    pieces = [b"".join(batch(n) for n in range(at, at + 1000, 2)) for at in range(1, 100_001, 1000)]
    await _spoken(port, _START, *pieces, wait=20)


async def _pings(port: int) -> None:
    """5,000 pings."""
    await _spoken(port, _START, _frame(_PING, 0, 0, b"12345678") * 5000, wait=2)


async def _large(port: int) -> None:
    """A message of 5 MB, which is more than is taken."""
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        call: Call = channel.unary_unary(METHOD)
        with contextlib.suppress(grpc.aio.AioRpcError):
            await call(b"\x0a" + b"x" * 5_000_000, timeout=10)


async def _bomb(port: int) -> None:
    """60 MB of nothing, packed with gzip to 60 kB."""
    packer = zlib.compressobj(wbits=31)
    body = packer.compress(b"\0" * 60_000_000) + packer.flush()
    message = b"\1" + struct.pack(">I", len(body)) + body
    opened = _frame(_HEADERS, _END_HEADERS, 1, _headers(("grpc-encoding", "gzip")))
    parts = [message[at : at + 16_000] for at in range(0, len(message), 16_000)]
    data = [_frame(_DATA, _END_STREAM if part is parts[-1] else 0, 1, part) for part in parts]
    await _spoken(port, _START + opened, *data, wait=2)


async def _metadata(port: int) -> None:
    """200 kB of metadata."""
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        call: Call = channel.unary_unary(METHOD)
        for _ in range(20):
            with contextlib.suppress(grpc.aio.AioRpcError):
                await call(b"", metadata=(("x-note", "y" * 200_000),), timeout=5)


async def _half_open(port: int) -> None:
    """500 connections that stop in the middle of their greeting."""
    found = []
    for _ in range(500):
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(_PREFACE[:10])
            found.append(writer)
    await asyncio.sleep(1)
    for writer in found:
        writer.close()


async def _garbage(port: int) -> None:
    """300 connections that speak no HTTP/2."""
    chance = random.Random(21)
    for _ in range(15):
        await asyncio.gather(*(_spoken(port, chance.randbytes(2000), wait=1) for _ in range(20)))


async def _bodies(port: int) -> None:
    """500 messages of random bytes, to every place in the contract alike."""
    chance = random.Random(22)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        call: Call = channel.unary_unary(METHOD)
        for _ in range(500):
            with contextlib.suppress(grpc.aio.AioRpcError):
                await call(chance.randbytes(chance.randrange(400)), timeout=5)


ATTACKS: tuple[Callable[[int], Awaitable[None]], ...] = (
    _resets, _pings, _large, _bomb, _metadata, _half_open, _garbage, _bodies,
)  # fmt: skip


async def _asked(port: int) -> float:
    """Milliseconds until the service answers a new caller."""
    began = time.perf_counter()
    async with grpc.aio.insecure_channel(
        f"127.0.0.1:{port}", options=(("grpc.use_local_subchannel_pool", 1),)
    ) as channel:
        await event_pb2_grpc.EventServiceStub(channel).ListEvents(
            event_pb2.ListEventsRequest(connection_id="bench", page_size=5), timeout=10
        )
    return (time.perf_counter() - began) * 1000


async def _after(ours: Contestant, attack: Callable[[int], Awaitable[None]]) -> float:
    """The first answer after the attack; one that is late for another reason is tried again."""
    await attack(ours.port)
    return min([await _asked(ours.port) for _ in range(2)])


async def run() -> list[Row]:
    """Each attack, then a call."""
    async with service() as ours:
        for _ in range(_WARM):
            for attack in (_bodies, _large, _metadata):
                await attack(ours.port)
        before = ours.resident_kib()
        waits = {attack.__name__.strip("_"): await _after(ours, attack) for attack in ATTACKS}
        more = (ours.resident_kib() - before) / 1024
    worst = max(waits, key=lambda name: waits[name])
    text = f"alive after {len(waits)} attacks, slowest answer {waits[worst]:.0f} ms (after {worst})"
    ok = waits[worst] <= _ALIVE_MS and more * 1024 <= _MORE_KIB
    return [("R21", CLAIMS["R21"], f"{text}, {more:+.1f} MB", ok)]
