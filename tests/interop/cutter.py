"""A wire that is cut: runs an example behind a proxy, and compares what it prints.

    python -m tests.interop.cutter ADDRESS COMMAND...

The command gets the proxy's address and the connection as its last arguments. The proxy cuts the
client's connection once: just before the watch would tell what the example wrote while it watched.
An example that does not come back with its token never sees it.
"""

import asyncio
import sys
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable

SECONDS = 60
MARK = b": seen live"
EXPECTED = """\
created: Weekly
one instance: Weekly, in another room
listed: 4 instances
watch: cut, resumed, nothing lost
error: INVALID_REQUEST page_size
"""
# RFC 9113: the client's preface, a frame's header, two kinds of frame.
_PREFACE, _HEADER = 24, 9
_DATA, _HEADERS = 0, 1


class Wire:
    """Connections to `address`, one of which is cut.

    Attributes:
        cuts: how often it was.
    """

    def __init__(self, address: str) -> None:
        self._host, _, self._port = address.rpartition(":")
        self.cuts = 0

    async def accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Both directions of one connection, until either ends or it is cut."""
        upstream, onward = await asyncio.open_connection(self._host, int(self._port))
        newest = 0

        def asked(kind: int, stream: int, payload: bytes) -> bool:
            nonlocal newest
            newest = max(newest, stream) if kind == _HEADERS else newest
            return True

        def told(kind: int, stream: int, payload: bytes) -> bool:
            # The newest stream is the call that wrote: the mark in an older one is the watch.
            if self.cuts or kind != _DATA or stream == newest or MARK not in payload:
                return True
            self.cuts += 1
            return False

        async def ask() -> None:
            onward.write(await reader.readexactly(_PREFACE))
            await _frames(reader, onward, asked)

        directions = [
            asyncio.create_task(ask()),
            asyncio.create_task(_frames(upstream, writer, told)),
        ]
        await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
        for each in directions:
            each.cancel()
        await asyncio.gather(*directions, return_exceptions=True)
        for end in (writer, onward):
            end.transport.abort()


async def _frames(
    source: StreamReader, sink: StreamWriter, passes: Callable[[int, int, bytes], bool]
) -> None:
    """Hand frames on for as long as they pass."""
    while True:
        header = await source.readexactly(_HEADER)
        payload = await source.readexactly(int.from_bytes(header[:3], "big"))
        stream = int.from_bytes(header[5:], "big") & 0x7FFFFFFF
        if not passes(header[3], stream, payload):
            return
        sink.write(header + payload)
        await sink.drain()


async def main(address: str, command: list[str]) -> str:
    """What was wrong; empty: nothing."""
    wire = Wire(address)
    async with await asyncio.start_server(wire.accept, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        process = await asyncio.create_subprocess_exec(
            *command, f"127.0.0.1:{port}", "sandbox", stdout=asyncio.subprocess.PIPE
        )
        try:
            output, _ = await asyncio.wait_for(process.communicate(), SECONDS)
        except TimeoutError:
            return f"not done within {SECONDS} s, its connection was cut {wire.cuts} times"
        finally:
            if process.returncode is None:
                process.kill()
        text = output.decode()
        sys.stdout.write(text)
        server.close()
    if process.returncode:
        return f"ended with {process.returncode}, its connection was cut {wire.cuts} times"
    if text != EXPECTED:
        return f"printed something else than the others:\n{text}and not:\n{EXPECTED}"
    return "" if wire.cuts == 1 else "its watch told nothing that could be cut"


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1], sys.argv[2:])) or 0)
