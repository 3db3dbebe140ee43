"""The HTTP side against those who take their time."""

import asyncio

import pytest

from server.http import HttpServer

_HEAD = b"GET /livez HTTP/1.1\r\nHost: a\r\n"


async def _ready() -> str:
    return ""


@pytest.mark.parametrize(
    "sent",
    [b"", _HEAD, _HEAD + b"\r\n", _HEAD + b"\r\n" + _HEAD],
    ids=["nothing", "half a request", "a request and silence", "a request and half of another"],
)
async def test_who_does_not_end_a_request_is_let_go(sent: bytes) -> None:
    """Bytes that trickle in win no time: else a few thousand such callers take all descriptors."""
    http = HttpServer(_ready, idle=0.5)
    port = await http.start("127.0.0.1", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(sent)
        await writer.drain()
        async with asyncio.timeout(10):
            while await _is_open(reader, writer):
                pass
    finally:
        writer.close()
        await http.stop()


async def _is_open(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Read what comes for a moment, else send one more byte of a header."""
    try:
        async with asyncio.timeout(0.1):
            return bool(await reader.read(4096))
    except TimeoutError:
        writer.write(b"x")
        return True
    except ConnectionError:
        return False
