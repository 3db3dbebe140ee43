"""A bare grpc.aio server that answers every call with the same bytes: the floor under ours.

python -m benchmarks.echo FILE     prints its port, ends with its input
"""

import asyncio
import sys
from pathlib import Path

import grpc
import uvloop


class Echo(grpc.GenericRpcHandler):
    """Answers any unary method."""

    def __init__(self, answer: bytes) -> None:
        async def call(_request: bytes, _context: object) -> bytes:
            return answer

        self._handler = grpc.unary_unary_rpc_method_handler(call)

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        return self._handler


async def main(answer: bytes) -> None:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((Echo(answer),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await server.stop(None)


if __name__ == "__main__":
    uvloop.run(main(Path(sys.argv[1]).read_bytes()))
