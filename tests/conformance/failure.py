"""A call that failed, with all that its caller learns of it."""

from typing import Any

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

_DETAILS = {
    kind.DESCRIPTOR.full_name: kind
    for kind in (
        error_details_pb2.ErrorInfo,
        error_details_pb2.BadRequest,
        error_details_pb2.RetryInfo,
        error_details_pb2.QuotaFailure,
        error_details_pb2.PreconditionFailure,
        error_details_pb2.ResourceInfo,
    )
}


class Failure(AssertionError):  # noqa: N818 - it is the answer that a test waits for
    """A call that failed; an assertion failure wherever it is not expected.

    Attributes:
        code: gRPC status.
        message: text of the status.
        details: by the name of their type.
        everything: whatever of the failure reaches the caller, as bytes.
    """

    def __init__(self, where: str, error: grpc.aio.AioRpcError) -> None:
        self.code = error.code()
        self.message = error.details() or ""
        self.details: dict[str, Any] = {}
        status = rpc_status.from_call(error)  # type: ignore[arg-type]  # has what it reads
        for packed in status.details if status else ():
            kind = _DETAILS[packed.TypeName()]
            detail = kind()
            packed.Unpack(detail)
            assert kind.DESCRIPTOR.name not in self.details, f"{where}: two {kind} (AIP-193)"
            self.details[kind.DESCRIPTOR.name] = detail
        trailing = [value for _, value in error.trailing_metadata() or ()]
        self.everything = b"\0".join(
            part if isinstance(part, bytes) else str(part).encode()
            for part in (self.message, error.debug_error_string() or "", *trailing)
        )
        super().__init__(f"{where}: {self.code.name} {self.reason}: {self.message}")

    @property
    def reason(self) -> str:
        """Reason of google.rpc.ErrorInfo."""
        return str(self.details["ErrorInfo"].reason) if "ErrorInfo" in self.details else ""

    @property
    def fields(self) -> list[str]:
        """Field paths of google.rpc.BadRequest."""
        found = self.details.get("BadRequest")
        return [violation.field for violation in found.field_violations] if found else []

    @property
    def retry_after(self) -> float | None:
        """Seconds of google.rpc.RetryInfo."""
        found = self.details.get("RetryInfo")
        return found.retry_delay.ToTimedelta().total_seconds() if found else None
