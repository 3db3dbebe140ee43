"""What a client of ucal wants besides the stubs: a watch that comes back, and errors read.

`pip install ucal-client` has it as `ucal.following`. Short enough to copy.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import grpc
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2  # type: ignore[import-untyped, unused-ignore]
from grpc_status import rpc_status

from ucal.v1 import watch_pb2
from ucal.v1.watch_pb2_grpc import WatchServiceStub


@dataclass
class Watch:
    """Follows a connection.

    `token` says how far: keep it beside what has been handled, and a new process goes on where
    this one ended.
    """

    stub: WatchServiceStub
    connection: str
    token: bytes = b""

    def run(self, handle: Callable[[Sequence[watch_pb2.Change]], bool]) -> None:
        """Hand changes to `handle`, in order and at least once, until it says False.

        Comes back after each cut. A first call with no changes tells that the watch stands.
        """
        wait = 0.1
        while True:
            stream = self.stub.WatchEvents(
                watch_pb2.WatchEventsRequest(
                    scope=watch_pb2.WatchScope(connection_id=self.connection),
                    resume_token=self.token,
                    poll_interval=Duration(seconds=1),
                )
            )
            try:
                for message in stream:
                    if message.HasField("opened"):
                        continue
                    wait = 0.1
                    more = handle(message.changes.changes)
                    # After handle: what was not handled must come again.
                    self.token = message.resume_token or self.token
                    if not more:
                        return
            except grpc.RpcError as error:
                # A cut, or a server that rotates its streams; the rest is for the caller.
                if error.code() != grpc.StatusCode.UNAVAILABLE:
                    raise
            finally:
                stream.cancel()
            time.sleep(wait)
            wait = min(2 * wait, 30)


def details(error: grpc.RpcError) -> tuple[str, list[str]]:
    """What every error of ucal carries: a reason to act on, and for bad input the fields."""
    reason = ""
    fields: list[str] = []
    status = rpc_status.from_call(cast("grpc.Call", error))
    for detail in status.details if status else ():
        info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        if detail.Unpack(info):
            reason = info.reason
        elif detail.Unpack(bad):
            fields = [violation.field for violation in bad.field_violations]
    return reason, fields
