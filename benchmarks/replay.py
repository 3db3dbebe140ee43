"""An upstream that costs nearly nothing: it answers from memory what a real server answered once.

    python -m benchmarks.replay URL [DELAY]     prints its port, ends with its input

The first time a request comes it is passed on to URL, and the answer is kept for the next times.
"""

import asyncio
import hashlib
import sys

import httpx
import uvloop
from aiohttp import web

from tests.loopback import for_all, served

_HOP = {"connection", "content-encoding", "content-length", "date", "server", "transfer-encoding"}
_PASSED = {"authorization", "content-type", "depth", "prefer", "if-match", "if-none-match"}

Key = tuple[str, str, str, bool, bytes]


class Replay:
    """Answers by method, path, depth, whether it is signed, and body."""

    def __init__(self, upstream: str, delay: float) -> None:
        self._client = httpx.AsyncClient(base_url=upstream, trust_env=False, timeout=60)
        self._known: dict[Key, tuple[int, dict[str, str], bytes]] = {}
        self._delay = delay

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        depth = request.headers.get("depth", "")
        signed = "authorization" in request.headers
        key = (request.method, request.path_qs, depth, signed, hashlib.sha256(body).digest())
        if key not in self._known:
            found = await self._client.request(
                request.method,
                request.path_qs,
                content=body,
                headers={k: v for k, v in request.headers.items() if k.lower() in _PASSED},
            )
            headers = {k: v for k, v in found.headers.items() if k.lower() not in _HOP}
            self._known[key] = (found.status_code, headers, found.content)
        if self._delay:
            await asyncio.sleep(self._delay)
        status, headers, content = self._known[key]
        return web.Response(status=status, headers=headers, body=content)


async def main(upstream: str, delay: float) -> None:
    replay = Replay(upstream, delay)
    async with served(for_all(replay.answer)) as origin:
        print(origin.rpartition(":")[2], flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 0.0))
