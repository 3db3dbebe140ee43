"""grpc-web through Envoy."""

import asyncio
import base64
import re
import shutil
import struct
from collections.abc import Iterator

import httpx

from tests.interop.mesh.replicas import ROOT, Mesh, check, say
from ucal.v1 import provider_pb2


async def grpc_web(client: httpx.AsyncClient) -> None:
    """Both forms of the protocol, an answer and an error (PROTOCOL-WEB.md of grpc/grpc)."""
    for text in (False, True):
        for wanted in ("sandbox", "nowhere"):
            message = provider_pb2.GetProviderRequest(id=wanted).SerializeToString()
            body = struct.pack(">BI", 0, len(message)) + message
            kind = f"application/grpc-web{'-text' if text else ''}+proto"
            answer = await client.post(
                "/ucal.v1.ProviderService/GetProvider",
                content=base64.b64encode(body) if text else body,
                headers={"Content-Type": kind, "Accept": kind, "X-Grpc-Web": "1"},
            )
            frames = dict(_frames(_decoded(answer.content) if text else answer.content))
            trailers = frames.get(0x80, b"").decode() + str(answer.headers)
            if wanted == "sandbox":
                told = provider_pb2.GetProviderResponse.FromString(frames[0])
                check(told.provider.id == "sandbox", "grpc-web: another provider")
                check(re.search(r"grpc-status: ?0", trailers), f"grpc-web: {trailers}")
            else:
                check(re.search(r"grpc-status'?: ?'?5", trailers), f"grpc-web: {trailers}")
                check("grpc-status-details-bin" in trailers, "grpc-web: no details")
    say("grpc-web: binary and text, answer and error with details")


BUILT = ROOT / "examples/typescript/dist/src/web.js"


async def connect_web(here: Mesh) -> None:
    """The example on @connectrpc/connect-web, as `tests/interop/clients.sh typescript` built it."""
    node = shutil.which("node")
    if node is None or not BUILT.exists():
        say(f"grpc-web: Connect's own client skipped, {'not built' if node else 'no node'}")
        return
    process = await asyncio.create_subprocess_exec(
        node, str(BUILT), here.base, "sandbox",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        output, _ = await asyncio.wait_for(process.communicate(), 30)
    finally:
        if process.returncode is None:
            process.kill()
    check(process.returncode == 0, f"grpc-web by Connect: {output.decode()}")
    say(f"grpc-web by Connect: {'; '.join(output.decode().splitlines())}")


def _decoded(content: bytes) -> bytes:
    """Base64 whose pieces may each end with padding."""
    return b"".join(
        base64.b64decode(each) for each in re.findall(rb"[A-Za-z0-9+/]+={0,2}", content)
    )


def _frames(content: bytes) -> Iterator[tuple[int, bytes]]:
    while content:
        flag, size = struct.unpack(">BI", content[:5])
        yield flag, content[5 : 5 + size]
        content = content[5 + size :]
